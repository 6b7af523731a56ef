"""The named shapes that ``bench/run.py`` times, as data.

Every case is also a CNN layer, so one descriptor serves all competitors: "correlate" is a one-channel layer
with padding k // 2 (mode "same", zero border), "convolve" the same with the kernel reversed and padding k - 1
(mode "full").
"""

from math import prod
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """One shape: `size` and `kernel` are spatial, `channels` is (in, out), the rest as in cconv.conv2d."""

    name: str
    op: str                             # "conv" | "correlate" | "convolve" | "max_pool" | "avg_pool"
    size: tuple
    kernel: tuple
    channels: tuple = (1, 1)
    batch: int = 1
    stride: int = 1
    padding: int | tuple = 0            # of "conv" and the pools; the filters' follows from the kernel
    dilation: int = 1
    groups: int = 1
    dtype: str = "float32"
    channels_last: bool = False

    @property
    def rank(self):
        return len(self.size)

    @property
    def pooling(self):
        return self.op.endswith("_pool")

    @property
    def pads(self):
        """Padding of each axis, the same on both sides."""
        if self.op == "convolve":
            return tuple(k - 1 for k in self.kernel)
        if self.op == "correlate":
            return tuple(k // 2 for k in self.kernel)
        return self.padding if isinstance(self.padding, tuple) else (self.padding,) * self.rank

    @property
    def output_size(self):
        return tuple((n + 2 * p - self.dilation * (k - 1) - 1) // self.stride + 1
                     for n, k, p in zip(self.size, self.kernel, self.pads, strict=True))

    @property
    def taps(self):
        """Products summed for one output (samples compared or averaged, for a pool)."""
        return prod(self.kernel) * (1 if self.pooling else self.channels[0] // self.groups)

    @property
    def flop(self):
        """Nominal operations: two per tap of every output, padding included. Pools have none."""
        return 0 if self.pooling else 2 * self.batch * self.channels[1] * prod(self.output_size) * self.taps

    @property
    def bytes(self):
        """Compulsory traffic: input and weight read once, output written once."""
        weight = 0 if self.pooling else self.channels[1] * self.taps
        samples = self.channels[0] * prod(self.size) + self.channels[1] * prod(self.output_size)
        return np.dtype(self.dtype).itemsize * (self.batch * samples + weight)

    def arrays(self, seed=0):
        """(input, weight) in cconv's layout, standard normal; a pool's weight is None."""
        rng = np.random.default_rng(seed)
        lead = () if self.op in ("correlate", "convolve") else (self.batch, self.channels[0])
        x = rng.standard_normal(lead + self.size, dtype=self.dtype)
        if self.channels_last:
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        if self.pooling:
            return x, None
        lead = (self.channels[1], self.channels[0] // self.groups) if lead else ()
        return x, rng.standard_normal(lead + self.kernel, dtype=self.dtype)

    def as_layer(self, x, w):
        """The same work as a correlating layer: contiguous (N, C, *size) and (out, in / groups, *kernel)."""
        if self.op in ("correlate", "convolve"):
            w = (np.flip(w) if self.op == "convolve" else w)[None, None]
        return np.ascontiguousarray(self.to_layer(x)), None if w is None else np.ascontiguousarray(w)

    def to_layer(self, array):
        """An input or output in cconv's layout as (N, C, *size)."""
        if self.op in ("correlate", "convolve"):
            return array[None, None]
        return np.moveaxis(array, -1, 1) if self.channels_last else array

    def from_layer(self, array):
        """The inverse of `to_layer`."""
        if self.op in ("correlate", "convolve"):
            return array[0, 0]
        return np.moveaxis(array, 1, -1) if self.channels_last else array

    def value_at(self, x, w, n, channel, position):
        """One output in float64, straight from the definition; x and w as `as_layer` gives them."""
        start = [o * self.stride - p for o, p in zip(position, self.pads, strict=True)]
        inside = [[j for j in range(k) if 0 <= s + j * self.dilation < extent]
                  for s, k, extent in zip(start, self.kernel, self.size, strict=True)]
        samples = tuple([s + j * self.dilation for j in taps] for s, taps in zip(start, inside, strict=True))
        if self.pooling:
            window = x[n, channel][np.ix_(*samples)].astype(np.float64)
            return window.max() if self.op == "max_pool" else window.sum() / self.taps
        per_group = self.channels[0] // self.groups
        first = channel // (self.channels[1] // self.groups) * per_group
        window = x[n, first:first + per_group][np.ix_(range(per_group), *samples)].astype(np.float64)
        return float((window * w[channel][np.ix_(range(per_group), *inside)]).sum())


class Group(NamedTuple):
    """Cases that share a target, for the ratios to the fastest peer in `against`: geometric mean and lowest.

    An empty `against` means every peer that applies. Groups that are not `default` run only when asked for.
    """

    name: str
    title: str
    cases: tuple
    against: tuple = ()
    mean: float = 1.0
    lowest: float = 0.0
    default: bool = True


def _extents(extents):
    return "x".join(map(str, extents if len(set(extents)) > 1 else extents[:1]))


def _layer(model, c, k, size, kernel, **options):
    """A square (cubic) layer, named after its model and shape, as in "resnet50 64->64 56 k3"."""
    rank = options.pop("rank", 2)
    size = size if isinstance(size, tuple) else (size,) * rank
    kernel = kernel if isinstance(kernel, tuple) else (kernel,) * rank
    options.setdefault("padding", tuple(options.get("dilation", 1) * (e - 1) // 2 for e in kernel))
    name = [model, f"{c}->{k}", _extents(size), f"k{_extents(kernel)}"]
    name += [f"{short}{options[key]}" for key, short in (("stride", "s"), ("dilation", "d"), ("groups", "g"))
             if options.get(key, 1) != 1]
    return Case(" ".join(name), "conv", size, kernel, (c, k), **options)


def _variant(cases, suffix, **changes):
    return tuple(case._replace(name=f"{case.name} {suffix}", **changes) for case in cases)


# (in, out, size, kernel, stride); a strided block has its stride on the 3x3 layer, as in torchvision.
RESNET50 = tuple(_layer("resnet50", c, k, size, kernel, stride=stride) for c, k, size, kernel, stride in [
    (3, 64, 224, 7, 2),
    (64, 64, 56, 1, 1), (64, 64, 56, 3, 1), (64, 256, 56, 1, 1), (256, 64, 56, 1, 1),
    (256, 128, 56, 1, 1), (128, 128, 56, 3, 2), (128, 512, 28, 1, 1), (256, 512, 56, 1, 2),
    (512, 128, 28, 1, 1), (128, 128, 28, 3, 1),
    (512, 256, 28, 1, 1), (256, 256, 28, 3, 2), (256, 1024, 14, 1, 1), (512, 1024, 28, 1, 2),
    (1024, 256, 14, 1, 1), (256, 256, 14, 3, 1),
    (1024, 512, 14, 1, 1), (512, 512, 14, 3, 2), (512, 2048, 7, 1, 1), (1024, 2048, 14, 1, 2),
    (2048, 512, 7, 1, 1), (512, 512, 7, 3, 1),
])

VGG16 = tuple(_layer("vgg16", c, k, size, 3) for c, k, size in [
    (3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), (256, 256, 56),
    (256, 512, 28), (512, 512, 28), (512, 512, 14),
])

WINOGRAD = tuple(case for case in RESNET50 + VGG16
                 if case.kernel == (3, 3) and case.stride == 1 and min(case.channels) >= 64)

MOBILE = tuple(
    [_layer("mobilenetv2", c, c, size, 3, stride=stride, groups=c) for c, size, stride in [
        (32, 112, 1), (96, 112, 2), (144, 56, 1), (144, 56, 2), (192, 28, 1), (192, 28, 2), (384, 14, 1),
        (576, 14, 1), (576, 14, 2), (960, 7, 1)]]
    + [_layer("mobilenetv2", c, k, size, 1) for c, k, size in [
        (32, 16, 112), (16, 96, 112), (96, 24, 56), (24, 144, 56), (144, 24, 56), (144, 32, 28),
        (32, 192, 28), (192, 64, 14), (64, 384, 14), (384, 96, 14), (96, 576, 14), (576, 160, 7),
        (160, 960, 7), (960, 320, 7), (320, 1280, 7)]]
    + [_layer("convnext", c, c, size, 7, groups=c) for c, size in [(96, 56), (192, 28), (384, 14), (768, 7)]]
    + [_layer("convnext", c, k, size, 1) for c, k, size in [
        (96, 384, 56), (384, 96, 56), (192, 768, 28), (768, 192, 28), (384, 1536, 14), (1536, 384, 14),
        (768, 3072, 7), (3072, 768, 7)]])

FIRST = (
    _layer("resnet50", 3, 64, 224, 7, stride=2),
    _layer("vgg16", 3, 64, 224, 3),
    _layer("mobilenetv2", 3, 32, 224, 3, stride=2),
    _layer("alexnet", 3, 64, 224, 11, stride=4, padding=2),
    _layer("convnext", 3, 96, 224, 4, stride=4, padding=0),
    _layer("vit", 3, 768, 224, 16, stride=16, padding=0),
)

AUDIO = (
    _layer("wav2vec2", 1, 512, 48000, 10, rank=1, stride=5, padding=0),
    _layer("wav2vec2", 512, 512, 9599, 3, rank=1, stride=2, padding=0),
    _layer("wav2vec2", 512, 512, 599, 2, rank=1, stride=2, padding=0),
    _layer("whisper", 80, 384, 3000, 3, rank=1),
    _layer("whisper", 384, 384, 3000, 3, rank=1, stride=2),
    _layer("encodec", 1, 32, 24000, 7, rank=1),
    _layer("encodec", 32, 64, 24000, 4, rank=1, stride=2, padding=1),
    _layer("wavenet", 64, 128, 16000, 3, rank=1, dilation=1),
    _layer("wavenet", 64, 128, 16000, 3, rank=1, dilation=16),
    _layer("wavenet", 64, 128, 16000, 3, rank=1, dilation=512),
    _layer("conformer", 256, 256, 1600, 9, rank=1, groups=256),
)

VOLUMES = (
    _layer("c3d", 3, 64, (16, 112, 112), (3, 3, 3)),
    _layer("c3d", 64, 128, (16, 56, 56), (3, 3, 3)),
    _layer("c3d", 256, 256, (8, 28, 28), (3, 3, 3)),
    _layer("unet3d", 1, 32, 64, 3, rank=3),
    _layer("unet3d", 32, 64, 64, 3, rank=3),
    _layer("unet3d", 64, 64, 32, 3, rank=3, stride=2),
    _layer("r2plus1d", 64, 144, (8, 56, 56), (1, 3, 3)),
    _layer("r2plus1d", 144, 64, (8, 56, 56), (3, 1, 1)),
)

_IMAGES = (("512", (512, 512)), ("1080p", (1080, 1920)), ("4K", (2160, 3840)))
IMAGES = tuple(Case(f"{name} k{k}", "correlate", size, (k, k))
               for name, size in _IMAGES for k in (3, 5, 7, 9, 15))

SIGNALS = tuple(Case(f"{n} x {k} {dtype}", "convolve", (int(float(n)),), (k,), dtype=dtype)
                for dtype in ("float32", "float64") for n in ("1e5", "1e6") for k in (31, 101, 1001))

CUBES = tuple(Case(f"128^3 k{k}", "correlate", (128,) * 3, (k,) * 3) for k in (3, 5, 7))

POOLS = tuple(Case(f"{op} {k}x{k}/2", op, (112, 112), (k, k), (64, 64), 8, 2, k // 2 if k % 2 else 0)
              for op in ("max_pool", "avg_pool") for k in (2, 3))

TINY_CONVOLVE = Case("convolve 8 x 3", "convolve", (8,), (3,), dtype="float64")
TINY = (
    TINY_CONVOLVE,
    Case("correlate 16x16 k3", "correlate", (16, 16), (3, 3)),
    Case("conv2d 3->8 16x16 k3", "conv", (16, 16), (3, 3), (3, 8), padding=1),
    Case("max_pool 16x16 2x2/2", "max_pool", (16, 16), (2, 2), stride=2),
)

def _extra(name, title, cases, mean, lowest):
    return Group(name, title, cases, (), mean, lowest, default=False)


GROUPS = (
    Group("resnet50", "conv2d, all distinct ResNet-50 layers, N=1, channels first", RESNET50,
          ("torch",), 1.0, 0.6),
    Group("image", "one-channel 2-D, float32", IMAGES, ("opencv",), 2.0, 1.2),
    Group("signal", "1-D convolve, float32 and float64", SIGNALS,
          ("numpy", "signal_direct", "signal_oa"), 3.0),
    Group("volume", "one-channel 3-D, float32", CUBES,
          ("torch", "ndimage", "signal_direct", "signal_oa"), 10.0),
    Group("pool", "max and average pooling, (8, 64, 112, 112)", POOLS, ("torch",), 4.0),
    Group("tiny", "convolve of 8 x 3 samples", (TINY_CONVOLVE,), ("numpy",), 1.0),

    _extra("resnet50-n8", "ResNet-50 layers, N=8", _variant(RESNET50, "n8", batch=8), 1.5, 0.95),
    _extra("resnet50-last", "ResNet-50 layers, N=1, channels last",
           _variant(RESNET50, "last", channels_last=True), 1.3, 0.9),
    _extra("vgg16", "VGG-16 layers, N=1", VGG16, 1.5, 0.95),
    _extra("vgg16-n8", "VGG-16 layers, N=8", _variant(VGG16, "n8", batch=8), 1.5, 0.95),
    _extra("vgg16-last", "VGG-16 layers, N=1, channels last", _variant(VGG16, "last", channels_last=True),
           1.3, 0.9),
    _extra("winograd", "3x3 stride-1 layers with 64 channels or more", WINOGRAD, 2.0, 1.3),
    _extra("mobile", "MobileNetV2 and ConvNeXt: depthwise and pointwise layers", MOBILE, 1.5, 0.9),
    _extra("first", "first layers: 3 channels in", FIRST, 1.3, 1.0),
    _extra("audio", "conv1d of audio models", AUDIO, 1.5, 0.9),
    _extra("video", "conv3d of video and volume models", VOLUMES, 1.5, 0.9),
    _extra("image-f64", "one-channel 2-D, float64", _variant(IMAGES, "f64", dtype="float64"), 2.0, 1.1),
    _extra("volume-f64", "one-channel 3-D, float64", _variant(CUBES, "f64", dtype="float64"), 15.0, 5.0),
    _extra("pool-last", "pooling, channels last", _variant(POOLS, "last", channels_last=True), 1.3, 0.9),
    _extra("tiny-calls", "calls whose work is smaller than their overhead", TINY, 1.5, 1.0),
)
