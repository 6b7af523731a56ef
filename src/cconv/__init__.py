"""cconv: fast convolution, cross-correlation and pooling of NumPy arrays on a CPU.

`convolve` and `correlate` filter one array with one kernel; `conv1d`, `conv2d` and `conv3d` run CNN layers,
`conv_transpose*` their transpose, `*_grad` and `*_backward` the gradients; `plan_conv*` prepare layers for many
calls; `max_pool*`, `min_pool*`, `avg_pool*`, `lp_pool*`, `adaptive_*` and `global_*` pool; `max_unpool*` undoes that;
`unfold` and `fold` make columns of windows; `activations` holds what stands between layers, `filters` named kernels;
`signal` and `ndimage` have the names of scipy.signal and scipy.ndimage, and `accelerate_scipy` puts them in SciPy's
place.
"""

from . import activations, filters, ndimage, signal
from ._accelerate import accelerate_scipy
from ._config import show_config
from ._core import simd_level
from ._explain import explain
from ._geometry import conv_output_shape, receptive_field
from ._threads import get_num_threads, num_threads, set_num_threads
from .adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    global_avg_pool,
    global_max_pool,
)
from .columns import fold, unfold
from .conv import conv1d, conv2d, conv3d
from .conv_gradients import (
    conv1d_backward,
    conv1d_input_grad,
    conv1d_weight_grad,
    conv2d_backward,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv3d_backward,
    conv3d_input_grad,
    conv3d_weight_grad,
)
from .conv_transpose import (
    conv_transpose1d,
    conv_transpose1d_backward,
    conv_transpose1d_input_grad,
    conv_transpose1d_weight_grad,
    conv_transpose2d,
    conv_transpose2d_backward,
    conv_transpose2d_input_grad,
    conv_transpose2d_weight_grad,
    conv_transpose3d,
    conv_transpose3d_backward,
    conv_transpose3d_input_grad,
    conv_transpose3d_weight_grad,
)
from .linear_filter import convolve, correlate
from .plans import Conv, plan_conv1d, plan_conv2d, plan_conv3d
from .pool import (
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
from .pool_gradients import (
    adaptive_avg_pool1d_input_grad,
    adaptive_avg_pool2d_input_grad,
    adaptive_avg_pool3d_input_grad,
    avg_pool1d_input_grad,
    avg_pool2d_input_grad,
    avg_pool3d_input_grad,
    lp_pool1d_input_grad,
    lp_pool2d_input_grad,
    lp_pool3d_input_grad,
    max_pool1d_input_grad,
    max_pool2d_input_grad,
    max_pool3d_input_grad,
    max_unpool1d,
    max_unpool1d_input_grad,
    max_unpool2d,
    max_unpool2d_input_grad,
    max_unpool3d,
    max_unpool3d_input_grad,
)

__version__ = "0.1.0"

__all__ = [
    "Conv",
    "__version__",
    "accelerate_scipy",
    "activations",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_input_grad",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_input_grad",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_input_grad",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool1d_input_grad",
    "avg_pool2d",
    "avg_pool2d_input_grad",
    "avg_pool3d",
    "avg_pool3d_input_grad",
    "conv1d",
    "conv1d_backward",
    "conv1d_input_grad",
    "conv1d_weight_grad",
    "conv2d",
    "conv2d_backward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv3d",
    "conv3d_backward",
    "conv3d_input_grad",
    "conv3d_weight_grad",
    "conv_output_shape",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose1d_input_grad",
    "conv_transpose1d_weight_grad",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose2d_input_grad",
    "conv_transpose2d_weight_grad",
    "conv_transpose3d",
    "conv_transpose3d_backward",
    "conv_transpose3d_input_grad",
    "conv_transpose3d_weight_grad",
    "convolve",
    "correlate",
    "explain",
    "filters",
    "fold",
    "get_num_threads",
    "global_avg_pool",
    "global_max_pool",
    "lp_pool1d",
    "lp_pool1d_input_grad",
    "lp_pool2d",
    "lp_pool2d_input_grad",
    "lp_pool3d",
    "lp_pool3d_input_grad",
    "max_pool1d",
    "max_pool1d_input_grad",
    "max_pool2d",
    "max_pool2d_input_grad",
    "max_pool3d",
    "max_pool3d_input_grad",
    "max_unpool1d",
    "max_unpool1d_input_grad",
    "max_unpool2d",
    "max_unpool2d_input_grad",
    "max_unpool3d",
    "max_unpool3d_input_grad",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
    "ndimage",
    "num_threads",
    "plan_conv1d",
    "plan_conv2d",
    "plan_conv3d",
    "receptive_field",
    "set_num_threads",
    "show_config",
    "signal",
    "simd_level",
    "unfold",
]
