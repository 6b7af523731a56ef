"""From a Python call to a cached operator: arrays in, signature, arrays out.

Design:
  a. A call is validated once per signature (shapes, dtypes, options): the compiled operator that validation
     led to is kept in a dict, so that a repeated call costs one look-up. What depends on the arrays' memory
     (is `out` writeable, does it overlap an input) is checked at every call, and only if `out` is given.
  b. 1, True and 1.0 are one dict key, but True and 1.0 are refused where an int is wanted. So a key holds the
     options *and* their types.
  c. The dicts are bounded by being emptied: a caller with more live signatures than LIMIT pays validation
     again, and no bookkeeping is needed on a hit. Each step is a single dict operation, safe under threads
     without a lock.
"""

import operator

import numpy as np

from ._dtypes import native, saturated
from ._memory import empty
from ._pieces import mapped

LIMIT = 512

# DLPack's numbers: the CPU's own memory, and that of GPUs which the CPU reads too.
_CPU_DEVICES = (1, 3, 11, 13)
_DEVICES = {2: "(CUDA)", 8: "(Metal)", 10: "(ROCm)", 14: "(oneAPI)"}


def as_array(value, name):
    """`value` as a base-class ndarray, without a copy where there is one to be had."""
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name} is a masked array: pass its .data, and .mask as mask= where that is taken")
    array, failure = None, None
    try:
        array = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # a foreign __array__ may raise anything
        failure = error
    if (array is None or array.dtype.hasobject) and hasattr(value, "__dlpack__"):
        check_device(value, name)
        try:
            return np.from_dlpack(value)
        except MemoryError:
            raise
        except Exception as error:
            failure = failure or error
            array = None
    if array is None:
        kind = ValueError if isinstance(failure, ValueError) else TypeError
        shown = type(value).__name__
        raise kind(f"{name} of type {shown} cannot be read as an array: {failure}") from failure
    return array


def check_device(value, name):
    """Refuse what says, by DLPack's protocol, that it does not lie in memory that the CPU reads."""
    try:
        kind = int(value.__dlpack_device__()[0])
    except Exception:  # says nothing of the sort, or nothing that makes sense
        return
    if kind not in _CPU_DEVICES:
        shown = _DEVICES.get(kind, f"of DLPack's kind {kind}")
        raise TypeError(f"{name} lies on a device {shown}; cconv takes arrays in the CPU's memory: copy it there first")


def option_types(options):
    """The types of the options, those inside tuples included: the part of a key that tells 1 from True."""
    return tuple([option_types(option) if type(option) is tuple else type(option) for option in options])


def frozen(option):
    """A hashable equal of an option: lists and arrays become tuples."""
    if isinstance(option, np.ndarray):
        option = option.tolist()
    if isinstance(option, (list, tuple)):
        return tuple([frozen(entry) for entry in option])
    return option


def find(cache, arrays, options, numbers):
    """(the cached entry of a signature or None, the key to store it under, the options made hashable).

    `arrays` is a tuple of shapes and dtypes, always hashable; `options` is a tuple of what the caller gave,
    and `numbers` a tuple of those options that are made of ints or bools.
    """
    types = tuple(map(type, numbers))
    if tuple in types:
        types = option_types(numbers)
    key = (arrays, options, types)
    try:
        return cache.get(key), key, options
    except TypeError:
        pass
    options = frozen(options)
    key = (arrays, options, option_types(frozen(numbers)))
    try:
        return cache.get(key), key, options
    except TypeError:
        # still unhashable: no valid option is, so validation is about to refuse it
        return None, None, options


def remember(cache, key, entry):
    """Keep an entry, in a cache that never outgrows LIMIT by more than the number of threads."""
    if len(cache) >= LIMIT:
        cache.clear()
    if key is not None:
        cache[key] = entry
    return entry


def check_num_threads(num_threads):
    """num_threads as a Python int >= 1."""
    try:
        if isinstance(num_threads, (bool, np.bool_)):
            raise TypeError
        threads = operator.index(num_threads)
    except TypeError:
        raise TypeError(f"num_threads must be None or an int >= 1; got {num_threads!r}") from None
    if threads < 1:
        raise ValueError(f"num_threads must be at least 1; got {threads}")
    return threads


def check_out(out, shape, dtype, name="out"):
    """A base-class view of `out`, refused unless it is a writeable array of exactly this shape and type."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array; got {type(out).__name__}")
    if native(out.dtype) != dtype:
        raise TypeError(f"{name} has dtype {out.dtype}; the result has dtype {dtype}")
    if out.shape != shape:
        raise ValueError(f"{name} has shape {out.shape}; the result has shape {shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return out.view(np.ndarray)


def target(out, inputs):
    """Where to compute: `out` itself, or a temporary array if `out` may share memory with an input.

    The test is by memory bounds: it is cheap, and a false alarm costs a copy, never a wrong answer.
    """
    for array in inputs:
        if array is not None and np.may_share_memory(out, array):
            return empty(out.shape, out.dtype)
    return out


def fill_with_bias(out, bias, spec):
    """No input channels: an empty sum, and the bias."""
    axis = spec.output_axes[0]
    if bias is None:
        out[...] = 0
    else:
        values = np.asarray(bias).reshape([-1 if i == axis else 1 for i in range(out.ndim)])
        if spec.activation == "relu":
            values = np.maximum(values, 0)
        elif spec.activation == "relu6":
            values = np.clip(values, 0, 6)
        elif spec.activation == "leaky_relu":
            values = np.where(values < 0, values * 0.01, values)
        out[...] = saturated(values, spec.output_dtype) if spec.saturate else values


def missing_samples(input, nan, mask):
    """Where `input` has no sample, as a bool array of its shape.

    For nan="raise" a NaN that is not masked is a ValueError.
    """
    missing = None
    if mask is not None:
        mask = as_array(mask, "mask")
        if mask.dtype != np.bool_:
            raise TypeError(f"mask has dtype {mask.dtype}; it takes bool, True for a missing sample")
        try:
            missing = np.broadcast_to(mask, input.shape)
        except ValueError:
            raise ValueError(
                f"mask of shape {mask.shape} does not broadcast to input of shape {input.shape}"
            ) from None
    if nan == "propagate" or input.dtype.kind not in "fc":
        return np.zeros(input.shape, bool) if missing is None else missing
    lost = mapped(np.isnan, bool, input)
    if nan == "omit":
        return lost if missing is None else lost | missing
    if missing is not None:
        lost = lost & ~missing
    if lost.any():
        place = tuple(int(i) for i in np.argwhere(lost)[0])
        raise ValueError(f"input holds {np.count_nonzero(lost)} NaN, the first at {place} (nan='raise')")
    return lost if missing is None else missing
