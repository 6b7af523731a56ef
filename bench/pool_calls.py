"""Gradients of pools as calls: cconv's functions, and torch's autograd in the same layout."""

from functools import partial
from math import prod

import numpy as np

from call import Call

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def pool_gradient(kind, name, batch, channels, size, kernel, stride=1, padding=0, dtype="float32", channels_last=False):
    """The input gradient of a 2-D pool; of an adaptive one `kernel` is the output's extent."""
    adaptive, largest = kind.startswith("adaptive"), kind.endswith("max")
    outputs = kernel if adaptive else (size + 2 * padding - kernel) // stride + 1
    shape, grad_shape = (batch, channels, size, size), (batch, channels, outputs, outputs)

    def inputs(rng):
        return tuple(_laid_out(rng.standard_normal(s, dtype=dtype), channels_last) for s in (shape, grad_shape))

    def ours(x, grad):
        import cconv

        windows = {} if adaptive else {"stride": stride, "padding": padding}
        layout = {"data_format": "channels_last"} if channels_last else {}
        if largest:
            _, indices = getattr(cconv, f"{kind}_pool2d")(x, kernel, return_indices=True, **windows, **layout)
            return partial(cconv.max_pool2d_input_grad, grad, indices, x.shape, **layout)
        if adaptive:
            return partial(cconv.adaptive_avg_pool2d_input_grad, grad, x.shape, **layout)
        return partial(cconv.avg_pool2d_input_grad, grad, x.shape, kernel, **windows, **layout)

    def torch(x, grad):
        import torch

        x, grad = (torch.from_numpy(np.moveaxis(a, -1, 1) if channels_last else a) for a in (x, grad))
        x.requires_grad_(True)
        with torch.enable_grad():
            y = getattr(torch.nn.functional, f"{kind}_pool2d")(x, kernel, *(() if adaptive else (stride, padding)))
        call = partial(torch.autograd.grad, y, x, grad, retain_graph=True)
        return (lambda: call()[0].movedim(1, -1)) if channels_last else call

    indices = 8 * prod(grad_shape) if largest else 0
    name = f"{kind} {name}" + (" last" if channels_last else "") + (" f64" if dtype == "float64" else "")
    return Call(name, inputs, {"cconv": ours, "torch_last" if channels_last else "torch": torch}, 64 * EPS[dtype],
                bytes=np.dtype(dtype).itemsize * (prod(shape) + prod(grad_shape)) + indices, dtype=dtype,
                channels_last=channels_last)


def _laid_out(array, channels_last):
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if channels_last else array


WINDOWS = (  # (name, batch, channels, size, kernel, stride, padding)
    ("vgg 2x2/2 112", 8, 64, 112, 2, 2), ("vgg 2x2/2 28", 8, 512, 28, 2, 2),
    ("resnet 3x3/2 p1 112", 8, 64, 112, 3, 2, 1), ("inception 3x3/1 p1 28", 8, 192, 28, 3, 1, 1),
    ("3x3/1 p1 56", 8, 64, 56, 3, 1, 1), ("7x7 7", 8, 2048, 7, 7, 7),
)
ADAPTIVE = (
    ("14 to 7", 8, 512, 14, 7), ("13 to 6", 8, 256, 13, 6), ("global 7", 8, 2048, 7, 1), ("global 14", 8, 1024, 14, 1),
)
POOL_GRADIENTS = tuple(
    pool_gradient(f"{adaptive}{kind}", *window, dtype=dtype, channels_last=last)
    for dtype in ("float32", "float64") for last in (False, True) for kind in ("max", "avg")
    for adaptive, windows in (("", WINDOWS), ("adaptive_", ADAPTIVE)) for window in windows
)
