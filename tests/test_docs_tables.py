"""The tables of docs/moving: every row's two calls are run and agree as far as the row says.

A page's first Python block makes the arrays of its tables. A row whose third cell is "bits", "rounding" or "differs"
has one expression in each of its first two cells. The names of borders in padding.md are passed to the libraries of
their columns.
"""

import importlib.util
import pathlib
import re
import warnings

import numpy as np
import pytest

import cconv

PAGES = pathlib.Path(__file__).parents[1] / "docs" / "moving"
if not PAGES.is_dir():
    pytest.skip("the documentation is not in the source tree", allow_module_level=True)
NEEDS = {"scipy_signal": ["scipy"], "scipy_ndimage": ["scipy"], "opencv": ["cv2"], "torch": ["torch"],
         "keras": ["keras", "torch"], "astropy": ["astropy"]}
# Fewest rows that a page has: a table that is no longer found must not pass.
ROWS = {"scipy_signal": 33, "scipy_ndimage": 36, "opencv": 20, "torch": 26, "keras": 14, "astropy": 14}


def rows_of(text):
    """Cells of each row of each table, without the lines of headings."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if not set("".join(row)) <= set("-: ")]


def agreement(theirs, ours):
    """The strongest of the words in the tables that holds."""
    if theirs.shape != ours.shape:
        return "differs"
    if theirs.dtype == ours.dtype and np.array_equal(theirs, ours, equal_nan=theirs.dtype.kind in "fc"):
        return "bits"
    tolerance = 1e-4 if np.float32 in (theirs.dtype, ours.dtype) or theirs.dtype == np.complex64 else 1e-9
    scale = np.abs(np.nan_to_num(theirs)).max(initial=1e-30)
    close = np.allclose(theirs, ours, rtol=0, atol=tolerance * scale, equal_nan=True)
    return "rounding" if close and theirs.dtype == ours.dtype else "differs"


@pytest.mark.parametrize("page", sorted(NEEDS))
def test_rows(page):
    for needed in NEEDS[page]:      # not imported here: the page chooses Keras's backend before
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    space, wrong, count = {}, [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")         # what the other library warns of is its own affair
        exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], space)
        for row in rows_of(text):
            if row[2] not in ("bits", "rounding", "differs"):
                continue
            theirs, ours = (np.asarray(eval(cell.strip("`"), space)) for cell in row[:2])
            found = agreement(theirs, ours)
            count += 1
            if found != row[2] and (found, row[2]) != ("bits", "rounding"):
                wrong.append(f"{row[0]} | {row[1]}: {found}, the page says {row[2]}")
    assert wrong == []
    assert count >= ROWS[page]


# Where each sample of a row of four with three more on either side is seen: (place, tap of a window of seven).
SEEN = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (3, 3), (3, 4), (3, 5), (3, 6)]


def padded_by(library, name):
    """The row 1 2 3 4 with three samples more on either side, by that library's name of a border."""
    row = np.arange(1.0, 5)
    if library == "cconv":
        return cconv.conv1d(row[None], np.ones((1, 1, 1)), padding=3, padding_mode=name)[0]
    if library == "numpy.pad":
        return np.pad(row, 3, mode=name)
    if library == "OpenCV":
        cv2 = pytest.importorskip("cv2")
        return cv2.copyMakeBorder(row[None], 0, 0, 3, 3, getattr(cv2, name))[0]
    if library == "torch":
        torch = pytest.importorskip("torch")
        return torch.nn.functional.pad(torch.from_numpy(row)[None, None], (3, 3), mode=name)[0, 0].numpy()
    if library == "scipy.ndimage":
        from scipy import ndimage
        return np.array([ndimage.correlate1d(row, np.eye(7)[tap], mode=name)[place] for place, tap in SEEN])
    if library == "scipy.signal":
        from scipy import signal
        return np.array([signal.correlate2d(row[None], np.eye(7)[[tap]], "same", name)[0, at] for at, tap in SEEN])
    assert library == "astropy"
    convolution = pytest.importorskip("astropy.convolution")
    return np.array([convolution.convolve(row, np.eye(7)[6 - tap], boundary=name)[place] for place, tap in SEEN])


LIBRARIES = ("cconv", "numpy.pad", "scipy.ndimage", "scipy.signal", "OpenCV", "torch", "astropy")


@pytest.mark.parametrize("library", LIBRARIES)
def test_names_of_borders(library):
    rows = rows_of((PAGES / "padding.md").read_text(encoding="utf-8"))
    start = next(number for number, row in enumerate(rows) if row[0] == "border")
    assert rows[start][1:] == list(LIBRARIES)
    count = 0
    for row in rows[start + 1 : start + 6]:
        expected = ["0abcd".index(letter) for letter in row[0].strip("`").replace("k", "0").replace("·", "")]
        for name in re.findall(r"`([^`]+)`", row[rows[start].index(library)]):
            assert padded_by(library, name).round().astype(int).tolist() == expected, (library, name)
            count += 1
    assert count >= 3
