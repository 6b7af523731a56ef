"""The memory of results: what one has left the next one gets, and nobody sees a difference."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import cconv
from cconv import _memory
from numpy_memory import counted

pytestmark = pytest.mark.skipif(os.environ.get("CCONV_KEPT_MB") == "0", reason="nothing is kept")
SIZES = 40_000, 300_000, 5 << 20, 40 << 20  # bytes: of C's allocator, of pages, and lent


@pytest.fixture(autouse=True)
def nothing_kept():
    _memory.give_back()
    yield
    _memory.give_back()


def handler_of(array):
    return np._core.multiarray.get_handler_name(array)


def address(array):
    return array.__array_interface__["data"][0]


def run(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize("size", SIZES)
def test_what_a_result_leaves_the_next_one_gets(size):
    first = _memory.empty((size,), np.uint8)
    assert handler_of(first) == "cconv" and first.flags.owndata and first.flags.carray and address(first) % 64 == 0
    first[:] = 7
    place = address(first)
    second = _memory.empty((size,), np.uint8)
    second[:] = 1
    assert (first == 7).all() and abs(address(second) - place) >= size
    del first
    assert size <= sum(_memory.kept()) < 1.01 * size + 65536
    third = _memory.empty((size // 8 - size // 50,), np.float64)  # a quarter smaller at most
    assert address(third) == place and sum(_memory.kept()) == 0
    third[:] = 2
    assert (second == 1).all()


def test_blocks_of_other_sizes_are_not_taken():
    for size in (10_000_000, 1_000_000):
        for other in (size // 2, size * 2):
            array = _memory.empty((size,), np.uint8)
            place = address(array)
            del array
            assert address(_memory.empty((other,), np.uint8)) != place
            _memory.give_back()


def test_small_arrays_are_numpys():
    small = _memory.empty(((1 << 15) - 1,), np.uint8)
    assert handler_of(small) != "cconv"
    assert handler_of(cconv.convolve(np.ones(100), np.ones(3))) != "cconv"


def test_results_of_every_kind_come_from_here():
    x = np.ones((1, 4, 64, 64), np.float32)
    weight = np.ones((4, 4, 3, 3), np.float32)
    y = cconv.conv2d(x, weight)
    results = [
        y,
        cconv.max_pool2d(x, 2, stride=1, return_indices=True)[1],
        cconv.activations.relu(x),
        cconv.conv2d_input_grad(y, weight, x.shape),
        cconv.avg_pool2d_input_grad(cconv.avg_pool2d(x, 2), x.shape, 2),
        cconv.ndimage.gaussian_filter(x[0, 0].repeat(4, 0), 1.0),
        cconv.ndimage.uniform_filter(x[0, 0].repeat(4, 0), 3),
        cconv.correlate(x[0, 0].repeat(4, 0), weight[0, 0]),
    ]
    assert {handler_of(result) for result in results} == {"cconv"}


def test_fortran_order_stays():
    x = np.asfortranarray(np.ones((100, 200)))
    assert cconv.activations.relu(x).flags.f_contiguous
    assert handler_of(cconv.activations.relu(x)) == "cconv"


@pytest.mark.parametrize("size", SIZES)
def test_resizing(size):
    array = _memory.empty((size,), np.uint8)
    array[:] = 3
    array.resize(size + size // 2, refcheck=False)
    assert (array[:size] == 3).all() and (array[size:] == 0).all()
    array.resize(100, refcheck=False)
    assert (array == 3).all() and len(array) == 100
    del array
    again = _memory.empty((size,), np.uint8)
    again[:] = 4
    assert (again == 4).all()


def test_objects_begin_as_none():
    assert (_memory.empty((10_000,), object) == None).all()  # noqa: E711
    array = _memory.empty((10_000,), np.intp)
    array[:] = -1
    del array
    assert (_memory.empty((10_000,), object) == None).all()  # noqa: E711


def test_what_is_kept_is_bounded():
    arrays = [_memory.empty((size,), np.uint8) for size in (40_000, 20 << 20, 50 << 20) for _ in range(8)]
    while arrays:
        arrays.pop()
        unlent, lent = _memory.kept()
        assert unlent <= 64 << 20 and lent <= 256 << 20
    assert unlent >= 60 << 20 and (lent >= 250 << 20 or lent == 0)
    arrays = [_memory.empty((40_000,), np.uint8) for _ in range(100)]
    del arrays
    assert _memory.kept()[0] < 100 * 40_000
    huge = _memory.empty((300 << 20,), np.uint8)
    before = _memory.kept()
    del huge
    assert _memory.kept() == before


def test_memory_is_sought_among_what_is_kept_before_it_is_missing():
    arrays = [_memory.empty((1 << 20,), np.uint8) for _ in range(4)]
    del arrays
    with pytest.raises(MemoryError):
        _memory.empty((1 << 62,), np.uint8)
    assert _memory.kept() == (0, 0)
    for shape in (((1 << 62), 4), (1 << 70,)):
        with pytest.raises((MemoryError, ValueError)):
            _memory.empty(shape, np.float64)


def test_a_handler_of_the_users_is_left_alone():
    with counted() as counter:
        assert handler_of(_memory.empty((100_000,), np.uint8)) == "counting"
        assert handler_of(_memory.empty_like(np.ones(20_000), np.float32)) == "counting"
        assert counter.asked >= 2
        assert handler_of(cconv.conv2d(np.ones((1, 1, 200, 200)), np.ones((1, 1, 3, 3)))) == "counting"
    assert handler_of(np.empty(100_000)) == "default_allocator"


def test_keeping_can_be_turned_off():
    code = """if True:
        from cconv import _memory
        for size in (40_000, 5 << 20, 40 << 20):
            array = _memory.empty((size,), "u1")
            array[:] = 1
            del array
        print(_memory.kept())
    """
    assert run(code, CCONV_KEPT_MB="0")[:2] == (0, "(0, 0)")
    assert run(code, CCONV_KEPT_MB="")[1] != "(0, 0)"
    for wrong in ("-1", "all", "1.5"):
        status, _, error = run("import cconv", CCONV_KEPT_MB=wrong)
        assert status == 1 and f"CCONV_KEPT_MB={wrong!r} must be an int of 0 or more" in error


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_both_go_on():
    code = """if True:
        import os
        import numpy as np
        from cconv import _memory
        for size in (100_000, 5 << 20, 40 << 20):
            _memory.empty((size,), np.uint8)[:] = 5
        alive = _memory.empty((200_000,), np.uint8)
        alive[:] = 6
        child = os.fork()
        for size in (100_000, 5 << 20, 40 << 20):
            array = _memory.empty((size,), np.uint8)
            array[:] = 7 if child else 8
            assert (array == (7 if child else 8)).all()
        assert (alive == 6).all()
        del alive, array
        if not child:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    assert run(code)[:2] == (0, "done")


def test_threads_that_all_take_and_give():
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        held = []
        for _ in range(300):
            held.append((_memory.empty((int(rng.integers(1 << 15, 1 << 19)),), np.uint8), seed))
            held[-1][0][:] = seed
            if len(held) > 6:
                array, value = held.pop(int(rng.integers(len(held))))
                if not (array == value).all():
                    failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
