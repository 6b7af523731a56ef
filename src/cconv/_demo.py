"""The main job, ``python -m cconv demo``: a photograph filtered, a layer run on it, both against SciPy.

Design:
a. The judge is the function that a SciPy user would call for the same job, at its fastest (its separable
   filters, its FFT), on the same float32 array. No time is shown without the difference between the results;
   one above _TOLERANCE ends the demo with status 1.
b. Each pair is timed in turns and the best times count, so a busy moment of the machine does not decide.
c. Nothing optional is imported before the demo runs: a missing library is one line, not a traceback.
"""

import importlib.util
import pathlib
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import cconv
from cconv import _images, filters
from cconv._images import CommandError, ImageError

# Real photographs in other libraries' wheels, the largest first.
_PHOTOGRAPHS = (
    ("skimage", "data/motorcycle_left.png", "scikit-image"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "matplotlib"),
    ("sklearn", "datasets/images/china.jpg", "scikit-learn"),
)
_NEEDS = {"scipy": "scipy", "matplotlib": "matplotlib", "PIL": "pillow"}  # module: package
_SMALLEST = 32  # pixels a side: the layer and the pool leave a quarter

# Samples are 0 to 1, the kernels' absolute weights sum to 9 at most: about 20 units in float32's last place.
_TOLERANCE = 1e-5
# A pair is timed for about this long in all, or once if it takes longer.
_SECONDS = 0.8
_MOST_ROUNDS = 25

_BOX = 15
_SIGMA = 4.0
_LAYER_SIZE = 7
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


class _Step(NamedTuple):
    title: str
    ours: Callable
    theirs: Callable
    peer: str


class _Row(NamedTuple):
    title: str
    peer: str
    milliseconds: float
    peer_milliseconds: float
    difference: float


def run(path, output, threads):
    """Run the demo and return its exit status. `path` None picks a photograph."""
    missing = [name for module, name in _NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        names = " and ".join(missing)
        raise CommandError(f"the demo needs {names}, not installed: pip install {' '.join(missing)}")
    if not output.lower().endswith(".png"):
        raise ImageError(f"{output}: the demo's picture is a PNG; its name must end in .png")
    _images.check_output(output)
    path, label = _find_photograph() if path is None else (path, path)
    photograph = _colour_planes(_images.read_image(path), label)

    import scipy

    steps = _steps(photograph, threads)
    rows, results = [], []
    for number, step in enumerate(steps, 1):
        _status(f"[{number}/{len(steps) + 1}] {step.title}: cconv and {step.peer}")
        result, row = _measure(step)
        rows.append(row)
        results.append(result)
    _status(f"[{len(steps) + 1}/{len(steps) + 1}] writing {output}")
    _draw(photograph, results, rows, output)

    height, width = photograph.shape[1:]
    used = threads or cconv.get_num_threads()
    print(f"{label}: {width} x {height} pixels, 3 channels, float32")
    print(
        f"cconv {cconv.__version__}, {cconv.simd_level()}, {used} thread{'s' if used > 1 else ''}; "
        f"SciPy {scipy.__version__} and NumPy {np.__version__}, which use one"
    )
    print()
    print(_table(rows))
    print()
    print("Times are the best of several, taken in turns. SciPy has no strided convolution:")
    print("for the layer it computes every position, and three of four are thrown away.")
    print(f"Picture: {output}")

    wrong = [row.title for row in rows if not row.difference <= _TOLERANCE]
    if wrong:
        print(f"error: larger difference than {_TOLERANCE:g}: {', '.join(wrong)}", file=sys.stderr)
        return 1
    return 0


def _status(text):
    print(text, file=sys.stderr, flush=True)


# The photograph


def _find_photograph():
    for module, file, library in _PHOTOGRAPHS:
        spec = importlib.util.find_spec(module)
        for folder in (spec and spec.submodule_search_locations) or ():
            path = pathlib.Path(folder, file)
            if path.is_file():
                return str(path), f"{path.name} from {library}"
    libraries = ", ".join(library for *_, library in _PHOTOGRAPHS)
    raise CommandError(f"none of {libraries} brings its sample photograph here; name an IMAGE")


def _colour_planes(picture, label):
    """(3, rows, columns) float32 from 0 to 1."""
    samples = picture.colours
    rows, columns = samples.shape[:2]
    if min(rows, columns) < _SMALLEST:
        least = f"{_SMALLEST} x {_SMALLEST}"
        raise ImageError(f"{label}: the demo takes images of {least} pixels or more, got {columns} x {rows}")
    if samples.dtype not in (np.uint8, np.uint16) or picture.kind == "CMYK":
        raise ImageError(f"{label}: the demo takes grey or RGB images of 8 or 16 bits; convert it")
    planes = np.atleast_3d(samples).transpose(2, 0, 1)
    scaled = planes.astype(np.float32) / np.float32(np.iinfo(samples.dtype).max)
    return np.ascontiguousarray(np.broadcast_to(scaled, (3, rows, columns)))


# The steps


def _steps(photograph, threads):
    from scipy import ndimage, signal

    def filtered(image, kernel):
        return cconv.correlate(
            image,
            kernel.astype(np.float32),
            "same",
            boundary="symmetric",
            axes=(-2, -1),
            num_threads=threads,
        )

    # Two passes of a row and a column, as scipy.ndimage does it.
    box_row = filters.box((1, _BOX))
    gaussian_row = filters.gaussian(_SIGMA, ndim=1)[np.newaxis]
    sharpen = filters.sharpen(dtype=np.float32)
    sobel_x, sobel_y = filters.sobel(-1), filters.sobel(-2)
    luma = np.tensordot(_LUMA, photograph, 1)
    weight, bias, _ = layer_weights()
    margin = _LAYER_SIZE // 2
    padded = np.pad(photograph, ((0, 0), (margin, margin), (margin, margin)), "reflect")

    def layer():
        return cconv.conv2d(
            photograph,
            weight,
            bias,
            stride=2,
            padding=margin,
            padding_mode="reflect",
            activation="relu",
            num_threads=threads,
        )

    def scipy_layer():
        # fftconvolve along the image's axes is the fastest of SciPy's ways; in parts, as it keeps all spectra
        flipped = weight[:, :, ::-1, ::-1]
        parts = np.array_split(flipped, min(len(weight), 1 + padded[0].size // 2**20))
        full = [signal.fftconvolve(padded[np.newaxis], part, "valid", axes=(2, 3)).sum(axis=1) for part in parts]
        strided = np.concatenate(full)[:, ::2, ::2]
        return np.maximum(strided + bias[:, np.newaxis, np.newaxis], 0)

    maps = layer()
    even = maps[:, : maps.shape[1] // 2 * 2, : maps.shape[2] // 2 * 2]
    windows = even.reshape(len(maps), even.shape[1] // 2, 2, even.shape[2] // 2, 2)

    size = gaussian_row.size
    return [
        _Step(
            f"box blur {_BOX} x {_BOX}",
            lambda: filtered(filtered(photograph, box_row), box_row.T),
            lambda: ndimage.uniform_filter(photograph, (0, _BOX, _BOX)),
            "ndimage.uniform_filter",
        ),
        _Step(
            f"Gaussian blur {size} x {size}",
            lambda: filtered(filtered(photograph, gaussian_row), gaussian_row.T),
            lambda: ndimage.gaussian_filter(photograph, (0, _SIGMA, _SIGMA)),
            "ndimage.gaussian_filter",
        ),
        _Step(
            "sharpen 3 x 3",
            lambda: filtered(photograph, sharpen),
            lambda: ndimage.correlate(photograph, sharpen[np.newaxis]),
            "ndimage.correlate",
        ),
        _Step(
            "Sobel edges 3 x 3",
            lambda: np.hypot(filtered(luma, sobel_x), filtered(luma, sobel_y)),
            lambda: np.hypot(ndimage.sobel(luma, -1), ndimage.sobel(luma, -2)),
            "ndimage.sobel",
        ),
        _Step(f"conv2d 3 -> {len(weight)}, stride 2, ReLU", layer, scipy_layer, "signal.fftconvolve"),
        _Step(
            "max_pool2d 2 x 2",
            lambda: cconv.max_pool2d(maps, 2, num_threads=threads),
            lambda: windows.max(axis=(2, 4)),
            "NumPy reshape and max",
        ),
    ]


def layer_weights():
    """Eight filters of three channels: edges, stripes and spots of the brightness, and two colour contrasts.

    Returns
    -------
    weight : ndarray of float32, (8, 3, 7, 7)
        The absolute values of each filter sum to 1.
    bias : ndarray of float32, (8,)
    titles : tuple of str
    """
    size = _LAYER_SIZE
    blur = filters.gaussian(1.5, size=size)
    kinds = (
        ("vertical edges", _LUMA, filters.sobel(-1, size=size), 0.0),
        ("horizontal edges", _LUMA, filters.sobel(-2, size=size), 0.0),
        ("rising stripes", _LUMA, filters.gabor(5, 135, size=size), 0.0),
        ("falling stripes", _LUMA, filters.gabor(5, 45, size=size), 0.0),
        ("dark spots", _LUMA, filters.laplacian_of_gaussian(1.2, size=size), 0.0),
        ("bright areas", _LUMA, blur, -0.4),
        ("red over green", np.float32([1, -1, 0]), blur, 0.0),
        ("blue over yellow", np.float32([-0.5, -0.5, 1]), blur, 0.0),
    )
    weight = np.stack([np.multiply.outer(colour, kernel) for _, colour, kernel, _ in kinds])
    weight /= np.abs(weight).sum(axis=(1, 2, 3), keepdims=True)
    bias = np.array([offset for *_, offset in kinds], np.float32)
    return weight.astype(np.float32), bias, tuple(title for title, *_ in kinds)


def _measure(step):
    """The result of ours, and both best times, the two taken in turns."""

    def timed(function):
        start = time.perf_counter()
        value = function()
        return time.perf_counter() - start, value

    best, result = timed(step.ours)
    peer_best, expected = timed(step.theirs)
    rounds = min(_MOST_ROUNDS, int(_SECONDS / max(best + peer_best, 1e-6)))
    for _ in range(rounds):
        best = min(best, timed(step.ours)[0])
        peer_best = min(peer_best, timed(step.theirs)[0])
    difference = float(np.abs(result - expected).max()) if result.shape == expected.shape else np.inf
    return result, _Row(step.title, step.peer, best * 1e3, peer_best * 1e3, difference)


def _table(rows):
    cells = [("operation", "cconv ms", "against", "its ms", "ratio", "largest difference")]
    for row in rows:
        times = (f"{row.milliseconds:.2f}", f"{row.peer_milliseconds:.2f}")
        ratio = f"{row.peer_milliseconds / row.milliseconds:.1f}"
        cells.append((row.title, times[0], row.peer, times[1], ratio, f"{row.difference:.1e}"))
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    left = (0, 2)  # columns of words
    cells.insert(1, tuple("-" * width for width in widths))
    lines = []
    for line in cells:
        padded = (c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


# The picture


def _draw(photograph, results, rows, output):
    """Five photographs in a row; under them the layer's eight maps and, half their size, the pooled ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = photograph.shape[1:]
    box, gaussian, sharpened, edges, maps, pooled = results

    # All lengths in inches, from the figure's upper left corner.
    wide = 2.35
    tall = wide * min(max(height / width, 0.35), 2.0)
    margin, gap, title_line, caption_line = 0.3, 0.1, 0.2, 0.22
    columns = [margin + number * (wide + gap) for number in range(5)]
    first = margin + title_line + caption_line
    second = first + tall + margin + title_line + caption_line
    third = second + tall + caption_line + gap
    size = (columns[-1] + wide + margin, third + tall + margin)
    figure = Figure(figsize=size, dpi=100, facecolor="white")
    FigureCanvasAgg(figure)

    def panel(image, left, top, scale=1.0, **options):
        x, y = left / size[0], 1 - (top + tall * scale) / size[1]
        axes = figure.add_axes((x, y, wide * scale / size[0], tall * scale / size[1]))
        axes.imshow(image, **options)
        axes.set_axis_off()

    def text(content, left, top, **options):
        figure.text(left / size[0], 1 - top / size[1], content, va="baseline", **options)

    def title(content, left, top):
        text(content, left, top - caption_line, fontsize=10, fontweight="bold")

    def caption(content, left, top):
        text(content, left, top - 0.06, fontsize=8, color="0.35")

    views = (
        ("photograph", f"{width} x {height}", photograph, {}),
        (rows[0].title, _timing(rows[0]), box, {}),
        (rows[1].title, _timing(rows[1]), gaussian, {}),
        (rows[2].title, _timing(rows[2]), sharpened, {}),
        (rows[3].title, _timing(rows[3]), edges, _brightness(edges, "gray")),
    )
    for left, (name, below, image, options) in zip(columns, views, strict=True):
        title(name, left, first)
        caption(below, left, first)
        shown = np.clip(image.transpose(1, 2, 0), 0, 1) if image.ndim == 3 else image
        panel(shown, left, first, **options)

    title(f"{rows[4].title}: 8 maps of {_extent(maps)}, {_timing(rows[4])}", columns[0], second)
    for number, (name, feature) in enumerate(zip(layer_weights()[2], maps, strict=True)):
        left, top = columns[number % 4], (second, third)[number // 4]
        caption(name, left, top)
        panel(feature, left, top, **_brightness(feature, "magma"))

    title(f"{rows[5].title}: {_extent(pooled)}", columns[4], second)
    caption(_timing(rows[5]), columns[4], second)
    half = (wide - gap) / 2 / wide
    step = (third + tall - second - tall * half) / 3
    for number, (feature, unpooled) in enumerate(zip(pooled, maps, strict=True)):
        left = columns[4] + number % 2 * (wide * half + gap)
        panel(feature, left, second + number // 2 * step, half, **_brightness(unpooled, "magma"))

    with _images.replacing(output) as file:
        figure.savefig(file, format="png")


def _timing(row):
    library = "NumPy" if row.peer.startswith("NumPy") else "SciPy"
    return f"{_three_digits(row.milliseconds)} ms ({library} {_three_digits(row.peer_milliseconds)} ms)"


def _three_digits(value):
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def _extent(maps):
    return f"{maps.shape[2]} x {maps.shape[1]}"


def _brightness(image, colours):
    """Black at zero, the brightest half percent clipped."""
    return {"cmap": colours, "vmin": 0, "vmax": max(float(np.percentile(image, 99.5)), 1e-6)}
