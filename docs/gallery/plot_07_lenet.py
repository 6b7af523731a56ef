r"""
LeNet-5 learns to read digits
=============================

The network that read cheques in 1998 (Y. LeCun, L. Bottou, Y. Bengio, P. Haffner), with `relu` and max-pools, on the
1,797 handwritten digits of scikit-learn: three quarters to learn from, a quarter held out. It learns in seconds, and
its filters can be looked at.
"""

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
from sklearn.datasets import load_digits

import cconv
from cconv import nn

digits = load_digits()

# %%
# The images
# ----------
# 8 × 8 pixels become 32 × 32 by a transposed convolution with a pyramid, which is linear interpolation.

slope = np.float32([1, 3, 5, 7, 7, 5, 3, 1]) / 8
pyramid = np.outer(slope, slope)[np.newaxis, np.newaxis]
small = np.float32(digits.images[:, np.newaxis]) / 16
images = cconv.conv_transpose2d(small, pyramid, stride=4, padding=2)
order = np.random.default_rng(0).permutation(len(images))
held_out, learned = np.split(order, [len(images) // 4])
print(small.shape, "become", images.shape)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(1.0, 1, 10)
for label, ax in enumerate(axes):
    pic.show(ax, images[learned][digits.target[learned] == label][0, 0], cmap="gray_r")
# sphinx_gallery_end_ignore

# %%
# The network
# -----------

model = nn.Sequential(
    [
        nn.Conv2d(6, 5, activation="relu"),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 5, activation="relu"),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dense(120, activation="relu"),
        nn.Dense(84, activation="relu"),
        nn.Dense(10),
    ],
    input_shape=(1, 32, 32),
    seed=0,
)
print(model.summary())
untrained = model[0].params["weight"].copy()

# %%
# Learning
# --------
# Eight times through the 1,348 examples, 32 at a step.

history = model.fit(
    images[learned],
    digits.target[learned],
    epochs=8,
    optimiser=nn.Adam(0.002),
    seed=0,
    progress=False,
    validation=(images[held_out], digits.target[held_out]),
)

output = model.predict(images[held_out])
right = nn.accuracy(output, digits.target[held_out])
print(f"{100 * right:.1f} % of {len(held_out)} held-out digits are right")
assert right > 0.96

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.7, 1, 2)
steps = np.arange(1, len(history.step_loss) + 1)
ends = np.arange(1, len(history.loss) + 1) * len(steps) / len(history.loss)
axes[0].plot(
    steps,
    history.step_loss,
    color=pic.tint(pic.GREY, 0.6),
    linewidth=0.6,
    label="each step",
)
axes[0].plot(
    ends, history.loss, "o-", color=pic.INPUT, markersize=4, label="mean of an epoch"
)
axes[0].plot(
    ends,
    history.validation_loss,
    "o-",
    color=pic.KERNEL,
    markersize=4,
    label="held out",
)
axes[0].set(yscale="log", xlabel="step", title="cross-entropy", ylim=(1e-3, 60))
axes[0].legend()
epochs = np.arange(1, len(history.loss) + 1)
axes[1].plot(
    epochs,
    100 * np.array(history.accuracy),
    "o-",
    color=pic.INPUT,
    markersize=4,
    label="while learning",
)
axes[1].plot(
    epochs,
    100 * np.array(history.validation_accuracy),
    "o-",
    color=pic.KERNEL,
    markersize=4,
    label="held out",
)
axes[1].set(xlabel="epoch", title="right answers, %", xticks=epochs, ylim=(70, 101))
pic.legend(axes[1], loc="lower right")
# sphinx_gallery_end_ignore

# %%
# The filters
# -----------
# The six filters of the first layer. They begin as noise, and learning changes them less than one might think: edges
# and strokes are soon found among many random filters, and the later layers learn what to make of them.

weights = model[0].params["weight"]
change = weights - untrained
share = np.linalg.norm(change) / np.linalg.norm(untrained)
print(f"change of the first layer: {share:.0%} of its length")

# sphinx_gallery_start_ignore
limit = np.abs(weights).max()
fig, axes = pic.figure(3.6, 3, 6)
for line, kernels, name in zip(
    axes, (untrained, weights, change), ("before", "after", "change"), strict=True
):
    for ax, kernel in zip(line, kernels[:, 0], strict=True):
        pic.show(ax, kernel, signed=True, vmin=-limit, vmax=limit)
        pic.frame(ax, (-0.5, -0.5), (5, 5), colour=pic.tint(pic.GREY, 0.5), width=0.8)
    line[0].set_ylabel(name)
# sphinx_gallery_end_ignore

# %%
# What it sees
# ------------
# A five, what the six filters of the first layer make of it, and the sixteen of the second.

five = images[held_out][digits.target[held_out] == 5][:1]
first = model[0].forward(five)
second = model[2].forward(model[1].forward(first))

# sphinx_gallery_start_ignore
fig, axes = pic.figure(1.6, 1, 7)
fig.suptitle(f"first layer: 6 maps of {first.shape[2]} × {first.shape[3]}")
pic.show(axes[0], five[0, 0], "input", cmap="gray_r")
for ax, plane in zip(axes[1:], first[0], strict=True):
    pic.show(ax, plane, cmap=pic.shades(pic.OUTPUT), vmax=first.max())
    pic.frame(ax, (-0.5, -0.5), plane.shape, colour=pic.tint(pic.GREY, 0.5), width=0.8)

fig, axes = pic.figure(2.3, 2, 8)
fig.suptitle(f"second layer: 16 maps of {second.shape[2]} × {second.shape[3]}")
for ax, plane in zip(axes.flat, second[0], strict=True):
    pic.show(ax, plane, cmap=pic.shades(pic.OUTPUT), vmax=second.max())
    pic.frame(ax, (-0.5, -0.5), plane.shape, colour=pic.tint(pic.GREY, 0.5), width=0.8)
# sphinx_gallery_end_ignore

# %%
# What it is least sure of
# ------------------------
# The eight held-out digits whose first and second guess are closest.

ranked = np.sort(output, axis=1)
unsure = np.argsort(ranked[:, -1] - ranked[:, -2])[:8]
guesses, labels = output.argmax(1), digits.target[held_out]
print(np.count_nonzero(guesses != labels), "of", len(held_out), "are wrong")

# sphinx_gallery_start_ignore
fig, axes = pic.figure(1.5, 1, 8)
for ax, index in zip(axes, unsure, strict=True):
    guess, label = guesses[index], labels[index]
    pic.show(
        ax,
        images[held_out][index, 0],
        f"{guess}" if guess == label else f"{guess}: no, {label}",
        cmap="gray_r",
    )
# sphinx_gallery_end_ignore
