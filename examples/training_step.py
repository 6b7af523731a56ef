"""What the examples of known networks have in common: the table of a network, and one training step of it, timed."""

import time

import numpy as np

from cconv import nn


def show_step(name, model, batch=2):
    """Print `model`'s table; run it forward, backward and one step on random images. Returns the model."""
    print(f"{name}\n{model.summary()}")
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *model.input_shape), np.float32)
    labels = rng.integers(0, model.output_shape[0], batch)
    times = [time.perf_counter()]
    scores = model.forward(images, training=True)
    loss, grad = nn.cross_entropy(scores, labels)
    times.append(time.perf_counter())
    model.backward(grad, needs_input=False)
    times.append(time.perf_counter())
    nn.SGD(0.01).step(model)
    times.append(time.perf_counter())
    parts = ", ".join(f"{what} {1e3 * seconds:.0f} ms" for what, seconds in
                      zip(("forward", "backward", "SGD"), np.diff(times), strict=True))  # fmt: skip
    print(f"{batch} random images: loss {loss:.2f}; {parts}\n")
    return model


if __name__ == "__main__":
    print(__doc__)
