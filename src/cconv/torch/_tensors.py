"""Tensors as arrays and back, and what every function asks of its arguments.

Design:
  a. Nothing is copied: a tensor's array is a view of its memory with its strides, and a result's tensor one of the
     array that cconv made. Only what torch keeps as a lazy conjugate or negative is made first.
  b. A tensor in one of torch's channels_last formats is an array with channels last to cconv, and so is the result.
     Which it is follows from the input of an operator: a fake tensor says the same as the real one.
  c. Arguments are made plain for operators' schemas in Python that `torch.compile` traces through: no caches, and no
     extent of a tensor is asked for its value.
"""

import numpy as np
import torch

from .._padding import BOUNDARIES, check_boundary, is_sequence, padding_pairs, per_axis

DTYPES = {
    torch.bool: np.dtype(np.bool_),
    torch.uint8: np.dtype(np.uint8),
    torch.uint16: np.dtype(np.uint16),
    torch.uint32: np.dtype(np.uint32),
    torch.uint64: np.dtype(np.uint64),
    torch.int8: np.dtype(np.int8),
    torch.int16: np.dtype(np.int16),
    torch.int32: np.dtype(np.int32),
    torch.int64: np.dtype(np.int64),
    torch.float16: np.dtype(np.float16),
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.complex64: np.dtype(np.complex64),
    torch.complex128: np.dtype(np.complex128),
}
FORMATS = {2: torch.channels_last, 3: torch.channels_last_3d}
LAYOUTS = ("channels_first", "channels_last")


# ---- arguments ---------------------------------------------------------------------------------------------


def check_tensor(tensor, name):
    """Refuse what has no memory here that an array could be a view of."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(
            f"{name} is a {type(tensor).__name__}; it takes a torch.Tensor (for arrays there are cconv's own functions)"
        )
    if tensor.device.type != "cpu":
        raise TypeError(f"{name} is on device {str(tensor.device)!r}; it takes tensors on 'cpu': move it by .cpu()")
    if tensor.layout is not torch.strided:
        raise TypeError(f"{name} has layout {tensor.layout}; it takes torch.strided: make it dense by .to_dense()")
    if tensor.dtype not in DTYPES:
        taken = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
        raise TypeError(f"{name} has dtype {tensor.dtype}; supported are {taken}: convert it by .to()")


def check_tensors(input, other, other_name, bias=None):
    """The tensors of a bilinear function, all of one type, as torch's own functions ask."""
    check_tensor(input, "input")
    check_tensor(other, other_name)
    if other.dtype is not input.dtype:
        raise TypeError(f"{other_name} has dtype {other.dtype}, input {input.dtype}; they take one type")
    if bias is not None:
        check_tensor(bias, "bias")
        if bias.dtype is not input.dtype:
            raise TypeError(f"bias has dtype {bias.dtype}, input {input.dtype}; they take one type")


def ints(value, name, rank, minimum=None):
    """An int or one per axis, as a list of one per axis."""
    if type(value) is int and (minimum is None or value >= minimum):
        return [value] * rank
    return list(per_axis(value, name, rank, minimum))


def padding_of(padding, rank, names):
    """(numbers before and after each axis, flat, or none; the name, or "")."""
    if isinstance(padding, str):
        return [], padding
    if type(padding) is int:
        return [padding] * (2 * rank), ""
    return [count for pair in padding_pairs(padding, rank, names) for count in pair], ""


def one_or_all(values):
    """A list of ints as an argument of cconv's functions: the shortest that means the same is found soonest."""
    return values[0] if values.count(values[0]) == len(values) else tuple(values)


def padding_from(numbers, name):
    """What `padding_of` was given, or the like."""
    if name:
        return name
    first = numbers[0]
    return first if numbers.count(first) == len(numbers) else tuple(zip(numbers[::2], numbers[1::2], strict=True))


def modes_of(modes, name, rank):
    """Borders as one string: torch's "zeros", "replicate" and "circular", or cconv's names."""
    if type(modes) is str and modes in BOUNDARIES:
        return modes
    check_boundary(modes, name, rank)
    return ",".join(modes) if is_sequence(modes) else modes


def modes_from(joined):
    return tuple(joined.split(",")) if "," in joined else joined


# ---- memory ------------------------------------------------------------------------------------------------


def view(tensor):
    """The tensor's memory as an array, whether or not it requires a gradient."""
    return tensor.numpy(force=True)


def dtype_of(tensor):
    return DTYPES[tensor.dtype]


def is_channels_last(tensor, rank):
    """Does a batch of 2-D or 3-D images lie in torch's channels_last format? Where it is both, it is channels_first."""
    return (
        rank > 1
        and tensor.ndim == rank + 2
        and not tensor.is_contiguous()
        and tensor.is_contiguous(memory_format=FORMATS[rank])
    )


def layered(tensor, last):
    """An array with its channels where cconv's data_format has them."""
    array = view(tensor)
    return array.transpose(0, *range(2, array.ndim), 1) if last else array


def returned(array, last):
    """The tensor of an array that cconv returned, its channels where torch has them."""
    if last:
        array = array.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))
    return torch.from_numpy(array)


def layout_of(last):
    return LAYOUTS[last]


def fake(shape, like, last=False, dtype=None):
    """What `returned` returns, without its memory."""
    memory_format = FORMATS[len(shape) - 2] if last else torch.contiguous_format
    return torch.empty(tuple(shape), dtype=dtype or like.dtype, device=like.device, memory_format=memory_format)
