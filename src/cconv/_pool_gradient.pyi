from typing import Any

from typing_extensions import disjoint_base

from ._typing import Array, Int

REALS: tuple[str, ...]

@disjoint_base
class Spans:
    @property
    def spec(self) -> Any: ...
    def __init__(self, spec: Any) -> None: ...
    def run(
        self, x: Array, out: Array, indices: Array | None, num_threads: Int | None, norms: Array | None = None,
        samples: Array | None = None,
    ) -> None: ...
    def scratch_bytes(self, x: Array, out: Array) -> int: ...

@disjoint_base
class Scatter:
    @property
    def spec(self) -> Any: ...
    def __init__(self, spec: Any) -> None: ...
    def run(self, x: Array, indices: Array, plane: Array, check: bool, num_threads: Int | None) -> bool: ...
