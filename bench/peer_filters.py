"""Peers that know images and signals: OpenCV, SciPy and NumPy.

A separable filter is given to the library's own function for it, so that nobody is timed on a sum that he would
not form; borders are the same for all.
"""

from functools import partial

import numpy as np

from runner import Runner


def opencv(case, x, w):
    import cv2

    if case.op == "max_filter":             # the default border never wins
        call = partial(cv2.dilate, x, np.ones(case.kernel, np.uint8))
    elif case.weights == "gaussian":
        call = partial(cv2.GaussianBlur, x, case.kernel, case.sigma, borderType=cv2.BORDER_REFLECT)
    elif case.weights == "box":
        call = partial(cv2.blur, x, case.kernel, borderType=cv2.BORDER_REFLECT)
    elif case.weights == "sobel":
        call = partial(cv2.Sobel, x, -1, 1, 0, ksize=3, borderType=cv2.BORDER_REFLECT)
    else:
        call = partial(cv2.filter2D, x, -1, w, borderType=cv2.BORDER_CONSTANT)
    return Runner("opencv", call, np.asarray)


def opencv_separable(case, x, w):
    """sepFilter2D, with the kernel taken apart beforehand."""
    import cv2

    column, row = _factors(w)
    call = partial(cv2.sepFilter2D, x, -1, row, column, borderType=cv2.BORDER_REFLECT)
    return Runner("opencv_sep", call, np.asarray)


def _factors(w):
    """(column, row) whose outer product is `w`, of rank one."""
    row = w[np.abs(w).sum(1).argmax()]
    peak = np.abs(row).argmax()
    return np.ascontiguousarray(w[:, peak] / row[peak]), np.ascontiguousarray(row)


def ndimage(case, x, w):
    from scipy import ndimage

    if case.op == "max_filter":             # its default border repeats samples of the window
        call = partial(ndimage.maximum_filter, x, case.kernel)
    elif case.weights == "gaussian":
        call = partial(ndimage.gaussian_filter, x, case.sigma, truncate=4.0, mode="reflect")
    elif case.weights == "box":
        call = partial(ndimage.uniform_filter, x, case.kernel, mode="reflect")
    elif case.weights == "sobel":
        call = partial(ndimage.sobel, x, axis=1, mode="reflect")
    else:
        call = partial(ndimage.correlate, x, w, mode="constant")
    return Runner("ndimage", call, np.asarray)


def signal(name, case, x, w):
    """scipy.signal's direct sum, its FFT of everything at once, or its overlapping FFTs."""
    from scipy import signal

    mode = "full" if case.op == "convolve" else "same"
    if name == "signal_direct":
        call = partial(getattr(signal, case.op), x, w, mode, method="direct")
    else:
        flipped = w if case.op == "convolve" else np.flip(w).copy()
        call = partial(signal.oaconvolve if name == "signal_oa" else signal.fftconvolve, x, flipped, mode)
    return Runner(name, call, np.asarray)


def facade_options(case):
    """Of a function of scipy.signal: mode "full" is the default."""
    options = {} if case.op == "convolve" else {"mode": "same"}
    return options | ({"boundary": "symm"} if case.boundary == "symmetric" else {})


def facade(case, x, w):
    """scipy.signal's function of the name that is timed."""
    from scipy import signal

    return Runner("scipy", partial(getattr(signal, case.function), x, w, **facade_options(case)), np.asarray)


def numpy(case, x, w):
    """np.convolve; for pools that tile, reshape and reduce."""
    if case.op == "convolve":
        return Runner("numpy", partial(np.convolve, x, w), np.asarray)
    first = 1 if case.channels_last else 2
    split = list(x.shape)
    for axis in reversed(range(first, first + case.rank)):
        split[axis:axis + 1] = [split[axis] // case.stride, case.stride]
    axes = tuple(range(first + 1, first + 2 * case.rank, 2))
    reduce = np.max if case.op == "max_pool" else np.mean
    return Runner("numpy", lambda: reduce(x.reshape(split), axis=axes), np.asarray)
