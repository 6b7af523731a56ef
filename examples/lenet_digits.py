"""LeNet-5 learns scikit-learn's handwritten digits, and shows what it has learned.

    pip install 'cconv[examples]'
    python examples/lenet_digits.py

1,797 images of 8 x 8 pixels, enlarged to 32 x 32; three quarters to learn from, a quarter held out. Writes
lenet-learning.png, lenet-filters.png and lenet-maps.png where it is run.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, Proc. IEEE, 1998.
"""

import time
from pathlib import Path

import numpy as np

import cconv
from cconv import nn


def lenet5(*, seed=0):
    """61,706 parameters."""
    return nn.Sequential(
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
        input_shape=(1, 32, 32), seed=seed,
    )  # fmt: skip


def enlarged(images):
    """Four times as large, linear between the pixels: a transposed convolution with a pyramid."""
    slope = np.float32([1, 3, 5, 7, 7, 5, 3, 1]) / 8
    pyramid = np.outer(slope, slope)[np.newaxis, np.newaxis]
    return cconv.conv_transpose2d(images[:, np.newaxis], pyramid, stride=4, padding=2)


def digits(seed=0):
    """((images, labels) to learn from, (images, labels) held out)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = enlarged(np.float32(found.images) / 16), found.target
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, learned = np.split(order, [len(labels) // 4])
    return (images[learned], labels[learned]), (images[held_out], labels[held_out])


def shifted(images, labels, pixels=2):
    """The examples, and once more a little to each side."""
    moves = [(0, 0), (pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
    return np.concatenate([np.roll(images, move, (2, 3)) for move in moves]), np.tile(labels, len(moves))


def learn(small=False, seed=0):
    """(network, history, held-out examples)."""
    (images, labels), held_out = digits(seed)
    model = lenet5(seed=seed)
    print(model.summary())
    epochs = 2 if small else 8
    if not small:
        images, labels = shifted(images, labels)
    history = model.fit(images, labels, epochs=epochs, optimiser=nn.Adam(0.001), validation=held_out, seed=seed)
    return model, history, held_out


# ---- pictures ----------------------------------------------------------------------------------------------

INK, PALE, ACCENT = "#20364f", "#9aa7b5", "#d1495b"


def draw(model, history, image, directory):
    """Write the three pictures; return their paths."""
    from matplotlib.figure import Figure

    pictures = {
        "lenet-learning.png": learning_curve(Figure(figsize=(8, 3.4), layout="constrained"), history),
        "lenet-filters.png": filters(Figure(figsize=(8, 3.9), layout="constrained"), model),
        "lenet-maps.png": feature_maps(Figure(figsize=(8, 3.3), layout="constrained"), model, image),
    }
    paths = []
    for name, figure in pictures.items():
        paths.append(Path(directory) / name)
        figure.savefig(paths[-1], dpi=120, facecolor="white")
    return paths


def learning_curve(figure, history):
    left, right = figure.subplots(1, 2)
    steps = np.arange(1, len(history.step_loss) + 1)
    ends = np.arange(1, len(history.loss) + 1) * len(steps) / len(history.loss)
    left.plot(steps, history.step_loss, color=PALE, linewidth=0.6, label="each step")
    left.plot(ends, history.loss, color=INK, marker="o", markersize=3, label="mean of an epoch")
    left.plot(ends, history.validation_loss, color=ACCENT, marker="o", markersize=3, label="held out")
    left.set(yscale="log", xlabel="step", title="Cross-entropy")
    left.legend(frameon=False, fontsize=8)
    epochs = np.arange(1, len(history.loss) + 1)
    right.plot(epochs, 100 * np.array(history.accuracy), color=INK, marker="o", markersize=3, label="while learning")
    right.plot(epochs, 100 * np.array(history.validation_accuracy), color=ACCENT, marker="o", markersize=3,
               label="held out")  # fmt: skip
    right.axhline(98, color=PALE, linewidth=0.8, linestyle="--")
    right.set(xlabel="epoch", title="Right answers, %", xticks=epochs)
    right.legend(frameon=False, fontsize=8, loc="lower right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def filters(figure, model):
    """The six filters of the first layer, and those of the second for the first of their inputs."""
    first, second = model[0].params["weight"][:, 0], model[2].params["weight"]
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.6, 2.2])
    top.suptitle("First layer: 6 filters of 5 x 5", fontsize=10)
    bottom.suptitle("Second layer: 16 filters, what each takes of the first feature map", fontsize=10)
    tiles(top.subplots(1, 6), first, "RdBu_r", np.abs(first).max())
    tiles(bottom.subplots(2, 8).ravel(), second[:, 0], "RdBu_r", np.abs(second[:, 0]).max())
    return figure


def feature_maps(figure, model, image):
    """One digit, and what the two convolutions make of it."""
    maps = [image[np.newaxis]]
    for layer in model[:3]:
        maps.append(layer.forward(maps[-1]))
    left, right = figure.subfigures(1, 2, width_ratios=[1, 3])
    left.suptitle("Input", fontsize=10)
    tiles([left.subplots()], maps[0][0], "gray_r", None)
    top, bottom = right.subfigures(2, 1, height_ratios=[1.25, 1.8])
    top.suptitle("After the first layer: 6 maps of 28 x 28", fontsize=10)
    bottom.suptitle("After the second: 16 maps of 10 x 10", fontsize=10)
    tiles(top.subplots(1, 6), maps[1][0], "magma", None)
    tiles(bottom.subplots(2, 8).ravel(), maps[3][0], "magma", None)
    return figure


def tiles(axes, images, colours, limit):
    """Small images side by side; with a `limit` zero is the middle of the colours."""
    for one, image in zip(axes, images, strict=True):
        one.imshow(image, cmap=colours, vmin=None if limit is None else -limit, vmax=limit)
        one.set_axis_off()


def main(small=False, directory="."):
    """Learn, draw, and say how many of the held-out digits are right."""
    start = time.perf_counter()
    model, history, (images, labels) = learn(small)
    seconds = time.perf_counter() - start
    right = nn.accuracy(model.predict(images), labels)
    print(f"{100 * right:.2f} % of {len(labels)} held-out digits are right, after {seconds:.1f} s")
    try:
        paths = draw(model, history, images[int(np.argmax(labels == 5))], directory)
    except ImportError:
        print("no pictures: matplotlib is not installed")
    else:
        print("written:", *paths)
    return right, history


if __name__ == "__main__":
    main()
