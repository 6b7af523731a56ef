"""scipy.ndimage's filters on dask arrays: ``from cconv.dask import ndimage``.

Names, arguments and values are those of `cconv.ndimage`, and so those of scipy.ndimage, to the last bit; but `output`
can only be a type, and there is `num_threads`.

Design:
  a. A task runs the filter itself on a region that has the halo of every axis, and cuts the halo off. Where the region
     ends with the array, the filter continues it as it continues the array; what it does at other ends stays in the
     halo.
  b. The filter is run on one sample first: so its errors come when the graph is built, and its result's type is known.
  c. A running mean carries its rounding along the line. Where that can be seen (floating point), a line is one chunk,
     axis after axis; sums of integers of up to 32 bits are exact, and so are those of any chunks.
"""

import inspect

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import ndimage as _eager
from .._ndimage_arguments import boundary_of, expanded, filtered_axes, per_axis
from . import _docs
from ._axes import Windows, parts_of, plain
from ._blocks import Arguments, FilterBlock
from ._graph import blocks_of, check_input, check_threads, in_memory

# ---- windows: [(axis, taps, taps before the sample, mode)] ---------------------------------------------------------


def _line(ndim, a):
    taps = len(np.asarray(a["weights"])) if "weights" in a else a["size"]
    return [(normalize_axis_index(a["axis"], ndim), taps, taps // 2 + a["origin"], a["mode"])]


def _turned_line(ndim, a):
    taps = len(np.asarray(a["weights"]))
    return [(normalize_axis_index(a["axis"], ndim), taps, (taps - 1) // 2 - a["origin"], a["mode"])]


def _window(ndim, a):
    return _expanded(ndim, a, np.shape(a["weights"]))


def _turned_window(ndim, a):
    return [(axis, taps, taps - 1 - before, mode) for axis, taps, before, mode in _window(ndim, a)]


def _expanded(ndim, a, shape):
    taps, origins = expanded(ndim, filtered_axes(a["axes"], ndim), shape, a["origin"], "weights")
    return [(axis, n, n // 2 + shift, a["mode"]) for axis, (n, shift) in enumerate(zip(taps, origins, strict=True))]


def _box(ndim, a):
    if a.get("footprint") is not None:
        shape = np.shape(a["footprint"])
        if not np.all(a["footprint"]):
            return _expanded(ndim, a, shape)
        a = {**a, "size": shape}  # as `cconv.ndimage` takes it: axis by axis
    axes = filtered_axes(a["axes"], ndim)
    named = [per_axis(a[name], len(axes), name) for name in ("size", "origin", "mode")]
    # a single sample is no window, whatever its origin
    return [
        (axis, int(n), int(n) // 2 + shift, mode) for axis, n, shift, mode in zip(axes, *named, strict=True) if n > 1
    ]


def _bell(ndim, a):
    reach = _reach(a["sigma"], a["truncate"], a["radius"])
    return [(normalize_axis_index(a["axis"], ndim), 2 * reach + 1, reach, a["mode"])]


def _reach(sigma, truncate=4.0, radius=None):
    return int(truncate * float(sigma) + 0.5) if radius is None else radius


def _bells(ndim, a):
    axes = filtered_axes(a.get("axes"), ndim)
    named = [per_axis(a[name], len(axes), name) for name in ("sigma", "radius", "mode")]
    reaches = [(axis, _reach(s, a["truncate"], r), mode) for axis, s, r, mode in zip(axes, *named, strict=True)]
    return [(axis, 2 * reach + 1, reach, mode) for axis, reach, mode in reaches]


def _difference(ndim, a):
    axes = filtered_axes(a.get("axes"), ndim)
    return [(axis, 3, 1, mode) for axis, mode in zip(axes, per_axis(a["mode"], len(axes), "mode"), strict=True)]


def _all_bells(ndim, a):
    """Of a sum of derivatives: each smooths along all axes."""
    options = {"truncate": 4.0, "radius": None, **a["kwargs"]}
    axes = filtered_axes(a["axes"], ndim)
    sigmas = a["sigma"]
    if len(axes) < ndim and np.iterable(sigmas):
        sigmas = [dict(zip(axes, sigmas, strict=False)).get(axis, 0.0) for axis in range(ndim)]
    mode = a["mode"] if isinstance(a["mode"], str) else (list(a["mode"]) or ["reflect"])[0]
    return _bells(ndim, {**options, "sigma": sigmas, "mode": mode})


# ---- filters -------------------------------------------------------------------------------------------------------


def _lazy(name, windows):
    eager = getattr(_eager, name)
    signature = inspect.signature(eager)

    def filtered(input, *args, num_threads=1, **kwargs):
        check_input(input, f"ndimage.{name}")
        num_threads = check_threads(num_threads)
        bound = signature.bind(input, *args, **kwargs)
        bound.apply_defaults()
        named = dict(bound.arguments)
        del named["input"]
        output = named.get("output")
        if output is not None and not isinstance(output, (type, np.dtype, str)):
            shown = type(output).__name__
            raise TypeError(f"output must be a dtype or None: the result is a new dask array; got {shown}")
        for key in ("weights", "footprint"):
            if named.get(key) is not None:
                named[key] = in_memory(named[key], key)
        options = {**named, **named.get("kwargs", {})}
        options.pop("kwargs", None)
        dtype = eager(np.zeros((1,) * input.ndim, input.dtype), **options).dtype
        options["output"] = dtype
        found = [(axis, int(taps), int(before), boundary_of(mode)) for axis, taps, before, mode in
                 windows(input.ndim, named)]  # fmt: skip
        if name in _SUMS and not isinstance(named["mode"], str) and len(set(named["mode"])) > 1:
            return _terms(name, input, named, dtype, num_threads)
        if name in _MEANS and not _is_exact(input.dtype, dtype, found, named["cval"]):
            return _means(input, found, named["cval"], dtype, num_threads)
        return _filtered(name, input, options, found, dtype, num_threads)

    limit = inspect.Parameter("num_threads", inspect.Parameter.KEYWORD_ONLY, default=1)
    parameters = list(signature.parameters.values())
    place = len(parameters) - (parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
    filtered.__signature__ = signature.replace(parameters=[*parameters[:place], limit, *parameters[place:]])
    return _docs.finish_filter(filtered, name)


def _filtered(name, input, options, found, dtype, num_threads):
    """The graph of a filter whose windows are `found`."""
    windows = {
        axis: Windows(input.shape[axis], input.shape[axis], taps, pad=before, boundary=boundary)
        for axis, taps, before, boundary in found
    }
    parts = [
        parts_of(windows.get(axis, plain(size)), chunks)
        for axis, (size, chunks) in enumerate(zip(input.shape, input.chunks, strict=True))
    ]
    arguments = Arguments(options)

    def make(taken, region):
        # all of a region is filtered, the samples before the first output too
        keep = []
        for axis, part in enumerate(taken):
            before = windows[axis].pad - part.pad if axis in windows else 0
            keep.append((before + part.keep[0], before + part.keep[1]))
        return FilterBlock(region, tuple(keep), name, arguments, num_threads)

    return blocks_of(name, input, parts, make, (), [dtype], (name, sorted(options.items(), key=str), num_threads))[0]


# ---- running means, sums of derivatives ----------------------------------------------------------------------------

_MEANS = ("uniform_filter", "uniform_filter1d")
_SUMS = ("gaussian_laplace", "gaussian_gradient_magnitude")


def _is_exact(source, dtype, found, cval):
    """Are all sums of all windows float64 numbers?"""
    borders = [boundary for _, _, _, boundary in found]
    whole_border = "constant" not in borders or (float(cval).is_integer() and abs(cval) < 1 << 31)
    types = [source, dtype] if len(found) > 1 else [source]
    small = all(kind.kind in "biu" and kind.itemsize <= 4 for kind in types)
    return not found or (small and whole_border and max(taps for _, taps, _, _ in found) <= 1 << 20)


def _means(input, found, cval, dtype, num_threads):
    """One axis after the other, of which each line is in one chunk."""
    result, chunks = input, input.chunks
    bytes_of_chunk = input.dtype.itemsize * max(1, int(np.prod([max(sizes, default=1) for sizes in chunks])))
    for axis, taps, before, boundary in found:
        if len(result.chunks[axis]) > 1:
            wanted = {other: "auto" for other in range(input.ndim)}
            result = result.rechunk({**wanted, axis: -1}, block_size_limit=bytes_of_chunk)
        options = dict(size=taps, axis=axis, output=dtype, mode=_NAMES[boundary], cval=cval, origin=before - taps // 2)
        result = _filtered("uniform_filter1d", result, options, [(axis, taps, before, boundary)], dtype, num_threads)
    return result.rechunk(chunks)


_NAMES = {"symmetric": "reflect", "constant": "constant", "edge": "nearest", "reflect": "mirror", "wrap": "wrap"}


def _terms(name, input, named, dtype, num_threads):
    """A sum of derivatives with a border of its own along each axis: term by term."""
    import dask.array as da

    axes = filtered_axes(named["axes"], input.ndim)
    sigmas = named["sigma"]
    if name == "gaussian_laplace":
        by_axis = dict(zip(axes, per_axis(sigmas, len(axes), "sigma"), strict=True))
        sigmas = tuple([by_axis.get(axis, 0) for axis in range(input.ndim)])
    total = None
    for axis, mode in zip(axes, per_axis(named["mode"], len(axes), "mode"), strict=True):
        order = tuple([(2 if name == "gaussian_laplace" else 1) * (other == axis) for other in range(input.ndim)])
        term = gaussian_filter(
            input, sigmas, order, dtype, mode, named["cval"], num_threads=num_threads, **named["kwargs"]
        )  # fmt: skip
        if name == "gaussian_gradient_magnitude":
            term = term * term
        total = term if total is None else total + term
    return total if name == "gaussian_laplace" else da.sqrt(total).astype(dtype)


convolve = _lazy("convolve", _turned_window)
convolve1d = _lazy("convolve1d", _turned_line)
correlate = _lazy("correlate", _window)
correlate1d = _lazy("correlate1d", _line)
gaussian_filter = _lazy("gaussian_filter", _bells)
gaussian_filter1d = _lazy("gaussian_filter1d", _bell)
gaussian_gradient_magnitude = _lazy("gaussian_gradient_magnitude", _all_bells)
gaussian_laplace = _lazy("gaussian_laplace", _all_bells)
laplace = _lazy("laplace", _difference)
maximum_filter = _lazy("maximum_filter", _box)
maximum_filter1d = _lazy("maximum_filter1d", _line)
minimum_filter = _lazy("minimum_filter", _box)
minimum_filter1d = _lazy("minimum_filter1d", _line)
prewitt = _lazy("prewitt", _difference)
sobel = _lazy("sobel", _difference)
uniform_filter = _lazy("uniform_filter", _box)
uniform_filter1d = _lazy("uniform_filter1d", _line)

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]
