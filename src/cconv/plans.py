"""Plans: a layer's weight, bias and options, validated and converted once, for calls that repeat.

Design:
  a. A plan owns what it computes with: read-only copies, so that no later change of the caller's arrays shows.
  b. All that depends on the input is its signature, shape and type. Each is prepared when it first comes, under
     its entry in a dict. What is found there is only ever replaced as a whole: threads may share a plan.
  c. `_prepared` converts the weight's type; the first call packs it (transposed, or transformed for Winograd) as its
     kernel wants, and later ones find it packed. With method="fft", its spectra are made at once.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from . import _docs
from ._calls import as_array, check_num_threads, check_out, frozen, target
from ._core import PackedWeight
from ._dtypes import as_dtype, cast_bias, check_casting, check_supported
from ._explain import fft_tilings, of_convolution
from ._fft import layer_operator
from ._padding import MAX_BYTES, check_int, is_sequence, padding_pairs, per_axis
from ._pieces import copy
from ._shapes import CONV_PADDINGS, ConvSpec, conv_spec

__all__ = ["Conv", "plan_conv1d", "plan_conv2d", "plan_conv3d"]

# Input signatures that a plan remembers. An entry keeps the weight as its kernel wants it.
_LIMIT = 64
_DEFAULTS = {
    "stride": 1, "padding": 0, "padding_mode": "constant", "cval": 0, "dilation": 1, "groups": 1,
    "flip_kernel": False, "activation": None, "data_format": "channels_first", "method": "auto",
    "out_dtype": None, "casting": None,
}  # fmt: skip
_REALS = {
    "f32": np.dtype(np.float32), "f64": np.dtype(np.float64), "i32": np.dtype(np.int32), "i64": np.dtype(np.int64),
}  # fmt: skip


class _Prepared(NamedTuple):
    """What a call with one input signature needs."""

    spec: ConvSpec
    operator: Any  # with run(input, weight, bias, out, num_threads, packed)
    weight: ndarray
    bias: ndarray | None
    packed: PackedWeight


class Conv:
    """A planned convolution: `plan_conv1d`, `plan_conv2d` and `plan_conv3d` make it, and say more.

    ``plan(input, out=None)`` returns what the function it stands for would, bit for bit. A plan never changes,
    may be shared by threads, and pickles.

    Parameters
    ----------
    rank : {1, 2, 3}
        Number of spatial axes.
    weight, bias : array_like
        As of `conv2d`; `bias` may be None. Copied.
    options : dict
        Keyword arguments of `conv2d`, but for `out` and `num_threads`.
    input_shape, dtype, num_threads
        As of `plan_conv2d`.

    Attributes
    ----------
    rank : int
    weight, bias : ndarray
        Read-only.
    options : dict
        All options, a new dict at each access.
    input_shape, dtype
        What was planned for, or None.
    num_threads : int or None

    Examples
    --------
    >>> import numpy as np, cconv
    >>> plan = cconv.Conv(1, [[[1.0, -1.0]]], None, {"padding": "full"}, None, None, None)
    >>> plan([[1.0, 2.0, 4.0]])
    array([[-1., -1., -2.,  4.]])
    """

    __slots__ = ("_bias", "_entries", "_options", "_weight", "dtype", "input_shape", "num_threads", "rank")

    def __init__(self, rank, weight, bias, options, input_shape, dtype, num_threads):
        self.rank = rank
        self._options = {**_DEFAULTS, **{name: frozen(value) for name, value in options.items()}}
        self._weight = _kept(as_array(weight, "weight"))
        self._bias = None if bias is None else _kept(as_array(bias, "bias"))
        self.num_threads = None if num_threads is None else check_num_threads(num_threads)
        self.input_shape = self.dtype = None
        self._entries = {}
        _check_early(rank, self._weight, self._bias, self._options)
        if input_shape is not None:
            sizes = input_shape if is_sequence(input_shape) else (input_shape,)
            self.input_shape = tuple([check_int(size, "input_shape", 0, whole=input_shape) for size in sizes])
            self.dtype = self._weight.dtype if dtype is None else as_dtype(dtype, "dtype")
            self._entry(self.input_shape, self.dtype)
        elif dtype is not None:
            raise TypeError(f"dtype={dtype!r} needs input_shape: both say what to plan for")

    weight = property(lambda self: self._weight)
    bias = property(lambda self: self._bias)
    options = property(lambda self: dict(self._options))

    def __call__(self, input, out=None):
        """The convolution of `input`, in a new array or in `out`."""
        if type(input) is not ndarray:
            input = as_array(input, "input")
        entry = self._entries.get((input.shape, input.dtype)) or self._entry(input.shape, input.dtype)
        spec, operator, weight, bias, packed = entry
        if out is None:
            return operator.run(input, weight, bias, None, self.num_threads, packed)
        inner = check_out(out, spec.output_shape, spec.output_dtype)
        result = target(inner, (input,))
        operator.run(input, weight, bias, result, self.num_threads, packed)
        if result is not inner:
            copy(inner, result)
        return out

    def explain(self, input_shape=None, dtype=None):
        """What a call would run, as `cconv.explain` says it; by default for the input that was planned for."""
        if input_shape is None and self.input_shape is None:
            raise TypeError("input_shape is needed: the plan was made without one")
        shape = self.input_shape if input_shape is None else tuple(input_shape)
        dtype = (self.dtype or self._weight.dtype) if dtype is None else as_dtype(dtype, "dtype")
        spec = self._entry(shape, dtype).spec
        input = np.empty(shape, dtype)
        method = self._options["method"]
        tilings = fft_tilings(spec, method) if method == "fft" else ()
        return of_convolution(
            f"conv{self.rank}d", spec, input, self._weight, None, self.num_threads, method, *tilings
        )

    def _entry(self, shape, dtype):
        """The prepared entry of an input signature, validated and made if it is new."""
        entry = self._entries.get((shape, dtype))
        if entry is None:
            entry = self._prepared(shape, dtype)
            if len(self._entries) >= _LIMIT:
                self._entries.clear()
            self._entries[shape, dtype] = entry
        return entry

    def _prepared(self, shape, dtype):
        weight, bias = self._weight, self._bias
        described = (None, None) if bias is None else (bias.shape, bias.dtype)
        spec = conv_spec(self.rank, shape, dtype, weight.shape, weight.dtype, *described, **self._options)
        if bias is not None and bias.dtype != spec.sum_dtype:
            bias = cast_bias(bias, spec.sum_dtype)
        if not spec.is_complex and weight.dtype != _REALS[spec.real]:
            shared = [entry.weight for entry in list(self._entries.values()) if entry.spec.real == spec.real]
            weight = shared[0] if shared else weight.astype(_REALS[spec.real])
        return _Prepared(spec, layer_operator(spec, weight), weight, bias, PackedWeight())

    def __reduce__(self):
        return Conv, (
            self.rank, self._weight, self._bias, self._options, self.input_shape, self.dtype, self.num_threads,
        )  # fmt: skip

    def __repr__(self):
        parts = [f"conv{self.rank}d", f"weight={_described(self._weight)}"]
        if self._bias is not None:
            parts.append(f"bias={_described(self._bias)}")
        parts += [f"{k}={v!r}" for k, v in self._options.items() if v is not _DEFAULTS[k] and v != _DEFAULTS[k]]
        if self.input_shape is not None:
            parts += [f"input_shape={self.input_shape}", f"dtype={self.dtype}"]
        if self.num_threads is not None:
            parts.append(f"num_threads={self.num_threads}")
        return f"<cconv.Conv: {', '.join(parts)}>"


def _kept(array):
    """A read-only C-contiguous copy in this machine's byte order."""
    array = np.array(array, array.dtype.newbyteorder("=") if not array.dtype.hasobject else None, order="C")
    array.flags.writeable = False
    return array


def _described(array):
    return f"{array.dtype}{list(array.shape)}"


def _check_early(rank, weight, bias, options):
    """Refuse what no input could make right: shapes of weight and bias, and options but for what types decide."""
    check_supported(weight.dtype, "weight")
    check_casting(options["casting"])
    if options["out_dtype"] is not None:
        as_dtype(options["out_dtype"], "out_dtype")
    if weight.ndim != rank + 2:
        sizes = (1,) * rank
    else:
        # the smallest input that the kernel and a crop leave something of
        dilation = per_axis(options["dilation"], "dilation", rank, 1)
        pairs = ((0, 0),) * rank
        if not isinstance(options["padding"], str):
            pairs = padding_pairs(options["padding"], rank, CONV_PADDINGS)
        spans = zip(weight.shape[2:], dilation, pairs, strict=True)
        sizes = tuple([step * (taps - 1) + 1 + sum(max(-n, 0) for n in pair) for taps, step, pair in spans])
    channels = check_int(options["groups"], "groups", 1) * (weight.shape[1] if weight.ndim > 1 else 1)
    shape = (*sizes, channels) if options["data_format"] == "channels_last" else (channels, *sizes)
    if np.prod(shape, dtype=float) * 16 < MAX_BYTES:
        real = np.dtype(np.float64)
        described = (None, None) if bias is None else (bias.shape, real)
        untyped = {**options, "cval": 0, "out_dtype": None, "casting": None}
        conv_spec(rank, shape, real, weight.shape, real, *described, **untyped)


def plan_conv1d(
    weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, input_shape=None, dtype=None, num_threads=None,
):  # fmt: skip
    options = dict(
        stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation, groups=groups,
        flip_kernel=flip_kernel, activation=activation, data_format=data_format, method=method,
        out_dtype=out_dtype, casting=casting,
    )  # fmt: skip
    return Conv(1, weight, bias, options, input_shape, dtype, num_threads)


def plan_conv2d(
    weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, input_shape=None, dtype=None, num_threads=None,
):  # fmt: skip
    options = dict(
        stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation, groups=groups,
        flip_kernel=flip_kernel, activation=activation, data_format=data_format, method=method,
        out_dtype=out_dtype, casting=casting,
    )  # fmt: skip
    return Conv(2, weight, bias, options, input_shape, dtype, num_threads)


def plan_conv3d(
    weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
    flip_kernel=False, activation=None, data_format="channels_first", method="auto",
    out_dtype=None, casting=None, input_shape=None, dtype=None, num_threads=None,
):  # fmt: skip
    options = dict(
        stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation, groups=groups,
        flip_kernel=flip_kernel, activation=activation, data_format=data_format, method=method,
        out_dtype=out_dtype, casting=casting,
    )  # fmt: skip
    return Conv(3, weight, bias, options, input_shape, dtype, num_threads)


for _rank, _function in ((1, plan_conv1d), (2, plan_conv2d), (3, plan_conv3d)):
    _function.__doc__ = _docs.filled(_docs.PLAN, _rank, _docs.PLAN_EXAMPLES[_rank])
del _rank, _function
