"""Convolutions that no kernel takes: long double, more than three convolved axes. One tap at a time, in NumPy."""

import itertools

import numpy as np

from .linear_filter import convolve


def by_taps(in1, in2, begin, end, dtype):
    """Samples `begin` to `end`, per axis, of the full convolution of two arrays, in `dtype`.

    A pass over the outputs per tap of `in2`: each is the sum in that order. Where more than three axes have taps, all
    but three are walked so, and `convolve` does the rest.
    """
    inner = _inner_axes(in2.shape) if dtype.char in "?bBhHiIlLqQefdFD" else ()
    walked = [axis for axis in range(in1.ndim) if axis not in inner]
    result = np.zeros([e - b for b, e in zip(begin, end, strict=True)], dtype)
    in1 = in1.astype(dtype, copy=False)
    for taps in itertools.product(*[range(in2.shape[axis]) for axis in walked]):
        # along a walked axis, sample i of in1 is in place i + tap - begin of the result
        source, place, weight = [slice(None)] * in1.ndim, [slice(None)] * in1.ndim, [slice(None)] * in1.ndim
        for axis, tap in zip(walked, taps, strict=True):
            first = max(begin[axis] - tap, 0)
            last = max(min(end[axis] - tap, in1.shape[axis]), first)
            source[axis] = slice(first, last)
            place[axis] = slice(first + tap - begin[axis], last + tap - begin[axis])
            weight[axis] = slice(tap, tap + 1)
        samples, weights = in1[tuple(source)], in2[tuple(weight)].astype(dtype)
        if 0 in samples.shape:
            continue
        if inner:
            product = convolve(samples, weights, "full", axes=inner, method="direct")
            product = product[tuple([slice(begin[a], end[a]) if a in inner else slice(None) for a in range(in1.ndim)])]
        else:
            product = samples * weights
        result[tuple(place)] += product
    return result


def _inner_axes(taps):
    """The three axes with the most taps, in order."""
    return tuple(sorted(sorted(range(len(taps)), key=taps.__getitem__)[-3:]))


def extended(array, before, after, boundary, cval):
    """An array with what a boundary adds to it, per axis."""
    for axis, (first, last) in enumerate(zip(before, after, strict=True)):
        size = array.shape[axis]
        places = np.arange(-first, size + last)
        if boundary == "constant":
            inside = (places >= 0) & (places < size)
            shape = [n if other != axis else len(places) for other, n in enumerate(array.shape)]
            grown = np.full(shape, cval, array.dtype)
            if size:
                index = (slice(None),) * axis
                grown[(*index, inside)] = array
            array = grown
            continue
        if boundary == "wrap":
            places %= size
        else:
            places %= 2 * size
            places = np.minimum(places, 2 * size - 1 - places)
        array = array.take(places, axis=axis)
    return array
