"""cconv: fast convolution, cross-correlation and pooling of NumPy arrays on a CPU.

`convolve` and `correlate` filter one array with one kernel; `conv1d`, `conv2d` and `conv3d` run CNN layers;
`plan_conv*` prepare them for many calls; `max_pool*` and `avg_pool*` pool; `filters` holds named kernels. `signal` has
`scipy.signal`'s convolutions, and `accelerate_scipy` puts them in SciPy's place.
"""

from . import filters, signal
from ._accelerate import accelerate_scipy
from ._config import show_config
from ._core import simd_level
from ._explain import explain
from ._geometry import conv_output_shape, receptive_field
from ._threads import get_num_threads, num_threads, set_num_threads
from .conv import conv1d, conv2d, conv3d
from .linear_filter import convolve, correlate
from .plans import Conv, plan_conv1d, plan_conv2d, plan_conv3d
from .pool import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d

__version__ = "0.1.0"

__all__ = [
    "Conv",
    "__version__",
    "accelerate_scipy",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_output_shape",
    "convolve",
    "correlate",
    "explain",
    "filters",
    "get_num_threads",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "num_threads",
    "plan_conv1d",
    "plan_conv2d",
    "plan_conv3d",
    "receptive_field",
    "set_num_threads",
    "show_config",
    "signal",
    "simd_level",
]
