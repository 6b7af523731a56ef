"""Every public operation on arrays as one small call: for tests that ask the same of all of them.

Design: an `Operation` names its arrays as the function does and says their shapes; `arrays` makes them of whole
numbers, so that sums are exact and two ways to the same result can be asked for equal bits. `test_arrays.py` holds that
none is missing.
"""

import math
from typing import Any, NamedTuple

import numpy as np

import cconv

SPATIAL, KERNEL = (4, 6, 9), (2, 3, 3)
INDICES = ("indices",)


class Operation(NamedTuple):
    name: str  # "conv2d", "activations.relu", ...
    shapes: dict  # of the arrays, by argument
    options: dict
    out: str | None = "out"  # the argument that takes a result
    results: int = 1  # arrays that `out` is to hold
    plane: int = 0  # indices are below

    @property
    def function(self) -> Any:
        module, _, name = self.name.rpartition(".")
        if name.startswith("plan_"):
            return lambda input, weight, bias, out=None, **more: getattr(cconv, name)(
                weight, bias, **self.options, **more)(input, out)  # fmt: skip
        return getattr(getattr(cconv, module) if module else cconv, name)

    def arrays(self, rng, dtype="float32"):
        """The arrays by argument; indices are int64, unique along an axis, and valid."""
        made = {}
        for argument, shape in self.shapes.items():
            if argument in INDICES:
                made[argument] = rng.permuted(
                    np.broadcast_to(np.arange(self.plane), (*shape[:2], self.plane)), axis=-1
                )[..., : math.prod(shape[2:])].reshape(shape)  # fmt: skip
            else:
                made[argument] = rng.integers(-8, 8, shape, endpoint=True).astype(dtype)
        return made

    def call(self, arrays, **more):
        options = {} if "plan_" in self.name else self.options
        if self.name == "signal.sepfir2d":
            return self.function(*arrays.values())
        return self.function(**arrays, **options, **more)

    def tuple(self, result):
        """The arrays of a result, whatever holds them."""
        return tuple(array for array in result if array is not None) if isinstance(result, tuple) else (result,)


def _layers(rank):
    spatial, kernel = SPATIAL[-rank:], KERNEL[-rank:]
    x = (2, 4, *spatial)
    output = cconv.conv_output_shape(spatial, kernel, padding=1)
    options = {"padding": 1}
    for name, weight, channels in (("conv", (6, 4, *kernel), 6), ("depthwise_conv", (8, 1, *kernel), 8)):
        y = (2, channels, *output)
        yield Operation(f"{name}{rank}d", {"input": x, "weight": weight, "bias": (channels,)}, options)
        yield from _gradients(f"{name}{rank}d", x, weight, y, options)
    y = (2, 6, *[n + k - 3 for n, k in zip(spatial, kernel, strict=True)])
    weight = (4, 6, *kernel)
    yield Operation(f"conv_transpose{rank}d", {"input": x, "weight": weight, "bias": (6,)}, options)
    yield from _gradients(f"conv_transpose{rank}d", x, weight, y, options)
    name, y = f"separable_conv{rank}d", (2, 5, *output)
    weights = {"depthwise_weight": (8, 1, *kernel), "pointwise_weight": (5, 8, *(1,) * rank)}
    yield Operation(name, {"input": x, **weights, "bias": (5,)}, options)
    yield Operation(f"{name}_input_grad", {"grad_output": y, **weights}, options | {"input_shape": x})
    yield Operation(f"{name}_weight_grad", {"input": x, "grad_output": y, **weights}, options, None)
    yield Operation(f"{name}_backward", {"grad_output": y, "input": x, **weights}, options, None)
    yield Operation(f"plan_conv{rank}d", {"input": x, "weight": (6, 4, *kernel), "bias": (6,)}, options)


def _gradients(name, x, weight, y, options):
    yield Operation(f"{name}_input_grad", {"grad_output": y, "weight": weight}, options | {"input_shape": x})
    yield Operation(f"{name}_weight_grad", {"input": x, "grad_output": y}, options | {"weight_shape": weight})
    yield Operation(f"{name}_backward", {"grad_output": y, "input": x, "weight": weight}, options, None)


def _pools(rank):
    spatial = SPATIAL[-rank:]
    x, y = (2, 4, *spatial), (2, 4, *[n // 2 for n in spatial])
    window, sizes = {"kernel_size": 2}, {"output_size": (2, 3, 4)[-rank:]}
    small = (2, 4, *sizes["output_size"])
    plane = math.prod(spatial)
    indexed = {"return_indices": True}
    for name in ("max_pool", "min_pool"):
        yield Operation(f"{name}{rank}d", {"input": x}, window)
        yield Operation(f"{name}{rank}d", {"input": x}, window | indexed, results=2)
    yield Operation(f"avg_pool{rank}d", {"input": x}, window)
    yield Operation(f"lp_pool{rank}d", {"input": x}, window | {"norm_type": 2})
    yield Operation(f"adaptive_avg_pool{rank}d", {"input": x}, sizes)
    yield Operation(f"adaptive_max_pool{rank}d", {"input": x}, sizes)
    yield Operation(f"adaptive_max_pool{rank}d", {"input": x}, sizes | indexed, results=2)
    grads, shape = {"grad_output": y}, {"input_shape": x}
    yield Operation(f"max_pool{rank}d_input_grad", grads | {"indices": y}, shape, plane=plane)
    yield Operation(f"avg_pool{rank}d_input_grad", grads, shape | window)
    yield Operation(f"lp_pool{rank}d_input_grad", grads | {"input": x}, window | {"norm_type": 2})
    yield Operation(f"adaptive_avg_pool{rank}d_input_grad", {"grad_output": small}, shape)
    plane = math.prod(n // 2 * 2 for n in spatial)
    yield Operation(f"max_unpool{rank}d", {"input": y, "indices": y}, window, plane=plane)
    yield Operation(
        f"max_unpool{rank}d_input_grad", {"grad_output": x, "indices": y}, {}, plane=math.prod(spatial)
    )


def _activations():
    x = (2, 4, 6, 9)
    for name in ("identity", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "rrelu", "softmax", "log_softmax"):
        yield Operation(f"activations.{name}", {"x": x}, {})
        yield Operation(f"activations.{name}_grad", {"grad_output": x, "x": x}, {})
    yield Operation("activations.prelu", {"x": x, "weight": (4,)}, {})
    yield Operation("activations.prelu_grad", {"grad_output": x, "x": x, "weight": (4,)}, {})
    yield Operation("activations.prelu_weight_grad", {"grad_output": x, "x": x, "weight": (4,)}, {})
    yield Operation("activations.maxout", {"x": x}, {"pool_size": 2})
    yield Operation("activations.maxout_grad", {"grad_output": (2, 2, 6, 9), "x": x}, {"pool_size": 2})


def _filters():
    x = {"input": (4, 6, 9)}
    for name in ("convolve", "correlate"):
        yield Operation(name, {"input": (4, 6, 9), "kernel": (2, 3, 3)}, {})
        yield Operation(
            name, {"input": (4, 30, 40), "kernel": (9, 9)}, {"mode": "same", "axes": (1, 2), "method": "fft"}
        )
        yield Operation(f"ndimage.{name}", x | {"weights": (2, 3, 3)}, {}, "output")
        yield Operation(f"ndimage.{name}1d", x | {"weights": (3,)}, {}, "output")
        yield Operation(f"signal.{name}", {"in1": (6, 9), "in2": (2, 3)}, {}, None)
        yield Operation(f"signal.{name}2d", {"in1": (6, 9), "in2": (2, 3)}, {}, None)
    for name in ("fftconvolve", "oaconvolve"):
        yield Operation(f"signal.{name}", {"in1": (6, 9), "in2": (2, 3)}, {}, None)
    for size in ((6, 9), (40, 61)):     # on the stack, and by the core
        yield Operation("signal.sepfir2d", {"input": size, "hrow": (3,), "hcol": (3,)}, {}, None)
    for name, options in {
        "gaussian_filter": {"sigma": 1.0}, "gaussian_filter1d": {"sigma": 1.0},
        "gaussian_gradient_magnitude": {"sigma": 1.0}, "gaussian_laplace": {"sigma": 1.0}, "laplace": {},
        "maximum_filter": {"size": 3}, "maximum_filter1d": {"size": 3}, "minimum_filter": {"size": 3},
        "minimum_filter1d": {"size": 3}, "prewitt": {}, "sobel": {}, "uniform_filter": {"size": 3},
        "uniform_filter1d": {"size": 3},
        "generic_gradient_magnitude": {"derivative": cconv.ndimage.sobel},
        "generic_laplace": {"derivative2": lambda input, axis, *rest: cconv.ndimage.correlate1d(
            input, [1, -2, 1], axis, *rest)},
    }.items():  # fmt: skip
        yield Operation(f"ndimage.{name}", x, options, "output")


def _others():
    for rank in (1, 2, 3):
        spatial, kernel = SPATIAL[-rank:], KERNEL[-rank:]
        columns = math.prod(n - k + 1 for n, k in zip(spatial, kernel, strict=True))
        yield Operation("unfold", {"input": (2, 4, *spatial)}, {"kernel_size": kernel})
        yield Operation(
            "fold", {"columns": (2, 4 * math.prod(kernel), columns)}, {"output_size": spatial, "kernel_size": kernel}
        )
    yield Operation("global_avg_pool", {"input": (2, 4, 6, 9)}, {})
    yield Operation("global_max_pool", {"input": (2, 4, 6, 9)}, {})
    yield Operation("global_max_pool", {"input": (2, 4, 6, 9)}, {"return_indices": True}, results=2)


def _all():
    for rank in (1, 2, 3):
        yield from _layers(rank)
        yield from _pools(rank)
    yield from _activations()
    yield from _filters()
    yield from _others()


def _label(operation):
    more = [str(option) for option in ("return_indices", "method") if option in operation.options]
    if operation.name in ("fold", "unfold"):
        more = [f"{len(operation.options['kernel_size'])}d"]
    return " ".join([operation.name, *more])


OPERATIONS = {_label(operation): operation for operation in _all()}
