"""Typed code that uses cconv, for `mypy --strict`; never run. What ought to be refused has an ignore, and needs it."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import cconv
from cconv import activations, nn

Array = NDArray[Any]

image: NDArray[np.float32] = np.zeros((1, 3, 32, 32), np.float32)
weight = np.zeros((8, 3, 3, 3), np.float32)
out = np.empty((1, 8, 32, 32), np.float32)

# layers take anything like an array, options by keyword
assert_type(cconv.conv2d(image, weight, None, padding="same", activation="relu", out=out, num_threads=2), Array)
assert_type(cconv.conv1d([[1.0, 2.0]], [[[1.0]]], padding=[(0, 1)], padding_mode="replicate"), Array)
assert_type(cconv.conv3d(image, weight, stride=(1, 2, 1), cval=np.float32(1), groups=np.int64(1)), Array)
assert_type(cconv.depthwise_conv2d(image, weight[:3, :1], data_format="channels_first"), Array)
assert_type(cconv.conv_transpose2d(image, weight, stride=2, output_padding=1), Array)
cconv.conv2d(image, weight, None, 1)  # type: ignore[call-arg]
cconv.conv2d(image, weight, padding="sane")  # type: ignore[arg-type]
cconv.conv2d(image, weight, stride=1.5)  # type: ignore[arg-type]
cconv.conv2d(image, weight, strides=2)  # type: ignore[call-arg]
cconv.conv2d(image, weight, activation="gelu")  # type: ignore[arg-type]
cconv.conv2d(image, weight, out=[0.0])  # type: ignore[arg-type]
cconv.conv2d(image)  # type: ignore[call-arg]

# gradients are named tuples, of what was asked for
grads = cconv.conv2d_backward(out, image, weight, needs=("input", "bias"))
assert_type(grads.input, NDArray[Any] | None)
both = cconv.separable_conv2d_weight_grad(image, out, weight, weight)
assert_type(both.depthwise_weight, Array)
cconv.conv2d_backward(out, image, weight, needs=("kernel",))  # type: ignore[arg-type]
cconv.conv2d_weight_grad(image, out, 3)  # type: ignore[arg-type]

# pools return indices where they are asked for
assert_type(cconv.max_pool2d(image, 2), Array)
values, indices = cconv.max_pool2d(image, (2, 2), return_indices=True)
assert_type(indices, Array)
pooled = cconv.max_pool2d(image, 2, return_indices=bool(image.size))
assert_type(pooled, Array | tuple[Array, Array])
assert_type(cconv.avg_pool3d(image, 2, ceil_mode=True, count_include_pad=False), Array)
assert_type(cconv.adaptive_avg_pool2d(image, (None, 4)), Array)
assert_type(cconv.max_unpool2d(values, indices, 2), Array)
cconv.max_pool2d(image, 2, padding="full")  # type: ignore[arg-type]
cconv.avg_pool2d(image, 2, return_indices=True)  # type: ignore[call-arg]

# plans
plan = cconv.plan_conv2d(weight, padding="same", input_shape=image.shape, dtype="f4")
assert_type(plan, cconv.Conv)
assert_type(plan(image, out), Array)
assert_type(plan.bias, Array | None)
assert_type(plan.explain().seconds, float | None)
plan(image, outs=out)  # type: ignore[call-arg]

# networks
model = nn.Sequential([nn.Conv2d(8, 3, activation="relu"), nn.Flatten(), nn.Dense(10)], input_shape=(3, 32, 32))
history = model.fit(image, [3], optimiser=nn.Adam(1e-3), progress=False)
assert_type(history.loss, list[float])
assert_type(model.predict(image), Array)
assert_type(activations.softmax(image, axis=1), Array)
nn.Dense("10")  # type: ignore[arg-type]


class Doubled(nn.Layer):
    """A layer of the user's own."""

    def forward(self, x: Array, training: bool = False) -> Array:
        return 2 * x

    def backward(self, grad: Array, needs_input: bool = True) -> Array | None:
        return 2 * grad if needs_input else None
