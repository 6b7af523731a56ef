"""cconv.dask: the bits of the whole array, whatever the chunks; errors before any work; what tasks do and how many."""

import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import cconv
from checks import BOUNDARIES, sample

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

import cconv.dask as lazy  # noqa: E402
from cconv.dask import _axes, _blocks, ndimage  # noqa: E402

MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-wrap", "grid-mirror", "grid-constant"]
KINDS = ("avg", "lp", "max", "min")


@pytest.fixture(autouse=True)
def _threads():
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


def chunks_of(rng, shape):
    """Chunks of any sizes, single samples among them, few enough for a test."""
    most = (0, 9, 5, 3, 3, 2)[min(5, len(shape))]
    chunks = []
    for size in shape:
        cuts = {int(cut) for cut in rng.integers(1, size, rng.integers(0, most))} if size > 1 else set()
        if cuts and rng.random() < 0.3:
            cuts.add(min(size - 1, min(cuts) + 1))
        chunks.append(tuple(np.diff([0, *sorted(cuts), size]).tolist()))
    return tuple(chunks)


def check(got, want, what=None):
    """A dask array of the same shape, type and bits, and so with each of its chunks."""
    assert isinstance(got, da.Array) and got.shape == want.shape and got.dtype == want.dtype, what
    values = got.compute()
    assert values.dtype == want.dtype, what
    np.testing.assert_array_equal(values, want, err_msg=str(what))


def check_call(name, array, chunks, *arguments, module=cconv, ours=lazy, **options):
    """A function on an array and on a dask array of it: the same result, or the same error when the graph is built."""
    what = (name, array.shape, array.dtype, chunks, options)
    direct = {"method": "direct"} if module is cconv and "pool" not in name else {}
    try:
        want = getattr(module, name)(array, *arguments, **options, **direct)
    except Exception as error:
        with pytest.raises(type(error), match="^" + re.escape(str(error)) + "$"):
            getattr(ours, name)(da.from_array(array, chunks), *arguments, **options)
        return False
    got = getattr(ours, name)(da.from_array(array, chunks), *arguments, **options)
    for mine, theirs in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
        check(mine, theirs, what)
    return True


# ---- filters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("taps", [(4, 5), (1, 2), (9, 30), (40, 3)], ids=str)
def test_filters_under_every_border(rng, name, boundary, taps):
    """Even kernels, kernels wider than chunks, and wider than the image."""
    image, kernel = sample(rng, (23, 29)), sample(rng, taps)
    chunks = ((5, 1, 2, 15), (3, 20, 6))
    assert check_call(name, image, chunks, kernel, mode="same", boundary=boundary, cval=0.5)
    for shift in {(0, 0), tuple([(n - 1) // 2 for n in taps]), tuple([-(n // 2) for n in taps])}:
        assert check_call(name, image, chunks, kernel, mode="same", boundary=(boundary, "wrap"), origin=shift)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "complex64", "int8", "uint16", "int64", "bool", ">f4"]
)
def test_filters_of_every_type_and_mode(rng, mode, dtype):
    volume = sample(rng, (11, 13, 17), dtype)
    kernel = sample(rng, (2, 3, 5), "float32" if np.dtype(dtype).kind in "fc" else "int8")
    assert check_call("convolve", volume, ((4, 7), (1, 12), (8, 1, 8)), kernel, mode=mode)


def test_filters_along_some_axes_and_with_kernels_of_a_batch(rng):
    stack = sample(rng, (3, 20, 4, 21))
    chunks = ((1, 2), (7, 13), (2, 2), (10, 11))
    check_call("correlate", stack, chunks, sample(rng, (3, 4)), mode="same", axes=(3, 1), boundary=("wrap", "edge"))
    check_call("convolve", stack, chunks, sample(rng, (3, 3, 1, 5)), axes=(1, 3))
    check_call("convolve", stack[:, :, :1], (*chunks[:2], (1,), chunks[3]), sample(rng, (1, 3, 4, 5)), axes=(1, 3))


def random_filter(rng):
    rank = int(rng.integers(1, 4))
    shape = tuple(rng.integers(1, (0, 300, 50, 16)[rank], rank + int(rng.integers(0, 2))).tolist())
    axes = tuple(rng.permutation(len(shape))[:rank].tolist()) if len(shape) > rank or rng.random() < 0.3 else None
    taps = rng.integers(1, (0, 60, 9, 5)[rank], rank).tolist()
    options = {"mode": ["full", "same", "valid"][rng.integers(3)], "axes": axes, "cval": int(rng.integers(2))}
    if options["mode"] == "same":
        options["boundary"] = tuple([BOUNDARIES[i] for i in rng.integers(0, 5, rank)])
        options["origin"] = tuple([int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in taps])
    dtypes = ["float32", "float64", "float16", "int32", "uint8", "complex64", "bool"]
    array, kernel = sample(rng, shape, dtypes[rng.integers(7)]), sample(rng, taps, dtypes[rng.integers(7)])
    return check_call(["convolve", "correlate"][rng.integers(2)], array, chunks_of(rng, shape), kernel, **options)


# ---- layers ------------------------------------------------------------------------------------------------


def random_layer(rng):
    rank, groups = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 4]))
    ins, outs = int(rng.choice([1, 2, 3, 8, 40])), int(rng.choice([1, 2, 3, 8]))
    if rng.random() < 0.2:
        groups, ins, outs = int(rng.integers(5, 40)), 1, 1
    spatial = rng.integers(1, (0, 200, 40, 12)[rank], rank).tolist()
    last, batch = rng.random() < 0.4, rng.integers(1, 4, int(rng.integers(0, 2))).tolist()
    shape = (*batch, *spatial, groups * ins) if last else (*batch, groups * ins, *spatial)
    taps = rng.integers(1, (0, 12, 6, 4)[rank], rank).tolist()
    dtype = str(rng.choice(["float32", "float32", "float64", "float16", "complex64", "uint8"]))
    paddings = [0, 1, 3, "same", "same_lower", "full", "causal", "valid", rng.integers(-2, 6, (rank, 2)).tolist()]
    options = dict(
        stride=rng.integers(1, 4, rank).tolist(), padding=paddings[rng.integers(9)], dilation=int(rng.integers(1, 3)),
        padding_mode=BOUNDARIES[rng.integers(5)], groups=groups, flip_kernel=bool(rng.random() < 0.4),
        data_format="channels_last" if last else "channels_first", activation=[None, "relu"][rng.integers(2)],
    )  # fmt: skip
    bias = sample(rng, groups * outs, dtype) if rng.random() < 0.5 else None
    weight = sample(rng, (groups * outs, ins, *taps), dtype)
    return check_call(f"conv{rank}d", sample(rng, shape, dtype), chunks_of(rng, shape), weight, bias, **options)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("padding", ["valid", "same", "same_lower", "full", "causal", ((0, 5), (4, -3))], ids=str)
@pytest.mark.parametrize("padding_mode", BOUNDARIES)
def test_strided_dilated_layers_across_chunks(rng, data_format, padding, padding_mode):
    """Chunks along the batch, the channels and both axes; a stride that divides no chunk."""
    shape = (2, 4, 25, 26) if data_format == "channels_first" else (2, 25, 26, 4)
    size = {2: (1, 1), 4: (1, 3), 25: (6, 1, 18), 26: (5, 21)}
    options = dict(stride=(3, 2), padding=padding, padding_mode=padding_mode, dilation=(1, 2), data_format=data_format)
    chunks = tuple([size[n] for n in shape])
    assert check_call("conv2d", sample(rng, shape), chunks, sample(rng, (5, 4, 3, 4)), sample(rng, 5), **options)


def test_few_outputs_of_many_channels(rng):
    """512 -> 1 channels, stride 2: small blocks alone would get the kernel that adds rows in another order."""
    maps = sample(rng, (512, 24, 150))
    weight, chunks = sample(rng, (1, 512, 3, 3)), ((512,), (9, 15), (20, 50, 80))
    for options in ({"stride": 2}, {"flip_kernel": True}):
        assert check_call("conv2d", maps, chunks, weight, padding=1, **options)


def test_layers_that_saturate(rng):
    image = sample(rng, (1, 3, 20, 20), "uint8")
    weight, bias = sample(rng, (2, 3, 3, 3), "int8"), sample(rng, 2, "int32")
    options = dict(padding=1, out_dtype="uint8", casting="saturate", padding_mode="edge")
    assert check_call("conv2d", image, (1, 3, 7, 7), weight, bias, **options)


@pytest.mark.parametrize("method", ["auto", "winograd", "fft"])
def test_other_methods_are_close(rng, method):
    maps, weight = sample(rng, (1, 32, 40, 40)), sample(rng, (32, 32, 3, 3))
    got = lazy.conv2d(da.from_array(maps, (1, 32, 17, 40)), weight, padding=1, method=method)
    want = cconv.conv2d(maps, weight, padding=1, method="direct")
    np.testing.assert_allclose(got.compute(), want, atol=1e-3)
    line, kernel = sample(rng, 20_000), sample(rng, 900)
    if method != "winograd":
        got = lazy.convolve(da.from_array(line, 7000), kernel, "same", method=method)
        np.testing.assert_allclose(got.compute(), cconv.convolve(line, kernel, "same"), atol=2e-3)


# ---- pools -------------------------------------------------------------------------------------------------


def random_pool(rng):
    rank, kind = int(rng.integers(1, 4)), KINDS[rng.integers(4)]
    spatial = rng.integers(1, (0, 300, 80, 20)[rank], rank).tolist()
    last, batch = rng.random() < 0.4, rng.integers(1, 4, int(rng.integers(0, 2))).tolist()
    channels = int(rng.choice([1, 2, 3, 17, 33]))
    shape = (*batch, *spatial, channels) if last else (*batch, channels, *spatial)
    array = sample(rng, shape, str(rng.choice(["float32", "float64", "float16", "uint8", "int32"])))
    options = dict(
        stride=[None, 1, rng.integers(1, 4, rank).tolist()][rng.integers(3)], ceil_mode=bool(rng.random() < 0.3),
        data_format="channels_last" if last else "channels_first",
    )  # fmt: skip
    if array.dtype.kind == "f" and rng.random() < 0.3:
        array[rng.random(shape) < 0.1] = np.nan
        options["nan"] = ["omit", "propagate"][rng.integers(2)]
    if kind != "lp":
        paddings = [0, 1, 2, "same", "same_lower", rng.integers(0, 4, (rank, 2)).tolist()]
        options.update(padding=paddings[rng.integers(6)], dilation=int(rng.integers(1, 3)))
    if kind in ("max", "min"):
        options["return_indices"] = bool(rng.random() < 0.4)
    if kind == "avg":
        options["count_include_pad"] = bool(rng.random() < 0.5)
    window = rng.integers(1, (0, 40, 20, 6)[rank], rank).tolist()
    first = [int(rng.integers(1, 4))] if kind == "lp" else []
    return check_call(f"{kind}_pool{rank}d", array, chunks_of(rng, shape), *first, window, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [None, 1, (2, 3)], ids=str)
def test_pools_across_chunks(rng, kind, stride):
    options = {} if kind == "lp" else {"padding": ((1, 0), (1, 1))}
    first = [2] if kind == "lp" else []
    for window in ((4, 5), (23, 2)):  # tall ones are folded by blocks of rows
        assert check_call(f"{kind}_pool2d", sample(rng, (3, 60, 40)), ((2, 1), (7, 1, 52), (11, 29)), *first, window,
                          stride=stride, **options)  # fmt: skip


@pytest.mark.parametrize("kind", ["avg", "lp"])
@pytest.mark.parametrize("width", [20, 63, 64, 67, 150])
def test_volumes_narrow_and_wide(rng, kind, width):
    """Up to 64 columns they are folded along the depth first: blocks of wider ones must not be."""
    first = [1] if kind == "lp" else []
    chunks = ((2,), (3, 6), (2, 11, 7), (10, width - 10))
    for stride in (1, 2):
        assert check_call(f"{kind}_pool3d", sample(rng, (2, 9, 20, width)), chunks, *first, 3, stride=stride)


def test_one_window_and_windows_of_padding(rng):
    plane = sample(rng, (3, 43, 43))
    chunks = ((3,), (1, 35, 7), (20, 23))
    for window in (28, 43, 40):
        assert check_call("avg_pool2d", plane, chunks, window, padding=2)
    assert check_call("avg_pool2d", plane[:, :9, :9], ((3,), (1, 8), (9,)), 2, stride=1, padding=8)


def test_indices_are_those_of_the_whole(rng):
    volume = sample(rng, (2, 9, 10, 11), "int8")
    chunks = ((1, 1), (4, 5), (10,), (3, 8))
    assert check_call("max_pool3d", volume, chunks, 3, stride=2, padding=1, return_indices=True)


@pytest.mark.parametrize("random_case", [random_filter, random_layer, random_pool])
def test_random_cases(rng, random_case):
    done = [random_case(np.random.default_rng(seed)) for seed in rng.integers(0, 1 << 30, 80)]
    assert sum(done) > 50


# ---- filters with SciPy's names ----------------------------------------------------------------------------


def arguments_of(rng, name, rank):
    """Random arguments of a filter of an array with so many axes."""
    axes = tuple(rng.permutation(rank)[: rng.integers(1, rank + 1)].tolist()) if rng.random() < 0.3 else None
    filtered = rank if axes is None else len(axes)
    options = {"mode": str(rng.choice(MODES)), "cval": float(rng.integers(0, 3)) / 2}
    if name.endswith("1d") or name in ("sobel", "prewitt"):
        options["axis"], filtered = int(rng.integers(-rank, rank)), rank
    elif axes is not None:
        options["axes"] = axes
    if not name.endswith("1d") and name not in ("convolve", "correlate") and rng.random() < 0.4:
        options["mode"] = [str(mode) for mode in rng.choice(MODES, filtered)]
    if "gaussian" in name:
        if "filter" in name:
            options["order"] = int(rng.integers(0, 3))
        return [3 * rng.random()], options | {"truncate": 1 + 3 * rng.random()}
    if name in ("convolve", "correlate"):
        return [sample(rng, rng.integers(1, 6, filtered), "float64")], options | {"origin": int(rng.integers(-1, 1))}
    if name in ("convolve1d", "correlate1d"):
        return [sample(rng, int(rng.integers(2, 40)), "float64")], options | {"origin": int(rng.integers(-1, 1))}
    if "filter" not in name:
        return [], options
    if name[0] == "m" and not name.endswith("1d") and rng.random() < 0.4:
        footprint = rng.random(rng.integers(1, 5, filtered)) < 0.6
        return [None, footprint], options | {"mode": str(rng.choice(MODES))}
    return [int(rng.integers(1, 9))], options | {"origin": int(rng.integers(-1, 1))}


@pytest.mark.parametrize("name", ndimage.__all__)
def test_ndimage(rng, name):
    done = 0
    for seed in rng.integers(0, 1 << 30, 15):
        own = np.random.default_rng(seed)
        rank = int(own.integers(1, 4))
        shape = tuple(own.integers(1, (0, 200, 40, 14)[rank], rank).tolist())
        dtype = str(own.choice(["float32", "float64", "uint8", "int32", "int16", "complex64"]))
        arguments, options = arguments_of(own, name, rank)
        if own.random() < 0.2:
            options["output"] = np.float32
        array = sample(own, shape, dtype)
        if array.dtype.kind in "iu" and "magnitude" in name:
            array //= array.dtype.type(1 << 8 * array.itemsize - 4)  # so that no square is negative
        chunks = chunks_of(own, shape)
        done += check_call(name, array, chunks, *arguments, module=cconv.ndimage, ours=ndimage, **options)
    assert done >= 5


def test_gaussian_is_scipys(rng):
    scipy_ndimage = pytest.importorskip("scipy.ndimage")
    volume = sample(rng, (20, 21, 22))
    got = lazy.gaussian_filter(da.from_array(volume, (7, 8, 9)), 1.5, mode="wrap")
    check(got, scipy_ndimage.gaussian_filter(volume, 1.5, mode="wrap"))


def test_sums_of_integers_keep_their_chunks(rng):
    """A running mean of floats needs whole lines, of integers it does not."""
    image = sample(rng, (30, 40), "uint8")
    array = da.from_array(image, (10, 10))
    exact, rounded = lazy.uniform_filter(array, 3), lazy.uniform_filter(array.astype("float32"), 3)
    assert exact.chunks == rounded.chunks == array.chunks
    assert not [key for key in exact.__dask_graph__() if "rechunk" in str(key)]
    assert [key for key in rounded.__dask_graph__() if "rechunk" in str(key)]
    check(exact, cconv.ndimage.uniform_filter(image, 3))


# ---- errors ------------------------------------------------------------------------------------------------


def test_errors_come_when_the_graph_is_built(rng):
    maps = da.zeros((2, 3, 8, 8), chunks=4, dtype="float32")
    with pytest.raises(ValueError, match=r"input of shape \(2, 3, 8, 8\) has 3 channels .* takes 1 \* 2"):
        lazy.conv2d(maps, np.ones((4, 2, 3, 3)))
    with pytest.raises(ValueError, match=r"kernel covers 9 samples of spatial axis 0, which has 8"):
        lazy.conv2d(maps, np.ones((4, 3, 9, 9)))
    with pytest.raises(TypeError, match=r"stride=1\.5 holds a float"):
        lazy.max_pool2d(maps, 2, stride=1.5)
    with pytest.raises(TypeError, match="complex numbers have no maximum"):
        lazy.max_pool2d(maps.astype("complex64"), 2)
    with pytest.raises(RuntimeError, match="boundary mode not supported"):
        lazy.gaussian_filter(maps, 1, mode="zeros")
    with pytest.raises(RuntimeError, match="float16"):
        lazy.gaussian_filter(maps.astype("float16"), 1)
    with pytest.raises(ValueError, match=r"nan='raise' must be one of"):
        lazy.avg_pool2d(maps, 2, nan="raise")
    with pytest.raises(ValueError, match="num_threads must be at least 1"):
        lazy.convolve(maps[0, 0], np.ones(3), num_threads=0)


def test_what_is_no_dask_array_with_known_chunks():
    line = da.arange(10, chunks=5)
    for function, arguments in ((lazy.convolve, ([1, 2],)), (lazy.max_pool1d, (2,)), (lazy.sobel, ())):
        with pytest.raises(TypeError, match="input must be a dask array; got ndarray: arrays in memory are for cconv"):
            function(np.arange(10), *arguments)
        with pytest.raises(ValueError, match=r"chunks of unknown sizes along axes \[0\].*compute_chunk_sizes"):
            function(line[line > 3], *arguments)
    with pytest.raises(TypeError, match=r"kernel must be an array in memory.*compute"):
        lazy.convolve(line, da.ones(3))
    with pytest.raises(TypeError, match="output must be a dtype or None"):
        lazy.gaussian_filter(line, 1, output=np.empty(10))
    with pytest.raises(TypeError, match=r"NumPy arrays without a mask; its chunks are numpy.ma\S*MaskedArray"):
        lazy.convolve(da.ma.masked_array(line), [1, 2])


def test_a_chunk_that_is_not_what_it_said():
    """Kernels believe shapes: a wrong one must not reach them."""
    for wrong in (lambda x: x[:3], lambda x: x.astype("float32")):
        liar = da.zeros(20, chunks=5).map_blocks(wrong, dtype=float, meta=np.empty(0))
        with pytest.raises(ValueError, match="chunk of another shape or type"):
            lazy.convolve(liar, np.ones(3), "same").compute()


def test_empty_arrays_and_chunks(rng):
    assert lazy.convolve(da.zeros((0, 5)), np.ones((3, 3)), "same").compute().shape == (0, 5)
    assert lazy.conv2d(da.zeros((0, 3, 8, 8)), np.ones((4, 3, 3, 3))).compute().shape == (0, 4, 6, 6)
    assert lazy.gaussian_filter(da.zeros((0, 5)), 1).compute().shape == (0, 5)
    line = sample(rng, 10)
    gaps = da.from_array(line, ((0, 4, 0, 6, 0),))
    check(lazy.convolve(gaps, [1.0, 2.0, 3.0], "same"), cconv.convolve(line, [1.0, 2.0, 3.0], "same", method="direct"))
    nothing = da.zeros((1, 0, 9, 9), chunks=(1, 1, 4, 4))
    weight, bias = np.ones((2, 0, 3, 3)), [1.0, 2.0]
    check(lazy.conv2d(nothing, weight, bias), cconv.conv2d(np.zeros((1, 0, 9, 9)), weight, bias))


# ---- tasks -------------------------------------------------------------------------------------------------


def test_nothing_runs_before_it_is_asked_for():
    def fail(block):
        raise AssertionError("computed")

    array = da.zeros((4, 2, 9, 9), chunks=3).map_blocks(fail, meta=np.empty((0,) * 4))
    results = [lazy.convolve(array, np.ones((2, 2)), axes=(2, 3)), lazy.conv2d(array, np.ones((1, 2, 3, 3))),
               lazy.max_pool2d(array, 2), lazy.gaussian_filter(array, 1), lazy.uniform_filter(array, 3)]  # fmt: skip
    assert all(isinstance(result, da.Array) for result in results)
    with pytest.raises(AssertionError, match="computed"):
        results[0].compute()


def test_what_is_asked_for_is_all_that_runs(rng):
    """A corner needs its neighbours, and no other chunk."""
    read = []

    def note(block, block_info=None):
        read.append(block_info[0]["chunk-location"])
        return block

    array = da.zeros((80, 80), chunks=10).map_blocks(note, meta=np.empty((0, 0)))
    lazy.gaussian_filter(array, 1)[:10, :10].compute()
    assert sorted(read) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_each_task_has_one_thread_unless_told_otherwise(monkeypatch):
    asked = []
    maps = da.zeros((1, 1, 30, 30), chunks=15)

    def spy(spec, method):
        def run(input, weight, bias, out, num_threads):
            asked.append(num_threads)
            return np.zeros(spec.output_shape)

        return run

    monkeypatch.setattr(_blocks, "_convolution", spy)
    monkeypatch.setattr(cconv.ndimage, "sobel", lambda x, **_: asked.append(cconv.get_num_threads()) or x)
    lazy.conv2d(maps, np.ones((1, 1, 3, 3))).compute()
    assert set(asked) == {1}
    asked.clear()
    lazy.convolve(maps, np.ones((3, 3)), axes=(2, 3), num_threads=2).compute()
    assert set(asked) == {2}
    asked.clear()
    (task,) = {block[0] for key, block in _layer(lazy.sobel(da.zeros(9, chunks=9))).items() if isinstance(key, tuple)}
    task([np.zeros(9)])
    assert asked == [1]


def _layer(array):
    return dict(array.__dask_graph__().layers[array.name])


def test_halos_are_exact(rng):
    """Causal: samples before, none after; no chunk is cut for more than its neighbours need."""
    array = da.zeros((1, 40), chunks=(1, 10))
    layer = _layer(lazy.conv1d(array, np.ones((1, 1, 4)), padding="causal"))
    cuts = [task[2][1] for key, task in layer.items() if isinstance(key, tuple) and key[0].endswith("-piece")]
    assert cuts == [slice(7, 10)] * 3
    layer = _layer(lazy.conv1d(array, np.ones((1, 1, 4)), padding="causal", padding_mode="wrap"))
    assert sum(key[0].endswith("-piece") for key in layer if isinstance(key, tuple)) == 4


def test_the_graph_grows_with_chunks_and_neighbours():
    volume = da.zeros((64, 64, 64), chunks=8)
    layer = _layer(lazy.gaussian_filter(volume, 0.5))
    assert len(layer) <= 27 * 8**3
    # as docs/dask.md counts them: 3n - 2 per axis, less the blocks' own chunks
    assert sum(key[0].endswith("-piece") for key in layer if isinstance(key, tuple)) == (3 * 8 - 2) ** 3 - 8**3
    blocks = {task[0] for key, task in layer.items() if isinstance(key, tuple) and key[0].startswith("cconv-") and
              not key[0].endswith("-piece")}  # fmt: skip
    assert len(blocks) == 27, "blocks in the middle are one object"


def test_chunks_follow_the_input():
    maps = da.zeros((4, 3, 30, 31), chunks=((2, 2), (1, 2), (10, 20), (31,)))
    assert lazy.conv2d(maps, np.ones((5, 3, 3, 3)), padding=1).chunks == ((2, 2), (5,), (10, 20), (31,))
    assert lazy.conv2d(maps, np.ones((5, 3, 3, 3)), stride=2, padding=1).chunks == ((2, 2), (5,), (5, 10), (16,))
    assert lazy.max_pool2d(maps, 2).chunks == ((2, 2), (1, 2), (5, 10), (15,))
    assert lazy.convolve(da.zeros(10, chunks=5), np.ones(8), "valid").chunks == ((2, 1),)


def test_windows_meet_what_numpy_pads(rng):
    """Interval arithmetic alone, against indices that numpy.pad moves."""
    for _ in range(300):
        size, taps, stride = rng.integers(1, 12), rng.integers(1, 9), rng.integers(1, 4)
        pads = rng.integers(0, 15, 2)
        outputs = (size + pads.sum() - taps) // stride + 1
        if outputs < 1:
            continue
        boundary = BOUNDARIES[rng.integers(1, 5)]
        least, align = rng.integers(1, 4, 2)
        numbers = (size, outputs, taps, stride, 1, pads[0])
        axis = _axes.Windows(*map(int, numbers), boundary, int(least), int(align))
        want = np.lib.stride_tricks.sliding_window_view(np.pad(np.arange(size), pads, boundary), taps)[::stride]
        done = 0
        for part in _axes.parts_of(axis, chunks_of(rng, (int(size),))[0]):
            region = np.concatenate([np.arange(start, stop) for start, stop in part.pieces])
            after = max(0, (part.outputs - 1) * stride + taps - part.pad - len(region))
            padded = np.pad(region, (part.pad, after), part.boundary)
            got = np.lib.stride_tricks.sliding_window_view(padded, taps)[::stride][slice(*part.keep)]
            np.testing.assert_array_equal(got, want[done : done + len(got)], err_msg=str((axis, part)))
            done += len(got)
        assert done == outputs


# ---- pages, processes, files -------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [lazy, ndimage], ids=lambda module: module.__name__)
def test_pages(module):
    import doctest

    assert module.__all__ == sorted(set(module.__all__))
    for name in module.__all__:
        item = getattr(module, name)
        if inspect.ismodule(item):
            continue
        described = inspect.getdoc(item).split("Parameters\n", 1)[1]
        for parameter in inspect.signature(item).parameters:
            assert re.search(rf"\b{parameter}\b", described), (name, parameter)
        for test in doctest.DocTestFinder().find(item, name, globs={}):
            assert test.examples and doctest.DocTestRunner().run(test).failed == 0, name


def test_the_guide_runs():
    import doctest

    guide = Path(__file__).parents[1] / "docs" / "dask.md"
    if not guide.is_file():
        pytest.skip("the tests are not in the source tree")
    text = guide.read_text(encoding="utf-8").replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, "guide", str(guide), 0)
    assert len(test.examples) > 5 and doctest.DocTestRunner().run(test).failed == 0


def test_importing_cconv_does_not_import_dask():
    code = "import sys, cconv; assert 'dask' not in sys.modules and 'cconv.dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_dask_it_says_what_to_install():
    code = """
        import sys
        sys.modules["dask"] = None
        try:
            import cconv.dask
        except ImportError as error:
            assert "pip install 'cconv[dask]'" in str(error), error
        else:
            raise SystemExit("imported")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


CLUSTER = """
    import numpy as np, dask.array as da, cconv, cconv.dask
    from distributed import Client, LocalCluster

    def main():
        rng = np.random.default_rng(0)
        volume = rng.random((40, 50, 60), np.float32)
        maps, weight = rng.random((2, 3, 40, 41), np.float32), rng.random((4, 3, 3, 3), np.float32)
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, \\
                Client(cluster) as client:
            array = da.from_array(volume, (13, 20, 60))
            images = da.from_array(maps, (1, 2, 17, 20))
            ran = client.run(lambda: __import__("os").getpid())
            assert len(set(ran.values())) == 2
            pairs = [
                (cconv.dask.gaussian_filter(array, 2, mode="wrap"),
                 cconv.ndimage.gaussian_filter(volume, 2, mode="wrap")),
                (cconv.dask.uniform_filter(array, 3), cconv.ndimage.uniform_filter(volume, 3)),
                (cconv.dask.convolve(array, np.ones((3, 4, 5)), "same", boundary="reflect"),
                 cconv.convolve(volume, np.ones((3, 4, 5)), "same", boundary="reflect", method="direct")),
                (cconv.dask.conv2d(images, weight, np.ones(4), stride=2, padding=1, activation="relu"),
                 cconv.conv2d(maps, weight, np.ones(4), stride=2, padding=1, activation="relu", method="direct")),
                (cconv.dask.max_pool2d(images, 3, stride=2, padding=1, return_indices=True)[1],
                 cconv.max_pool2d(maps, 3, stride=2, padding=1, return_indices=True)[1]),
                (cconv.dask.avg_pool2d(images, 9, stride=2), cconv.avg_pool2d(maps, 9, stride=2)),
            ]
            for lazy, want in pairs:
                np.testing.assert_array_equal(lazy.compute(), want)
            # halos go from one to the other: every second slab belongs to each
            lazy, want = pairs[0]
            slabs = [client.compute(lazy.blocks[i], workers=[list(ran)[i % 2]]) for i in range(lazy.numblocks[0])]
            np.testing.assert_array_equal(np.concatenate(client.gather(slabs)), want)
            holders = client.who_has(slabs)
            assert len({worker for workers in holders.values() for worker in workers}) == 2, holders
        print("equal on two workers")

    if __name__ == "__main__":
        main()
"""


@pytest.mark.slow
def test_a_cluster_of_two_processes(tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(textwrap.dedent(CLUSTER), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=400, cwd=tmp_path)
    assert done.returncode == 0 and "equal on two workers" in done.stdout, done.stderr


@pytest.mark.parametrize("kind", [pytest.param("zarr", marks=pytest.mark.slow), "npy"])
def test_a_volume_larger_than_the_memory_for_it(kind, tmp_path):
    """The example's own limit on its peak, of a process that does nothing else."""
    example = Path(__file__).parents[1] / "examples" / "out_of_core.py"
    if not example.is_file():
        pytest.skip("the tests are not in the source tree")
    if kind == "zarr":
        pytest.importorskip("zarr")
    pytest.importorskip("resource")
    arguments = ["--format", kind, "--directory", str(tmp_path)]
    code = f"import out_of_core; out_of_core.main(small=True, arguments={arguments!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=example.parent, timeout=240)
    assert done.returncode == 0, done.stderr
    peak, size = re.search(r"peak memory (\S+) GB for an array of (\S+) GB", done.stdout).groups()
    assert float(peak) < 0.22 < float(size) and "100% Completed" in done.stdout
