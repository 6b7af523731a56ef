"""cconv.explain: what it says is what runs, it runs nothing, and it can be read."""

import numpy as np
import pytest

import cconv
from cconv import _core

F32 = np.float32


def ones(*shape, dtype=F32):
    return np.ones(shape, dtype)


KERNELS = [
    ("line", cconv.convolve, (ones(100_000), ones(101), "valid")),
    ("rows", cconv.correlate, (ones(300, 400), ones(3, 3), "same")),
    ("depthwise", cconv.conv2d, (ones(1, 64, 40, 40), ones(64, 1, 5, 5)), dict(groups=64)),
    ("planes", cconv.conv2d, (ones(1, 64, 40, 40), ones(64, 1, 3, 3)), dict(groups=64)),
    ("channels", cconv.conv2d, (ones(1, 64, 56, 56), ones(64, 64, 5, 5))),
    ("pixels", cconv.conv2d, (ones(1, 56, 56, 64), ones(64, 64, 5, 5)), dict(data_format="channels_last")),
]


vectors = pytest.mark.skipif(not _core.HAS_VECTORS, reason="which kernel is best depends on the vectors")
# beside other levels, the generic one is small, and its pools have no vectors
pool_vectors = pytest.mark.skipif(
    not _core.HAS_VECTORS or (cconv.simd_level() == "generic" and len(_core.BUILT_LEVELS) > 1),
    reason="which kernel is best depends on the vectors",
)


@vectors
@pytest.mark.parametrize("case", KERNELS, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def test_the_micro_kernel_and_why(case):
    kernel, function, arguments, options = (*case, {})[:4]
    options = dict(options, method="direct", num_threads=1)
    said = cconv.explain(function, *arguments, **options)
    result = function(*arguments, **options)
    assert (said.function, said.kernel, said.threads) == (function.__name__, kernel, 1)
    assert said.output == f"{result.dtype} {result.shape}"
    assert said.simd_level == cconv.simd_level()
    assert said.tasks >= 1 and said.scratch_bytes > 0 and len(said.tile) == 3
    assert {entry.name for entry in said.candidates if entry.chosen} in ({kernel}, {"direct", kernel})
    assert all(entry.why for entry in said.candidates)


def test_multiply_adds():
    x, w = ones(2, 6, 9, 10), ones(4, 3, 3, 3)
    assert cconv.explain(cconv.conv2d, x, w, groups=2).multiply_adds == 2 * 4 * 3 * 9 * 7 * 8
    assert cconv.explain(cconv.convolve, ones(10), ones(3, dtype="c8")).multiply_adds == 2 * 12 * 3
    assert cconv.explain(cconv.max_pool2d, x, 3, stride=1).multiply_adds == 2 * 6 * 7 * 8 * 9


def test_methods_and_predictions():
    x, w = ones(100_000), ones(5)
    said = cconv.explain(cconv.convolve, x, w)
    assert said.method == "direct" and said.seconds > 0
    assert [entry.name for entry in said.candidates[:2]] == ["direct", "fft"]
    said = cconv.explain(cconv.convolve, x, ones(50_000))
    assert (said.method, said.kernel) == ("fft", "fft")
    assert said.seconds == said.candidates[1].seconds < said.candidates[0].seconds
    said = cconv.explain(cconv.convolve, x, ones(50_000), method="direct")
    assert (said.method, said.kernel) == ("direct", "line")
    said = cconv.explain(cconv.convolve, x.astype(int), ones(50_000, dtype=int))
    assert said.method == "direct" and said.seconds is None


def test_separable_kernels_are_told():
    image = ones(400, 500)
    said = cconv.explain(cconv.correlate, image, ones(9, 9), "same")
    assert (said.method, said.kernel) == ("separable", "separable")
    chosen = {entry.name: entry for entry in said.candidates if entry.chosen}
    assert list(chosen) == ["separable"]
    assert said.seconds == chosen["separable"].seconds > 0
    said = cconv.explain(cconv.correlate, image, ones(65, 65), "same")
    assert said.method == "separable" and any(entry.name == "fft" for entry in said.candidates)
    kernel = ones(9, 9)
    kernel[4, 4] = 2
    said = cconv.explain(cconv.correlate, image, kernel, "same")
    assert said.method == "direct"
    assert [entry.chosen for entry in said.candidates if entry.name == "separable"] == [False]
    said = cconv.explain(cconv.correlate, image, ones(9, 9), "same", method="direct")
    assert said.method == "direct" and all(entry.name != "separable" for entry in said.candidates)


def test_the_arithmetic_is_told():
    image = ones(20, 20, dtype=np.uint8)
    said = cconv.explain(cconv.correlate, image, ones(3, 3), out_dtype=np.uint8, casting="saturate")
    assert (said.arithmetic, said.output) == ("float32", "uint8 (22, 22), saturating")
    assert cconv.explain(cconv.correlate, image, image[:3]).arithmetic == "32-bit integers"


def test_it_prints_as_a_table():
    said = cconv.explain(cconv.conv2d, ones(1, 3, 32, 32), ones(16, 3, 3, 3), padding=1)
    lines = str(said).splitlines()
    assert repr(said) == str(said)
    assert lines[0] == "function       conv2d"
    assert len({line.index(line[15:]) for line in lines}) == 1
    assert any(line.startswith("why") and ("*" in line or "-" in line) for line in lines)
    assert not any("None" in line for line in lines)


@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool2d", "max_pool3d", "min_pool2d"])
def test_pooling(name):
    rank = int(name[-2])
    said = cconv.explain(getattr(cconv, name), ones(2, 3, *(8,) * rank, dtype=np.uint8), 2)
    want = "uint8" if name.startswith("m") else "float64"
    assert said.output == f"{want} {(2, 3, *(4,) * rank)}"


@pool_vectors
@pytest.mark.parametrize(
    ("kernel", "arguments", "options"),
    [
        ("fold", (ones(1, 4, 40, 40), 3), {}),
        ("fold", (ones(1, 40, 40, 4, dtype=np.int8), 3), dict(data_format="channels_last")),
        ("pixels", (ones(1, 40, 40, 64), 3), dict(data_format="channels_last", stride=2)),
        ("blocks", (ones(1, 40, 40), 11), dict(stride=1)),
        ("planes", (ones(1, 40, 40), 40), {}),
        ("walk", (ones(1, 40, 40), 11), dict(stride=1, return_indices=True)),
    ],
)
def test_the_way_to_pool_and_why(kernel, arguments, options):
    said = cconv.explain(cconv.max_pool2d, *arguments, num_threads=1, **options)
    assert (said.kernel, said.threads) == (kernel, 1)
    assert said.tasks >= 1 and said.scratch_bytes > 0 and len(said.tile) == 3
    assert [entry.name for entry in said.candidates if entry.chosen] == [kernel]
    assert all(entry.why for entry in said.candidates)


def test_nothing_is_computed_or_written():
    out = np.full(12, 7.0)
    cconv.explain(cconv.convolve, np.ones(10), np.ones(3), out=out)
    assert (out == 7).all()


def test_nothing_to_do():
    assert cconv.explain(cconv.conv1d, ones(0, 2, 5), ones(3, 2, 2)).multiply_adds == 0
    assert cconv.explain(cconv.conv1d, ones(1, 0, 5), ones(3, 0, 2)).kernel is None


def test_bad_arguments_are_those_of_the_call():
    with pytest.raises(ValueError, match="mode"):
        cconv.explain(cconv.convolve, ones(9), ones(3), "some")
    with pytest.raises(ValueError, match="num_threads"):
        cconv.explain(cconv.conv1d, ones(1, 9), ones(1, 1, 3), num_threads=0)
    with pytest.raises(TypeError, match="cannot be explained"):
        cconv.explain(np.convolve, ones(9), ones(3))


def test_a_plan_explains_itself():
    x, w = ones(1, 3, 32, 32), ones(16, 3, 3, 3)
    plan = cconv.plan_conv2d(w, padding=1, input_shape=x.shape, num_threads=1)
    assert plan.explain() == cconv.explain(cconv.conv2d, x, w, padding=1, num_threads=1)
    assert plan.explain((3, 8, 8), "float64").arithmetic == "float64"
    with pytest.raises(TypeError, match="input_shape"):
        cconv.plan_conv2d(w).explain()
