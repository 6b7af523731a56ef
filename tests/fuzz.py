"""Random calls of every operation, compared with the naive twins.

    python tests/fuzz.py --seconds 600          # a seed of the day; a failure prints the line that runs its case alone
    python tests/fuzz.py --case layer:1234567   # one case

Design: a case is a kind and a number, which seeds all that is random in it: shapes, options, types, values, and how the
arrays lie in memory (strides of any sign, offsets, byte order, read-only, odd addresses). Its inputs lie between
poisoned samples and may not change; its result is computed twice, into a new array and into `out`, which lies in memory
that may not be touched around it. Sizes are small, but for the last axis, which goes past two of the widest tiles.
"""

import argparse
import sys
import time
from typing import Any, NamedTuple

import numpy as np

import cconv
import reference
import reference_activations
import reference_pools
from cconv._fft_guard import BOUND
from checks import BOUNDARIES, INEXACT, INTEGERS, Fence, close, guarded, magnitude, sample, ulps

DAY = 86_400
SWAPPED = ">" if sys.byteorder == "little" else "<"


class Call(NamedTuple):
    name: str  # of the function, from cconv
    arrays: tuple  # None stands for no bias
    rest: tuple
    options: dict
    judge: Any  # judge(tuple of results): raises AssertionError


def choose(rng, *values):
    """One of the values, of any type."""
    return values[int(rng.integers(len(values)))]


def ints(rng, low, high, count):
    """`count` ints from low to high, high included."""
    return tuple(int(n) for n in rng.integers(low, high, count, endpoint=True))


def chance(rng, probability):
    return bool(rng.random() < probability)


# ---- layers --------------------------------------------------------------------------------------------------


def layer_options(rng, rank, size, kernel, dilation):
    """Stride, padding and borders that such an input and kernel take."""
    padding = [list(ints(rng, -2, 6, 2)) for _ in range(rank)]
    for axis, pair in enumerate(padding):
        if size[axis] + min(pair[0], 0) + min(pair[1], 0) < 1:
            pair[:] = 0, 0
        pair[1] += max(dilation[axis] * (kernel[axis] - 1) + 1 - size[axis] - sum(pair), 0)
    named = choose(rng, "same", "same_lower", "full", "causal")
    return {
        "stride": ints(rng, 1, 3, rank),
        "dilation": dilation,
        "padding": named if chance(rng, 0.3) else tuple(map(tuple, padding)),
        "padding_mode": tuple(choose(rng, *BOUNDARIES) for _ in range(rank)),
        "flip_kernel": chance(rng, 0.3),
        "data_format": choose(rng, "channels_first", "channels_last"),
    }


def layer_shapes(rng, floating):
    """(rank, batch, groups, in and out channels per group, sizes, kernel, dilation)."""
    rank = choose(rng, 1, 2, 2, 3)
    groups, ins, outs = choose(rng, 1, 1, 2, 3), *ints(rng, 1, 6, 2)
    batch = ints(rng, 0, 3, 1) if chance(rng, 0.8) else ()
    kernel, dilation = ints(rng, 1, 4, rank), ints(rng, 1, 3, rank)
    size = [*ints(rng, 1, 12 if rank < 3 else 5, rank - 1), *ints(rng, 1, choose(rng, 12, 40, 110), 1)]
    which = rng.random()
    if which < 0.2:
        groups, ins, outs = *ints(rng, 1, 40, 1), 1, choose(rng, 1, 1, 2)
    elif which < 0.3 and floating:  # what Winograd's kernels take
        groups, ins, outs = 1, *ints(rng, 32, 40, 2)
        kernel, dilation = (3,) * rank, (1,) * rank
        size = ints(rng, 1, 13 if rank < 3 else 5, rank)
    elif which < 0.4:
        kernel = (1,) * rank
        groups, ins, outs = 1, *ints(rng, 1, 40, 2)
        size = ints(rng, 1, 8, rank)
    return rank, batch, groups, ins, outs, tuple(size), kernel, dilation


def with_channels(rng, shape_of, rank, data_format, dtype):
    """A sample array of (..., C, *spatial), its axes in the order of the format."""
    x = sample(rng, shape_of, dtype)
    return np.ascontiguousarray(np.moveaxis(x, -1 - rank, -1)) if data_format == "channels_last" else x


def layer(rng):
    """conv*, depthwise_conv*."""
    dtype = choose(rng, "float32", "float32", "float64", *INEXACT, *INTEGERS, "bool")
    rank, batch, groups, ins, outs, size, kernel, dilation = layer_shapes(rng, dtype in ("float32", "float64"))
    options = layer_options(rng, rank, size, kernel, dilation)
    complex_or_bool = np.dtype(dtype).kind in "cb"
    options["activation"] = None if complex_or_bool else choose(rng, None, "relu", "leaky_relu", "relu6")
    if np.dtype(dtype).kind not in "fc" and options["activation"] == "leaky_relu":
        options["activation"] = None
    options["cval"] = choose(rng, 0, 0, 1)
    x = with_channels(rng, (*batch, groups * ins, *size), rank, options["data_format"], dtype)
    w, b = sample(rng, (groups * outs, ins, *kernel), dtype), sample(rng, (groups * outs,), dtype)
    b = b if chance(rng, 0.5) else None
    if ins == 1 and outs <= 2 and chance(rng, 0.5):
        name = f"depthwise_conv{rank}d"
        twin = reference.depthwise_conv_nd
    else:
        options["groups"] = groups
        name, twin = f"conv{rank}d", reference.conv_nd
        options["method"] = choose(rng, "auto", "direct")
    told = {key: value for key, value in options.items() if key != "method"}
    plain = told | {"cval": abs(options["cval"]), "activation": None}

    def judge(results):
        with np.errstate(all="ignore"):
            want = twin(rank, x, w, b, **told)
            inexact = want.dtype.kind in "fc"
            scale = abs(twin(rank, magnitude(x), magnitude(w), None if b is None else magnitude(b), **plain)
                        ) if inexact else None  # fmt: skip
            close(results[0], want, dtype, scale, w[0].size + 1)

    return Call(name, (x, w, b), (), options, judge)


def twin_of_gradient(name, rank, arrays, options, terms, dtype):
    """A judge by a function of `reference` that takes two arrays and a shape or a bias."""

    def judge(results):
        twin = getattr(reference, name)
        with np.errstate(all="ignore"):
            want = twin(rank, *arrays, **options)
            large = twin(rank, *[magnitude(a) if isinstance(a, np.ndarray) else a for a in arrays],
                         **options | ({"cval": abs(options["cval"])} if "cval" in options else {}))  # fmt: skip
            if dtype == "float16":  # phases and borders are added up in the result's own type
                assert results[0].dtype == dtype and results[0].shape == want.shape
                assert (np.abs(results[0] - want) <= 2.0**-9 * np.abs(large) + 2.0**-23).all()
            else:
                close(results[0], want, dtype, np.abs(large), terms)

    return judge


def gradient(rng):
    """conv*_input_grad, conv*_weight_grad."""
    dtype = choose(rng, "float32", "float32", "float64", *INEXACT)
    rank, batch, groups, ins, outs, size, kernel, dilation = layer_shapes(rng, chance(rng, 0.1))
    if groups * ins * outs > 200:  # its twin goes channel by channel
        size = tuple(min(n, 5) for n in size)
    options = layer_options(rng, rank, size, kernel, dilation) | {"groups": groups}
    x = with_channels(rng, (*batch, groups * ins, *size), rank, options["data_format"], dtype)
    w = sample(rng, (groups * outs, ins, *kernel), dtype)
    g = sample(rng, getattr(cconv, f"conv{rank}d")(x, w, **options).shape, dtype)
    if chance(rng, 0.5):
        what, arrays, shape, terms = "input_grad", (g, w), x.shape, outs * w[0, 0].size * 9
    else:
        options["cval"] = choose(rng, 0, 1)
        what, arrays, shape, terms = "weight_grad", (x, g), w.shape, max(g.size // (groups * outs), 1)
    judge = twin_of_gradient(f"conv_nd_{what}", rank, (*arrays, shape), dict(options), terms, dtype)
    return Call(f"conv{rank}d_{what}", arrays, (shape,), options, judge)


def transposed(rng):
    """conv_transpose* and its gradients."""
    dtype = choose(rng, "float32", "float32", "float64", *INEXACT)
    rank, batch, groups, ins, outs, size, kernel, dilation = layer_shapes(rng, chance(rng, 0.1))
    size = tuple(min(n, 5 if groups * ins * outs > 200 else 40) for n in size)
    stride = ints(rng, 1, 3, rank)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = tuple(choose(rng, 0, 0, min(r, 2), min(r // 2, 3)) for r in reach)
    options = {
        "stride": stride, "dilation": dilation, "padding": padding, "groups": groups,
        "flip_kernel": chance(rng, 0.3), "data_format": choose(rng, "channels_first", "channels_last"),
        "output_padding": tuple(choose(rng, 0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True)),
    }  # fmt: skip
    full = [(n - 1) * s + r + 1 for n, s, r in zip(size, stride, reach, strict=True)]
    if any(f - 2 * p < 1 for f, p in zip(full, padding, strict=True)):
        options["padding"] = (0,) * rank
    x = with_channels(rng, (*batch, groups * ins, *size), rank, options["data_format"], dtype)
    w = sample(rng, (groups * ins, outs, *kernel), dtype)
    y = getattr(cconv, f"conv_transpose{rank}d")(x, w, **options)
    which = choose(rng, "", "", "_input_grad", "_weight_grad")
    if not which:
        bias = sample(rng, (groups * outs,), dtype) if chance(rng, 0.5) else None
        arrays, rest, terms = (x, w, bias), (), ins * w[0, 0].size + 1
        seen = arrays
    else:
        g = sample(rng, y.shape, dtype)
        arrays, rest = ((g, w), (x.shape,)) if which == "_input_grad" else ((x, g), (w.shape,))
        seen, terms = (*arrays, *rest), max(outs * w[0, 0].size, x.size // (groups * ins) + 1)
    judge = twin_of_gradient(f"conv_nd_transpose{which}", rank, seen, dict(options), terms, dtype)
    return Call(f"conv_transpose{rank}d{which}", arrays, rest, options, judge)


# ---- filters -------------------------------------------------------------------------------------------------


def linear_filter(rng):
    """convolve, correlate: modes, borders, origins, axes in any order, direct, separable or by FFT."""
    rank = choose(rng, 1, 2, 3)
    size = [*ints(rng, 1, {1: 1, 2: 30, 3: 8}[rank], rank - 1), *ints(rng, 1, {1: 300, 2: 80, 3: 40}[rank], 1)]
    kernel = ints(rng, 1, {1: 60, 2: 9, 3: 4}[rank], rank)
    mode = choose(rng, "full", "same", "same", "valid")
    if mode == "valid":
        size = [max(a, b) for a, b in zip(size, kernel, strict=True)]
    floats = ("float32", "float64", "complex64", "complex128", "float16")
    method = choose(rng, "auto", "auto", "direct", "fft")
    dtypes = [choose(rng, *floats) if method == "fft" else choose(rng, "float32", *floats, *INTEGERS) for _ in "xw"]
    batch = ints(rng, 0 if chance(rng, 0.1) else 1, 3, int(rng.integers(0, 3)))
    axes = tuple(range(-rank, 0))
    x = sample(rng, (*batch, *size), dtypes[0])
    w = sample(rng, kernel, dtypes[1])
    if rank > 1 and chance(rng, 0.2):  # an outer product
        w = np.multiply.outer(w[(..., *[0] * (rank - 1))], sample(rng, kernel[1:], dtypes[1])).astype(dtypes[1])
    if batch and chance(rng, 0.3):  # the filtered axes first
        x, axes = np.moveaxis(x, axes, range(rank)), tuple(range(rank))
    options = {"mode": mode, "axes": axes, "method": method}
    if mode == "same":
        options["boundary"] = tuple(choose(rng, *BOUNDARIES) for _ in range(rank))
        options["origin"] = tuple(choose(rng, 0, int(rng.integers(-(n // 2), (n - 1) // 2 + 1))) for n in kernel)
        options["cval"] = choose(rng, 0, 1)
    name = choose(rng, "convolve", "correlate")
    dtype = np.result_type(x.dtype, w.dtype)
    if method == "fft" and dtype.kind not in "fc":
        options["method"] = "auto"
    told = {key: value for key, value in options.items() if key != "method"}
    transforms = options["method"] in ("auto", "fft") and dtype.kind in "fc"

    def judge(results):
        twin = getattr(reference, name)
        with np.errstate(all="ignore"):
            want = twin(x, w, **told)
            scale = twin(magnitude(x), magnitude(w), **told) if dtype.kind in "fc" else None
            if transforms and want.size:  # within the bound that the documentation gives
                largest = max(magnitude(x).max(initial=0), abs(options.get("cval", 0)))
                eps = np.finfo(dtype).eps
                allowed = BOUND * eps * largest * magnitude(w).sum() + eps * np.abs(want)
                assert results[0].dtype == dtype and results[0].shape == want.shape
                got = results[0].astype(want.dtype)
                fine = (np.abs(got - want) <= allowed) | (got == want) | (np.abs(want) > np.finfo(dtype).max)
                assert fine.all(), f"off by {np.abs(got - want)[~fine].max()}, allowed {allowed.min()}"
            else:
                close(results[0], want, dtype, scale, w.size)

    return Call(name, (x, w), (), options, judge)


def ndimage_filter(rng):
    """ndimage.*, with SciPy itself as the twin: equal bits, but where float sums under a window are the core's."""
    from scipy import ndimage

    rank = choose(rng, 1, 2, 3)
    shape = [*ints(rng, 1, {1: 1, 2: 30, 3: 8}[rank], rank - 1), *ints(rng, 1, 70, 1)]
    dtype = choose(rng, "float64", "float32", "uint8", "int16", "uint32", "int64")
    x = (rng.random(shape) * 200).astype(dtype)
    modes = ("reflect", "constant", "nearest", "mirror", "wrap")
    options = {"mode": choose(rng, *modes), "cval": choose(rng, 0.0, 1.5)}
    taps = ints(rng, 1, 7 if rank < 3 else 4, rank)
    origin = [int(rng.integers(-((n - 1) // 2), (n - 1) // 2 + 1)) for n in taps]
    name = choose(rng, "correlate", "convolve", "correlate1d", "convolve1d", "gaussian_filter", "uniform_filter",
                  "maximum_filter", "minimum_filter", "sobel", "prewitt", "laplace", "gaussian_laplace")  # fmt: skip
    arrays, rest = (x,), ()
    if name in ("correlate", "convolve"):
        arrays, options["origin"] = (x, rng.standard_normal(taps)), tuple(origin)
    elif name in ("correlate1d", "convolve1d"):
        options["axis"] = int(rng.integers(rank))
        arrays = (x, rng.standard_normal(taps[options["axis"]]))
    elif "gaussian" in name:
        rest = (choose(rng, 0.5, 1.0, 2.3),)
    elif name.endswith("filter"):
        options |= {"size": taps, "origin": tuple(origin)}
    elif name != "laplace":
        options["axis"] = int(rng.integers(rank))

    def judge(results):
        twin = getattr(ndimage, name)
        want = twin(*arrays, *rest, **options)
        if name in ("correlate", "convolve") and x.dtype.kind == "f":  # the same order, a product not rounded by itself
            weights = arrays[1]
            scale = twin(x.astype("float64"), np.abs(weights), **options)  # no sample is negative
            allowed = weights.size * np.finfo("float64").eps * scale + np.finfo(dtype).eps * np.abs(want)
            assert results[0].dtype == want.dtype and results[0].shape == want.shape
            assert (np.abs(results[0] - want) <= allowed).all(), f"off by {np.abs(results[0] - want).max()}"
        else:
            np.testing.assert_array_equal(results[0], want)

    return Call(f"ndimage.{name}", arrays, rest, options, judge)


# ---- pools ---------------------------------------------------------------------------------------------------


def pool_shapes(rng):
    rank = choose(rng, 1, 2, 2, 3)
    kernel, stride, dilation = ints(rng, 1, 4, rank), ints(rng, 1, 4, rank), ints(rng, 1, 2, rank)
    if chance(rng, 0.1):
        kernel = ints(rng, 5, 20, 1) + kernel[1:]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [n + int(rng.integers(0, 12 if rank < 3 else 5)) for n in reach]
    size[-1] += int(rng.integers(0, choose(rng, 5, 80)))
    channels = choose(rng, *ints(rng, 1, 20, 2), 40)
    return rank, kernel, stride, dilation, (*ints(rng, 0 if chance(rng, 0.1) else 1, 3, 1), channels, *size)


def pool(rng):
    """max_pool*, min_pool*, avg_pool*, lp_pool*, adaptive pools; NaN here and there."""
    rank, kernel, stride, dilation, shape = pool_shapes(rng)
    kind = choose(rng, "max", "max", "min", "avg", "avg", "lp", "adaptive_avg", "adaptive_max")
    dtypes = ("float32", "float64", "float16") if kind == "lp" else ("float32", "float32", "float64", "float16", "bool",
                                                                    *INTEGERS)  # fmt: skip
    dtype = choose(rng, *dtypes)
    options = {"data_format": choose(rng, "channels_first", "channels_last")}
    x = with_channels(rng, shape, rank, options["data_format"], dtype)
    floating = np.dtype(dtype).kind == "f"
    if floating and chance(rng, 0.5):
        x = np.round(x)  # ties
        x[rng.random(x.shape) < 0.1] = np.nan
        options["nan"] = choose(rng, "propagate", "omit")
    rest = (kernel,)
    if kind.startswith("adaptive"):
        rest = (tuple(int(rng.integers(1, n + 1)) for n in shape[2:]),)
    else:
        options |= {"stride": stride, "ceil_mode": chance(rng, 0.5)}
    if kind in ("max", "min", "avg"):
        padding = tuple((int(rng.integers(0, (k + 1) // 2)), int(rng.integers(0, (k + 1) // 2))) for k in kernel)
        options |= {"padding": padding, "dilation": dilation}
    if kind == "lp":
        rest = (choose(rng, 1, 2, 3, 1.5), kernel)
    if kind == "avg":
        options["count_include_pad"] = chance(rng, 0.5)
    if kind in ("max", "min", "adaptive_max") and chance(rng, 0.5):
        options["return_indices"] = True
    name = f"{kind}_pool{rank}d"
    module = reference if kind in ("max", "avg") else reference_pools

    def judge(results):
        with np.errstate(all="ignore"):
            wants = getattr(module, name)(x, *rest, **options)
            wants = wants if isinstance(wants, tuple) else (wants,)
            if kind in ("max", "min", "adaptive_max"):
                for got, want in zip(results, wants, strict=True):
                    np.testing.assert_array_equal(got, want)
                return
            want, got = wants[0], results[0]
            eps = np.finfo(got.dtype).eps
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            largest = np.nanmax(np.abs(x.astype(np.float64)), initial=0) * (16 if kind == "lp" else 1)
            assert np.nanmax(np.abs(got - want), initial=0) <= 16 * eps * largest

    return Call(name, (x,), rest, options, judge)


def pool_gradient(rng):
    """Gradients of pools, max_unpool* and its gradient."""
    rank, kernel, stride, _, shape = pool_shapes(rng)
    dtype = choose(rng, "float32", "float32", "float64", "float16")
    form = {"data_format": choose(rng, "channels_first", "channels_last")}
    shape = shape[:2] + tuple(min(n, 40 if rank == 1 else 12 if rank == 2 else 6) for n in shape[2:])
    kernel = tuple(min(k, n) for k, n in zip(kernel, shape[2:], strict=True))
    x = with_channels(rng, shape, rank, form["data_format"], dtype)
    kind = choose(rng, "max", "avg", "adaptive_avg", "lp", "unpool", "unpool_grad")
    window = form | {"stride": stride}
    whole = lambda shape: rng.integers(-8, 8, shape).astype(dtype)  # noqa: E731
    if kind == "avg":
        window |= {"ceil_mode": chance(rng, 0.5), "count_include_pad": chance(rng, 0.5)}
        g = whole(getattr(cconv, f"avg_pool{rank}d")(x, kernel, **window).shape)
        call = f"avg_pool{rank}d_input_grad", (g,), (x.shape, kernel), window
    elif kind == "adaptive_avg":
        y = getattr(cconv, f"adaptive_avg_pool{rank}d")(x, tuple(max(1, n // 2) for n in shape[2:]), **form)
        call = f"adaptive_avg_pool{rank}d_input_grad", (whole(y.shape),), (x.shape,), form
    elif kind == "lp":
        norm = choose(rng, 1, 2, 3)
        g = whole(getattr(cconv, f"lp_pool{rank}d")(x, norm, kernel, **window).shape)
        call = f"lp_pool{rank}d_input_grad", (g, x), (norm, kernel), window
    else:
        window["stride"] = kernel if kind.startswith("unpool") else stride
        values, places = getattr(cconv, f"max_pool{rank}d")(x, kernel, return_indices=True, **window)
        if kind == "max":
            call = f"max_pool{rank}d_input_grad", (whole(values.shape), places), (x.shape,), form
        elif kind == "unpool":
            call = f"max_unpool{rank}d", (values, places), (kernel,), form | {"output_size": x.shape}
        else:
            call = f"max_unpool{rank}d_input_grad", (x, places), (), form
    name, arrays, rest, options = call

    def judge(results):
        twin = getattr(reference_pools, name)
        told = dict(options)
        seen = (x.shape,) if kind == "unpool" else rest
        told.pop("output_size", None)
        with np.errstate(all="ignore"):
            want = np.asarray(twin(*arrays, *seen, **told), np.float64)
        got = results[0].astype(np.float64)
        assert got.shape == want.shape
        largest = np.abs(want).max(initial=0) + (np.abs(arrays[0]).max(initial=0) if kind != "unpool" else 0)
        limit = 0 if kind.startswith("unpool") else 64 * np.finfo(dtype).eps * largest
        assert np.abs(got - want).max(initial=0) <= limit, np.abs(got - want).max()

    return Call(name, arrays, rest, options, judge)


# ---- the rest ------------------------------------------------------------------------------------------------


def columns(rng):
    """unfold, fold."""
    rank = choose(rng, 1, 2, 3)
    kernel, dilation = ints(rng, 1, 3, rank), ints(rng, 1, 2, rank)
    size = [n + int(rng.integers(0, 8)) for n in (d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))]
    options = {"stride": ints(rng, 1, 3, rank), "dilation": dilation, "padding": choose(rng, 0, 1, 2, "same", "full"),
               "data_format": choose(rng, "channels_first", "channels_last")}  # fmt: skip
    dtype = choose(rng, "float32", "float64", "float16", "complex64", *INTEGERS)
    batch = ints(rng, 1, 3, 1) if chance(rng, 0.7) else ()
    x = with_channels(rng, (*batch, *ints(rng, 1, 5, 1), *size), rank, options["data_format"], dtype)
    if chance(rng, 0.5):
        return Call("unfold", (x,), (kernel,), options,
                    lambda results: np.testing.assert_array_equal(
                        results[0], reference.unfold(x, kernel, **options)))  # fmt: skip
    entries = sample(rng, cconv.unfold(x, kernel, **options).shape, dtype)

    def judge(results):
        want = reference.fold(entries, tuple(size), kernel, **options)
        if want.dtype.kind in "biu":
            np.testing.assert_array_equal(results[0], want)
        else:
            eps = np.finfo(dtype).eps
            assert np.abs(results[0] - want).max(initial=0) <= 64 * eps * np.abs(entries).max(initial=0)

    return Call("fold", (entries,), (tuple(size), kernel), options, judge)


def activation(rng):
    """activations.*: within 2 ulp, rows within 3."""
    name = choose(rng, "relu", "leaky_relu", "elu", "sigmoid", "tanh", "prelu", "softmax", "log_softmax", "maxout")
    dtype = choose(rng, "float32", "float32", "float64")
    shape = ints(rng, 1, 6, int(rng.integers(1, 4))) + ints(rng, 1, choose(rng, 10, 150), 1)
    x = (sample(rng, shape, dtype) * choose(rng, 1, 30)).astype(dtype)
    options = {"elu": {"alpha": 0.7}, "leaky_relu": {"negative_slope": 0.3}}.get(name, {})
    if name in ("softmax", "log_softmax", "maxout"):
        options = {"axis": int(rng.integers(-x.ndim, x.ndim))}
    if name == "maxout":
        sizes = [n for n in (1, 2, 3, 5) if x.shape[options["axis"]] % n == 0]
        options["pool_size"] = choose(rng, *sizes)
    if name == "prelu":
        options = {"axis": 1, "weight": sample(rng, (x.shape[1],), dtype)}
    arrays = (x,)
    if name in ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "prelu") and chance(rng, 0.4):
        name, arrays = f"{name}_grad", (sample(rng, shape, dtype), x)

    def judge(results):
        with np.errstate(all="ignore"):
            want = getattr(reference_activations, name)(*arrays, **options)
        assert results[0].shape == want.shape
        assert ulps(results[0], want).max(initial=0) <= 4

    return Call(f"activations.{name}", arrays, (), options, judge)


# ---- memory --------------------------------------------------------------------------------------------------


def remembered(rng, array):
    """A copy that lies in memory in some other way, between poisoned samples."""
    if array is None:
        return None
    if chance(rng, 0.2):
        array = array.astype(array.dtype.newbyteorder(SWAPPED))
    how = choose(rng, "plain", "plain", "Fortran", "steps", "record", "permuted")
    if how == "plain":
        held = guarded(array)
    elif how == "Fortran":
        held = guarded(np.asfortranarray(array))
    elif how == "permuted":
        order = rng.permutation(array.ndim)
        held = guarded(np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order)))
    elif how == "record":
        held = np.zeros(array.shape, [("head", "u1"), ("value", array.dtype), ("tail", "u2")])["value"]
        held[...] = array
    else:
        steps = [choose(rng, 1, -1, 2, -2, 3) for _ in array.shape]
        poison = np.full([abs(s) * n + 2 for s, n in zip(steps, array.shape, strict=True)], -77).astype(array.dtype)
        held = poison[tuple(slice(1, 1 + s * n, s) if s > 0 else slice(-s * n, 0, s)
                            for s, n in zip(steps, array.shape, strict=True))]  # fmt: skip
        held[...] = array
    if chance(rng, 0.2):
        held.flags.writeable = False
    return held


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def run(kind, number):
    """Make a case, call it, judge it; the call, for who wants to show it."""
    rng = np.random.default_rng([number, *kind.encode()])
    call = KINDS[kind](rng)
    module, _, name = call.name.rpartition(".")
    function = getattr(getattr(cconv, module) if module else cconv, name)
    held = [remembered(rng, array) for array in call.arrays]
    copies = [None if array is None else array.tobytes() for array in held]
    threads = {} if module == "ndimage" else {"num_threads": choose(rng, None, 1, 2, 3)}
    try:
        results = parts(function(*held, *call.rest, **call.options, **threads))
        call.judge(results)
        fences = [Fence(a.shape, a.dtype, choose(rng, "contiguous", "margins")) for a in results]
        outs = tuple(fence.out for fence in fences)
        out = {"output" if module == "ndimage" else "out": outs if len(outs) > 1 else outs[0]}
        function(*held, *call.rest, **call.options, **threads, **out)
        call.judge(outs)
        for fence in fences:
            fence.check()
        for array, copy in zip(held, copies, strict=True):
            assert array is None or array.tobytes() == copy, "an input was modified"
    except Exception as error:
        error.add_note(described(call))
        error.add_note(f"python tests/fuzz.py --case {kind}:{number}    # at {cconv.simd_level()}")
        raise
    return call


def described(call):
    shown = [*(None if a is None else f"{a.dtype}{list(a.shape)}" for a in call.arrays), *call.rest]
    options = [f"{key}={value!r}" for key, value in call.options.items()]
    return f"cconv.{call.name}({', '.join(map(str, [*shown, *options]))})"


KINDS = {"layer": layer, "gradient": gradient, "transposed": transposed, "filter": linear_filter,
         "ndimage": ndimage_filter, "pool": pool, "pool_gradient": pool_gradient, "columns": columns,
         "activation": activation}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description="Random calls, compared with the naive twins.")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=int(time.time()) // DAY, help="default: that of the day")
    parser.add_argument("--case", metavar="KIND:NUMBER", help="run this one")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these")
    options = parser.parse_args()
    if options.case:
        kind, _, number = options.case.partition(":")
        print(described(run(kind, int(number))))
        return
    kinds, start, count = options.kind or list(KINDS), time.monotonic(), 0
    print(f"seed {options.seed}, {options.seconds:g} s at {cconv.simd_level()}: {', '.join(kinds)}", flush=True)
    while time.monotonic() - start < options.seconds:
        run(kinds[count % len(kinds)], options.seed * 10_000_000 + count)
        count += 1
    print(f"{count} cases agree with their twins")


if __name__ == "__main__":
    main()
