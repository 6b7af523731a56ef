"""CNN convolution: layers with batches, channels, stride, padding, dilation and groups."""

from numpy import ndarray

from . import _docs
from ._calls import as_array, check_num_threads, check_out, find, remember, target
from ._dtypes import cast_bias
from ._fft import layer_operator
from ._pieces import copy
from ._shapes import conv_spec

__all__ = ["conv1d", "conv2d", "conv3d"]

_cache = {}


def conv1d(
    input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, out=None, num_threads=None,
):  # fmt: skip
    options = (
        stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation, data_format, method,
        out_dtype, casting,
    )  # fmt: skip
    numbers = (stride, padding, dilation, groups, flip_kernel)
    return _conv(1, input, weight, bias, options, numbers, out, num_threads)


def conv2d(
    input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, out=None, num_threads=None,
):  # fmt: skip
    options = (
        stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation, data_format, method,
        out_dtype, casting,
    )  # fmt: skip
    numbers = (stride, padding, dilation, groups, flip_kernel)
    return _conv(2, input, weight, bias, options, numbers, out, num_threads)


def conv3d(
    input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, out=None, num_threads=None,
):  # fmt: skip
    options = (
        stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation, data_format, method,
        out_dtype, casting,
    )  # fmt: skip
    numbers = (stride, padding, dilation, groups, flip_kernel)
    return _conv(3, input, weight, bias, options, numbers, out, num_threads)


def _conv(rank, input, weight, bias, options, numbers, out, num_threads):
    """Look the operator of this signature up, or make it; run it."""
    if type(input) is not ndarray:
        input = as_array(input, "input")
    if type(weight) is not ndarray:
        weight = as_array(weight, "weight")
    if bias is None:
        arrays = (rank, input.shape, input.dtype, weight.shape, weight.dtype, None, None)
    else:
        bias = as_array(bias, "bias")
        arrays = (rank, input.shape, input.dtype, weight.shape, weight.dtype, bias.shape, bias.dtype)
    entry, key, options = find(_cache, arrays, options, numbers)
    if entry is None:
        spec = conv_spec(*arrays, *options)
        entry = (layer_operator(spec).run, spec.output_shape, spec.output_dtype, spec.sum_dtype)
        remember(_cache, key, entry)
    run, shape, dtype, sum_dtype = entry
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    if out is not None:
        inner = check_out(out, shape, dtype)
    if bias is not None and bias.dtype != sum_dtype:
        bias = cast_bias(bias, sum_dtype)
    if out is None:
        return run(input, weight, bias, None, num_threads)
    result = target(inner, (input, weight, bias))
    run(input, weight, bias, result, num_threads)
    if result is not inner:
        copy(inner, result)
    return out


for _rank, _function in ((1, conv1d), (2, conv2d), (3, conv3d)):
    _function.__doc__ = _docs.filled(_docs.CONV, _rank, _docs.CONV_EXAMPLES[_rank])
del _rank, _function
