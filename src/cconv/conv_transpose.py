"""Transposed convolution, and its gradients.

Design:
  a. It is the input gradient of a layer with its roles swapped: what the layer would take as input is what comes
     out here. So its own input gradient is that layer, and its weight gradient the layer's.
  b. One function per operation makes that of each rank: signatures cannot come to differ.
"""

from . import _docs_gradients as _docs
from ._calls import as_array, find, remember
from ._dtypes import cast_bias, result_dtype
from ._gradient_shapes import check_shape, gradient_dtype, transposed_spec
from ._gradients import InputGradient, Layer, WeightGradient, all_gradients, call

_cache = {}


def _transpose_of(rank):
    def conv_transpose(
        input, weight, bias=None, *, stride=1, padding=0, output_padding=0, output_size=None, dilation=1, groups=1,
        flip_kernel=False, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        input, weight = as_array(input, "input"), as_array(weight, "weight")
        bias = None if bias is None else as_array(bias, "bias")
        arrays = (
            "forward", rank, input.shape, input.dtype, weight.shape, weight.dtype,
            None if bias is None else bias.shape, None if bias is None else bias.dtype,
        )  # fmt: skip
        numbers = (stride, padding, output_padding, output_size, dilation, groups, flip_kernel)
        operator, key, options = find(_cache, arrays, (*numbers, data_format), numbers)
        if operator is None:
            forward, shape = transposed_spec(*arrays[1:], *options)
            dtype = result_dtype(input.dtype, weight.dtype, "weight")
            operator = remember(_cache, key, InputGradient(forward, shape, dtype))
        if bias is not None and bias.dtype != operator.dtype:
            bias = cast_bias(bias, operator.dtype)
        return call(operator, (input, weight), bias, out, num_threads)

    return _docs.finish(conv_transpose, "conv_transpose", "", rank, __name__)


def _checked_spec(rank, input_shape, weight_shape, grad_shape, types, options):
    """The spec of the layer, its grad_output checked."""
    forward, shape = transposed_spec(rank, input_shape, types[0], weight_shape, types[1], None, None, *options)
    if grad_shape != shape:
        raise ValueError(
            f"grad_output has shape {grad_shape}; a transposed convolution with input of shape {input_shape} and "
            f"weight of shape {weight_shape} returns {shape}"
        )
    return forward._replace(conjugate=forward.is_complex)


def _input_grad_of(rank):
    def conv_transpose_input_grad(
        grad_output, weight, input_shape, *, stride=1, padding=0, output_padding=0, output_size=None, dilation=1,
        groups=1, flip_kernel=False, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        grad_output, weight = as_array(grad_output, "grad_output"), as_array(weight, "weight")
        numbers = (stride, padding, output_padding, output_size, dilation, groups, flip_kernel, input_shape)
        arrays = ("input", rank, grad_output.shape, grad_output.dtype, weight.shape, weight.dtype)
        operator, key, options = find(_cache, arrays, (*numbers, data_format), numbers)
        if operator is None:
            *options, input_shape, data_format = options
            types = grad_output.dtype, weight.dtype
            gradient_dtype(types[0], "grad_output", types[1], "weight")
            shape = check_shape(input_shape, "input_shape")
            forward = _checked_spec(rank, shape, weight.shape, grad_output.shape, types, (*options, data_format))
            operator = remember(_cache, key, Layer(forward))
        return call(operator, (grad_output, weight), None, out, num_threads)

    return _docs.finish(conv_transpose_input_grad, "conv_transpose", "_input_grad", rank, __name__)


def _weight_grad_of(rank):
    def conv_transpose_weight_grad(
        input, grad_output, weight_shape, *, stride=1, padding=0, output_padding=0, output_size=None, dilation=1,
        groups=1, flip_kernel=False, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        input, grad_output = as_array(input, "input"), as_array(grad_output, "grad_output")
        numbers = (stride, padding, output_padding, output_size, dilation, groups, flip_kernel, weight_shape)
        arrays = ("weight", rank, grad_output.shape, grad_output.dtype, input.shape, input.dtype)
        operator, key, options = find(_cache, arrays, (*numbers, data_format), numbers)
        if operator is None:
            *options, weight_shape, data_format = options
            types = grad_output.dtype, input.dtype
            dtype = gradient_dtype(types[1], "input", types[0], "grad_output")
            shape = check_shape(weight_shape, "weight_shape")
            forward = _checked_spec(rank, input.shape, shape, grad_output.shape, types, (*options, data_format))
            operator = remember(_cache, key, WeightGradient(forward, shape, dtype, conjugate_input=False))
        return call(operator, (grad_output, input), None, out, num_threads)

    return _docs.finish(conv_transpose_weight_grad, "conv_transpose", "_weight_grad", rank, __name__)


def _backward_of(rank, input_grad, weight_grad):
    def conv_transpose_backward(
        grad_output, input, weight, *, stride=1, padding=0, output_padding=0, output_size=None, dilation=1, groups=1,
        flip_kernel=False, data_format="channels_first", needs=("input", "weight", "bias"), num_threads=None,
    ):  # fmt: skip
        options = dict(
            stride=stride, padding=padding, output_padding=output_padding, output_size=output_size,
            dilation=dilation, groups=groups, flip_kernel=flip_kernel, data_format=data_format,
            num_threads=num_threads,
        )  # fmt: skip
        return all_gradients(rank, grad_output, input, weight, needs, input_grad, weight_grad, options)

    return _docs.finish(conv_transpose_backward, "conv_transpose", "_backward", rank, __name__)


conv_transpose1d = _transpose_of(1)
conv_transpose2d = _transpose_of(2)
conv_transpose3d = _transpose_of(3)
conv_transpose1d_input_grad = _input_grad_of(1)
conv_transpose2d_input_grad = _input_grad_of(2)
conv_transpose3d_input_grad = _input_grad_of(3)
conv_transpose1d_weight_grad = _weight_grad_of(1)
conv_transpose2d_weight_grad = _weight_grad_of(2)
conv_transpose3d_weight_grad = _weight_grad_of(3)
conv_transpose1d_backward = _backward_of(1, conv_transpose1d_input_grad, conv_transpose1d_weight_grad)
conv_transpose2d_backward = _backward_of(2, conv_transpose2d_input_grad, conv_transpose2d_weight_grad)
conv_transpose3d_backward = _backward_of(3, conv_transpose3d_input_grad, conv_transpose3d_weight_grad)
