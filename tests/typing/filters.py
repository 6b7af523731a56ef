"""As layers.py: filters of arrays, SciPy's names, threads, what says something of a call."""

from typing import Any, Literal, assert_type

import numpy as np
from numpy.typing import NDArray

import cconv
from cconv import filters, ndimage, signal

Array = NDArray[Any]

line = np.arange(10.0)


class Elsewhere:
    """An array of another library."""

    def __dlpack__(self) -> object:
        return line.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


assert_type(cconv.convolve(line, [1, 2, 1], "same", boundary=["edge"], axes=0, nan="omit"), Array)
assert_type(cconv.correlate(Elsewhere(), Elsewhere(), mask=line > 3, out_dtype=np.float64), Array)
cconv.convolve(line, [1], "all")  # type: ignore[arg-type]
cconv.convolve(line, [1], boundary="mirror")  # type: ignore[arg-type]
cconv.convolve(line, [1], method="winograd")  # type: ignore[arg-type]

assert_type(ndimage.gaussian_filter(line, 2.0, output="f4", mode=("nearest",)), Array)
assert_type(ndimage.sobel(line, 0), Array)
assert_type(signal.fftconvolve(line, line, axes=0), Array)
assert_type(signal.choose_conv_method(line, line), Literal["direct", "fft"])
ndimage.sobel(line, "x")  # type: ignore[arg-type]
signal.convolve2d([line], [line], boundary="reflect")  # type: ignore[arg-type]

assert_type(filters.gaussian((1.0, 2.0), dtype="f4"), Array)
assert_type(filters.names(), tuple[str, ...])
filters.line("diagonal")  # type: ignore[arg-type]

with cconv.num_threads(2), cconv.accelerate_scipy() as switch:
    assert_type(switch.active, bool)
assert_type(cconv.get_num_threads(), int)
cconv.set_num_threads(None)
assert_type(cconv.simd_level(), str)
assert_type(cconv.conv_output_shape((224, 224), 7, stride=2, padding=3), tuple[int, ...])
assert_type(cconv.explain(cconv.convolve, line, line).kernel, str | None)
assert_type(cconv.unfold(line, 3, dilation=2), Array)
cconv.set_num_threads("2")  # type: ignore[arg-type]
