"""What one case of the benchmark is: its shape, its arrays, its work, and its right answer.

Every case is also a CNN layer, so one descriptor serves all competitors: "correlate" is a one-channel layer
with padding k // 2 (mode "same"), "convolve" the same with the kernel reversed and padding k - 1 (mode "full"),
"max_filter" a pool with stride 1 and padding k // 2.
"""

from math import prod, sqrt
from typing import NamedTuple

import numpy as np

FILTERS = ("correlate", "convolve", "max_filter")
ACTIVATIONS = tuple(
    name + grad + where for grad in ("", "_grad") for name, where in (
        *((name, "") for name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "log_softmax")),
        ("softmax", " channels"), ("log_softmax", " channels")))
COMPLEX = {"complex64": "float32", "complex128": "float64"}


class Case(NamedTuple):
    """One shape: `size` and `kernel` are spatial, `channels` is (in, out), the rest as in cconv.conv2d."""

    name: str
    op: str                             # "conv" | "max_pool" | "avg_pool" | one of FILTERS or ACTIVATIONS
    size: tuple
    kernel: tuple
    channels: tuple = (1, 1)
    batch: int = 1
    stride: int = 1
    padding: int | tuple = 0            # of "conv" and the pools; the filters' follows from the kernel
    dilation: int = 1
    groups: int = 1
    dtype: str = "float32"
    channels_last: bool = False
    boundary: str = "constant"          # of "correlate": "constant" (zeros) or "symmetric"
    weights: str = "random"             # or of a separable filter: "gaussian", "box", "sobel"
    sigma: float = 0.0                  # of "gaussian"

    @property
    def rank(self):
        return len(self.size)

    @property
    def pooling(self):
        return self.op in ("max_pool", "avg_pool")

    @property
    def activation(self):
        """Such a case is an array (batch, channels, *size) and, for a gradient, a second one in place of the weight."""
        return self.op in ACTIVATIONS

    @property
    def weightless(self):
        return self.op in ("max_pool", "avg_pool", "max_filter") or self.activation

    @property
    def separable(self):
        return self.weights != "random"

    @property
    def plain(self):
        """Whether input and output are arrays without batch and channels."""
        return self.op in FILTERS

    @property
    def real(self):
        """The floating type of its sums, whose FMA peak counts."""
        return COMPLEX.get(self.dtype, "float64" if self.dtype == "float64" else "float32")

    @property
    def pads(self):
        """Padding of each axis, the same on both sides."""
        if self.op == "convolve":
            return tuple(k - 1 for k in self.kernel)
        if self.plain:
            return tuple(k // 2 for k in self.kernel)
        return self.padding if isinstance(self.padding, tuple) else (self.padding,) * self.rank

    @property
    def output_size(self):
        return tuple((n + 2 * p - self.dilation * (k - 1) - 1) // self.stride + 1
                     for n, k, p in zip(self.size, self.kernel, self.pads, strict=True))

    @property
    def taps(self):
        """Products summed for one output (samples compared or averaged, for a pool)."""
        return prod(self.kernel) * (1 if self.weightless else self.channels[0] // self.groups)

    @property
    def products(self):
        """Of all outputs, padding included."""
        return self.batch * self.channels[1] * prod(self.output_size) * self.taps

    @property
    def flop(self):
        """Nominal operations: two per product, eight if complex. Separable filters count their passes; pools none."""
        if self.weightless:
            return 0
        products = self.products // prod(self.kernel) * sum(self.kernel) if self.separable else self.products
        return (8 if self.dtype in COMPLEX else 2) * products

    @property
    def bytes(self):
        """Compulsory traffic: input and weight read once, output written once."""
        weight = 0 if self.weightless else self.channels[1] * self.taps
        samples = self.channels[0] * prod(self.size) + self.channels[1] * prod(self.output_size)
        if self.activation and "_grad" in self.op:
            samples += self.channels[0] * prod(self.size)
        return np.dtype(self.dtype).itemsize * self.batch * samples + self.weight_type.itemsize * weight

    @property
    def weight_type(self):
        return np.dtype("float32" if self.dtype == "uint8" else self.dtype)

    def arrays(self, seed=0):
        """(input, weight) in cconv's layout, standard normal; a pool's weight is None.

        Samples of uint8 are uniform, and random weights for them give a mean of 127 and a deviation of 45: a few
        outputs saturate.
        """
        rng = np.random.default_rng(seed)
        lead = () if self.plain else (self.batch, self.channels[0])
        if self.dtype == "uint8":
            x = rng.integers(0, 256, lead + self.size, dtype=np.uint8)
        else:
            x = _normal(rng, lead + self.size, self.dtype)
        if self.channels_last:
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        if self.activation:
            return x, _normal(rng, x.shape, self.dtype)
        if self.weightless:
            return x, None
        if self.separable:
            return x, _separable(self).astype(self.weight_type)
        lead = (self.channels[1], self.channels[0] // self.groups) if lead else ()
        w = _normal(rng, lead + self.kernel, self.weight_type.name)
        if self.dtype == "uint8":
            w = np.float32(0.3 / sqrt(w.size)) * (w - w.mean()) + np.float32(1 / w.size)
        return x, w

    def as_layer(self, x, w):
        """The same work as a correlating layer: contiguous (N, C, *size) and (out, in / groups, *kernel)."""
        if self.plain and w is not None:
            w = (np.flip(w) if self.op == "convolve" else w)[None, None]
        return np.ascontiguousarray(self.to_layer(x)), None if w is None else np.ascontiguousarray(w)

    def to_layer(self, array):
        """An input or output in cconv's layout as (N, C, *size)."""
        if self.plain:
            return array[None, None]
        return np.moveaxis(array, -1, 1) if self.channels_last else array

    def from_layer(self, array):
        """The inverse of `to_layer`."""
        if self.plain:
            return array[0, 0]
        return np.moveaxis(array, 1, -1) if self.channels_last else array

    def value_at(self, x, w, n, channel, position):
        """One output in double precision, straight from the definition; x and w as `as_layer` gives them."""
        start = [o * self.stride - p for o, p in zip(position, self.pads, strict=True)]
        inside = [[j for j in range(k) if self.boundary != "constant" or 0 <= s + j * self.dilation < extent]
                  for s, k, extent in zip(start, self.kernel, self.size, strict=True)]
        samples = [[s + j * self.dilation for j in taps] for s, taps in zip(start, inside, strict=True)]
        if self.boundary == "symmetric":
            samples = [[min(i % (2 * extent), -(i + 1) % (2 * extent)) for i in indices]
                       for indices, extent in zip(samples, self.size, strict=True)]
        double = np.complex128 if self.dtype in COMPLEX else np.float64
        if self.weightless:
            window = x[n, channel][np.ix_(*samples)].astype(double)
            return window.sum() / self.taps if self.op == "avg_pool" else window.max()
        per_group = self.channels[0] // self.groups
        first = channel // (self.channels[1] // self.groups) * per_group
        window = x[n, first:first + per_group][np.ix_(range(per_group), *samples)].astype(double)
        return (window * w[channel][np.ix_(range(per_group), *inside)]).sum().item()


def _normal(rng, shape, dtype):
    real = COMPLEX.get(dtype, dtype)
    x = rng.standard_normal(shape, dtype=real)
    return x if real == dtype else (x + 1j * rng.standard_normal(shape, dtype=real)).astype(dtype)


def _separable(case):
    """The whole kernel of a separable filter, in float64."""
    if case.weights == "sobel":
        return np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    kernel = np.ones(case.kernel)
    if case.weights == "gaussian":
        for k in np.meshgrid(*(np.arange(k) - k // 2 for k in case.kernel)):
            kernel *= np.exp(-0.5 * (k / case.sigma) ** 2)
    return kernel / kernel.sum()
