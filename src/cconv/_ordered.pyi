from typing import Any

from typing_extensions import disjoint_base

from ._typing import Array, Int

def leaves_none_out(weight: Array) -> bool: ...

@disjoint_base
class Ordered:
    @property
    def geometry(self) -> Any: ...
    def __init__(
        self, operation: str, geometry: Any, kernel: tuple[int, ...], pad: tuple[int, ...], boundary: tuple[str, ...],
        cval: float, along: int = -1,
    ) -> None: ...
    def run(self, input: Array, weight: Array | None, out: Array, num_threads: Int | None = None) -> None: ...
