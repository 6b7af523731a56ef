"""Where an FFT keeps a componentwise error bound: the check of the samples that method="auto" makes."""

import math

import numpy as np

# The bounds of Design b. In a search over noise, tones, chirps, constants, steps and single spikes, of lengths up to
# 2**18, BOUND came to 6.5 (a tone with a kernel of one tap), and to less than 1 for noise.
BOUND = 8
GUARDED_BOUND = 4096
# A sample is small if it is so many times smaller than the largest of its tile.
SMALL = 32


# Places in a struct TileGuard: see _kernels/types.pxd.
NEEDED, LEAST, MOST, NORM = range(4)
STEPS = 8


class Guard:
    """Where FFT is within GUARDED_BOUND, for one piece of one kernel.

    The error of an output is at most BOUND * eps * m * sum|w|, m the largest magnitude of the tile's samples. Call
    a sample small if it is below m / SMALL. If n samples in the window of an output are small, then
        sum |w||x|  >=  m / SMALL * (sum of |w| over the taps inside the array  -  sum of the n largest |w|),
    wherever the small ones stand. That is asked for cell by cell, a cell being a box of outputs a quarter (1-D: a
    64th) of the kernel wide, with the number of small samples in the union of its windows: so it costs a
    comparison and an addition per sample. All of it is done where tiles are gathered (``_kernels/guard.pxd``); here
    stands what it has to know.
    """

    def __init__(self, rules, weights):
        """`weights`: magnitudes of the piece's taps, in the order of the samples that they meet, as float64."""
        self.numbers = rules.numbers.copy()
        rules.weigh(np.ascontiguousarray(weights), self.numbers)
        self.numbers[NEEDED] = self.numbers[NORM] * rules.needed
        # the weight of the taps before each, along all axes
        self.table = None
        if rules.hollow:
            self.table = np.zeros([n + 1 for n in weights.shape])
            inner = self.table[1:, 1:, 1:]
            for axis in range(3):
                if weights.shape[axis] > 1:
                    weights = np.cumsum(weights, axis=axis, out=inner)
            if weights is not inner:
                inner[...] = weights


class Rules:
    """What the guards of all kernels of an operator have in common."""

    def __init__(self, spec, dtype, length, weigh):
        info = np.finfo(dtype)
        self.weigh = weigh
        self.needed = BOUND * SMALL / GUARDED_BOUND * (math.sqrt(2) if spec.is_complex else 1)
        self.numbers = np.zeros(NORM + 1 + 2 * STEPS)
        self.numbers[LEAST] = float(info.tiny) / float(info.eps) * SMALL
        self.numbers[MOST] = float(info.max) / 8 / math.prod(length) ** 2
        self.hollow = spec.cval == 0 and "constant" in spec.boundary
