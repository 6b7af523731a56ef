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
    sixteenth) of the kernel wide, with the number of small samples in the union of its windows: so it costs a
    comparison and an addition per sample. All of it is done where tiles are gathered (``_kernels/guard.pxd``); here
    stands what it has to know.
    """

    def __init__(self, operator, weights):
        """`weights`: magnitudes of the piece's taps, in the order of the samples that they meet, as float64."""
        spec, info = operator.spec, np.finfo(operator.dtype)
        self.numbers = np.empty(NORM + 1 + 2 * STEPS)
        operator.operator.weigh_taps(np.ascontiguousarray(weights), self.numbers)
        factor = BOUND * SMALL / GUARDED_BOUND * (math.sqrt(2) if spec.is_complex else 1)
        self.numbers[:NORM] = (
            self.numbers[NORM] * factor, float(info.tiny) / float(info.eps) * SMALL,
            float(info.max) / 8 / math.prod(operator.tiling.length) ** 2,
        )  # fmt: skip
        # the weight of the taps before each, along all axes
        self.table = None
        if spec.cval == 0 and "constant" in spec.boundary:
            self.table = np.zeros([n + 1 for n in weights.shape])
            self.table[1:, 1:, 1:] = weights
            for axis in range(3):
                if weights.shape[axis] > 1:
                    np.cumsum(self.table, axis=axis, out=self.table)
