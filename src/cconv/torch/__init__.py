"""cconv's layers, pools and filters of PyTorch tensors: operators with gradients, for `torch.compile` too.

`conv1d` to `conv3d`, `conv_transpose*`, `max_pool*`, `min_pool*`, `avg_pool*`, `lp_pool*` and `adaptive_*` have the
names and argument order of `torch.nn.functional`, and beside them what that lacks: every border, padding by pairs or by
name, causal layers, "same" with a stride. `Conv1d` to `Conv3d` are layers as modules. `convolve` and `correlate` filter
a tensor with one kernel. All take tensors on the CPU, of any strides, and copy none.

It needs PyTorch (extra `torch`), which `import cconv` does not import.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError("cconv.torch needs PyTorch: pip install 'cconv[torch]'") from error

from ._filters import convolve, correlate
from ._layers import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from ._maxima import (
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    min_pool1d,
    min_pool2d,
    min_pool3d,
)
from ._means import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
)
from ._modules import Conv1d, Conv2d, Conv3d

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolve",
    "correlate",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
]
