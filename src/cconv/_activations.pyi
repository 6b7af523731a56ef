from ._typing import Array, Int

IDENTITY: int
RELU: int
RELU_GRAD: int
LEAKY: int
LEAKY_GRAD: int
SLOPE_GRAD: int
ELU: int
ELU_GRAD: int
SIGMOID: int
SIGMOID_GRAD: int
TANH: int
TANH_GRAD: int
SOFTMAX: int
LOG_SOFTMAX: int
SOFTMAX_GRAD: int
LOG_SOFTMAX_GRAD: int

def run(
    op: int, x: Array, grad: Array | None, slope: Array | None, out: Array, axis: int, parameter: float,
    num_threads: Int | None,
) -> None: ...
