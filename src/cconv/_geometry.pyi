from collections.abc import Sequence
from typing import Any

from ._typing import Ints, Padding

def conv_output_shape(
    input_shape: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
) -> tuple[int, ...]: ...
# three ints, or three tuples of them
def receptive_field(layers: Sequence[Sequence[Any]]) -> tuple[Any, Any, Any]: ...
