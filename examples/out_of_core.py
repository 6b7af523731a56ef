"""A volume larger than the memory that may be used for it: from a file to a file, chunk by chunk, with Dask.

    python examples/out_of_core.py [--gigabytes 4] [--limit 1] [--threads 2] [--directory .] [--format zarr]

A random volume is written, smoothed by cconv.dask.gaussian_filter and sharpened by cconv.dask.convolve, without ever
being in memory as a whole; some of the result is compared with what cconv makes of the same samples in memory. The most
memory that was used is printed beside the size of the volume, and it is an error if it is more than the limit. It needs
`pip install 'cconv[dask]'`; files are zarr's, or with --format npy, or where zarr is not installed, NumPy's.
"""

import argparse
import importlib.util
import resource
import sys
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask.diagnostics import ProgressBar
from numpy.lib.format import open_memmap

import cconv
import cconv.dask

SIGMA = 2
SHARPEN = -np.ones((3, 3, 3), np.float32)
SHARPEN[1, 1, 1] = 27


class File:
    """A .npy file that is mapped while a part of it is read or written, and no longer: mapped pages count as memory."""

    def __init__(self, path, shape=None, dtype=None):
        self.path = path
        mapped = open_memmap(path, "r") if shape is None else open_memmap(path, "w+", dtype, shape)
        self.shape, self.dtype, self.ndim = mapped.shape, mapped.dtype, mapped.ndim

    def __getitem__(self, place):
        return np.array(open_memmap(self.path, "r")[place])

    def __setitem__(self, place, values):
        open_memmap(self.path, "r+")[place] = values


def new_file(path, shape, chunks, kind):
    """A file of float32, to be written."""
    if kind == "npy":
        return File(path, shape, np.dtype(np.float32))
    import zarr

    return zarr.create_array(path, shape=shape, chunks=chunks, dtype="float32", compressors=None)


def peak_bytes():
    """The most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.is_file():        # what resource counts begins with the memory of the process that started this one
        lines = status.read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def process(source, target, chunks):
    """Lazily: smooth, sharpen, write."""
    volume = da.from_array(source, chunks=chunks)
    smooth = cconv.dask.gaussian_filter(volume, SIGMA)
    sharp = cconv.dask.convolve(smooth, SHARPEN, "same", boundary="symmetric")
    return da.store(sharp, target, compute=False, lock=False)


def expected(source, planes):
    """The first planes of the result, from as many samples as they depend on."""
    reach = 4 * SIGMA + 1
    smooth = cconv.ndimage.gaussian_filter(source[: planes + reach], SIGMA)
    return cconv.convolve(smooth, SHARPEN, "same", boundary="symmetric", method="direct")[:planes]


def run(shape, chunks, limit, threads, directory, kind):
    """Write, filter, compare. Returns the peak in bytes."""
    suffix = "npy" if kind == "npy" else "zarr"
    paths = [str(Path(directory) / f"{name}.{suffix}") for name in ("in", "out")]
    source, target = [new_file(path, shape, chunks, kind) for path in paths]
    size = 4 * np.prod(shape)
    print(f"{shape} float32, {size / 1e9:.2f} GB, in chunks of {chunks}, {4 * np.prod(chunks) / 1e6:.1f} MB")
    print(f"{threads} threads; limit {limit / 1e9:.2f} GB; {suffix}")
    # one thread of cconv in each of Dask's
    with dask.config.set(scheduler="threads", num_workers=threads):
        noise = da.random.default_rng(0).random(shape, dtype=np.float32, chunks=chunks)
        da.store(noise, source, lock=False)
        with ProgressBar():
            start = time.perf_counter()
            process(source, target, chunks).compute()
            seconds = time.perf_counter() - start
    peak = peak_bytes()
    print(f"{seconds:.1f} s, {size / seconds / 1e9:.2f} GB/s")
    print(f"peak memory {peak / 1e9:.2f} GB for an array of {size / 1e9:.2f} GB")
    planes = min(shape[0], 4)
    if not np.array_equal(target[:planes], expected(source, planes)):
        raise SystemExit("the result differs from that of the array in memory")
    if peak > limit:
        raise SystemExit(f"the limit of {limit / 1e9:.2f} GB was exceeded")
    return peak


def main(small=False, arguments=()):
    """The whole example; `small`: a volume that takes a second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=0.25 if small else 4.0, help="size of the volume")
    parser.add_argument("--limit", type=float, default=0.22 if small else 1.0, help="of memory, in GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--directory", help="where a directory for the files is made; removed at the end")
    parser.add_argument("--format", choices=("zarr", "npy"), default="zarr")
    given = parser.parse_args(arguments)
    kind = given.format if importlib.util.find_spec("zarr") else "npy"
    # few chunks across and many along: what waits for a neighbour is in proportion to those across
    side = 80 if small else 512
    chunks = (80 if small else 32, side, side)
    depth = max(1, round(given.gigabytes * 1e9 / 4 / side**2))
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        return run((depth, side, side), chunks, given.limit * 1e9, given.threads, directory, kind)


if __name__ == "__main__":
    main(arguments=sys.argv[1:])
