"""Layers: convolution and transposed convolution of 1 to 3 axes.

Design: one operator serves all ranks, with its rank first among the options; and one function makes the three operators
of either kind of layer, which differ in their options and in the shape that they return.
"""

import cconv

from .._dtypes import as_number
from .._gradient_shapes import transposed_spec
from .._padding import check_bool, check_choice, check_int
from .._shapes import CONV_PADDINGS, LAYER_METHODS, conv_spec
from . import _docs
from ._autograd import bilinear, operator
from ._tensors import (
    check_tensors,
    dtype_of,
    fake,
    ints,
    is_channels_last,
    layered,
    layout_of,
    modes_from,
    modes_of,
    one_or_all,
    padding_from,
    padding_of,
    returned,
    view,
)


def _rank(options):
    return options[0]


def _operators(name, schema, keywords, gradient_keywords, shape_of, linear):
    """The operator of a layer, whose gradients are two more.

    schema : of the options, the rank first
    keywords, gradient_keywords : of cconv's functions, from the options
    shape_of : the shape that the layer returns, from shapes, dtypes and options; it refuses what is wrong
    linear : the options of the layer without what its border adds
    """

    def run(input, weight, bias, rank, *options):
        last = is_channels_last(input, rank)
        result = getattr(cconv, f"{name}{rank}d")(
            layered(input, last), view(weight), None if bias is None else view(bias), data_format=layout_of(last),
            **keywords(*options),
        )  # fmt: skip
        return returned(result, last)

    def run_fake(input, weight, bias, rank, *options):
        types = dtype_of(input), dtype_of(weight), None if bias is None else dtype_of(bias)
        biases = None if bias is None else tuple(bias.shape)
        shape = shape_of(rank, tuple(input.shape), tuple(weight.shape), biases, types, keywords(*options))
        return fake(shape, input, is_channels_last(input, rank))

    def run_input_grad(grad_output, weight, input_shape, last, rank, *options):
        shape = (input_shape[0], *input_shape[2:], input_shape[1]) if last else tuple(input_shape)
        result = getattr(cconv, f"{name}{rank}d_input_grad")(
            layered(grad_output, last), view(weight), shape, data_format=layout_of(last), **gradient_keywords(*options)
        )
        return returned(result, last)

    def run_weight_grad(input, grad_output, weight_shape, rank, *options):
        last = is_channels_last(input, rank)
        result = getattr(cconv, f"{name}{rank}d_weight_grad")(
            layered(input, last), layered(grad_output, last), tuple(weight_shape), data_format=layout_of(last),
            **gradient_keywords(*options),
        )  # fmt: skip
        return returned(result, False)

    def check(grad_output, input_shape, weight_shape, rank, options):
        types = dtype_of(grad_output), dtype_of(grad_output), None
        shape = shape_of(rank, tuple(input_shape), tuple(weight_shape), None, types, keywords(*options))
        if tuple(grad_output.shape) != tuple(shape):
            raise ValueError(f"grad_output has shape {tuple(grad_output.shape)}; {name}{rank}d returns {tuple(shape)}")

    def input_grad_fake(grad_output, weight, input_shape, last, rank, *options):
        check(grad_output, input_shape, weight.shape, rank, options)
        return fake(input_shape, grad_output, last)

    def weight_grad_fake(input, grad_output, weight_shape, rank, *options):
        check(grad_output, input.shape, weight_shape, rank, options)
        return fake(weight_shape, input)

    schema = f"int rank, {schema}"
    forward = operator(name, f"(Tensor input, Tensor weight, Tensor? bias, {schema}) -> Tensor", run, run_fake)
    input_grad = operator(
        f"{name}_input_grad",
        f"(Tensor grad_output, Tensor weight, SymInt[] input_shape, bool channels_last, {schema}) -> Tensor",
        run_input_grad, input_grad_fake,
    )  # fmt: skip
    weight_grad = operator(
        f"{name}_weight_grad", f"(Tensor input, Tensor grad_output, SymInt[] weight_shape, {schema}) -> Tensor",
        run_weight_grad, weight_grad_fake,
    )  # fmt: skip
    bilinear(forward, input_grad, weight_grad, schema.count(",") + 1, linear, _rank)
    return forward


# ---- convolution -------------------------------------------------------------------------------------------


def _conv_keywords(stride, padding, padding_name, padding_mode, cval, dilation, groups, flip_kernel, method):
    return dict(
        stride=one_or_all(stride), padding=padding_from(padding, padding_name), padding_mode=modes_from(padding_mode),
        cval=cval, dilation=one_or_all(dilation), groups=groups, flip_kernel=flip_kernel, method=method,
    )  # fmt: skip


def _conv_gradient_keywords(*options):
    """A layer by FFT has gradients without."""
    found = _conv_keywords(*options)
    return found | {"method": "auto"} if found["method"] == "fft" else found


def _conv_shape(rank, input_shape, weight_shape, bias_shape, types, found):
    return conv_spec(
        rank, input_shape, types[0], weight_shape, types[1], bias_shape, types[2], found["stride"], found["padding"],
        found["padding_mode"], found["cval"], found["dilation"], found["groups"], found["flip_kernel"], None,
        "channels_first", found["method"], None, None,
    ).output_shape  # fmt: skip


def _without_border(options):
    return *options[:5], 0, *options[6:]


_conv = _operators(
    "conv",
    "int[] stride, int[] padding, str padding_name, str padding_mode, Scalar cval, int[] dilation, int groups, "
    "bool flip_kernel, str method",
    _conv_keywords, _conv_gradient_keywords, _conv_shape, _without_border,
)  # fmt: skip


def _conv_of(rank):
    def conv(
        input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, padding_mode="zeros", cval=0,
        flip_kernel=False, method="auto",
    ):  # fmt: skip
        check_tensors(input, weight, "weight", bias)
        return _conv(
            input, weight, bias, rank, ints(stride, "stride", rank, 1), *padding_of(padding, rank, CONV_PADDINGS),
            modes_of(padding_mode, "padding_mode", rank), as_number(cval), ints(dilation, "dilation", rank, 1),
            check_int(groups, "groups", 1), check_bool(flip_kernel, "flip_kernel"),
            check_choice(method, "method", LAYER_METHODS),
        )  # fmt: skip

    return _docs.finish(conv, "conv", rank)


conv1d, conv2d, conv3d = map(_conv_of, (1, 2, 3))


# ---- transposed convolution ----------------------------------------------------------------------------------


def _transpose_keywords(stride, padding, padding_name, output_padding, output_size, dilation, groups, flip_kernel):
    return dict(
        stride=one_or_all(stride), padding=padding_from(padding, padding_name),
        output_padding=one_or_all(output_padding), output_size=None if output_size is None else tuple(output_size),
        dilation=one_or_all(dilation), groups=groups, flip_kernel=flip_kernel,
    )  # fmt: skip


def _transpose_shape(rank, input_shape, weight_shape, bias_shape, types, found):
    _, shape = transposed_spec(
        rank, input_shape, types[0], weight_shape, types[1], bias_shape, types[2], found["stride"], found["padding"],
        found["output_padding"], found["output_size"], found["dilation"], found["groups"], found["flip_kernel"],
        "channels_first",
    )  # fmt: skip
    return shape


_conv_transpose = _operators(
    "conv_transpose",
    "int[] stride, int[] padding, str padding_name, int[] output_padding, SymInt[]? output_size, int[] dilation, "
    "int groups, bool flip_kernel",
    _transpose_keywords, _transpose_keywords, _transpose_shape, lambda options: options,
)  # fmt: skip


def _conv_transpose_of(rank):
    def conv_transpose(
        input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1, *, output_size=None,
        flip_kernel=False,
    ):  # fmt: skip
        check_tensors(input, weight, "weight", bias)
        return _conv_transpose(
            input, weight, bias, rank, ints(stride, "stride", rank, 1), *padding_of(padding, rank, ("valid", "same")),
            ints(output_padding, "output_padding", rank, 0),
            None if output_size is None else ints(output_size, "output_size", rank, 0),
            ints(dilation, "dilation", rank, 1), check_int(groups, "groups", 1), check_bool(flip_kernel, "flip_kernel"),
        )  # fmt: skip

    return _docs.finish(conv_transpose, "conv_transpose", rank)


conv_transpose1d, conv_transpose2d, conv_transpose3d = map(_conv_transpose_of, (1, 2, 3))
