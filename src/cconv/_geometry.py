"""Arithmetic of shapes, for callers: what comes out of a layer, and what an output of a stack of them sees."""

from ._padding import is_sequence, padded_axes, padding_pairs, per_axis
from ._shapes import CONV_PADDINGS


def conv_output_shape(input_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    """Spatial extents of what a convolution returns.

    Along each axis, with ``before + after`` samples of padding::

        output = (input + before + after - dilation * (kernel - 1) - 1) // stride + 1

    Parameters
    ----------
    input_shape : int or sequence of int
        Extents of the spatial axes only: no batch, no channels.
    kernel_size, stride, dilation : int or sequence of int, at least 1
        One for all axes, or one per axis.
    padding : int, sequence of int, sequence of (before, after), or str
        As in `conv2d`: negative amounts crop; names are "valid", "same", "same_lower", "full" and "causal".

    Returns
    -------
    tuple of int
        The output's extent along each axis.

    Raises
    ------
    ValueError
        If the kernel does not fit in the padded input, or an argument has a wrong length or value.
    TypeError
        If an argument is not made of ints.

    Examples
    --------
    >>> import cconv
    >>> cconv.conv_output_shape((224, 224), 7, stride=2, padding=3)
    (112, 112)
    >>> cconv.conv_output_shape((5, 8), (3, 2), padding="full")
    (7, 9)
    """
    rank = len(input_shape) if is_sequence(input_shape) else 1
    if rank == 0:
        raise ValueError("input_shape=() has no axes")
    sizes = per_axis(input_shape, "input_shape", rank, 0)
    kernel = per_axis(kernel_size, "kernel_size", rank, 1)
    stride = per_axis(stride, "stride", rank, 1)
    dilation = per_axis(dilation, "dilation", rank, 1)
    axes = padded_axes(sizes, kernel, stride, dilation, padding, CONV_PADDINGS)
    return tuple([axis.output for axis in axes])


def receptive_field(layers):
    """What one output of a stack of convolutions or poolings sees of the input.

    Output ``i`` of the last layer depends on the input samples ``start + i*stride`` to
    ``start + i*stride + size - 1``. Layer by layer, first to last::

        start -= before * stride;  size += (kernel - 1) * dilation * stride;  stride *= layer's stride

    Parameters
    ----------
    layers : sequence of tuples
        The layers from input to output, each ``(kernel_size, stride, dilation, padding)``, of which only the
        first entry is needed; the others default to 1, 1 and 0. Entries are ints, or sequences with one int
        per axis; padding may also be a sequence of (before, after) pairs. Without any padding `start` is 0.

    Returns
    -------
    (size, stride, start) : tuple
        Three ints if every entry of every layer is an int, otherwise three tuples with one int per axis. A
        negative `start` lies in the padding.

    Raises
    ------
    ValueError, TypeError
        If a layer has no or too many entries, or entries that disagree on the number of axes.

    Examples
    --------
    Two 3x3 layers see what one 5x5 layer sees; a stride makes all later layers see more.

    >>> import cconv
    >>> cconv.receptive_field([(3, 1, 1), (3, 1, 1)])
    (5, 1, 0)
    >>> cconv.receptive_field([(7, 2, 1, 3), (3, 2, 1, 1)])
    (11, 4, -5)
    >>> cconv.receptive_field([((3, 5), 1, 1), (2, (2, 1), 1)])
    ((4, 6), (2, 1), (0, 0))
    """
    if not is_sequence(layers):
        raise TypeError(f"layers={layers!r} must be a sequence of (kernel_size, stride, dilation, padding)")
    stack = []
    rank = None
    for layer in layers:
        if not is_sequence(layer) or not 1 <= len(layer) <= 4:
            raise ValueError(f"layers: {layer!r} must be (kernel_size, stride, dilation, padding)")
        stack.append((*layer, *(1, 1, 1, 0)[len(layer) :]))
        for entry in stack[-1]:
            if is_sequence(entry):
                if rank not in (None, len(entry)):
                    raise ValueError(f"layers: {entry!r} has {len(entry)} entries, an earlier one {rank}")
                rank = len(entry)
    count = 1 if rank is None else rank
    size, step, start = [1] * count, [1] * count, [0] * count
    for kernel_size, stride, dilation, padding in stack:
        kernel_size = per_axis(kernel_size, "kernel_size", count, 1)
        stride = per_axis(stride, "stride", count, 1)
        dilation = per_axis(dilation, "dilation", count, 1)
        before = [pair[0] for pair in padding_pairs(padding, count)]
        for axis in range(count):
            start[axis] -= before[axis] * step[axis]
            size[axis] += (kernel_size[axis] - 1) * dilation[axis] * step[axis]
            step[axis] *= stride[axis]
    return tuple([values[0] if rank is None else tuple(values) for values in (size, step, start)])
