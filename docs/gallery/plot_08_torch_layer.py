r"""
The same layer in torch and in cconv
====================================

A layer of 64 kernels of 3 × 3 over 64 channels, with bias and `relu`: the same arrays, the same arguments, the same
result. torch is not needed for cconv; without it this page says so and shows cconv's half.
"""

# sphinx_gallery_thumbnail_number = 1
import importlib.util
import time

# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

rng = np.random.default_rng(0)
images = rng.standard_normal((4, 64, 56, 56), np.float32)
weight = rng.standard_normal((64, 64, 3, 3), np.float32) / 24
bias = rng.standard_normal(64, np.float32)

ours = cconv.conv2d(images, weight, bias, padding=1, activation="relu")
print("cconv", ours.shape, ours.dtype)

# %%
# Name by name
# ------------
# torch adds the activation in a second pass; its tensors share the memory of NumPy's arrays, so that nothing is copied.

torch = None
if importlib.util.find_spec("torch") is None:
    print("torch is not installed: pip install torch")
else:
    import torch

    tensors = [torch.from_numpy(array) for array in (images, weight, bias)]
    with torch.inference_mode():
        theirs = torch.relu(torch.nn.functional.conv2d(*tensors, padding=1)).numpy()
    print("torch", theirs.shape, theirs.dtype)
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print(f"largest difference: {error:.0e} of the largest output")
    assert error < 1e-5

# %%
# Gradients
# ---------
# torch records what is done and goes back over it; in cconv the gradients are functions of arrays. A gradient of ones
# comes in; what `relu` has cut off does not pass.

passed = np.float32(ours > 0)
gradients = cconv.conv2d_backward(passed, images, weight, padding=1)
print(
    "cconv:",
    {name: getattr(gradients, name).shape for name in ("input", "weight", "bias")},
)
if torch:
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    torch.relu(torch.nn.functional.conv2d(*leaves, padding=1)).sum().backward()
    for name, leaf in zip(("input", "weight", "bias"), leaves, strict=True):
        mine, other = getattr(gradients, name), leaf.grad.numpy()
        error = np.abs(mine - other).max() / np.abs(other).max()
        print(f"gradient of {name}: largest difference {error:.0e} of the largest")
        assert error < 1e-4

# %%
# How long it takes
# -----------------
# On as many threads, in turns, twenty times each; the machine is the one that built this page. `bench/` has
# measurements made with more care.


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


threads = cconv.get_num_threads()
calls = {
    "cconv": lambda: cconv.conv2d(images, weight, bias, padding=1, activation="relu")
}
if torch:
    torch.set_num_threads(threads)

    def in_torch():
        with torch.inference_mode():
            return torch.relu(torch.nn.functional.conv2d(*tensors, padding=1))

    calls["torch"] = in_torch
times = {name: [] for name in calls}
for _ in range(20):
    for name, call in calls.items():
        times[name].append(1e3 * seconds(call))
for name, taken in times.items():
    print(
        f"{name}: best {min(taken):.1f} ms, median {np.median(taken):.1f} ms, "
        f"{threads} threads"
    )

# sphinx_gallery_start_ignore
fig, ax = pic.figure(1.5 if torch else 1.1)
ax.set(
    xlabel="milliseconds a call; the dot is the median", ylim=(-0.6, len(times) - 0.4)
)
ax.set(yticks=range(len(times)), yticklabels=list(times))
ax.set(xlim=(0, 1.05 * max(map(max, times.values()))))
for row, (name, taken) in enumerate(times.items()):
    colour = pic.OUTPUT if name == "cconv" else pic.GREY
    ax.plot(taken, np.full(20, row), "|", color=colour, markersize=14)
    ax.plot(np.median(taken), row, "o", color=colour, markersize=7)
# sphinx_gallery_end_ignore
