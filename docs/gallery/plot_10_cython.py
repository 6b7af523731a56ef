r"""
Calling it from your own Cython
===============================

`cconv.capi` is the library without Python: C functions that take pointers and need no GIL, for loops of your own. Here
such a loop makes a photograph look like one of a small model: every band of eight rows is blurred by a Gaussian of its
own, wider away from a line of focus. A kernel that changes from place to place is not a convolution, so no single call
does this; 159 small ones do, shared out to threads.

The extension is built while this page is, in a temporary folder: that needs Cython, setuptools and a C compiler.
"""

# sphinx_gallery_thumbnail_number = 1
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
from sklearn.datasets import load_sample_image

import cconv

# %%
# The extension
# -------------
# A params struct says what the layer is; ``_check`` says whether that is one; ``_workspace`` how much memory a call
# takes; then it runs. Every step is free of the GIL, so the struct may be filled in inside the loop.

SOURCE = """\
# cython: language_level=3, boundscheck=False, wraparound=False
import numpy as np

from cconv.capi cimport (
    CCONV_EDGE, CCONV_F32, CCONV_OK, CCONV_OUTPUT, ConvParams, cconv_conv_check,
    cconv_conv_f32, cconv_conv_init, cconv_conv_workspace,
)
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc


cdef int band(ConvParams* params, Py_ssize_t rows, Py_ssize_t columns,
              Py_ssize_t size, size_t* workspace) noexcept nogil:
    '''The layer of one band: no padding above and below, edges left and right.'''
    cdef int status = cconv_conv_init(params, sizeof(ConvParams), 2)
    params.input[0] = rows + size - 1
    params.input[1] = columns
    params.kernel[0] = params.kernel[1] = size
    params.pad_before[1] = params.pad_after[1] = size//2
    params.padding_mode[0] = params.padding_mode[1] = CCONV_EDGE
    status = cconv_conv_check(params)
    if status == CCONV_OK:
        status = cconv_conv_workspace(params, CCONV_OUTPUT, CCONV_F32, 1, workspace)
    return status


cdef int blur(const float* first, const float* kernel, float* out, Py_ssize_t rows,
              Py_ssize_t columns, Py_ssize_t size, void* workspace, size_t largest) noexcept nogil:
    cdef ConvParams params
    cdef size_t needed
    cdef int status = band(&params, rows, columns, size, &needed)
    if status == CCONV_OK:
        status = cconv_conv_f32(&params, first, kernel, NULL, out, workspace, largest, 1)
    return status


def blur_bands(const float[:, :, ::1] planes, const float[:, ::1] kernels,
               const Py_ssize_t[::1] sizes, Py_ssize_t rows, Py_ssize_t margin, int num_threads):
    '''Every band of `rows` rows with a kernel of its own; planes have `margin` rows around.'''
    cdef Py_ssize_t bands = sizes.shape[0], columns = planes.shape[2]
    cdef Py_ssize_t task, plane, i, top
    cdef size_t needed = 0, largest = 0
    cdef int failed = 0
    cdef ConvParams params
    result = np.empty((planes.shape[0], bands*rows, columns), np.float32)
    cdef float[:, :, ::1] out = result
    for i in range(bands):
        if sizes[i]//2 > margin or band(&params, rows, columns, sizes[i], &needed) != CCONV_OK:
            raise ValueError(f"band {i}: no kernel of {sizes[i]} x {sizes[i]}")
        largest = max(largest, needed)
    cdef char* workspaces = <char*>malloc(num_threads*largest + 1)
    if workspaces == NULL:
        raise MemoryError
    for task in prange(planes.shape[0]*bands, nogil=True, num_threads=num_threads, schedule="dynamic"):
        plane = task//bands
        i = task%bands
        top = margin + i*rows - sizes[i]//2
        failed += blur(&planes[plane, top, 0], &kernels[i, 0], &out[plane, i*rows, 0], rows,
                       columns, sizes[i], workspaces + threadid()*largest, largest) != CCONV_OK
    free(workspaces)
    if failed:
        raise RuntimeError(f"{failed} bands failed")
    return result
"""

SETUP = """\
from pathlib import Path

import cconv
from Cython.Build import cythonize
from setuptools import Extension, setup

flags = ["-O1", "-g0", "-fopenmp"]
bands = Extension("bands", ["bands.pyx"], extra_compile_args=flags, extra_link_args=flags)
here = str(Path(cconv.__file__).parents[1])     # cimport finds an installed cconv by itself
setup(name="bands", ext_modules=cythonize([bands], include_path=[here]))
"""

# %%
# Building it
# -----------


def built():
    """The module `bands`, or None with a line that says what it would need."""
    for module in ("Cython", "setuptools", "cconv.capi"):
        if importlib.util.find_spec(module) is None:
            return print(f"not built: {module} is not installed")
    if not any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang")):
        return print("not built: there is no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bands.pyx").write_text(SOURCE)
        Path(folder, "setup.py").write_text(SETUP)
        paths = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(build, cwd=folder, env=paths, check=True, capture_output=True)
        (file,) = [
            path for path in Path(folder).iterdir() if path.suffix in (".so", ".pyd")
        ]
        spec = importlib.util.spec_from_file_location("bands", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


bands = built()

# %%
# The photograph
# --------------
# 53 bands of eight rows in three colours. A kernel for each: the focus is at row 250, and the standard deviation grows
# by one pixel in 50 rows.

ROWS, FOCUS = 8, 250
photograph = load_sample_image("china.jpg")[:424].astype(np.float32) / 255

centres = np.arange(ROWS / 2, len(photograph), ROWS)
sigmas = np.maximum(np.abs(centres - FOCUS) / 50 - 0.6, 0.2)
gaussians = [
    cconv.filters.gaussian(sigma, ndim=2, dtype=np.float32) for sigma in sigmas
]
sizes = np.array([len(kernel) for kernel in gaussians], np.intp)
kernels = np.zeros((len(sizes), sizes.max() ** 2), np.float32)
for row, kernel in zip(kernels, gaussians, strict=True):
    row[: kernel.size] = kernel.ravel()
print(len(sizes), "bands, kernels from", sizes.min(), "to", sizes.max(), "pixels wide")
assert len(sizes) == 53

MARGIN = int(sizes.max()) // 2
planes = photograph.transpose(2, 0, 1)
around = np.pad(planes, ((0, 0), (MARGIN, MARGIN), (0, 0)), mode="edge")
around = np.ascontiguousarray(around)


def in_python():
    """The same, a call for each band."""
    result = np.empty((3, len(sizes) * ROWS, planes.shape[2]), np.float32)
    for i, kernel in enumerate(gaussians):
        half = len(kernel) // 2
        rows = around[:, MARGIN + i * ROWS - half : MARGIN + (i + 1) * ROWS + half]
        layer = {"padding": ((0, 0), (half, half)), "padding_mode": "edge"}
        for plane, one in zip(result, rows, strict=True):
            plane[i * ROWS : (i + 1) * ROWS] = cconv.conv2d(
                one[None], kernel[None, None], **layer
            )[0]
    return result


model = in_python()
if bands:
    threads = cconv.get_num_threads()
    ours = bands.blur_bands(around, kernels, sizes, ROWS, MARGIN, threads)
    print("Cython and Python give the same bits:", np.array_equal(ours, model))
    assert np.array_equal(ours, model)
    model = ours

vivid = 0.5 + 1.25 * (model.transpose(1, 2, 0) - 0.5)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.6, 1, 2)
pic.show(axes[0], photograph, "photograph")
pic.show(axes[1], vivid, "bands of eight rows, each with its own kernel")
# sphinx_gallery_end_ignore
