from typing import Any

from typing_extensions import disjoint_base

from ._core import Convolution
from ._typing import Array, Int

TOGETHER_BYTES: int
MOST_PARTS: int

def run_set(
    operators: list[Convolution], input: Array, weights: list[Array], bias: Array | None, outs: list[Array],
    num_threads: Int | None,
) -> None: ...
def clear(out: Array, num_threads: Int | None) -> None: ...

def axis_phases(
    first: int, positions: int, kernel: int, stride: int, dilation: int, outputs: int, flip: bool,
) -> list[tuple[int, ...]]: ...

@disjoint_base
class Exchange:
    @property
    def parts(self) -> list[tuple[slice, ...]]: ...
    def __init__(
        self, groups: int, outs: int, ins: int, extents: tuple[int, ...], parts: list[tuple[slice, ...]],
    ) -> None: ...
    def run(self, weight: Array, num_threads: Int | None) -> list[Array]: ...

@disjoint_base
class WeightSums:
    @property
    def spec(self) -> Any: ...
    def __init__(self, spec: Any) -> None: ...
    def run(self, input: Array, grad_output: Array, num_threads: Int | None, out: Array | None = None) -> Array: ...
    def images_at_once(self, input: Array, grad_output: Array) -> int: ...
    def schedule(self, input: Array, grad_output: Array) -> dict[str, Any]: ...
