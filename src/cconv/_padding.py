"""Padding: the names of borders, the ways to say how wide they are, and the output extents that follow.

Design:
  a. Border names are those of numpy.pad. "reflect" is the false friend of this field (SciPy's ndimage means
     by it what NumPy and OpenCV call symmetric), so the error for an unknown name shows what each name does
     to `abcd`.
  b. Every way to give a padding ends as one `Axis` per spatial axis: what is cropped, what is padded, how
     many outputs.
  c. Extents are Python ints, so nothing overflows here; what would overflow in compiled code is refused here.
"""

import operator
from typing import NamedTuple

import numpy as np

# the largest byte size that an array, or a padded axis, may have: what a signed 64-bit offset can address
MAX_BYTES = 2**63 - 1

BOUNDARIES = {
    "constant": "constant",
    "edge": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "wrap": "wrap",
    "zeros": "constant",
    "replicate": "edge",
    "circular": "wrap",
}

PICTURES = (
    "'constant' kkk|abcd|kkk, 'edge' aaa|abcd|ddd, 'reflect' dcb|abcd|cba, 'symmetric' cba|abcd|dcb, "
    "'wrap' bcd|abcd|abc, or one of the aliases 'zeros', 'replicate', 'circular'"
)


class Axis(NamedTuple):
    """One spatial axis, resolved: `before` and `after` are >= 0 and surround what is left after the crop."""

    start: int  # samples cropped at the beginning
    size: int  # samples left after cropping
    before: int
    after: int
    output: int


def is_sequence(value):
    return isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def check_int(value, name, minimum=None, *, whole=None):
    """`value` as a Python int; bool and float are refused.

    `whole` is the argument to show if `value` is one entry of it.
    """
    shown = value if whole is None else whole
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={shown!r} holds a {type(value).__name__}; it takes ints") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{name}={shown!r} must be at least {minimum}")
    return number


def check_bool(value, name):
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} must be True or False")
    return bool(value)


def check_choice(value, name, choices):
    """A string argument that must be one of `choices` (None may be one of them)."""
    if value is None and None in choices:
        return None
    if isinstance(value, str) and value in choices:
        return value
    shown = ", ".join(repr(choice) for choice in choices)
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name}={value!r} must be one of {shown}")


def per_axis(value, name, rank, minimum=None):
    """One int for all axes, or a sequence with one int per axis -> a tuple of ints."""
    if is_sequence(value):
        if len(value) != rank:
            raise ValueError(f"{name}={value!r} must be an int or {_counted(rank, 'int')}, one per axis")
        return tuple([check_int(entry, name, minimum, whole=value) for entry in value])
    return (check_int(value, name, minimum),) * rank


def check_boundary(boundary, name, rank):
    """One border name for all axes, or one per axis -> (numpy.pad's names, was any given as "zeros")."""
    if isinstance(boundary, (tuple, list)):
        if len(boundary) != rank:
            raise ValueError(f"{name}={boundary!r} must be a name or {_counted(rank, 'name')}, one per axis")
        names = tuple(boundary)
    else:
        names = (boundary,) * rank
    for entry in names:
        if not isinstance(entry, str):
            raise TypeError(f"{name}={entry!r} must be {PICTURES}")
        if entry not in BOUNDARIES:
            raise ValueError(f"{name}={entry!r} must be {PICTURES}")
    return tuple([BOUNDARIES[entry] for entry in names]), "zeros" in names


def padded_axes(sizes, kernel, stride, dilation, padding, strings):
    """Resolve `padding` against the extents: one Axis per spatial axis.

    Parameters
    ----------
    sizes, kernel, stride, dilation : tuple of int
        Per spatial axis; kernel, stride and dilation >= 1.
    padding : int, sequence of int, sequence of pairs, or str
        As the public functions take it.
    strings : tuple of str
        The names of paddings that the caller knows.
    """
    extents = [dilate * (taps - 1) + 1 for taps, dilate in zip(kernel, dilation, strict=True)]
    if isinstance(padding, str):
        if padding not in strings:
            raise ValueError(f"padding={padding!r} must be {_padding_forms(len(sizes), strings)}")
        pairs = [
            _named_padding(padding, axis, size, extent, step)
            for axis, (size, extent, step) in enumerate(zip(sizes, extents, stride, strict=True))
        ]
    else:
        pairs = padding_pairs(padding, len(sizes), strings)
    resolved = []
    for axis, (before, after) in enumerate(pairs):
        size, extent = sizes[axis], extents[axis]
        start = max(-before, 0)
        left = size - start - max(-after, 0)
        if left < 0:
            raise ValueError(
                f"padding={padding!r} crops {start} + {max(-after, 0)} samples of spatial axis {axis}, "
                f"which has {size}"
            )
        before, after = max(before, 0), max(after, 0)
        padded = before + left + after
        # "same" and "causal" of an axis without samples: nothing in, nothing out
        empty = size == 0 and isinstance(padding, str) and padding in ("same", "same_lower", "causal")
        if padded < extent and not empty:
            raise ValueError(
                f"the kernel covers {extent} samples of spatial axis {axis}, which has {padded} with its "
                f"padding (input {size}, padding={padding!r})"
            )
        outputs = 0 if empty else (padded - extent) // stride[axis] + 1
        resolved.append(Axis(start, left, before, after, outputs))
    return resolved


def padding_pairs(padding, rank, strings=()):
    """A numeric padding (int, one int per axis, one pair per axis) -> ((before, after), ...)."""
    allowed = _padding_forms(rank, strings)
    if not is_sequence(padding):
        if isinstance(padding, (bool, np.bool_)) or not hasattr(padding, "__index__"):
            raise TypeError(f"padding={padding!r} must be {allowed}")
        return ((operator.index(padding),) * 2,) * rank
    if len(padding) != rank:
        raise ValueError(f"padding={padding!r} must be {allowed}")
    pairs = []
    for entry in padding:
        if is_sequence(entry):
            if len(entry) != 2:
                raise ValueError(f"padding={padding!r} must be {allowed}")
            pairs.append(tuple([check_int(width, "padding", whole=padding) for width in entry]))
        else:
            pairs.append((check_int(entry, "padding", whole=padding),) * 2)
    return tuple(pairs)


def _padding_forms(rank, strings):
    """What `padding` may be, in words."""
    names = "".join(f", {name!r}" for name in strings)
    return f"an int, {_counted(rank, 'int')}, {_counted(rank, '(before, after) pair')}{names}"


def _named_padding(name, axis, size, extent, stride):
    """(before, after) of one axis for a padding given by name."""
    if name == "valid":
        return 0, 0
    if name == "full":
        return extent - 1, extent - 1
    if name == "causal" and axis == 0:
        return extent - 1, 0
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    return (total - total // 2, total // 2) if name == "same_lower" else (total // 2, total - total // 2)


def check_byte_size(shape, itemsize, name):
    """Refuse a shape whose byte size does not fit in a signed 64-bit int, empty axes not counted."""
    size = itemsize
    for extent in shape:
        size *= max(extent, 1)
    if size > MAX_BYTES:
        raise ValueError(f"{name} of shape {tuple(shape)} would take more bytes than 2**63 - 1")


def check_padded_extent(axes, itemsize):
    """Refuse a padded axis whose offsets would not fit in a signed 64-bit int."""
    for axis, resolved in enumerate(axes):
        padded = resolved.before + resolved.size + resolved.after
        if padded * itemsize > MAX_BYTES:
            raise ValueError(
                f"spatial axis {axis} has {padded} samples with its padding, more bytes than 2**63 - 1"
            )


def _counted(rank, noun):
    return f"{rank} {noun}{'s' if rank > 1 else ''}"
