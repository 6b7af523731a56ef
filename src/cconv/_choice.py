"""Which algorithm: predicted seconds of the direct sum and of FFT tiles, and the tiles that FFT would use.

Design:
  a. A choice is made once per signature, from extents and types alone: it does not depend on the number of
     threads, so neither do the bits of a result. Both predictions are for one thread.
  b. Constants stand in one place, below, as ``bench/calibrate.py`` prints them. They are ratios that matter, not
     seconds: another machine shifts both sides.
  c. FFT has to be clearly faster (MARGIN), because its error bound is the weaker one and because the direct sum
     gains more from threads.
"""

import bisect
import math
from functools import cache
from typing import NamedTuple

from ._core import simd_level

# ---- printed by bench/calibrate.py -------------------------------------------------------------------------
# 2026-11-21, AMD EPYC, x86-64-v4, one thread

# products per second of the direct sum, by arithmetic and number of axes with more than one tap
DIRECT_RATE = {
    ("f32", 1): 5.5e10,
    ("f32", 2): 5.2e10,
    ("f32", 3): 4.2e10,
    ("f64", 1): 2.6e10,
    ("f64", 2): 2.8e10,
    ("f64", 3): 2.2e10,
}
# the same, relative to the best level
LEVEL_RATE = {
    "generic": 0.33,
    "x86-64-v3": 0.97,
    "x86-64-v4": 1,
}
# seconds per real and log2(points) of a transform forth and back, by arithmetic and number of axes
TRANSFORM_SECONDS = {
    ("f32", 1): 3.3e-10,
    ("f32", 2): 1.5e-10,
    ("f32", 3): 1.4e-10,
    ("f64", 1): 1.9e-10,
    ("f64", 2): 1.5e-10,
    ("f64", 3): 2.2e-10,
}
# seconds per real to gather, check, multiply and store
PRODUCT_SECONDS = {
    ("f32", 1): 1.1e-09,
    ("f32", 2): 6.3e-09,
    ("f32", 3): 5.7e-09,
    ("f64", 1): 6.1e-09,
    ("f64", 2): 6.4e-09,
    ("f64", 3): 9.1e-09,
}
# the time of both, relative to the best level
FFT_LEVEL = {
    "generic": 1.1,
    "x86-64-v3": 0.96,
    "x86-64-v4": 1,
}
# seconds per call, per kernel, per tap
CALL_SECONDS = 0.00014
KERNEL_SECONDS = 4.5e-05
TAP_SECONDS = 1e-08
# ------------------------------------------------------------------------------------------------------------

MARGIN = 1.25
# Products per second of one pass per axis, for kernels that are outer products, and seconds per output besides, to load
# and store. Rough: the alternative takes several times as long or a fraction of it, seldom about the same.
SEPARABLE_RATE = {"f32": 3e10, "f64": 1.5e10, "i32": 3e10, "i64": 0.6e10}
SEPARABLE_SECONDS = 2e-10
# Bytes of a tile. Four of them and their spectra, twice as large with the kernel's, stay within 16 MB.
TILE_BYTES = 1 << 20
# Rows that the library transforms side by side, and how much longer one takes alone.
SIDE_BY_SIDE = {"f32": (4, 2.2), "f64": (2, 1.4)}
# Bytes of them beyond which a transform takes longer, and how much.
CACHE_BYTES = 1 << 20
UNCACHED = 1.3
# What a block takes in Python: 50 us for 512 kB
BLOCK_SECONDS = 1e-10
# What is summed directly at borders, and what two threads gain less than the direct sum does, by number of axes: with
# three most tiles have borders. At 128^3 and 11^3 taps, float32, two threads took 33 ms directly and 44 by FFT.
BORDERS = {1: 1.05, 2: 1.1, 3: 1.7}


class Tiling(NamedTuple):
    """Overlap-save in tiles, per canonical axis: depth, height, width."""

    length: tuple[int, int, int]  # samples transformed
    piece: tuple[int, int, int]  # taps per piece of the kernel; pieces are summed as spectra
    step: tuple[int, int, int]  # outputs per tile, at most length - piece + 1
    seconds: float  # predicted, on one thread


def is_transformed(spec):
    """Per axis: a single tap needs no transform, a tile is one sample deep then; rows always are."""
    depth, height, _ = [taps > 1 for taps in spec.kernel_size]
    return depth, height, True


def itemsize(spec):
    """Bytes of a sample of a tile."""
    return (4 if spec.real == "f32" else 8) * (2 if spec.is_complex else 1)


def direct_seconds(spec):
    """Predicted time of the direct sum, on one thread."""
    rank = max(1, sum(taps > 1 for taps in spec.kernel_size))
    products = math.prod(spec.batch_shape) * math.prod(spec.output_size) * math.prod(spec.kernel_size)
    products *= spec.groups * spec.in_channels * spec.out_channels
    return products * (4 if spec.is_complex else 1) / (DIRECT_RATE[spec.real, rank] * LEVEL_RATE[simd_level()])


def separable_seconds(spec):
    """Predicted time of passes, one per axis, on one thread."""
    outputs = math.prod(spec.batch_shape) * math.prod(spec.output_size)
    taps = sum(taps for taps in spec.kernel_size if taps > 1)
    return outputs * (taps / (SEPARABLE_RATE[spec.real] * LEVEL_RATE[simd_level()]) + SEPARABLE_SECONDS)


def fft_terms(spec, length, piece, step):
    """What the time of overlap-save with these tiles is made of: (reals of all transforms, forth and back as one, by
    log2 of the points of a tile; reals multiplied; bytes of all samples; kernels; taps)."""
    points = math.prod(length)
    pieces = math.prod([-(-taps // part) for taps, part in zip(spec.kernel_size, piece, strict=True)])
    shared = [n for n, axis in zip(spec.batch_shape, spec.weight_batch_axes, strict=True) if axis >= 0]
    kernels = math.prod(shared) * spec.groups * spec.in_channels * spec.out_channels
    tiles = math.prod(spec.batch_shape) * spec.groups
    for outputs, stride, part in zip(spec.output_size, spec.stride, step, strict=True):
        tiles *= -(-((outputs - 1) * stride + 1) // part)
    size = points * itemsize(spec)
    if sum(is_transformed(spec)) == 1:
        # rows that are left over after those side by side
        lanes, alone = SIDE_BY_SIDE[spec.real]
        tiles += tiles % lanes * (alone - 1)
        if lanes * size > CACHE_BYTES:
            tiles *= UNCACHED
    elif 1 < tiles < 16:
        # an odd number leaves one of two threads without work at the end
        tiles += tiles % 2
    products = tiles * spec.in_channels * spec.out_channels * pieces
    transforms = tiles * (spec.in_channels * pieces + spec.out_channels) / 2 + kernels * pieces
    reals = points * (2 if spec.is_complex else 1)
    return (
        transforms * reals * math.log2(points + 1), products * reals, tiles * spec.in_channels * pieces * size,
        kernels, kernels * math.prod(spec.kernel_size),
    )  # fmt: skip


def fft_seconds(spec, length, piece, step):
    """Predicted time of overlap-save with these tiles, on one thread, checks of auto included."""
    work, points, size, kernels, taps = fft_terms(spec, length, piece, step)
    rank = sum(is_transformed(spec))
    seconds = work * TRANSFORM_SECONDS[spec.real, rank] + points * PRODUCT_SECONDS[spec.real, rank]
    seconds *= FFT_LEVEL[simd_level()]
    return seconds + CALL_SECONDS + size * BLOCK_SECONDS + kernels * KERNEL_SECONDS + taps * TAP_SECONDS


@cache
def _smooth_numbers():
    """The numbers up to 2**21 without prime factors above 5: lengths of fast transforms."""
    limit = 1 << 21
    powers = [[base**e for e in range(22) if base**e <= limit] for base in (2, 3, 5)]
    return sorted(a * b * c for a in powers[0] for b in powers[1] for c in powers[2] if a * b * c <= limit)


def fast_length(n):
    """The smallest length of a fast transform that is at least `n`."""
    numbers = _smooth_numbers()
    return numbers[min(bisect.bisect_left(numbers, n), len(numbers) - 1)]


def best_tiling(spec):
    """The tiles with the least predicted time, by descent along one axis after the other. The batch does not count:
    the bits of one element must not depend on its neighbours."""
    whole, spec = spec, spec._replace(batch_shape=(), weight_batch_axes=())
    most = TILE_BYTES // itemsize(spec)
    # a start that fits: the same share for each axis that has to be longer than 1
    long = [axis for axis in range(3) if spec.output_size[axis] + spec.kernel_size[axis] > 2]
    share = int(most ** (1 / max(1, len(long))))
    axes = [_axis_candidates(spec, axis, share if axis in long else 1)[-1] for axis in range(3)]
    best = fft_seconds(spec, *zip(*axes, strict=True))
    for _ in range(3):
        before = best
        for axis in reversed(range(3)):
            room = most // math.prod([axes[other][0] for other in range(3) if other != axis])
            for candidate in _axis_candidates(spec, axis, room):
                trial = [*axes[:axis], candidate, *axes[axis + 1 :]]
                seconds = fft_seconds(spec, *zip(*trial, strict=True))
                if seconds < best:
                    best, axes = seconds, trial
        if best == before:
            break
    return Tiling(*zip(*axes, strict=True), fft_seconds(whole, *zip(*axes, strict=True)))


def _axis_candidates(spec, axis, room):
    """(length, piece, step) of one axis: so many equal tiles as leave little over, up to `room` samples long."""
    taps, dilation, outputs = spec.kernel_size[axis], spec.dilation[axis], spec.output_size[axis]
    outputs = (outputs - 1) * spec.stride[axis] + 1
    if not is_transformed(spec)[axis]:
        return [(1, 1, 1)]
    candidates = []
    pieces = 1
    while len(candidates) < 100:
        piece = -(-taps // pieces)
        reach = (piece - 1) * dilation + 1
        tiles = 1
        while tiles <= outputs and fast_length(reach) <= room:
            step = -(-outputs // tiles)
            length = fast_length(step + reach - 1)
            if length <= room:
                # what a longer transform has room for may make a tile fewer
                step = min(outputs, length - reach + 1)
                candidates.append((length, piece, step))
                if length < 1.1 * reach:
                    break
            tiles = max(tiles + 1, int(tiles * 1.15))
        if piece == 1 or (candidates and pieces > 8 * -(-reach // room)):
            break
        pieces *= 2
    if not candidates:
        candidates.append((1, 1, 1))
    return sorted(set(candidates))


def auto_tiling(spec):
    """The tiles with which FFT is clearly faster than the direct sum, or None."""
    if spec.output_dtype.kind not in "fc" or 0 in spec.output_shape:
        return None
    direct = direct_seconds(spec)
    if direct < CALL_SECONDS * MARGIN:
        return None
    tiling = best_tiling(spec)
    rank = sum(is_transformed(spec))
    return tiling if (tiling.seconds * BORDERS[rank] + direct * _border_share(spec)) * MARGIN < direct else None


def _border_share(spec):
    """The part of the direct sum that is left to do at borders of zeros: of outputs that see less than a quarter of
    the kernel along some axis, and of them the taps that meet samples."""
    inner = 1.0
    for taps, outputs, pad, name in zip(
        spec.kernel_size, spec.output_size, spec.pad_before, spec.boundary, strict=True
    ):
        if name == "constant" and spec.cval == 0:
            inner *= max(0.0, 1 - 2 * max(0.0, pad - 0.75 * taps) / outputs)
    return 0.3 * (1 - inner)
