"""cconv on dask arrays: arrays larger than memory, on one machine or many.

    import dask.array as da
    import cconv.dask

    volume = da.from_zarr("volume.zarr")
    cconv.dask.gaussian_filter(volume, 2).to_zarr("smooth.zarr")

`convolve`, `correlate`, `conv1d` to `conv3d` and the pools are those of `cconv`; the filters are those of
`cconv.ndimage`, with SciPy's names of borders, and `cconv.dask.ndimage` has its `convolve` and `correlate` too. Each
returns a dask array with the values that the whole array in memory would have, to the last bit, whatever the chunks:
docs/dask.md says how, and how to choose chunks. Each task runs on one thread of cconv unless `num_threads` says
otherwise.

It needs Dask, `pip install 'cconv[dask]'`; ``import cconv`` alone does not import it.
"""

from . import ndimage
from ._convolutions import conv1d, conv2d, conv3d, convolve, correlate
from ._pools import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    min_pool1d,
    min_pool2d,
    min_pool3d,
)
from .ndimage import (
    convolve1d,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    gaussian_gradient_magnitude,
    gaussian_laplace,
    laplace,
    maximum_filter,
    maximum_filter1d,
    minimum_filter,
    minimum_filter1d,
    prewitt,
    sobel,
    uniform_filter,
    uniform_filter1d,
)

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "laplace",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "maximum_filter",
    "maximum_filter1d",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
    "minimum_filter",
    "minimum_filter1d",
    "ndimage",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]
