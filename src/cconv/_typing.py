"""What arguments may be: the names that the stubs (.pyi) of the public modules use.

Nothing imports it at run time: annotations would cost every import of cconv the loading of numpy.typing.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SupportsDLPack(Protocol):
    """An array of another library, in memory that the CPU can read."""

    def __dlpack__(self) -> object: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...


Array: TypeAlias = NDArray[Any]
AnyArray: TypeAlias = ArrayLike | SupportsDLPack
Number: TypeAlias = complex | np.number[Any]
Int: TypeAlias = SupportsIndex
Ints: TypeAlias = SupportsIndex | Sequence[SupportsIndex]       # for all axes, or one per axis
Shape: TypeAlias = Sequence[SupportsIndex]

Amounts: TypeAlias = Ints | Sequence[Sequence[SupportsIndex]]   # the latter: pairs (before, after)
Padding: TypeAlias = Amounts | Literal["valid", "same", "same_lower", "full", "causal"]
PoolPadding: TypeAlias = Amounts | Literal["valid", "same", "same_lower"]
Boundary: TypeAlias = Literal["constant", "edge", "reflect", "symmetric", "wrap", "zeros", "replicate", "circular"]
Boundaries: TypeAlias = Boundary | Sequence[Boundary]

DataFormat: TypeAlias = Literal["channels_first", "channels_last"]
FusedActivation: TypeAlias = Literal["relu", "leaky_relu", "relu6"]
Method: TypeAlias = Literal["auto", "direct", "winograd", "fft"]
GradientMethod: TypeAlias = Literal["auto", "direct", "winograd"]
FilterMethod: TypeAlias = Literal["auto", "direct", "fft"]
Mode: TypeAlias = Literal["full", "same", "valid"]
Nan: TypeAlias = Literal["propagate", "omit", "raise"]
