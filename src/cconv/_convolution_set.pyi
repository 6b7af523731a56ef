from ._core import Convolution
from ._typing import Array, Int

TOGETHER_BYTES: int

def run_set(
    operators: list[Convolution], input: Array, weights: list[Array], bias: Array | None, outs: list[Array],
    num_threads: Int | None,
) -> None: ...
def clear(out: Array, num_threads: Int | None) -> None: ...
