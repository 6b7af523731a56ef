"""Pooling layers on `max_pool*`, `avg_pool*`, `adaptive_*_pool*` and their gradients."""

import cconv

from ._convolution import of_rank
from ._layer import WHOLE, Layer, saved, want_map


class _Pool(Layer):
    """What pools share: they want maps and have no parameters."""

    rank = None
    function = None

    def check(self, shape):
        want_map(shape, self.rank)

    def call(self, suffix=""):
        return getattr(cconv, f"{self.function}{self.rank}d{suffix}")


class _Window(_Pool):
    def reach(self, windows):
        stride = self.kernel_size if self.stride is None else self.stride
        return windows if isinstance(windows, str) else [*windows, (self.kernel_size, stride, 1)]


class _MaxPool(_Window):
    """{n}-D max pooling: `cconv.max_pool{n}d`.

    Parameters
    ----------
    kernel_size : int or sequence of int
    stride, padding, ceil_mode
        As of `cconv.max_pool{n}d`.
    """

    function = "max_pool"

    def __init__(self, kernel_size, *, stride=None, padding=0, ceil_mode=False):
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride, padding, ceil_mode

    def forward(self, x, training=False):
        options = dict(stride=self.stride, padding=self.padding, ceil_mode=self.ceil_mode)
        if not training:
            return self.call()(x, self.kernel_size, **options)
        output, indices = self.call()(x, self.kernel_size, return_indices=True, **options)
        self._saved = x.shape, indices
        return output

    def backward(self, grad, needs_input=True):
        shape, indices = saved(self)
        return self.call("_input_grad")(grad, indices, shape) if needs_input else None


class _AvgPool(_Window):
    """{n}-D average pooling: `cconv.avg_pool{n}d`.

    Parameters
    ----------
    kernel_size : int or sequence of int
    stride, padding, ceil_mode, count_include_pad
        As of `cconv.avg_pool{n}d`.
    """

    function = "avg_pool"

    def __init__(self, kernel_size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.options = dict(
            stride=stride, padding=padding, ceil_mode=ceil_mode, count_include_pad=count_include_pad
        )  # fmt: skip

    def forward(self, x, training=False):
        if training:
            self._saved = x.shape
        return self.call()(x, self.kernel_size, **self.options)

    def backward(self, grad, needs_input=True):
        shape = saved(self)
        return self.call("_input_grad")(grad, shape, self.kernel_size, **self.options) if needs_input else None


class _Adaptive(_Pool):
    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def reach(self, windows):
        if isinstance(windows, str) or self.input_shape is None:
            return windows
        sizes, outputs = self.input_shape[1:], self.output_shape[1:]
        # the longest of its windows, floor(i * size / output) to ceil((i + 1) * size / output)
        kernel = tuple(
            max(-(-(i + 1) * size // output) - i * size // output for i in range(output))
            for size, output in zip(sizes, outputs, strict=True)
        )
        stride = tuple(max(1, size // output) for size, output in zip(sizes, outputs, strict=True))
        return [*windows, (kernel, stride, 1)]


class _AdaptiveAvgPool(_Adaptive):
    """{n}-D averages of windows such that the output has a given size: `cconv.adaptive_avg_pool{n}d`.

    Parameters
    ----------
    output_size : int, sequence of int or None
        Extents of the output; None: as the input's.
    """

    function = "adaptive_avg_pool"

    def forward(self, x, training=False):
        if training:
            self._saved = x.shape
        return self.call()(x, self.output_size)

    def backward(self, grad, needs_input=True):
        shape = saved(self)
        return self.call("_input_grad")(grad, shape) if needs_input else None


class _AdaptiveMaxPool(_Adaptive):
    """{n}-D maxima of windows such that the output has a given size: `cconv.adaptive_max_pool{n}d`.

    Parameters
    ----------
    output_size : int, sequence of int or None
        Extents of the output; None: as the input's.
    """

    function = "adaptive_max_pool"

    def forward(self, x, training=False):
        if not training:
            return self.call()(x, self.output_size)
        output, indices = self.call()(x, self.output_size, return_indices=True)
        self._saved = x.shape, indices
        return output

    def backward(self, grad, needs_input=True):
        shape, indices = saved(self)
        # indices say it all: how the windows lay makes no difference
        gradient = getattr(cconv, f"max_pool{self.rank}d_input_grad")
        return gradient(grad, indices, shape) if needs_input else None


class _Global(Layer):
    """A pool with one window, as large as the map."""

    pool = None

    def check(self, shape):
        if not 2 <= len(shape) <= 4:
            raise ValueError("it wants (channels, *spatial) after the batch axis, with 1 to 3 spatial axes")

    def reach(self, windows):
        return WHOLE

    def forward(self, x, training=False):
        self._layer = self.pool[x.ndim - 3](x.shape[2:])
        return self._layer.forward(x, training)

    def backward(self, grad, needs_input=True):
        return self._layer.backward(grad, needs_input)


MaxPool1d, MaxPool2d, MaxPool3d = (of_rank(_MaxPool, "MaxPool", rank) for rank in (1, 2, 3))
AvgPool1d, AvgPool2d, AvgPool3d = (of_rank(_AvgPool, "AvgPool", rank) for rank in (1, 2, 3))
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = (
    of_rank(_AdaptiveAvgPool, "AdaptiveAvgPool", rank) for rank in (1, 2, 3)
)
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = (
    of_rank(_AdaptiveMaxPool, "AdaptiveMaxPool", rank) for rank in (1, 2, 3)
)


class GlobalAvgPool(_Global):
    """The mean of each channel, in a map of extents 1, for 1 to 3 spatial axes."""

    pool = AvgPool1d, AvgPool2d, AvgPool3d


class GlobalMaxPool(_Global):
    """The maximum of each channel, in a map of extents 1, for 1 to 3 spatial axes."""

    pool = MaxPool1d, MaxPool2d, MaxPool3d
