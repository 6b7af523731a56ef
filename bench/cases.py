"""The named shapes that ``bench/run.py`` times and the groups with their targets, as data."""

from collections.abc import Callable
from typing import NamedTuple

import facade_calls
from case import ACTIVATIONS, Case
from gradient_calls import gradients, transposed
from network_calls import lenet_step
from pool_calls import POOL_GRADIENTS


class Limit(NamedTuple):
    """What the cases that it concerns must reach of the machine's limit."""

    text: str
    unit: str                           # "fma", "copy": at least so many percent of it; "us": at most so many
    value: float
    concerns: Callable                  # (case, method by cconv.explain) -> bool


class Group(NamedTuple):
    """Cases that share a target, for the ratios to the fastest peer: geometric mean and lowest.

    `same_layout` is one more target for the mean, against torch in the case's own layout. A group that is not
    `default` runs only when asked for.
    """

    name: str
    title: str
    cases: tuple
    mean: float
    lowest: float
    limits: tuple = ()
    same_layout: float = 0.0
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
               for name, size in _IMAGES for k in (3, 5, 7, 9, 11, 15, 21, 31, 63))
_FEWER = tuple(case for case in IMAGES if case.kernel[0] in (3, 5, 7, 15, 31, 63))

_CUBES = tuple(Case(f"{n}^3 k{k}", "correlate", (n,) * 3, (k,) * 3) for n in (64, 128) for k in (3, 5, 7, 9, 11))
CUBES = _CUBES + _variant(_CUBES, "f64", dtype="float64")

_SIGNALS = (
    ("8", (3,)), ("64", (7,)), ("1e3", (3, 31, 101)), ("1e4", (31, 1001)), ("1e5", (3, 31, 101, 1001, 10001)),
    ("1e6", (3, 31, 101, 301, 1001, 10001)), ("1e7", (3, 101, 10001)),
)
SIGNALS = tuple(Case(f"{n} x {k} {dtype}", "convolve", (int(float(n)),), (k,), dtype=dtype)
                for dtype in ("float32", "float64", "complex64") for n, kernels in _SIGNALS for k in kernels)


def _separable(name, size, weights, k, label, sigma=0.0):
    return Case(f"{name} {weights} {label}", "correlate", size, (k, k), boundary="symmetric", weights=weights,
                sigma=sigma)


SEPARABLE = tuple(
    case for name, size in _IMAGES for case in (
        *(_separable(name, size, "gaussian", 8 * sigma + 1, sigma, sigma) for sigma in (1, 2, 4, 8)),
        *(_separable(name, size, "box", k, k) for k in (3, 7, 15, 31)),
        _separable(name, size, "sobel", 3, 3)))

MAX_FILTERS = tuple(Case(f"{name} {k} {dtype}", "max_filter", size, (k, k), dtype=dtype)
                    for dtype in ("float32", "uint8") for name, size in _IMAGES for k in (3, 5, 7, 15, 31))


def _pools(size, channels, batch, kernel, stride, padding, rank=2):
    pads = f" p{padding}" if padding else ""
    return tuple(
        Case(f"{op} {_extents((size,) * rank)} {'x'.join([str(kernel)] * rank)}/{stride}{pads}", op, (size,) * rank,
             (kernel,) * rank, (channels, channels), batch, stride, padding)
        for op in ("max_pool", "avg_pool"))


_POOLS = (
    *_pools(112, 64, 8, 2, 2, 0), *_pools(112, 64, 8, 3, 2, 1), *_pools(112, 64, 8, 3, 2, 0),
    *_pools(56, 64, 8, 3, 1, 1), *_pools(28, 256, 8, 5, 1, 2), *_pools(7, 2048, 8, 7, 7, 0),
    *_pools(16000, 64, 2, 2, 2, 0, rank=1), *_pools(32, 32, 2, 2, 2, 0, rank=3),
)
POOLS = _POOLS + _variant(_POOLS, "last", channels_last=True)

TINY = (
    Case("convolve 8 x 3", "convolve", (8,), (3,), dtype="float64"),
    Case("correlate 16x16 k3", "correlate", (16, 16), (3, 3)),
    Case("conv2d 3->8 16x16 k3", "conv", (16, 16), (3, 3), (3, 8), padding=1),
    Case("max_pool 16x16 2x2/2", "max_pool", (16, 16), (2, 2), stride=2),
)

DECODERS = tuple(transposed(*layer) for layer in [
    # (model, in, out, size, kernel, stride, padding)
    ("unet", 1024, 512, 14, 2, 2, 0), ("unet", 512, 256, 28, 2, 2, 0), ("unet", 256, 128, 56, 2, 2, 0),
    ("unet", 128, 64, 112, 2, 2, 0),
    ("dcgan", 100, 1024, 1, 4, 1, 0, 0, 32), ("dcgan", 1024, 512, 4, 4, 2, 1, 0, 32),
    ("dcgan", 512, 256, 8, 4, 2, 1, 0, 32), ("dcgan", 256, 128, 16, 4, 2, 1, 0, 32),
    ("dcgan", 128, 3, 32, 4, 2, 1, 0, 32),
    ("fcn", 64, 32, 56, 3, 2, 1, 1), ("fcn", 21, 21, 32, 16, 8, 4),
])

_ACTIVATIONS = tuple(
    Case(f"{op} {batch}x{channels}x{_extents(size)}", op, size, (1,) * len(size), (channels, channels), batch)
    for op in ACTIVATIONS for batch, channels, size in (
        ((128, 21, (1000,)),) if "softmax" in op and "channels" not in op
        else ((8, 64, (112, 112)), (1, 64, (32, 32)))))
ACTIVATION_CASES = _ACTIVATIONS + _variant(_ACTIVATIONS, "f64", dtype="float64")


def _facade(function, size, kernel, mode="full", **options):
    name = f"{function} {_extents(size)} x {_extents(kernel)} {mode}"
    return Case(name, "convolve" if mode == "full" else "correlate", size, kernel, function=function, **options)


_FFT = tuple(_facade(function, size, kernel) for function in ("fftconvolve", "oaconvolve") for size, kernel in [
    ((16,), (3,)), ((10_000,), (101,)), ((10_000,), (10_000,)), ((100_000,), (1001,)), ((100_000,), (100_000,)),
    ((1_000_000,), (101,)), ((1_000_000,), (10_001,)), ((1_000_000,), (1_000_000,)), ((10_000_000,), (1001,)),
    ((8, 8), (3, 3)), ((128, 128), (128, 128)), ((512, 512), (15, 15)), ((512, 512), (63, 63)),
    ((512, 512), (512, 512)), ((1080, 1920), (31, 31)), ((2160, 3840), (63, 63)), ((64,) * 3, (9,) * 3),
    ((64,) * 3, (64,) * 3), ((128,) * 3, (32,) * 3)])
_SCIPY_FFT = _FFT + _variant(_FFT, "f64", dtype="float64")
_DIRECT = tuple(_facade("correlate2d", size, (k, k), "same", **options) for size, k in [
    ((8, 8), 3), ((64, 64), 5), ((512, 512), 3), ((512, 512), 7), ((512, 512), 15), ((1080, 1920), 3),
    ((1080, 1920), 9), ((2160, 3840), 3), ((2160, 3840), 5)]
    for options in ({}, {"boundary": "symmetric"}))
_DIRECT = tuple(case._replace(name=case.name + " symm") if case.boundary == "symmetric" else case for case in _DIRECT)
_DIRECT += tuple(_facade("convolve2d", size, (k, k)) for size, k in [((8, 8), 3), ((512, 512), 7), ((1080, 1920), 5)])
_SCIPY_DIRECT = _DIRECT + _variant(_DIRECT, "f64", dtype="float64")
_AUTO = tuple(_facade(function, size, kernel, mode) for function, mode in (("convolve", "full"), ("correlate", "same"))
              for size, kernel in [((16,), (3,)), ((10_001,), (101,)), ((1_000_001,), (1001,)), ((99_999,), (99_999,)),
                                   ((8, 8), (3, 3)), ((512, 512), (9, 9)), ((511, 511), (255, 255)),
                                   ((64,) * 3, (5,) * 3)])
_SCIPY_AUTO = _AUTO + _variant(_AUTO, "f64", dtype="float64")

LAYERS = RESNET50 + VGG16
_BOTH = LAYERS + _variant(LAYERS, "n8", batch=8)


def _is_winograd(case):
    return case.kernel == (3, 3) and case.stride == 1 and min(case.channels) >= 64


def _sized(low, high):
    return lambda case, method: low <= case.kernel[0] <= high


GROUPS = (
    Group("layers", "conv2d, ResNet-50 and VGG-16 layers, N=1 and 8, channels first", _BOTH, 1.5, 0.95,
          (Limit("direct, C and K of 64 and more", "fma", 75,
                 lambda case, method: method == "direct" and min(case.channels) >= 64),)),
    Group("winograd", "of these, 3x3 with stride 1 and 64 channels or more, channels first",
          tuple(filter(_is_winograd, _BOTH)), 2.0, 1.3),
    Group("winograd-last", "the same 3x3 layers, channels last",
          _variant(filter(_is_winograd, _BOTH), "last", channels_last=True), 1.3, 0.9),
    Group("mobile", "MobileNetV2 and ConvNeXt: depthwise and pointwise layers", MOBILE, 1.5, 0.9,
          (Limit("depthwise 3x3", "copy", 60, lambda case, method: case.groups > 1 and case.kernel == (3, 3)),)),
    Group("first", "first layers: 3 channels in", FIRST, 1.3, 1.0),
    Group("audio", "conv1d of audio models", AUDIO, 1.5, 0.9),
    Group("video", "conv3d of video and volume models", VOLUMES, 1.5, 0.9),
    Group("image", "one-channel 2-D, float32", IMAGES, 2.5, 1.2,
          (Limit("3x3", "copy", 70, _sized(3, 3)), Limit("k 7 to 15", "fma", 60, _sized(7, 15)))),
    Group("image-u8", "one-channel 2-D, uint8 to uint8", _variant(_FEWER, "u8", dtype="uint8"), 2.0, 1.0),
    Group("image-f64", "one-channel 2-D, float64", _variant(_FEWER, "f64", dtype="float64"), 2.0, 1.1),
    Group("volume", "one-channel 3-D, float32 and float64", CUBES, 15.0, 5.0,
          (Limit("k >= 5", "fma", 50, _sized(5, 11)),)),
    Group("signal", "1-D convolve, float32, float64 and complex64", SIGNALS, 4.0, 1.0,
          (Limit("101 to 1001 taps, 1e6 samples", "fma", 70,
                 lambda case, method: case.size == (1_000_000,) and 101 <= case.kernel[0] <= 1001),)),
    Group("separable", "Gaussian, box and Sobel, symmetric border, float32", SEPARABLE, 2.0, 1.1),
    Group("max-filter", "maximum filter, float32 and uint8", MAX_FILTERS, 1.5, 1.0),
    Group("pool", "max and average pooling, both layouts", POOLS, 1.3, 0.9,
          (Limit("2x2/2 and 3x3/2", "copy", 75,
                 lambda case, method: case.rank == 2 and case.kernel[0] in (2, 3) and case.stride == 2),), 5.0),
    Group("activations", "activations and their gradients, float32 and float64", ACTIVATION_CASES, 1.0, 0.5,
          (Limit("relu of 6 million float32", "copy", 70,
                 lambda case, method: case.op == "relu" and case.batch == 8 and case.dtype == "float32"),)),
    Group("tiny", "calls whose work is smaller than their overhead", TINY, 1.5, 1.0,
          (Limit("1-D 8x3", "us", 1.0, lambda case, method: case.size == (8,)),)),
    Group("gradients", "input and weight gradient together, ResNet-50 and VGG-16 layers, N=8",
          tuple(map(gradients, _variant(LAYERS, "n8", batch=8))), 1.5, 0.9),
    Group("gradients-mobile", "the same of depthwise and pointwise layers, N=8",
          tuple(map(gradients, _variant(MOBILE, "n8", batch=8))), 2.0, 0.9),
    Group("pool-gradients", "input gradients of pools, against torch's autograd in the same layout",
          POOL_GRADIENTS, 3.0, 1.0),
    Group("transposed", "conv_transpose2d of U-Net and DCGAN", DECODERS, 1.5, 0.9),
    Group("lenet", "one training step of LeNet-5, batch 32", (lenet_step(32),), 2.0, 2.0),
    Group("scipy-signal-fft", "cconv.signal: fftconvolve and oaconvolve, against SciPy's", _SCIPY_FFT, 1.5, 1.0,
          default=False),
    Group("scipy-signal-2d", "cconv.signal: convolve2d and correlate2d, against SciPy's", _SCIPY_DIRECT, 20.0, 1.0,
          default=False),
    Group("scipy-signal", "cconv.signal: convolve and correlate, against SciPy's", _SCIPY_AUTO, 1.5, 1.0,
          default=False),
    Group("ndimage-direct", "cconv.ndimage: correlate and convolve, against SciPy's", facade_calls.DIRECT, 20.0, 1.0,
          default=False),
    Group("ndimage-separable", "cconv.ndimage: separable filters and boxes, against SciPy's",
          facade_calls.SEPARABLE + facade_calls.BOXES, 5.0, 1.0, default=False),
    Group("ndimage-extrema", "cconv.ndimage: minimum and maximum filters, against SciPy's", facade_calls.EXTREMA, 5.0,
          1.0, default=False),
    Group("ndimage-other", "cconv.ndimage: sums of derivatives, footprints, against SciPy's", facade_calls.OTHER, 1.0,
          1.0, default=False),
    Group("ndimage-tiny", "cconv.ndimage: 8x8 images, against SciPy's", facade_calls.SMALL, 1.0, 1.0, default=False),
    Group("scipy-signal-tiny", "cconv.signal: 8 samples to 32x32, against SciPy's", facade_calls.SMALL_SIGNAL, 1.0, 1.0,
          default=False),
    Group("layers-last", "ResNet-50 and VGG-16 layers, N=1, channels last",
          _variant(LAYERS, "last", channels_last=True), 1.3, 0.9, default=False),
)
# With every library held to AVX2 the same groups have these targets, and no limits.
MEAN_AVX2, LOWEST_AVX2 = 1.3, 0.8
