from collections.abc import Callable
from typing import Any, NamedTuple

from ._typing import Array, Int

class Candidate(NamedTuple):
    name: str
    chosen: bool
    seconds: float | None
    why: str

class Explanation(NamedTuple):
    function: str
    input: str
    weight: str | None
    output: str
    arithmetic: str
    simd_level: str
    method: str
    kernel: str | None
    tile: tuple[int, ...] | None
    tasks: int | None
    threads: int
    scratch_bytes: int | None
    multiply_adds: int
    seconds: float | None
    candidates: tuple[Candidate, ...]

def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation: ...
def of_convolution(
    name: str, spec: Any, input: Array, weight: Array, out: Array | None, num_threads: Int | None, method: str,
    tiling: Any = None, possible: Any = None,
) -> Explanation: ...
def fft_tilings(spec: Any, method: str) -> tuple[Any, Any]: ...
