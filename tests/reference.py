"""Naive twins of the public operations: what the answer is, written to be read, not to be fast.

Design:
(a) Nothing here comes from cconv, and nothing is clever: an array is padded by looking every index up, then
    one tap of the kernel after the other is added.  A twin is judged itself, against SciPy, NumPy and torch,
    in ``test_reference.py``.
(b) Arithmetic is float64 or complex128 for anything inexact, and Python integers (object arrays) for integers
    and bool.  Inexact results stay in float64 / complex128, so that a test can measure an error; integer
    results are reduced to the result type as NumPy wraps them, so that a test can ask for equality.
(c) Arguments are those of the public function of the same name; ``out``, ``method`` and ``num_threads`` say
    nothing about the answer and are not taken.
"""

import itertools
import math

import numpy as np

ALIASES = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}


# ---- types -------------------------------------------------------------------------------------------------


def exact(array):
    """The array in the arithmetic of the twins."""
    array = np.asarray(array)
    if array.dtype.kind == "b":
        array = array.astype(np.int8)
    if array.dtype.kind in "iu":
        return array.astype(object)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def finish(array, dtype):
    """From the arithmetic of the twins to what a test compares with (see (b))."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(array != 0, bool).reshape(np.shape(array))
    if dtype.kind in "iu":
        bits = 8 * dtype.itemsize
        wrapped = [int(value) % 2**bits for value in np.asarray(array, object).ravel()]
        return np.array(wrapped, np.uint64).reshape(np.shape(array)).astype(f"u{dtype.itemsize}").view(dtype)
    return np.asarray(array, np.complex128 if dtype.kind == "c" else np.float64)


# ---- padding -----------------------------------------------------------------------------------------------


def source_index(i, extent, boundary):
    """Which sample of an axis stands at position i, however far outside; None: the fill value."""
    boundary = ALIASES.get(boundary, boundary)
    if 0 <= i < extent:
        return i
    if boundary == "constant" or extent == 0:
        return None
    if boundary == "edge":
        return 0 if i < 0 else extent - 1
    if boundary == "wrap":
        return i % extent
    if boundary == "symmetric":  # abcd -> dcba|abcd|dcba: period 2n
        i %= 2 * extent
        return i if i < extent else 2 * extent - 1 - i
    if boundary == "reflect":  # abcd -> dcb|abcd|cba: period 2n - 2, the edges are not repeated
        if extent == 1:
            return 0
        i %= 2 * extent - 2
        return i if i < extent else 2 * extent - 2 - i
    raise ValueError(boundary)


def pad_axis(array, axis, before, after, boundary="constant", cval=0):
    """Pad one axis; a negative amount crops, and cropping comes first."""
    array = np.moveaxis(array, axis, 0)
    array = array[max(-before, 0) : array.shape[0] - max(-after, 0)]
    extent = array.shape[0]
    positions = range(-max(before, 0), extent + max(after, 0))
    out = np.empty((len(positions), *array.shape[1:]), array.dtype)
    for row, i in enumerate(positions):
        source = source_index(i, extent, boundary)
        out[row] = cval if source is None else array[source]
    return np.moveaxis(out, 0, axis)


def per_axis(value, rank):
    return (value,) * rank if isinstance(value, int | str | np.integer) else tuple(value)


def pad_amounts(padding, size, kernel_size, stride, dilation):
    """((before, after), ...) per axis from every form that padding may have."""
    rank = len(size)
    if isinstance(padding, str):
        amounts = []
        for axis, (n, k, s, d) in enumerate(zip(size, kernel_size, stride, dilation, strict=True)):
            reach = d * (k - 1)
            needed = max((math.ceil(n / s) - 1) * s + reach + 1 - n, 0)
            if padding == "valid":
                amounts.append((0, 0))
            elif padding == "full":
                amounts.append((reach, reach))
            elif padding == "same_lower":
                amounts.append((needed - needed // 2, needed // 2))
            elif padding == "causal" and axis == 0:
                amounts.append((reach, 0))
            elif padding in ("same", "causal"):
                amounts.append((needed // 2, needed - needed // 2))
            else:
                raise ValueError(padding)
        return amounts
    padding = per_axis(padding, rank)
    return [(p, p) if isinstance(p, int | np.integer) else tuple(p) for p in padding]


# ---- the sum of products -----------------------------------------------------------------------------------


def sum_of_products(padded, weight, stride, dilation):
    """(C, *spatial) and (O, C, *kernel) -> (O, *output).

    y[o, i] = sum over c, j of x[c, i*stride + j*dilation] w[o, c, j]
    """
    kernel_size = weight.shape[2:]
    size = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(padded.shape[1:], kernel_size, stride, dilation, strict=True)
    ]
    out = np.zeros((weight.shape[0], *size), np.result_type(padded, weight))
    for tap in itertools.product(*map(range, kernel_size)):
        window = tuple(
            slice(j * d, j * d + (o - 1) * s + 1 if o else 0, s)
            for j, d, o, s in zip(tap, dilation, size, stride, strict=True)
        )
        for c in range(weight.shape[1]):
            w = weight[(slice(None), c, *tap)].reshape(-1, *[1] * len(size))
            out = out + w * padded[(c, *window)][np.newaxis]
    return out


ACTIVATIONS = {
    None: lambda x: x,
    "relu": lambda x: np.where(x < 0, 0 * x, x),
    "leaky_relu": lambda x: np.where(x < 0, 0.01 * x, x),
    "relu6": lambda x: np.where(x < 0, 0 * x, np.where(x > 6, 0 * x + 6, x)),
}


# ---- convolve, correlate -----------------------------------------------------------------------------------


def convolve(input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0):
    """y[i] = sum over j of x[i - j] w[j], the mode's samples of it, centred as scipy.signal.convolve does."""
    return filter_axes(input, kernel, mode, boundary, cval, axes, origin, flip=True)


def correlate(input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0):
    """y = the samples of sum over j of x[i + j] conj(w[j]), as scipy.signal.correlate centres them."""
    return filter_axes(input, kernel, mode, boundary, cval, axes, origin, flip=False)


def filter_axes(input, kernel, mode, boundary, cval, axes, origin, flip):
    input, kernel = np.asarray(input), np.asarray(kernel)
    dtype = np.result_type(input.dtype, kernel.dtype)
    axes = range(input.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    axes = [a % input.ndim for a in axes]
    rank = len(axes)
    x = np.moveaxis(exact(input), axes, range(-rank, 0))
    w = exact(kernel)
    if kernel.ndim == input.ndim:
        w = np.moveaxis(w, axes, range(-rank, 0))
    if flip:
        w = w[(..., *[slice(None, None, -1)] * rank)]
    elif dtype.kind == "c":
        w = w.conj()
    if dtype.kind not in "biu":
        x, w = (a.astype(np.complex128 if dtype.kind == "c" else np.float64) for a in (x, w))
    batch = np.broadcast_shapes(x.shape[:-rank], w.shape[:-rank])
    probe = filter_one(np.zeros(x.shape[-rank:]), np.zeros(w.shape[-rank:]), mode, boundary, 0, origin, flip)
    x = np.broadcast_to(x, batch + x.shape[-rank:])
    w = np.broadcast_to(w, batch + w.shape[-rank:])
    out = np.zeros(batch + probe.shape, x.dtype)
    for b in np.ndindex(*batch):
        out[b] = filter_one(x[b], w[b], mode, boundary, cval, origin, flip)
    return np.moveaxis(finish(out, dtype), range(-rank, 0), axes)


def filter_one(x, w, mode, boundary, cval, origin, flip):
    """One array, one kernel; w is as it is slid over x: flipped or conjugated already."""
    rank = x.ndim
    origin, boundary = per_axis(origin, rank), per_axis(boundary, rank)
    for axis, k in enumerate(w.shape):
        if mode == "full":
            before, after = k - 1, k - 1
        elif mode == "valid":
            before, after = 0, 0
        else:
            # "same" is full[(k-1)//2 :], so k//2 before; origin moves a correlation right, a convolution left
            before = k // 2 + (-origin[axis] if flip else origin[axis])
            after = k - 1 - before
        # A window wholly outside on one side is a negative amount on the other: pad there, then cut.
        x = pad_axis(x, axis, max(before, 0), max(after, 0), boundary[axis], cval)
        x = pad_axis(x, axis, min(before, 0), min(after, 0))
    return sum_of_products(x[np.newaxis], w[np.newaxis, np.newaxis], (1,) * rank, (1,) * rank)[0]


def present_only(
    function, input, kernel, mode="full", *, missing, boundary="constant", cval=0, axes=None, origin=0
):
    """sum over present of w x * sum(w) / sum over present of w; the border is present, unless cval is NaN.

    ``function`` is a twin, convolve or correlate; one kernel for all batches.
    """
    kernel = np.asarray(kernel) * 1.0
    lost = np.isnan(cval)
    options = dict(boundary=boundary, axes=axes, origin=origin)
    total = function(np.where(missing, 0, input) * 1.0, kernel, mode, cval=0 if lost else cval, **options)
    seen = function(np.where(missing, 0.0, 1.0), kernel, mode, cval=0 if lost else 1, **options)
    weight = kernel.sum().conj() if function is correlate else kernel.sum()
    nothing = np.abs(seen) < 1e-12 * np.abs(kernel).sum()
    return np.where(nothing, np.nan, total * weight / np.where(nothing, 1, seen))


def saturated(function, *arrays, out_dtype, **parameters):
    """The twin `function`'s sum in int64 or float64, rounded half to even, clipped to an integer type; NaN is 0."""
    arrays = [a.astype(np.int64 if a.dtype.kind in "biu" else np.float64) for a in map(np.asarray, arrays)]
    limits = np.iinfo(out_dtype)
    low, high = int(limits.min), int(limits.max)

    def stored(value):
        return 0 if value != value else low if value <= low else high if value >= high else int(value)

    total = function(*arrays, **parameters)
    total = np.rint(total) if total.dtype.kind == "f" else total
    return np.array([stored(value) for value in total.ravel().tolist()], out_dtype).reshape(total.shape)


# ---- CNN layers --------------------------------------------------------------------------------------------


def conv_nd(
    rank, input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
    groups=1, flip_kernel=False, activation=None, data_format="channels_first",
):  # fmt: skip
    """Cross-correlation of (N, C, *spatial) with (O, C/groups, *kernel)."""
    input, weight = np.asarray(input), np.asarray(weight)
    dtype = np.result_type(input.dtype, weight.dtype)
    x, w = exact(input), exact(weight)
    if dtype.kind not in "biu":
        common = np.complex128 if dtype.kind == "c" else np.float64
        x, w = x.astype(common), w.astype(common)
    if data_format == "channels_last":
        x = np.moveaxis(x, -1, -1 - rank)
    unbatched = x.ndim == rank + 1
    x = x[np.newaxis] if unbatched else x
    stride, dilation = per_axis(stride, rank), per_axis(dilation, rank)
    modes = per_axis(padding_mode, rank)
    for axis, (before, after) in enumerate(pad_amounts(padding, x.shape[2:], w.shape[2:], stride, dilation)):
        x = pad_axis(x, 2 + axis, before, after, modes[axis], cval)
    if flip_kernel:
        w = w[(..., *[slice(None, None, -1)] * rank)]
    ic, oc = w.shape[1], w.shape[0] // groups
    images = []
    for image in x:
        parts = [
            sum_of_products(image[g * ic : (g + 1) * ic], w[g * oc : (g + 1) * oc], stride, dilation)
            for g in range(groups)
        ]
        images.append(np.concatenate(parts))
    if images:
        out = np.stack(images)
    else:
        probe = sum_of_products(np.zeros((ic, *x.shape[2:])), np.zeros(w[:oc].shape), stride, dilation)
        out = np.zeros((0, w.shape[0], *probe.shape[1:]), w.dtype)
    if bias is not None:
        out = out + exact(np.asarray(bias)).reshape(-1, *[1] * rank)
    out = ACTIVATIONS[activation](finish(out, dtype))
    out = out[0] if unbatched else out
    return np.moveaxis(out, -1 - rank, -1) if data_format == "channels_last" else out


def conv1d(*args, **kwargs):
    return conv_nd(1, *args, **kwargs)


def conv2d(*args, **kwargs):
    return conv_nd(2, *args, **kwargs)


def conv3d(*args, **kwargs):
    return conv_nd(3, *args, **kwargs)


def conv_output_shape(input_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    """By counting where a window may start, not by the formula."""
    rank = len(input_shape)
    kernel_size, stride, dilation = (per_axis(v, rank) for v in (kernel_size, stride, dilation))
    amounts = pad_amounts(padding, input_shape, kernel_size, stride, dilation)
    counts = []
    for n, k, s, d, (before, after) in zip(input_shape, kernel_size, stride, dilation, amounts, strict=True):
        counts.append(
            sum(1 for start in range(0, n + before + after, s) if start + d * (k - 1) < n + before + after)
        )
    return tuple(counts)


def receptive_field(layers):
    """(size, stride, start) along one axis, by following what an output reads back to the input."""

    def read(positions):
        for kernel_size, stride, dilation in reversed(layers):
            positions = {p * stride + j * dilation for p in positions for j in range(kernel_size)}
        return positions

    first, second = read({0}), read({1})
    return max(first) - min(first) + 1, min(second) - min(first), min(first)


# ---- pooling -----------------------------------------------------------------------------------------------


def pool_windows(n, k, s, d, before, after, ceil_mode):
    """Per output sample: (positions that hold a sample, how many positions lie inside the padded axis)."""
    windows = []
    start = -before
    while True:
        taps = [start + j * d for j in range(k)]
        inside = taps[-1] < n + after
        if not inside and not (ceil_mode and start < n and taps[-1] - (s - 1) < n + after):
            # ceil_mode keeps one window that hangs over the end, if it starts no later than the last sample
            return windows
        windows.append(([t for t in taps if 0 <= t < n], sum(1 for t in taps if t < n + after)))
        start += s


def pool_nd(
    rank, reduce, input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False,
    data_format="channels_first",
):  # fmt: skip
    """Apply reduce(samples (planes, n), flat indices (n,), count inside the padding) to every window."""
    x = np.asarray(input)
    if data_format == "channels_last":
        x = np.moveaxis(x, -1, -1 - rank)
    size = x.shape[x.ndim - rank :]
    kernel_size, dilation = per_axis(kernel_size, rank), per_axis(dilation, rank)
    stride = kernel_size if stride is None else per_axis(stride, rank)
    amounts = pad_amounts(padding, size, kernel_size, stride, dilation)
    axes = [
        pool_windows(n, k, s, d, *p, ceil_mode)
        for n, k, s, d, p in zip(size, kernel_size, stride, dilation, amounts, strict=True)
    ]
    steps = [math.prod(size[axis + 1 :]) for axis in range(rank)]
    planes = x.reshape(math.prod(x.shape[: x.ndim - rank]), math.prod(size))
    columns = []
    for combination in itertools.product(*axes):
        positions = np.ix_(*[np.array(samples, np.int64) for samples, _ in combination])
        flat = sum(position * step for position, step in zip(positions, steps, strict=True)).ravel()
        columns.append(reduce(planes[:, flat], flat, math.prod(inside for _, inside in combination)))

    def shaped(values):
        out = np.stack(values, axis=-1) if values else np.zeros((len(planes), 0))
        out = out.reshape(*x.shape[: x.ndim - rank], *[len(a) for a in axes])
        return np.moveaxis(out, -1 - rank, -1) if data_format == "channels_last" else out

    return shaped([c[0] for c in columns]), shaped([c[1] for c in columns])


def max_pool_nd(rank, input, kernel_size, *, return_indices=False, nan="propagate", **window):
    """The largest sample of every window, and where the first such stands; NaN is larger than all."""
    input = np.asarray(input)

    def largest(samples, flat, inside):
        if nan == "omit" and samples.dtype.kind == "f":
            lost = np.isnan(samples)
            place = np.where(lost, -np.inf, samples).argmax(axis=1)
            # an all -inf window must not choose a NaN, nor an all-NaN window a number
            ok = ~lost & (samples == np.where(lost, -np.inf, samples).max(axis=1, keepdims=True))
            place = np.where(ok.any(axis=1), ok.argmax(axis=1), 0)
        else:
            place = samples.argmax(axis=1)  # numpy: the first maximum, or the first NaN
        return samples[np.arange(len(samples)), place], flat[place]

    values, indices = pool_nd(rank, largest, input, kernel_size, **window)
    values = values.astype(input.dtype.newbyteorder("="))
    return (values, indices.astype(np.int64)) if return_indices else values


def avg_pool_nd(
    rank, input, kernel_size, *, count_include_pad=True, divisor_override=None, nan="propagate", **window
):
    """The sum of every window over the number of samples, of padded samples, or of divisor_override."""
    input = np.asarray(input)
    if input.dtype.kind == "c":
        options = dict(window, count_include_pad=count_include_pad, divisor_override=divisor_override)
        return avg_pool_nd(rank, input.real, kernel_size, **options) + 1j * avg_pool_nd(
            rank, input.imag, kernel_size, **options
        )

    def mean(samples, flat, inside):
        lost = np.isnan(samples) if nan == "omit" else np.zeros(samples.shape, bool)
        total = np.where(lost, 0, samples).sum(axis=1)
        divisor = (inside if count_include_pad else samples.shape[1]) - lost.sum(axis=1)
        nothing = (divisor == 0) & lost.any(axis=1)  # padding that counts is a sample of 0
        if divisor_override:
            divisor = np.full_like(divisor, divisor_override)
        with np.errstate(all="ignore"):
            return (np.where(nothing, np.nan, total / np.where(divisor == 0, 1, divisor)),) * 2

    return pool_nd(rank, mean, input.astype(np.float64), kernel_size, **window)[0]


def max_pool1d(*args, **kwargs):
    return max_pool_nd(1, *args, **kwargs)


def max_pool2d(*args, **kwargs):
    return max_pool_nd(2, *args, **kwargs)


def max_pool3d(*args, **kwargs):
    return max_pool_nd(3, *args, **kwargs)


def avg_pool1d(*args, **kwargs):
    return avg_pool_nd(1, *args, **kwargs)


def avg_pool2d(*args, **kwargs):
    return avg_pool_nd(2, *args, **kwargs)


def avg_pool3d(*args, **kwargs):
    return avg_pool_nd(3, *args, **kwargs)


# ---- gradients of layers, transposed layers -----------------------------------------------------------------


def in_floats(*arrays):
    """The arrays as float64 or, if one is complex, complex128."""
    common = np.complex128 if any(np.asarray(a).dtype.kind == "c" for a in arrays) else np.float64
    return [np.asarray(a).astype(common) for a in arrays]


def as_batch(array, rank, data_format):
    """The array as (N, C, *spatial)."""
    array = np.asarray(array)
    if data_format == "channels_last":
        array = np.moveaxis(array, -1, -1 - rank)
    return array[np.newaxis] if array.ndim == rank + 1 else array


def as_given(array, unbatched, rank, data_format):
    array = array[0] if unbatched else array
    return np.moveaxis(array, -1 - rank, -1) if data_format == "channels_last" else array


def windows(padded, kernel_size, outputs, stride, dilation):
    """(tap, its view of the last axes of a padded array: one sample per output) for every tap."""
    for tap in itertools.product(*map(range, kernel_size)):
        index = tuple(
            slice(j * d, j * d + (o - 1) * s + 1 if o else 0, s)
            for j, d, o, s in zip(tap, dilation, outputs, stride, strict=True)
        )
        yield tap, padded[(..., *index)]


def unpad_axis(array, axis, before, after, extent, boundary):
    """The transpose of pad_axis: what stands in the border is added to the sample that it repeats."""
    array = np.moveaxis(array, axis, 0)
    out = np.zeros((extent, *array.shape[1:]), array.dtype)
    start = max(-before, 0)
    left = extent - start - max(-after, 0)
    for row, values in enumerate(array):
        source = source_index(row - max(before, 0), left, boundary)
        if source is not None:
            out[start + source] += values
    return np.moveaxis(out, 0, axis)


def conv_nd_input_grad(
    rank, grad_output, weight, input_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
    groups=1, flip_kernel=False, data_format="channels_first",
):  # fmt: skip
    """Each product of a tap, conjugated, goes back to the padded sample that it was made of."""
    grad, w = in_floats(grad_output, weight)
    grad = as_batch(grad, rank, data_format)
    if flip_kernel:
        w = w[(..., *[slice(None, None, -1)] * rank)]
    size = as_batch(np.empty(input_shape), rank, data_format).shape[2:]
    stride, dilation, modes = (per_axis(v, rank) for v in (stride, dilation, padding_mode))
    amounts = pad_amounts(padding, size, w.shape[2:], stride, dilation)
    oc, ic = w.shape[0] // groups, w.shape[1]
    padded = np.zeros((len(grad), groups * ic, *[n + b + a for n, (b, a) in zip(size, amounts, strict=True)]), w.dtype)
    for tap, window in windows(padded, w.shape[2:], grad.shape[2:], stride, dilation):
        for g, o, c in itertools.product(range(groups), range(oc), range(ic)):
            window[:, g * ic + c] += grad[:, g * oc + o] * w[(g * oc + o, c, *tap)].conj()
    for axis, (before, after) in enumerate(amounts):
        padded = unpad_axis(padded, 2 + axis, before, after, size[axis], modes[axis])
    return as_given(padded, len(input_shape) == rank + 1, rank, data_format)


def conv_nd_weight_grad(
    rank, input, grad_output, weight_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
    groups=1, flip_kernel=False, data_format="channels_first",
):  # fmt: skip
    """Each tap's sum of products of what it met, conjugated."""
    x, grad = (as_batch(a, rank, data_format) for a in in_floats(input, grad_output))
    stride, dilation, modes = (per_axis(v, rank) for v in (stride, dilation, padding_mode))
    amounts = pad_amounts(padding, x.shape[2:], weight_shape[2:], stride, dilation)
    for axis, (before, after) in enumerate(amounts):
        x = pad_axis(x, 2 + axis, before, after, modes[axis], cval)
    out = np.zeros(weight_shape, x.dtype)
    oc, ic = weight_shape[0] // groups, weight_shape[1]
    for tap, window in windows(x, weight_shape[2:], grad.shape[2:], stride, dilation):
        for g, o, c in itertools.product(range(groups), range(oc), range(ic)):
            out[(g * oc + o, c, *tap)] = (grad[:, g * oc + o] * window[:, g * ic + c].conj()).sum()
    return out[(..., *[slice(None, None, -1)] * rank)] if flip_kernel else out


def conv_nd_transpose(
    rank, input, weight, bias=None, *, stride=1, padding=0, output_padding=0, output_size=None, dilation=1, groups=1,
    flip_kernel=False, data_format="channels_first",
):  # fmt: skip
    """Every sample adds its copy of the kernel; then the padding is taken off."""
    dtype = np.result_type(np.asarray(input).dtype, np.asarray(weight).dtype)
    x, w = (exact(a) for a in (input, weight)) if dtype.kind in "biu" else in_floats(input, weight)
    unbatched = x.ndim == rank + 1
    x = as_batch(x, rank, data_format)
    if flip_kernel:
        w = w[(..., *[slice(None, None, -1)] * rank)]
    n, k = x.shape[2:], w.shape[2:]
    stride, dilation, extra = (per_axis(v, rank) for v in (stride, dilation, output_padding))
    full = [(i - 1) * s + d * (j - 1) + 1 for i, s, d, j in zip(n, stride, dilation, k, strict=True)]
    if padding == "same":
        size = [i * s for i, s in zip(n, stride, strict=True)] if output_size is None else per_axis(output_size, rank)
    else:
        amounts = [(0, 0)] * rank if padding == "valid" else pad_amounts(padding, n, k, stride, dilation)
        size = [f - b - a + e for f, (b, a), e in zip(full, amounts, extra, strict=True)]
        size = size if output_size is None else per_axis(output_size, rank)
    if padding == "same":
        amounts = pad_amounts(padding, size, k, stride, dilation)
    ic, oc = x.shape[1] // groups, w.shape[1]
    # room enough for whatever lies outside, before and after
    room = [abs(b) for b, _ in amounts]
    whole = np.zeros((len(x), groups * oc, *[2 * r + f + s for r, f, s in zip(room, full, size, strict=True)]), w.dtype)
    for tap, window in windows(whole[(..., *[slice(r, None) for r in room])], k, n, stride, dilation):
        for g, o, c in itertools.product(range(groups), range(oc), range(ic)):
            window[:, g * oc + o] += x[:, g * ic + c] * w[(g * ic + c, o, *tap)]
    starts = [r + b for r, (b, _) in zip(room, amounts, strict=True)]
    out = whole[(..., *[slice(s, s + extent) for s, extent in zip(starts, size, strict=True)])]
    if bias is not None:
        out = out + exact(np.asarray(bias)).reshape(-1, *[1] * rank)
    return as_given(finish(out, dtype), unbatched, rank, data_format)


def conv_nd_transpose_input_grad(
    rank, grad_output, weight, input_shape, *, output_padding=0, output_size=None, **options
):  # fmt: skip
    """The layer itself, with conj(weight); what it returns beyond the input's extents is not there."""
    full = conv_nd(rank, grad_output, np.conj(weight), **options)
    return full[tuple(slice(n) for n in input_shape)]


def conv_nd_transpose_weight_grad(
    rank, input, grad_output, weight_shape, *, output_padding=0, output_size=None, **options
):  # fmt: skip
    """The layer's, conjugated: there the gradient is what this layer's input is."""
    full = conv_nd(rank, grad_output, np.zeros(weight_shape), **options)
    grad = np.zeros(full.shape, np.asarray(input).dtype)
    index = [slice(n) for n in np.asarray(input).shape]
    channel = len(index) - 1 if options.get("data_format") == "channels_last" else len(index) - 1 - rank
    index[channel] = slice(None)
    grad[tuple(index)] = input
    return conv_nd_weight_grad(rank, grad_output, grad, weight_shape, **options).conj()


# ---- depthwise and separable layers -------------------------------------------------------------------------


def depthwise_conv_nd(rank, input, weight, bias=None, *, data_format="channels_first", **options):
    """One-channel layers, one per channel of the input, side by side."""
    axis = -1 if data_format == "channels_last" else -1 - rank
    channels = np.moveaxis(np.asarray(input), axis, 0)
    weight = np.asarray(weight)
    multiplier = len(weight) // len(channels)
    outputs = []
    for c, image in enumerate(channels):
        for m in range(c * multiplier, (c + 1) * multiplier):
            one = None if bias is None else np.asarray(bias)[m : m + 1]
            batch = image if image.ndim == rank + 1 else image[np.newaxis]
            output = conv_nd(rank, batch[:, np.newaxis], weight[m : m + 1], one, **options)[:, 0]
            outputs.append(output if image.ndim == rank + 1 else output[0])
    return np.moveaxis(np.stack(outputs), 0, axis)


def separable_conv_nd(
    rank, input, depthwise_weight, pointwise_weight, bias=None, *, data_format="channels_first", **options
):  # fmt: skip
    """The depthwise layer, then a matrix between the channels at every place."""
    axis = -1 if data_format == "channels_last" else -1 - rank
    between = depthwise_conv_nd(rank, input, depthwise_weight, data_format=data_format, **options)
    matrix = np.asarray(pointwise_weight).reshape(np.shape(pointwise_weight)[:2])
    total = np.moveaxis(np.moveaxis(between, axis, -1) @ matrix.T, -1, axis)
    if bias is not None:
        total = total + np.asarray(bias).reshape(-1, *[1] * (-1 - axis))
    return total


# ---- windows as columns -------------------------------------------------------------------------------------


def unfold(input, kernel_size, *, stride=1, padding=0, dilation=1, data_format="channels_first"):
    """One number at a time: for every window its place, for every tap the sample there, or 0."""
    rank = len(kernel_size)
    x = as_batch(input, rank, data_format)
    stride, dilation = per_axis(stride, rank), per_axis(dilation, rank)
    pairs = pad_amounts(padding, x.shape[2:], kernel_size, stride, dilation)
    for axis, (before, after) in enumerate(pairs):
        x = pad_axis(x, 2 + axis, before, after)
    steps = zip(x.shape[2:], kernel_size, stride, dilation, strict=True)
    outputs = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in steps]
    rows = [samples for _, samples in windows(x, kernel_size, outputs, stride, dilation)]
    columns = np.stack(rows, 2).reshape(x.shape[0], x.shape[1] * len(rows), math.prod(outputs))
    return columns[0] if np.ndim(input) == rank + 1 else columns


def fold(columns, output_size, kernel_size, *, stride=1, padding=0, dilation=1, data_format="channels_first"):
    """The transpose of unfold: entry by entry of its matrix, which unfold itself writes."""
    size, taps = int(np.prod(output_size)), int(np.prod(kernel_size))
    places = np.arange(1, size + 1).reshape(1, *output_size)  # 0 is padding
    options = dict(stride=stride, padding=padding, dilation=dilation)
    places = unfold(places, kernel_size, **options)
    entries = exact(columns)
    entries = entries.reshape(*entries.shape[:-2], entries.shape[-2] // taps, taps * entries.shape[-1])
    sums = np.zeros((*entries.shape[:-1], size + 1), entries.dtype)
    for place, values in zip(places.ravel(), np.moveaxis(entries, -1, 0), strict=True):
        sums[..., place] += values
    out = sums[..., 1:].reshape(*sums.shape[:-1], *output_size)
    out = finish(out, np.asarray(columns).dtype.newbyteorder("="))
    return np.moveaxis(out, -1 - len(output_size), -1) if data_format == "channels_last" else out
def extended_correlation(x, weights, mode, cval):
    """scipy.ndimage.correlate1d of one line, sample by sample: line[i - n//2 + j] * weights[j], outside by picture."""
    pictures = {
        "reflect": lambda i, n: i % (2 * n) if i % (2 * n) < n else 2 * n - 1 - i % (2 * n),
        "mirror": lambda i, n: 0 if n == 1 else abs((i + n - 1) % (2 * n - 2) - (n - 1)),
        "nearest": lambda i, n: min(max(i, 0), n - 1),
        "wrap": lambda i, n: i % n,
        "constant": lambda i, n: i if 0 <= i < n else None,
    }
    place = pictures[{"grid-mirror": "reflect", "grid-wrap": "wrap", "grid-constant": "constant"}.get(mode, mode)]
    result = []
    for i in range(len(x)):
        total = 0.0
        for j, weight in enumerate(weights):
            at = place(i - len(weights) // 2 + j, len(x))
            total += weight * (cval if at is None else x[at])
        result.append(total)
    return np.array(result)
