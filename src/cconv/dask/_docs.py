"""The pages of cconv.dask: what its functions have in common is said once."""

import inspect
import textwrap

import cconv

_PAGE = """{title}

{about}

    Parameters
    ----------
    input : dask.array.Array
{chunks}
    {others}
        As of `{eager}`, which says more.{kernel}
{method}    num_threads : int or None
        Threads of cconv in each task: 1 by default, for Dask has threads of its own. None: `get_num_threads()`.

    Returns
    -------
    dask.array.Array
{result}

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, when the graph is built.

    See Also
    --------
    {eager} : of an array in memory.

    Examples
    --------
    >>> import numpy as np, dask.array as da, cconv.dask
{example}
    """

_METHOD = """\
    method : {choices}
        "direct" has the bits of the whole array. The others have the error bounds of `{eager}` and are chosen,
        and cut into tiles, block by block: their bits depend on the chunks.
"""

_ABOUT = (
    "Lazy: the result is a dask array, and a task for each of its chunks takes the samples that it needs from as many "
    "chunks of `input` as have them. Its values are those of `{eager}` of the whole array, to the last bit{how}."
)
_INPUT = "Of NumPy arrays, in chunks of any sizes, which have to be known. {chunks}"
_RESULT = (
    "Of the shape and type that `{eager}` returns. An output is in the chunk of the sample in the middle of its window."
)


def _filled(text, indent, **fields):
    lines = textwrap.wrap(text.format(**fields), 110, break_on_hyphens=False, break_long_words=False)
    return "\n".join([" " * indent + line for line in lines])


_EXAMPLES = {
    "convolve": """\
    >>> image = da.arange(12.0, chunks=12).reshape(3, 4).rechunk((2, 3))
    >>> blurred = cconv.dask.convolve(image, np.full((3, 3), 1 / 9), "same", boundary="symmetric")
    >>> blurred.chunks
    ((2, 1), (3, 1))
    >>> blurred.compute().round(2)
    array([[1.67, 2.33, 3.33, 4.  ],
           [4.33, 5.  , 6.  , 6.67],
           [7.  , 7.67, 8.67, 9.33]])""",
    "correlate": """\
    >>> cconv.dask.correlate(da.from_array([1, 2, 3, 4], chunks=2), [1, 2, 3, 4], "same").compute()
    array([11, 20, 30, 20])""",
}


def _other_names(function, *without):
    names = [name for name in inspect.signature(function).parameters if name not in ("input", "num_threads", *without)]
    return ", ".join(names)


def finish(function, name, rank=None):
    """`function` under its name, with its page."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = "cconv.dask"
    eager = f"cconv.{name}"
    title = inspect.getdoc(getattr(cconv, name)).splitlines()[0]
    pool, layer = "pool" in name, name.startswith("conv") and rank is not None
    how = ' with `method="direct"`' if not pool else ""
    chunks = "Channels that a task adds over are merged into one chunk." if layer else ""
    if pool:
        chunks = 'With data_format="channels_last" channels are merged into one chunk.'
    kernel = "" if pool else f" {'Weight and bias are' if layer else 'The kernel is'} in memory: every task takes it."
    if layer:
        kernel = " Weight and bias are in memory: every task takes them."
    choices = '{"direct", "auto", "winograd", "fft"}' if layer else '{"direct", "auto", "fft"}'
    shape = ", ".join([str(size) for size in (1, 1, *[6] * (rank or 1))])
    ones = "1, 1" + ", 3" * (rank or 1)
    if pool:
        first = "2, " if name.startswith("lp") else ""
        example = (
            f"    >>> maps = da.ones(({shape}), chunks=({shape.replace('6', '4')}))\n"
            f"    >>> cconv.dask.{name}(maps, {first}3, stride=2{'' if first else ', padding=1'}).shape\n"
            f"    {(1, 1, *[2 if first else 3] * rank)}"
        )
    elif layer:
        example = (
            f"    >>> maps = da.ones(({shape}), chunks=({shape.replace('6', '4')}))\n"
            f"    >>> cconv.dask.{name}(maps, np.ones(({ones})), padding=\"same\").max().compute()\n"
            f"    np.float64({3.0**rank})"
        )
    else:
        example = _EXAMPLES[name]
    without = ("method",) if not pool else ()
    function.__doc__ = _PAGE.format(
        title=title, eager=eager, about=_filled(_ABOUT, 4, eager=eager, how=how),
        chunks=_filled(_INPUT, 8, chunks=chunks),
        others=_other_names(function, *without), kernel=kernel, example=example,
        method="" if pool else _METHOD.format(choices=choices, eager=eager),
        result=_filled(_RESULT, 8, eager=eager),
    )  # fmt: skip
    return function


_FILTER = """{title}

`cconv.ndimage.{name}` of a dask array, lazily: SciPy's values to the last bit{but}.

Parameters
----------
input : dask.array.Array
    Of NumPy arrays, in chunks of any sizes, which have to be known.{chunks}
{others}
    As of `cconv.ndimage.{name}`; `output` is a type or None.
num_threads : int or None
    Threads of cconv in each task: 1 by default, for Dask has threads of its own. None: as many as `get_num_threads()`.

Returns
-------
dask.array.Array
    Of the shape and chunks of `input`.

Raises
------
RuntimeError, ValueError, TypeError
    As `cconv.ndimage.{name}` does, when the graph is built.

See Also
--------
cconv.ndimage.{name} : of an array in memory.

Examples
--------
>>> import dask.array as da, numpy as np
>>> from cconv.dask import ndimage
>>> line = da.from_array([[2.0, 8.0, 0.0], [4.0, 1.0, 9.0]], chunks=(1, 2))
>>> ndimage.{name}(line{arguments}).chunks
((1, 1), (2, 1))
"""

_ARGUMENTS = {
    "convolve": ", np.ones((2, 3))",
    "convolve1d": ", [1, 0, -1]",
    "correlate": ", np.ones((2, 3))",
    "correlate1d": ", [1, 0, -1]",
    "laplace": "",
    "prewitt": "",
    "sobel": "",
}


def finish_filter(function, name):
    """The same for a filter of ndimage.py."""
    function.__name__ = function.__qualname__ = name
    function.__module__ = "cconv.dask.ndimage"
    but, chunks = "", ""
    if name.startswith("uniform"):
        chunks = (
            "\n    Floating samples, whose running mean carries its rounding along the line, are rechunked so that "
            "a line\n    is in one chunk, axis after axis."
        )
    elif name.startswith("m"):
        but = " where there is no NaN, whose neighbours depend on the order, nor zeros of either sign"
    function.__doc__ = _FILTER.format(
        title=inspect.getdoc(getattr(cconv.ndimage, name)).splitlines()[0], name=name, but=but, chunks=chunks,
        others=_other_names(function), arguments=_ARGUMENTS.get(name, ", 3"),
    )  # fmt: skip
    return function
