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
# 2026-11-21, AMD EPYC, x86-64-v4, scipy.fft 1.17.1, one thread

# products per second of the direct sum, by arithmetic and number of axes with more than one tap
DIRECT_RATE = {
    ("f32", 1): 5.6e10,
    ("f32", 2): 5.4e10,
    ("f32", 3): 4.1e10,
    ("f64", 1): 2.7e10,
    ("f64", 2): 2.8e10,
    ("f64", 3): 2.2e10,
}
# the same, relative to the best level
LEVEL_RATE = {
    "generic": 0.32,
    "x86-64-v3": 0.95,
    "x86-64-v4": 1,
}
# the same of one pass per axis, for kernels that are outer products
SEPARABLE_RATE = {"f32": 3e10, "f64": 1.5e10, "i32": 3e10, "i64": 0.6e10}
# seconds per output besides, to load and to store
SEPARABLE_SECONDS = 2e-10
# seconds per point and log2(points) to gather, check, transform, multiply, transform back and store
TRANSFORM_SECONDS = {
    ("f32", 1): 5.8e-10,
    ("f32", 2): 4.8e-10,
    ("f32", 3): 6e-10,
    ("f64", 1): 8.1e-10,
    ("f64", 2): 8.3e-10,
    ("f64", 3): 9.2e-10,
}
# seconds per batch of tiles, per kernel, per tap
BATCH_SECONDS = 0.00012
KERNEL_SECONDS = 0.00012
TAP_SECONDS = 2e-08
# ------------------------------------------------------------------------------------------------------------

MARGIN = 1.3
# Below this predicted time of a direct sum, what FFT costs whatever the size (the search for tiles in a first call; the
# checks of borders, and direct sums there, in all) is not won back. At 3.7 ms (1e5 x 1001, float64) two threads took
# 2.0 ms directly and 2.8 ms by FFT.
WORTHWHILE = 6e-3
# Samples of one transform: a thread holds three arrays of that size at a time.
TILE_BYTES = 1 << 21
# Samples that are transformed by one call, if tiles are smaller: below, calls cost more than transforms; above,
# what one step wrote has left the second-level cache before the next reads it.
BATCH_BYTES = 1 << 19
# Rows that scipy.fft and numpy.fft transform side by side in vector lanes; a lone 1-D row takes LONE times longer.
SIDE_BY_SIDE = 4
LONE = 2.2


class Tiling(NamedTuple):
    """Overlap-save in tiles, per canonical axis: depth, height, width."""

    length: tuple[int, int, int]  # samples transformed
    piece: tuple[int, int, int]  # taps per piece of the kernel; pieces are summed as spectra
    step: tuple[int, int, int]  # outputs per tile, at most length - piece + 1
    seconds: float  # predicted, on one thread


def is_transformed(spec):
    """Per axis: a single tap needs no transform, but something has to be transformed."""
    depth, height, _ = [taps > 1 for taps in spec.kernel_size]
    return depth, height, True


def itemsize(spec):
    """Bytes per sample of the arithmetic."""
    return (4 if spec.real == "f32" else 8) * (2 if spec.is_complex else 1)


def direct_seconds(spec):
    """Predicted time of the direct sum, on one thread."""
    rank = max(1, sum(taps > 1 for taps in spec.kernel_size))
    products = math.prod(spec.batch_shape) * math.prod(spec.output_size) * math.prod(spec.kernel_size)
    return products * (4 if spec.is_complex else 1) / (DIRECT_RATE[spec.real, rank] * LEVEL_RATE[simd_level()])


def separable_seconds(spec):
    """Predicted time of passes, one per axis, on one thread."""
    outputs = math.prod(spec.batch_shape) * math.prod(spec.output_size)
    taps = sum(taps for taps in spec.kernel_size if taps > 1)
    return outputs * (taps / (SEPARABLE_RATE[spec.real] * LEVEL_RATE[simd_level()]) + SEPARABLE_SECONDS)


def fft_terms(spec, length, piece, step):
    """What the time of overlap-save with these tiles is made of: (points transformed forth and back, times their
    log2; calls for a batch of tiles; kernels; taps)."""
    transformed = is_transformed(spec)
    points = math.prod(length)
    batch = math.prod(spec.batch_shape)
    pieces = math.prod([-(-taps // part) for taps, part in zip(spec.kernel_size, piece, strict=True)])
    kernels = math.prod([n for n, axis in zip(spec.batch_shape, spec.weight_batch_axes, strict=True) if axis >= 0])
    tiles = math.prod([-(-outputs // part) for outputs, part in zip(spec.output_size, step, strict=True)])
    size = points * itemsize(spec)
    per_kernel = tiles * batch // max(kernels, 1)
    batches = -(-per_kernel // max(1, BATCH_BYTES // size)) * kernels * pieces
    log = math.log2(math.prod([n for n, yes in zip(length, transformed, strict=True) if yes]) + 1)
    pair = points * log * (2 if spec.is_complex else 1)
    if points == length[2]:
        # 1-D rows that have no company in the vector lanes
        lone = per_kernel % SIDE_BY_SIDE if size * SIDE_BY_SIDE <= BATCH_BYTES else per_kernel
        per_kernel += lone * (LONE - 1)
    pairs = kernels * (per_kernel * (pieces + 1) + pieces) / 2
    return pairs * pair, batches, kernels, kernels * math.prod(spec.kernel_size)


def fft_seconds(spec, length, piece, step):
    """Predicted time of overlap-save with these tiles, on one thread, checks of auto included."""
    work, batches, kernels, taps = fft_terms(spec, length, piece, step)
    seconds = TRANSFORM_SECONDS[spec.real, sum(is_transformed(spec))]
    return work * seconds + batches * BATCH_SECONDS + kernels * KERNEL_SECONDS + taps * TAP_SECONDS


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
    """The tiles with the least predicted time, by descent along one axis after the other."""
    transformed = is_transformed(spec)
    most = TILE_BYTES // itemsize(spec)
    # a start that fits: the same share for each axis that has to be longer than 1
    long = [axis for axis in range(3) if spec.output_size[axis] + spec.kernel_size[axis] > 2]
    share = int(most ** (1 / max(1, len(long))))
    axes = [
        _axis_candidates(spec.output_size[a], spec.kernel_size[a], share if a in long else 1, transformed[a])[-1]
        for a in range(3)
    ]
    best = fft_seconds(spec, *zip(*axes, strict=True))
    for _ in range(3):
        before = best
        for axis in reversed(range(3)):
            room = most // math.prod([axes[other][0] for other in range(3) if other != axis])
            candidates = _axis_candidates(spec.output_size[axis], spec.kernel_size[axis], room, transformed[axis])
            for candidate in candidates:
                trial = [*axes[:axis], candidate, *axes[axis + 1 :]]
                seconds = fft_seconds(spec, *zip(*trial, strict=True))
                if seconds < best:
                    best, axes = seconds, trial
        if best == before:
            break
    return Tiling(*zip(*axes, strict=True), best)


def _axis_candidates(outputs, taps, room, transformed):
    """(length, piece, step) of one axis: so many equal tiles as leave little over, up to `room` samples long."""
    candidates = []
    pieces = 1
    while len(candidates) < 100:
        piece = -(-taps // pieces)
        tiles = 1
        while tiles <= outputs and fast_length(piece) <= room:
            step = -(-outputs // tiles)
            length = fast_length(step + piece - 1) if transformed else step
            if length <= room:
                # what a longer transform has room for may make a tile fewer
                step = min(outputs, length - piece + 1)
                candidates.append((length, piece, step))
                if length < 1.1 * piece:
                    break
            tiles = max(tiles + 1, int(tiles * 1.15))
        if piece == 1 or (candidates and pieces > 8 * -(-taps // room)):
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
    if direct < WORTHWHILE:
        return None
    tiling = best_tiling(spec)
    return tiling if (tiling.seconds + direct * _border_share(spec)) * MARGIN < direct else None


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
