from typing import Any

from typing_extensions import disjoint_base

from ._typing import Array, Int

REALS: tuple[str, ...]

@disjoint_base
class Pooling:
    @property
    def spec(self) -> Any: ...
    def __init__(self, spec: Any) -> None: ...
    def run(self, input: Array, out: Array | None, indices: Array | None, num_threads: Int | None) -> Array: ...
    def schedule(self, input: Array, out: Array, num_threads: Int | None = None) -> dict[str, Any]: ...
