"""What a call would run, and why: the same decisions as the call's, taken without running it."""

import inspect
import math
from typing import Any, NamedTuple

import numpy as np

from ._calls import as_array, check_num_threads
from ._choice import auto_tiling, best_tiling, direct_seconds, separable_seconds
from ._core import Convolution, simd_level
from ._limits import max_num_threads
from ._pool_spans import norm_of
from ._pooling import Pooling
from ._shapes import conv_spec, filter_spec, pool_spec

_LAYERS = {f"conv{rank}d": rank for rank in (1, 2, 3)}
_FILTERS = {"convolve": True, "correlate": False}
_POOLS = {f"{kind}_pool{rank}d": (kind, rank) for kind in ("max", "avg", "min", "lp")
          for rank in (1, 2, 3)}
_ARITHMETIC = {
    "f32": "float32", "f64": "float64", "u8": "8-bit integers", "u16": "16-bit integers", "i32": "32-bit integers",
    "i64": "64-bit integers",
}  # fmt: skip
_METHODS = ("separable", "winograd")  # kernels that are no direct sum
_MODULES = ("cconv.conv", "cconv.linear_filter", "cconv.pool")


class Candidate(NamedTuple):
    """One way to compute a call."""

    name: str
    chosen: bool
    seconds: float | None  # predicted, on one thread; None without a model
    why: str


class Explanation(NamedTuple):
    """What a call would run. Prints as a table; a field that says nothing of the call is None."""

    function: str
    input: str  # type and shape, as those below
    weight: str | None
    output: str
    arithmetic: str
    simd_level: str
    method: str
    kernel: str | None
    tile: tuple | None  # outputs per tile: depth, height, width
    tasks: int | None
    threads: int
    scratch_bytes: int | None  # per thread
    multiply_adds: int
    seconds: float | None
    candidates: tuple

    def __str__(self):
        rows = [(name.replace("_", " "), _shown(name, value)) for name, value in self._asdict().items()
                if value is not None and name != "candidates"]
        for index, entry in enumerate(self.candidates):
            seconds = "" if entry.seconds is None else f" ({_time(entry.seconds)})"
            mark = "*" if entry.chosen else "-"
            rows.append(("why" if index == 0 else "", f"{mark} {entry.name}{seconds}: {entry.why}"))
        width = max(len(name) for name, _ in rows) + 2
        return "\n".join(f"{name:{width}}{value}" for name, value in rows)

    __repr__ = __str__


def explain(function, /, *args, **kwargs):
    """Say what a call would run, on how many threads, and why, without running it.

    Parameters
    ----------
    function : callable
        One of `convolve`, `correlate`, `conv1d` to `conv3d`, and `max_pool`, `min_pool`, `avg_pool` and `lp_pool`
        ``1d`` to ``3d``.
    *args, **kwargs
        Its arguments. They are validated as in a call; `out` is not written to.

    Returns
    -------
    Explanation
        A named tuple that prints as a table: `function`, `input`, `weight`, `output` (types and shapes),
        `arithmetic`, `simd_level`, `method`, `kernel` (the micro-kernel), `tile`, `tasks`, `threads`,
        `scratch_bytes` (per thread), `multiply_adds`, `seconds` (predicted on one thread, where there is a model)
        and `candidates`, each with `name`, `chosen`, `seconds` and `why`. What does not apply is None.

    Raises
    ------
    ValueError, TypeError
        What the call would raise; and if `function` is none of those above.

    Examples
    --------
    >>> import numpy as np, cconv
    >>> plan = cconv.explain(cconv.convolve, np.ones(100_000), np.ones(31), "same")
    >>> plan.kernel, plan.arithmetic, plan.multiply_adds
    ('line', 'float64', 3100000)
    >>> print(plan)     # doctest: +ELLIPSIS
    function       convolve
    input          float64 (100000,)
    ...
    """
    name = getattr(function, "__name__", None)
    if getattr(function, "__module__", None) not in _MODULES or name not in (*_LAYERS, *_FILTERS, *_POOLS):
        known = ", ".join((*_FILTERS, *_LAYERS, *_POOLS))
        raise TypeError(f"function={function!r} cannot be explained; those that can are {known}")
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    options = bound.arguments
    out, num_threads = options.pop("out"), options.pop("num_threads")
    input = as_array(options.pop("input"), "input")
    if name in _POOLS:
        return _of_pool(name, input, options, out, num_threads)
    weight = as_array(options.pop("weight" if name in _LAYERS else "kernel"), "weight")
    signature = (input.shape, input.dtype, weight.shape, weight.dtype)
    if name in _LAYERS:
        bias = options.pop("bias")
        bias = None if bias is None else as_array(bias, "bias")
        described = (None, None) if bias is None else (bias.shape, bias.dtype)
        spec = conv_spec(_LAYERS[name], *signature, *described, **options)
        tilings = fft_tilings(spec, options["method"]) if options["method"] == "fft" else (None, None)
    else:
        del options["nan"], options["mask"], options["preserve_nan"]
        spec = filter_spec(_FILTERS[name], *signature, **options)
        tilings = fft_tilings(spec, options["method"])
        if tilings[0] and spec.method == "separable" and separable_seconds(spec) <= tilings[0].seconds:
            # as a call does: where the weight allows passes, they run instead of FFT
            passes = Convolution(spec).schedule(input, input, None, weight)["kernel"] == "separable"
            tilings = None if passes else tilings[0], tilings[1]
    return of_convolution(name, spec, input, weight, out, num_threads, options["method"], *tilings)


def of_convolution(name, spec, input, weight, out, num_threads, method, tiling=None, possible=None):
    """The explanation of a convolution; `tiling`: that of the FFT that runs, `possible`: that it would have."""
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    products = math.prod(spec.batch_shape) * spec.groups * spec.out_channels * spec.in_channels
    products *= math.prod(spec.output_size) * math.prod(spec.kernel_size)
    products *= (4 if input.dtype.kind == "c" else 2) if spec.is_complex else 1
    schedule = {"threads": min(max_num_threads(), num_threads or max_num_threads())}
    candidates = []
    if tiling is not None:
        schedule.update(kernel="fft", tile=tiling.step)
    elif products:
        target = np.empty(spec.output_shape, spec.output_dtype) if out is None else out
        seen = weight if spec.method == "separable" else None
        schedule = Convolution(spec).schedule(input, target, num_threads, seen)
        candidates = _kernels(spec, schedule["kernel"])
    seconds = None
    passes = schedule.get("kernel") == "separable"
    if possible is not None:
        seconds = possible.seconds if tiling else separable_seconds(spec) if passes else direct_seconds(spec)
        direct = fft = f"method={method!r}"
        if method == "auto" and tiling is None:
            direct, fft = "the more accurate, unless FFT is clearly faster", "not predicted to be clearly faster"
        elif method == "auto":
            direct, fft = "predicted to be clearly slower", "predicted to be clearly faster; for finite samples"
        if passes:
            direct, fft = "multiplies more often", "passes are faster and more accurate"
        candidates = [
            Candidate("direct", tiling is None and not passes, direct_seconds(spec), direct),
            Candidate("fft", tiling is not None, possible.seconds, fft),
            *candidates,
        ]
    if spec.method == "separable" and products:
        why = "the weight is an outer product: one pass per axis" if passes else (
            "the weight is no outer product, or the call is too small for a look at it")  # fmt: skip
        candidates = [entry for entry in candidates if entry.name != "separable"]
        candidates.append(Candidate("separable", passes, separable_seconds(spec), why))
    return Explanation(
        function=name, input=_described(input.dtype, input.shape), weight=_described(weight.dtype, weight.shape),
        output=_described(spec.output_dtype, spec.output_shape) + (", saturating" if spec.saturate else ""),
        arithmetic=_ARITHMETIC[spec.real],
        simd_level=simd_level(), kernel=schedule.get("kernel"),
        method="fft" if tiling else kernel if (kernel := schedule.get("kernel")) in _METHODS else "direct",
        tile=schedule.get("tile"), tasks=schedule.get("tasks"), threads=schedule["threads"],
        scratch_bytes=schedule.get("scratch_bytes"), multiply_adds=products, seconds=seconds,
        candidates=tuple(candidates),
    )  # fmt: skip


def fft_tilings(spec, method):
    """(tiling of the FFT that runs or None, the best there is or None where no FFT could run)."""
    if spec.output_dtype.kind not in "fc" or 0 in spec.output_shape:
        return None, None
    possible = best_tiling(spec)
    if method == "fft":
        return possible, possible
    return (auto_tiling(spec) if method == "auto" else None), possible


def _kernels(spec, chosen):
    """One candidate per micro-kernel of the direct sum: why it runs, or why another does."""
    channels, taps = spec.out_channels * (2 if spec.is_complex else 1), math.prod(spec.kernel_size)
    line = [spec.output_size[:2], spec.kernel_size[:2]] == [(1, 1), (1, 1)]
    step = max(spec.stride + spec.dilation)
    outputs = f"{channels} output channel{'s' if channels > 1 else ''} per group"
    reasons = {
        "line": f"one long line, {taps} taps, {spec.output_size[2]} outputs: segments side by side in the lanes",
        "rows": f"{outputs}: rows side by side, the weights broadcast",
        "channels": f"{outputs}: a matrix product, pixels in the lanes",
        "pixels": f"{outputs}: a matrix product, output channels in the lanes",
        "separable": "",
        "winograd": f"{outputs}, taps of 3, stride 1: fewer multiplications",
        "depthwise": "one channel in and out per group: channels in the lanes",
        "planes": "one channel in and out per group: pixels of a row in the lanes",
    }
    matrix = f"{outputs}: too few for a matrix product"
    others = {
        "line": (
            "more than one row" if not line else "stride or dilation" if step > 1 else outputs if channels > 2
            else f"{taps} taps, {spec.output_size[2]} outputs: too short to pay for transposing"
        ),
        "rows": (
            f"{outputs}: a matrix product shares more" if channels > 2
            else "one long line is faster in segments" if chosen == "line" else "its rows would not stay in the cache"
        ),
        "channels": "lanes are fuller, or layout fits, with channels in them" if chosen == "pixels" else matrix,
        "pixels": "lanes are fuller, or layout fits, with pixels in them" if chosen == "channels" else matrix,
    }  # fmt: skip
    if chosen == "separable":
        others["line"], others["rows"] = "more than one row", "multiplies more often"
    if chosen == "depthwise":
        others["rows"] = "channels fill the lanes better than rows do"
    if chosen == "planes":
        others["rows"] = others["depthwise"] = "rows fill the lanes, and need neither packing nor transposing"
    if chosen == "winograd":
        others["channels"] = others["pixels"] = "the direct sum multiplies more often"
    names = list(others) if chosen in others else [*others, chosen]
    return [
        Candidate(name, name == chosen, None, reasons[name] if name == chosen else others[name]) for name in names
    ]


def _of_pool(name, input, options: dict[str, Any], out, num_threads):
    kind, rank = _POOLS[name]
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    omit = options.pop("nan") == "omit"
    del options["mask"]  # left out, its samples are NaN
    options.setdefault("padding", 0)
    options.setdefault("dilation", 1)
    options.setdefault("count_include_pad", kind != "lp")
    options.setdefault("divisor_override", None)
    options.setdefault("out_dtype", None)
    options["with_indices"] = options.pop("return_indices", False)
    options["norm"] = norm_of(options.pop("norm_type")) if kind == "lp" else 0.0
    spec = pool_spec(kind, rank, input.shape, input.dtype, nan_omit=omit, **options)
    dtype = np.result_type(spec.output_dtype, np.complex64) if input.dtype.kind == "c" else spec.output_dtype
    windows = math.prod(spec.batch_shape) * spec.channels * math.prod(spec.output_size)
    taps = math.prod(spec.kernel_size)
    schedule = {"threads": min(max_num_threads(), num_threads or max_num_threads())}
    candidates = []
    if windows:
        # a complex mean is that of its parts, one after the other
        values = out[0] if spec.with_indices and out is not None else out
        values = np.empty(spec.output_shape, dtype) if values is None else values
        schedule = Pooling(spec).schedule(input.real, values.real, num_threads)
        candidates = _pool_kernels(spec, taps, schedule["kernel"])
    return Explanation(
        function=name, input=_described(input.dtype, input.shape), weight=None,
        output=_described(dtype, spec.output_shape), arithmetic=_ARITHMETIC[spec.real],
        simd_level=simd_level(), method="direct", kernel=schedule.get("kernel"), tile=schedule.get("tile"),
        tasks=schedule.get("tasks"), threads=schedule["threads"], scratch_bytes=schedule.get("scratch_bytes"),
        multiply_adds=windows * taps, seconds=None, candidates=tuple(candidates),
    )  # fmt: skip


def _pool_kernels(spec, taps, chosen):
    """One candidate per way to pool: why it runs, or why another does."""
    rows, step = spec.kernel_size[1], spec.stride[1]
    walked = "indices: the first maximum wins" if spec.with_indices else "the samples that are not NaN are counted"
    folded = f"{rows} rows, stride {step}, dilation {spec.dilation[1]}"
    reasons = {
        "fold": f"{folded}: row by row, then along the columns",
        "planes": f"one window, and its {taps} samples are one run",
        "pixels": f"channels side by side: all {taps} taps in one pass",
        "blocks": f"{folded}: rows overlap often, and each is folded into its blocks once",
        "walk": f"{walked}: all {taps} samples of a window, in order",
    }
    others = {
        "fold": f"{folded}: blocks read each row less often" if chosen == "blocks" else "two passes",
        "planes": "more than one window in a plane, or its samples lie apart, or are too many to add in one go",
        "pixels": f"{taps} taps, column stride {spec.stride[2]}, or channels apart: passes share more",
        "blocks": f"{folded}: rows do not overlap often enough",
        "walk": "no order to keep",
    }
    if chosen == "walk":
        others = dict.fromkeys(reasons, walked)
    return [
        Candidate(name, name == chosen, None, reasons[name] if name == chosen else others[name]) for name in reasons
    ]


def _described(dtype, shape):
    return f"{dtype} {tuple(shape)}"


def _time(seconds):
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _shown(name, value):
    if name == "seconds":
        return f"{_time(value)} on one thread"
    if name in ("scratch_bytes", "multiply_adds"):
        return f"{value:,}"
    return " x ".join(map(str, value)) if name == "tile" else str(value)
