"""cconv: fast convolution, cross-correlation and pooling of NumPy arrays on a CPU.

`convolve` and `correlate` filter one array with one kernel; `conv1d`, `conv2d` and `conv3d` run CNN layers,
`conv_transpose*` their transpose, `depthwise_conv*` and `separable_conv*` layers whose kernels see one channel,
`*_grad` and `*_backward` the gradients; `plan_conv*` prepare layers for many calls; `max_pool*` and `avg_pool*`
pool; `unfold` and `fold` make columns of windows; `activations` holds what stands between layers, `filters` named
kernels. `cconv.nn` builds networks of them.
"""

from . import activations, filters
from ._config import show_config
from ._core import simd_level
from ._explain import explain
from ._geometry import conv_output_shape, receptive_field
from ._threads import get_num_threads, num_threads, set_num_threads
from .columns import fold, unfold
from .conv import conv1d, conv2d, conv3d
from .conv_depthwise import (
    depthwise_conv1d,
    depthwise_conv1d_backward,
    depthwise_conv1d_input_grad,
    depthwise_conv1d_weight_grad,
    depthwise_conv2d,
    depthwise_conv2d_backward,
    depthwise_conv2d_input_grad,
    depthwise_conv2d_weight_grad,
    depthwise_conv3d,
    depthwise_conv3d_backward,
    depthwise_conv3d_input_grad,
    depthwise_conv3d_weight_grad,
)
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
from .conv_separable import (
    separable_conv1d,
    separable_conv1d_backward,
    separable_conv1d_input_grad,
    separable_conv1d_weight_grad,
    separable_conv2d,
    separable_conv2d_backward,
    separable_conv2d_input_grad,
    separable_conv2d_weight_grad,
    separable_conv3d,
    separable_conv3d_backward,
    separable_conv3d_input_grad,
    separable_conv3d_weight_grad,
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
from .pool import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d

__version__ = "0.1.0"

__all__ = [
    "Conv",
    "__version__",
    "activations",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
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
    "depthwise_conv1d",
    "depthwise_conv1d_backward",
    "depthwise_conv1d_input_grad",
    "depthwise_conv1d_weight_grad",
    "depthwise_conv2d",
    "depthwise_conv2d_backward",
    "depthwise_conv2d_input_grad",
    "depthwise_conv2d_weight_grad",
    "depthwise_conv3d",
    "depthwise_conv3d_backward",
    "depthwise_conv3d_input_grad",
    "depthwise_conv3d_weight_grad",
    "explain",
    "filters",
    "fold",
    "get_num_threads",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "num_threads",
    "plan_conv1d",
    "plan_conv2d",
    "plan_conv3d",
    "receptive_field",
    "separable_conv1d",
    "separable_conv1d_backward",
    "separable_conv1d_input_grad",
    "separable_conv1d_weight_grad",
    "separable_conv2d",
    "separable_conv2d_backward",
    "separable_conv2d_input_grad",
    "separable_conv2d_weight_grad",
    "separable_conv3d",
    "separable_conv3d_backward",
    "separable_conv3d_input_grad",
    "separable_conv3d_weight_grad",
    "set_num_threads",
    "show_config",
    "simd_level",
    "unfold",
]
