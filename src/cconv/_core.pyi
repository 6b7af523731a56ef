from typing import Any

from typing_extensions import disjoint_base

from ._typing import Array, Int

REALS: tuple[str, ...]
BUILT_LEVELS: tuple[str, ...]
LEVELS: tuple[str, ...]
COMPILER: str
HAS_OPENMP: bool
HAS_VECTORS: bool

def simd_level() -> str: ...

@disjoint_base
class PackedWeight: ...

@disjoint_base
class PlainCall: ...

@disjoint_base
class PlainCalls:
    @property
    def kept(self) -> dict[int, Any]: ...
    def find(self, input: Array, kernel: Array, mode: str) -> Any: ...
    def entry(self, input: Array, kernel: Array, mode: str, run: Any) -> tuple[int | None, Any]: ...

@disjoint_base
class Convolution:
    @property
    def spec(self) -> Any: ...
    def __init__(self, spec: Any) -> None: ...
    def run(
        self, input: Array, weight: Array, bias: Array | None, out: Array | None, num_threads: Int | None,
        kept: PackedWeight | None = None,
    ) -> Array: ...
    def move_tiles(
        self, array: Array, words: Any, buffer: Any, first: Any, channel: Any, store: bool, bias: Array | None = None,
        guard: Array | None = None, good: Array | None = None,
    ) -> None: ...
    def weigh_taps(self, taps: Array, guard: Array) -> None: ...
    def schedule(
        self, input: Array, out: Array, num_threads: Int | None = None, weight: Array | None = None,
    ) -> dict[str, Any]: ...
