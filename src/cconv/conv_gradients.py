"""The gradients of `conv1d`, `conv2d` and `conv3d`, named by the tensor that is computed.

Design: one function per operation makes that of each rank: signatures cannot come to differ.
"""

from . import _docs_gradients as _docs
from ._calls import as_array, find, remember
from ._gradient_shapes import check_shape, gradient_dtype, layer_spec
from ._gradients import InputGradient, WeightGradient, all_gradients, call

_cache = {}


def _input_grad_of(rank):
    def conv_input_grad(
        grad_output, weight, input_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
        flip_kernel=False, data_format="channels_first", method="auto", out=None, num_threads=None,
    ):  # fmt: skip
        grad_output, weight = as_array(grad_output, "grad_output"), as_array(weight, "weight")
        numbers = (stride, padding, dilation, groups, flip_kernel, input_shape)
        options = (
            stride, padding, padding_mode, cval, dilation, groups, flip_kernel, data_format, method, input_shape,
        )  # fmt: skip
        arrays = ("input", rank, grad_output.shape, grad_output.dtype, weight.shape, weight.dtype)
        operator, key, options = find(_cache, arrays, options, numbers)
        if operator is None:
            *options, input_shape = options
            dtype = gradient_dtype(grad_output.dtype, "grad_output", weight.dtype, "weight")
            shape = check_shape(input_shape, "input_shape")
            types = grad_output.dtype, weight.dtype
            forward = layer_spec(rank, shape, types[0], weight.shape, types[1], grad_output.shape, options)
            operator = remember(_cache, key, InputGradient(forward, shape, dtype))
        return call(operator, (grad_output, weight), None, out, num_threads)

    return _docs.finish(conv_input_grad, "conv", "_input_grad", rank, __name__)


def _weight_grad_of(rank):
    def conv_weight_grad(
        input, grad_output, weight_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
        flip_kernel=False, data_format="channels_first", method="auto", out=None, num_threads=None,
    ):  # fmt: skip
        input, grad_output = as_array(input, "input"), as_array(grad_output, "grad_output")
        numbers = (stride, padding, dilation, groups, flip_kernel, weight_shape)
        options = (
            stride, padding, padding_mode, cval, dilation, groups, flip_kernel, data_format, method, weight_shape,
        )  # fmt: skip
        arrays = ("weight", rank, input.shape, input.dtype, grad_output.shape, grad_output.dtype)
        operator, key, options = find(_cache, arrays, options, numbers)
        if operator is None:
            *options, weight_shape = options
            dtype = gradient_dtype(input.dtype, "input", grad_output.dtype, "grad_output")
            shape = check_shape(weight_shape, "weight_shape")
            types = input.dtype, grad_output.dtype
            forward = layer_spec(rank, input.shape, types[0], shape, types[1], grad_output.shape, options)
            operator = remember(_cache, key, WeightGradient(forward, shape, dtype, conjugate_input=True))
        return call(operator, (input, grad_output), None, out, num_threads)

    return _docs.finish(conv_weight_grad, "conv", "_weight_grad", rank, __name__)


def _backward_of(rank, input_grad, weight_grad):
    def conv_backward(
        grad_output, input, weight, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
        flip_kernel=False, data_format="channels_first", method="auto", needs=("input", "weight", "bias"),
        num_threads=None,
    ):  # fmt: skip
        options = dict(
            stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation, groups=groups,
            flip_kernel=flip_kernel, data_format=data_format, method=method, num_threads=num_threads,
        )  # fmt: skip
        return all_gradients(rank, grad_output, input, weight, needs, input_grad, weight_grad, options)

    return _docs.finish(conv_backward, "conv", "_backward", rank, __name__)


conv1d_input_grad = _input_grad_of(1)
conv2d_input_grad = _input_grad_of(2)
conv3d_input_grad = _input_grad_of(3)
conv1d_weight_grad = _weight_grad_of(1)
conv2d_weight_grad = _weight_grad_of(2)
conv3d_weight_grad = _weight_grad_of(3)
conv1d_backward = _backward_of(1, conv1d_input_grad, conv1d_weight_grad)
conv2d_backward = _backward_of(2, conv2d_input_grad, conv2d_weight_grad)
conv3d_backward = _backward_of(3, conv3d_input_grad, conv3d_weight_grad)
