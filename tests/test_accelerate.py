"""accelerate_scipy: cconv's functions in SciPy's place, and SciPy's back again."""

import importlib
import sys
import threading

import numpy as np
import pytest

import cconv

pytest.importorskip("scipy")

REPLACED = [("scipy.signal", name) for name in cconv.signal.__all__]
if importlib.util.find_spec("cconv.ndimage"):
    REPLACED += [("scipy.ndimage", name) for name in importlib.import_module("cconv.ndimage").__all__]


def found():
    """What stands under every name of SciPy's two packages."""
    for package in ("scipy.signal", "scipy.ndimage"):
        importlib.import_module(package)
    return {
        (module, name): value
        for module in sorted(sys.modules)
        if module.startswith(("scipy.signal", "scipy.ndimage"))
        for name, value in vars(sys.modules[module]).items()
        if callable(value)
    }


@pytest.fixture
def before():
    """What was there, and has to be there again."""
    before = found()
    yield before
    after = found()
    assert {place: after[place] for place in before} == before


def is_replaced():
    return all(
        getattr(importlib.import_module(module), name)
        is getattr(importlib.import_module(f"cconv.{module.partition('.')[2]}"), name)
        for module, name in REPLACED
    )


def test_a_block(before):
    with cconv.accelerate_scipy() as switch:
        assert is_replaced() and switch.active and "active" in repr(switch)
        changed = {name for place, value in found().items() if before.get(place) is not value for name in [place[1]]}
        assert changed == {name for _, name in REPLACED}
    assert not switch.active
    assert found() == before


def test_it_is_put_back_after_an_exception(before):
    with pytest.raises(ZeroDivisionError), cconv.accelerate_scipy():
        raise ZeroDivisionError
    assert found() == before


def test_a_plain_call_lasts_until_it_is_undone(before):
    switch = cconv.accelerate_scipy()
    assert is_replaced()
    switch.undo()
    assert found() == before
    switch.undo()
    assert found() == before
    with switch:
        assert is_replaced()


def test_nested_in_any_order(before):
    first, second = cconv.accelerate_scipy(), cconv.accelerate_scipy()
    with cconv.accelerate_scipy():
        first.undo()
        first.undo()
        assert is_replaced()
    assert is_replaced()
    second.undo()
    assert found() == before


def test_threads(before):
    failures = []

    def work():
        for _ in range(50):
            with cconv.accelerate_scipy():
                if not is_replaced():
                    failures.append(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert found() == before


def test_what_somebody_else_replaced_meanwhile_is_left_to_them(before):
    import scipy.signal

    theirs = scipy.signal.convolve
    with cconv.accelerate_scipy():
        scipy.signal.convolve = mine = lambda *args: None
    assert scipy.signal.convolve is mine
    scipy.signal.convolve = theirs


def test_scipys_own_functions_run_on_it(rng, monkeypatch):
    import scipy.signal

    x = rng.standard_normal((40, 50))
    want = scipy.signal.wiener(x, 5)
    called = []
    original = cconv.signal.correlate
    monkeypatch.setattr(cconv.signal, "correlate", lambda *args: called.append(1) or original(*args))
    with cconv.accelerate_scipy():
        np.testing.assert_allclose(scipy.signal.wiener(x, 5), want, rtol=1e-9, atol=1e-9)
    assert called


def photograph():
    """The U.S. Navy's portrait of Grace Hopper."""
    cbook = pytest.importorskip("matplotlib.cbook")
    image = pytest.importorskip("PIL.Image")
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.asarray(image.open(file)).astype(np.float64) / 255


@pytest.mark.parametrize("name", ["gaussian", "sobel", "unsharp_mask"])
def test_scikit_image_runs_on_it(before, name):
    filters = pytest.importorskip("skimage.filters")
    image = photograph()[:300, :260]
    if name == "sobel":
        image = image.mean(axis=2)
    # not -1, with which unsharp_mask of scikit-image 0.26 leaves most of its result uninitialised
    options = {} if name == "sobel" else {"channel_axis": 2}
    function = getattr(filters, name)
    want = function(image, **options)
    with cconv.accelerate_scipy():
        got = function(image, **options)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
