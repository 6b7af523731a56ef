"""What SciPy's tests are run on: which functions take the place of SciPy's, whose tests these are, what is left out."""

# SciPy's namespace: (ours, the names replaced). A namespace of ours that does not exist is left alone.
REPLACED = {
    "scipy.signal": (
        "cconv.signal",
        (
            "choose_conv_method", "convolve", "convolve2d", "correlate", "correlate2d", "correlation_lags",
            "fftconvolve", "oaconvolve", "sepfir2d",
        ),
    ),
    "scipy.ndimage": (
        "cconv.ndimage",
        (
            "convolve", "convolve1d", "correlate", "correlate1d", "gaussian_filter", "gaussian_filter1d",
            "gaussian_gradient_magnitude", "gaussian_laplace", "generic_gradient_magnitude", "generic_laplace",
            "laplace", "maximum_filter", "maximum_filter1d", "minimum_filter", "minimum_filter1d", "prewitt", "sobel",
            "uniform_filter", "uniform_filter1d",
        ),
    ),
}  # fmt: skip

# The test modules of each, and what they import besides SciPy and pytest.
MODULES = {
    "scipy.signal": ("scipy.signal.tests.test_signaltools", "scipy.signal.tests.test_bsplines"),
    "scipy.ndimage": ("scipy.ndimage.tests.test_filters",),
}
NEEDED = {"scipy.signal": (), "scipy.ndimage": ("hypothesis",)}

# Tests left out, by the end of their name without parameters, or with them: the reason. Only two are good: the test
# asks for something private to SciPy, or for arrays that are not NumPy's. An entry that no test answers to is an error.
EXCLUDED = {
    "scipy.signal": {},
    "scipy.ndimage": {},
}

# Tests of another function that only compare it with one of these, in some cases.
NOT_OURS = {
    "scipy.signal": (),
    "scipy.ndimage": ("test_generic_filter_axes",),
}

# Of a test with more cases than this, so many are run, evenly spaced; all of them on request.
MOST_CASES = 400
