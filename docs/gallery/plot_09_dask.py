r"""
An image larger than memory
===========================

`cconv.dask` takes dask arrays: images cut into blocks, of which only a few are in memory at a time. A filter needs a
little of the neighbouring blocks at every edge; the result has the bits that the whole array in memory would have.

It needs Dask, ``pip install 'dask[array]'``; without it this page says so and ends.
"""

# sphinx_gallery_thumbnail_number = 1
import importlib.util
import tempfile
import tracemalloc
from pathlib import Path

# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

da = None
missing = [
    name for name in ("dask", "cconv.dask") if not importlib.util.find_spec(name)
]
if missing:
    print("not installed:", *missing)
else:
    import dask.array as da

    from cconv import dask as cd

photograph = skimage.data.camera().astype(np.float32) / 255
block = np.tile(np.roll(photograph, (352, 282), (0, 1)), (8, 8))

# %%
# Sixty-four gibibytes
# --------------------
# A mosaic of 131,072 × 131,072 pixels. Nothing is computed when it is described, nor when it is blurred; asked for a
# window of the result, dask computes the blocks that the window needs.

if da:
    blocks = ((4096,) * 32, (4096,) * 32)
    mosaic = da.map_blocks(lambda: block, chunks=blocks, dtype=np.float32)
    print(
        mosaic.shape, f"{mosaic.nbytes / 2**30:.0f} GiB in {mosaic.npartitions} blocks"
    )
    assert mosaic.nbytes == 2**36

    edges = cd.gaussian_gradient_magnitude(mosaic, 2.0)
    window = np.s_[65_536 - 150 : 65_536 + 150, 65_536 - 150 : 65_536 + 150]
    before, after = mosaic[window].compute(), edges[window].compute()
    print(after.shape, "computed")

# sphinx_gallery_start_ignore
if da:
    fig, axes = pic.figure(3.85, 1, 2)
    pic.show(axes[0], before, "where four blocks meet")
    pic.show(axes[1], after, "length of the gradient", cmap="gray_r", vmax=0.12)
    for ax in axes:
        ax.axhline(149.5, color=pic.KERNEL, linewidth=1, linestyle=(0, (4, 4)))
        ax.axvline(149.5, color=pic.KERNEL, linewidth=1, linestyle=(0, (4, 4)))
# sphinx_gallery_end_ignore

# %%
# No seams
# --------
# The same window, from a part of the mosaic that fits in memory: every bit is the same, where blocks meet too.

if da:
    part = np.tile(block[:512, :512], (2, 2))
    middle = np.s_[512 - 150 : 512 + 150, 512 - 150 : 512 + 150]
    assert np.array_equal(before, part[middle])
    gradient = cconv.ndimage.gaussian_gradient_magnitude(part, 2.0)
    assert np.array_equal(after, gradient[middle])
    print("the same to the last bit")

# %%
# From file to file
# -----------------
# A whole image of 256 MiB, block by block from one file on disk into another. What NumPy has allocated meanwhile stays
# a fraction of that.

if da:
    size = 8192
    with tempfile.TemporaryDirectory() as folder:
        source = np.memmap(Path(folder, "in.raw"), np.float32, "w+", shape=(size, size))
        for row in range(0, size, 512):
            source[row : row + 512] = np.tile(photograph, (1, size // 512))
        target = np.memmap(
            Path(folder, "out.raw"), np.float32, "w+", shape=(size, size)
        )

        smooth = cd.gaussian_filter(da.from_array(source, chunks=1024), 3.0)
        tracemalloc.start()
        da.store(smooth, target, num_workers=2)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        strip = cconv.ndimage.gaussian_filter(source[: 1024 + 16], 3.0)[:1024]
        assert np.array_equal(target[:1024], strip)
        print(
            f"{source.nbytes / 2**20:.0f} MiB filtered, "
            f"{peak / 2**20:.0f} MiB allocated at most"
        )
        assert peak < source.nbytes / 3
        del source, target, smooth
