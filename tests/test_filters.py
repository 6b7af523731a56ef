"""cconv.filters: values against books and other libraries, symmetries, sums, dtypes, error messages."""

import doctest
import importlib
import inspect
import math

import numpy as np
import pytest

from cconv import filters

ZERO_SUM = [
    "sobel-x",
    "sobel-y",
    "prewitt-x",
    "prewitt-y",
    "scharr-x",
    "scharr-y",
    "roberts-falling",
    "roberts-rising",
    "gaussian-x",
    "gaussian-y",
    "laplacian",
    "laplacian-8",
    "log",
    "ridge",
    "ridge-4",
    "line-horizontal",
    "line-vertical",
    "line-falling",
    "line-rising",
    "gabor",
]
ONE_SUM = [
    "identity",
    "box",
    "binomial",
    "gaussian",
    "motion",
    "sharpen",
    "sharpen-8",
    "unsharp",
    "emboss",
]


def impulse_response(operator, shape):
    """The kernel of a correlation: what it answers to a single one, reversed."""
    image = np.zeros(shape)
    image[tuple(n // 2 for n in shape)] = 1
    return operator(image)[(slice(None, None, -1),) * len(shape)]


# Every named kernel


def test_every_name_is_in_one_of_the_two_lists():
    assert sorted(ZERO_SUM + ONE_SUM) == sorted(filters.names())


@pytest.mark.parametrize("name", ZERO_SUM)
def test_detectors_are_blind_to_even_surfaces(name):
    kernel = filters.named(name)
    assert abs(kernel.sum()) <= 1e-15 * np.abs(kernel).sum() * kernel.size


@pytest.mark.parametrize("name", ONE_SUM)
def test_blurs_and_sharpeners_keep_even_surfaces(name):
    assert filters.named(name).sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", filters.names())
def test_named_kernels_are_fresh_contiguous_and_of_the_dtype_asked_for(name):
    first, second = filters.named(name, dtype=np.float32), filters.named(name, dtype=np.float32)
    assert first.dtype == np.float32 and first.ndim == 2
    assert first.flags.c_contiguous and first.flags.writeable
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, filters.named(name).astype(np.float32))


@pytest.mark.parametrize("name", filters.names())
def test_named_takes_exactly_what_describe_says(name):
    for key, value in (("size", 5), ("sigma", 1.5)):
        if key in filters.describe(name).partition("[")[2]:
            plain, changed = filters.named(name), filters.named(name, **{key: value})
            assert plain.shape != changed.shape or not np.array_equal(plain, changed)
        else:
            with pytest.raises(
                ValueError, match=f"^{key} does not apply to '{name}', which takes .*, got {value}"
            ):
                filters.named(name, **{key: value})


ISOTROPIC = ["identity", "box", "binomial", "gaussian", "sharpen", "unsharp", "laplacian", "log"]


@pytest.mark.parametrize("name", ISOTROPIC)
def test_isotropic_kernels_have_all_eight_symmetries(name):
    kernel = filters.named(name)
    for turned in (kernel[::-1], kernel[:, ::-1], kernel.T):
        np.testing.assert_allclose(turned, kernel, rtol=0, atol=1e-16)


# Golden values


def test_gaussian_3x3_and_5x5_of_the_books():
    np.testing.assert_array_equal(filters.binomial(3) * 16, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    np.testing.assert_array_equal(filters.binomial(5)[2] * 256, [6, 24, 36, 24, 6])


def test_sharpen_emboss_and_ridges_of_the_books():
    np.testing.assert_array_equal(filters.sharpen(), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    np.testing.assert_array_equal(filters.sharpen(neighbours=8), [[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]])
    np.testing.assert_array_equal(filters.emboss(), [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    np.testing.assert_array_equal(filters.ridge(), [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    assert not np.signbit(filters.ridge(4)[0, 0])  # no negative zeros


def test_laplacian_of_gaussian_is_fspecials():
    # MATLAB's fspecial('log', 5, 0.5), as its documentation prints it.
    golden = [0.0448, 0.0468, 0.0564, 0.3167, 0.7146, -4.9048]
    kernel = filters.laplacian_of_gaussian(0.5, size=5).round(4)
    np.testing.assert_array_equal([*kernel[0, :3], *kernel[1, 1:3], kernel[2, 2]], golden)


def test_motion_blur_lines():
    np.testing.assert_allclose(filters.motion_blur(9), np.full((1, 9), 1 / 9))
    np.testing.assert_allclose(filters.motion_blur(9, 90), np.full((9, 1), 1 / 9))
    np.testing.assert_array_equal(filters.motion_blur(1, 37), [[1]])
    rising = filters.motion_blur(7, 45)
    assert rising.shape[0] == rising.shape[1] and np.argmax(rising[0]) >= rising.shape[1] - 2
    np.testing.assert_allclose(rising, rising[::-1, ::-1])
    np.testing.assert_allclose(filters.motion_blur(7, 135), rising[:, ::-1])
    np.testing.assert_array_equal(filters.motion_blur(8.5, 180), filters.motion_blur(8.5))


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_motion_blur_has_the_spread_of_its_line(angle):
    # The variance of a line of n equal samples along itself is (n**2 - 1) / 12.
    kernel = filters.motion_blur(21, angle)
    rows, columns = (n // 2 for n in kernel.shape)
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    along = x * math.cos(math.radians(angle)) - y * math.sin(math.radians(angle))
    across = x * math.sin(math.radians(angle)) + y * math.cos(math.radians(angle))
    assert (kernel * along**2).sum() == pytest.approx((21**2 - 1) / 12, abs=1.5)
    assert (kernel * across**2).sum() < 0.35


def test_lines_answer_most_to_their_own_direction():
    directions = ("horizontal", "vertical", "falling", "rising")
    drawn = {d: (filters.line(d) > 0).astype(float) for d in directions}
    for d in directions:
        answers = {other: (filters.line(d) * drawn[other]).sum() for other in directions}
        assert max(answers, key=answers.get) == d and answers[d] == 6


def test_emboss_is_lit_from_the_upper_left():
    step = np.add.outer(np.arange(3), np.arange(3)) > 1  # the upper left border of a bright object
    assert (filters.emboss() * step).sum() > 1 > (filters.emboss() * ~step).sum()


def test_unsharp_is_one_plus_amount_minus_the_blur():
    blur = filters.gaussian(2, size=7)
    np.testing.assert_allclose(
        filters.unsharp(2, 1.5, size=7), 2.5 * filters.identity(7) - 1.5 * blur, rtol=0, atol=1e-16
    )
    np.testing.assert_array_equal(filters.unsharp(1, 0), filters.identity(9))


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 137, -60])
def test_gabor_answers_one_to_its_own_wave_and_nothing_to_an_even_surface(angle):
    kernel = filters.gabor(5, angle)
    rows, columns = (n // 2 for n in kernel.shape)
    y, x = np.mgrid[-rows : rows + 1, -columns : columns + 1]
    turn = math.radians(angle)
    wave = np.cos(2 * math.pi / 5 * (x * math.cos(turn) - y * math.sin(turn)))
    assert (kernel * wave).sum() == pytest.approx(1)
    across = np.cos(2 * math.pi / 5 * (x * math.sin(turn) + y * math.cos(turn)))
    assert abs((kernel * across).sum()) < 0.02
    assert abs(kernel.sum()) < 1e-14


def test_gabor_phase_90_is_antisymmetric_and_sigma_sets_the_wavelength():
    odd = filters.gabor(6, 20, phase=90)
    np.testing.assert_allclose(odd, -odd[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(
        filters.gabor(sigma=2.8), filters.gabor(5.0, sigma=2.8), rtol=1e-12, atol=1e-15
    )


# Ranks, sizes, dtypes


def test_ranks_follow_the_arguments():
    assert filters.box(2, ndim=3).shape == (2, 2, 2)
    assert filters.gaussian((1, 2, 0.5)).shape == (9, 17, 5)
    assert filters.gaussian(1, size=(3, 5)).shape == (3, 5)
    assert filters.gaussian(2, ndim=1).shape == (17,)
    assert filters.laplacian(26).shape == (3, 3, 3)
    assert filters.gaussian_derivative(1, order=(1, 0, 0), size=3).shape == (3, 3, 3)
    assert filters.sobel(ndim=1).tolist() == [-1, 0, 1]


def test_even_sizes_are_centred_between_samples():
    kernel = filters.gaussian(1.3, size=4, ndim=1)
    np.testing.assert_array_equal(kernel, kernel[::-1])
    assert kernel[2] / kernel[3] == pytest.approx(math.exp((1.5**2 - 0.5**2) / 2 / 1.3**2))


def test_numpy_scalars_are_numbers():
    np.testing.assert_array_equal(filters.box(np.int32(5)), filters.box(5))
    np.testing.assert_array_equal(filters.gaussian(np.float32(1.5)), filters.gaussian(1.5))
    np.testing.assert_array_equal(filters.gaussian(np.array([1, 2])), filters.gaussian((1, 2)))


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.float32, np.complex64, ">f4", "<i2"])
def test_integer_valued_kernels_are_exact_in_every_dtype_that_holds_them(dtype):
    for make in (
        filters.sobel,
        filters.scharr,
        filters.laplacian,
        filters.sharpen,
        filters.emboss,
        filters.line,
    ):
        kernel = make(dtype=dtype)
        assert kernel.dtype == dtype
        np.testing.assert_array_equal(
            kernel.astype(np.float64 if kernel.dtype.kind != "c" else complex), make()
        )


# Other libraries as judges


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_derivatives_are_ndimages_in_3d(axis):
    ndimage = pytest.importorskip("scipy.ndimage")
    for ours, theirs in ((filters.sobel, ndimage.sobel), (filters.prewitt, ndimage.prewitt)):
        np.testing.assert_array_equal(
            ours(axis, ndim=3),
            impulse_response(lambda image, f=theirs: f(image, axis), (5, 5, 5))[1:-1, 1:-1, 1:-1],
        )


def test_laplacians_are_ndimages():
    ndimage = pytest.importorskip("scipy.ndimage")
    for neighbours, rank in ((2, 1), (4, 2), (6, 3)):
        theirs = impulse_response(ndimage.laplace, (5,) * rank)[(slice(1, -1),) * rank]
        np.testing.assert_array_equal(filters.laplacian(neighbours), theirs)


@pytest.mark.parametrize("order", [(0, 0), (0, 1), (1, 0), (2, 0), (1, 2), (3, 1)])
@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.3])
def test_gaussians_are_ndimages(order, sigma):
    ndimage = pytest.importorskip("scipy.ndimage")
    kernel = filters.gaussian(sigma) if order == (0, 0) else filters.gaussian_derivative(sigma, order=order)
    theirs = impulse_response(
        lambda image: ndimage.gaussian_filter(image, sigma, order=order, mode="constant"), kernel.shape
    )
    np.testing.assert_allclose(kernel, theirs, rtol=1e-12, atol=1e-15)


def test_laplacian_of_gaussian_is_ndimages_but_for_the_mean():
    ndimage = pytest.importorskip("scipy.ndimage")
    kernel = filters.laplacian_of_gaussian(1.5)
    theirs = impulse_response(
        lambda image: ndimage.gaussian_laplace(image, 1.5, mode="constant"), kernel.shape
    )
    np.testing.assert_allclose(kernel, theirs - theirs.mean(), rtol=0, atol=1e-12)
    assert abs(theirs.sum()) > 1e3 * abs(kernel.sum())


def test_opencv_derivative_gaussian_and_gabor_kernels():
    cv2 = pytest.importorskip("cv2")
    for size in (3, 5, 7, 9, 31):
        x, y = (row.ravel() for row in cv2.getDerivKernels(1, 0, size, ktype=cv2.CV_64F))
        np.testing.assert_array_equal(filters.sobel(size=size), np.outer(y, x))
    x, y = (row.ravel() for row in cv2.getDerivKernels(0, 1, cv2.FILTER_SCHARR, ktype=cv2.CV_64F))
    np.testing.assert_array_equal(filters.scharr(0), np.outer(y, x))
    for size in (11, 15, 21):
        np.testing.assert_allclose(
            filters.gaussian(size=size, ndim=1), cv2.getGaussianKernel(size, -1).ravel(), rtol=1e-12
        )
    for angle in (0, 30, 75, 120):
        theirs = cv2.getGaborKernel((15, 21), 3.0, -math.radians(angle), 6.0, 0.5, 0.0)
        ours = filters.gabor(6, angle, sigma=3, aspect=0.5, size=(21, 15), normalize=False)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_scikit_image_weights():
    edges = pytest.importorskip("skimage.filters.edges")
    # theirs are divided by the smoothing's sum, and written for ndimage.convolve, which reverses them
    np.testing.assert_allclose(filters.sobel(0) / 4, edges.HSOBEL_WEIGHTS[::-1])
    np.testing.assert_allclose(filters.scharr(1) / 16, edges.VSCHARR_WEIGHTS[:, ::-1])
    np.testing.assert_allclose(filters.prewitt(1) / 3, edges.VPREWITT_WEIGHTS[:, ::-1])


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: filters.box(0), "size must be integers >= 1, one for all axes or one per axis, got 0$"),
        (lambda: filters.box(2.5), "size must be integers >= 1, one for all axes or one per axis, got 2.5"),
        (lambda: filters.box(True), "size must be integers >= 1, .* got True"),
        (lambda: filters.box("3"), "size must be integers >= 1, .* got '3'"),
        (lambda: filters.box((3, -1)), "size must be integers >= 1, .* got -1"),
        (lambda: filters.box((3, 3, 3, 3)), r"size must have 1 to 3 values, got \(3, 3, 3, 3\)"),
        (
            lambda: filters.box((3, 3), ndim=3),
            r"size must have one value or 3 values for 3 axes, got \(3, 3\)",
        ),
        (lambda: filters.box(3, ndim=4), "ndim must be 1, 2 or 3, got 4"),
        (lambda: filters.binomial(5000), "size must be at most 1000 for a binomial kernel, got 5000"),
        (lambda: filters.identity(4), "size must be odd integers >= 1, .* got 4"),
        (lambda: filters.unsharp(1, size=4), "size must be odd integers >= 1, .* got 4"),
        (lambda: filters.gaussian(0), "sigma must be a number > 0, one for all axes or one per axis, got 0"),
        (lambda: filters.gaussian(math.nan), "sigma must be a number > 0, .* got nan"),
        (lambda: filters.gaussian(math.inf), "sigma must be a number > 0, .* got inf"),
        (lambda: filters.gaussian("wide"), "sigma must be a number > 0, .* got 'wide'"),
        (
            lambda: filters.gaussian((1, 2), size=(3, 3, 3)),
            r"size must have one value or 2 values .* \(3, 3, 3\)",
        ),
        (lambda: filters.gaussian(1e300), "sigma must give a kernel that fits into memory, got 1e[+]300"),
        (lambda: filters.gaussian(1, truncate=-1), "truncate must be a number > 0, got -1"),
        (
            lambda: filters.gaussian_derivative(1, order=1),
            "order must be a sequence of 1 to 3 integers .* got 1",
        ),
        (
            lambda: filters.gaussian_derivative(1, order=(0, -1)),
            "order must be integers >= 0, one per axis, got -1",
        ),
        (lambda: filters.laplacian_of_gaussian((1, 2)), r"sigma must be the same for all axes, got \(1, 2\)"),
        (lambda: filters.motion_blur(0.5), "length must be a number >= 1, got 0.5"),
        (lambda: filters.motion_blur(5, math.inf), "angle must be a finite number of degrees, got inf"),
        (lambda: filters.sharpen("much"), "amount must be a finite number, got 'much'"),
        (lambda: filters.sobel(2), "axis must be an integer from -2 to 1 for 2 axes, got 2"),
        (lambda: filters.sobel(size=4), "size must be an odd integer from 3 to 31, got 4"),
        (lambda: filters.laplacian(5), "neighbours must be one of 2, 4, 8, 6, 26, got 5"),
        (lambda: filters.laplacian([4]), r"neighbours must be one of .* got \[4\]"),
        (
            lambda: filters.line("up"),
            "direction must be one of horizontal, vertical, falling, rising, got 'up'",
        ),
        (lambda: filters.roberts(0), "direction must be one of falling, rising, got 0"),
        (lambda: filters.gabor(-1), "wavelength must be a number > 0, got -1"),
        (lambda: filters.gabor(4, aspect=0), "aspect must be a number > 0, got 0"),
        (lambda: filters.gabor(4, size=1), r"size must leave room for the wave .* got \(1, 1\)"),
        (lambda: filters.gabor(4, size=(3, 3, 3)), "size must have one value or 2 values"),
        (
            lambda: filters.sobel(dtype="uint8"),
            "dtype must hold the kernel's values exactly, from -2 to 2, got uint8",
        ),
        (
            lambda: filters.box(dtype=int),
            "dtype must hold the kernel's values exactly, fractions from .* got int64",
        ),
        (
            lambda: filters.scharr(dtype=bool),
            "dtype must be an integer, floating or complex NumPy dtype, got bool",
        ),
        (lambda: filters.box(dtype="nonsense"), "dtype must be a numeric NumPy dtype, got 'nonsense'"),
        (lambda: filters.named("blur"), "name must be one of identity, box, .* gabor, got 'blur'"),
        (lambda: filters.describe(3), "name must be one of identity, .* got 3"),
        (
            lambda: filters.named("emboss", size=3),
            "size does not apply to 'emboss', which takes neither .* got 3",
        ),
    ],
)
def test_errors_name_the_argument_what_it_takes_and_what_it_got(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


# Documentation


@pytest.mark.parametrize("module", ["filters", "_filters_smooth", "_filters_edges"])
def test_docstring_examples_run(module):
    result = doctest.testmod(importlib.import_module(f"cconv.{module}"))
    assert result.attempted > 5 and result.failed == 0


@pytest.mark.parametrize("name", [n for n in filters.__all__ if n not in ("named", "names", "describe")])
def test_every_constructor_cites_its_source_but_the_identity(name):
    text = inspect.getdoc(getattr(filters, name))      # CPython 3.13 takes the indent away, others do not
    for section in ("Parameters", "Returns", "Examples", *(["References"] if name != "identity" else [])):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
