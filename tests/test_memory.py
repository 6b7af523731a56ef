"""Memory that runs out, at each place where a call takes some; memory that must come back; arrays over 4 GiB."""

import contextlib
import gc
import os
import sys

import numpy as np
import pytest

import cconv
from cconv import _memory
from checks import Fence, same_bits, sample
from numpy_memory import counted
from operations import OPERATIONS

ALL = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)

# Ways through the core that a small call does not take: packed weights, several parts, a second attempt.
LARGER = {
    "Winograd": lambda rng: (cconv.conv2d, [sample(rng, (2, 32, 12, 12)), sample(rng, (32, 32, 3, 3))], {}),
    "Winograd, then direct": lambda rng: (
        cconv.conv2d, [np.full((2, 32, 12, 12), np.inf, np.float32), sample(rng, (32, 32, 3, 3))], {}),
    "packed weights": lambda rng: (
        cconv.conv2d, [sample(rng, (2, 96, 10, 10)), sample(rng, (200, 96, 3, 3))], {"stride": 2}),
    "complex": lambda rng: (cconv.conv2d, [sample(rng, (2, 4, 12, 12), "complex64"),
                                           sample(rng, (5, 4, 3, 3), "complex128")], {"padding": 1}),
    "phases": lambda rng: (
        cconv.conv2d_input_grad, [sample(rng, (2, 64, 14, 14)), sample(rng, (64, 32, 3, 3)), (2, 32, 28, 28)],
        {"stride": 2, "padding": 1}),
    "borders that repeat": lambda rng: (
        cconv.conv2d_input_grad, [sample(rng, (2, 4, 9, 9)), sample(rng, (4, 3, 3, 3)), (2, 3, 9, 9)],
        {"padding": 1, "padding_mode": "wrap"}),
    "weight gradient in chunks": lambda rng: (
        cconv.conv2d_weight_grad, [sample(rng, (4, 8, 40, 40)), sample(rng, (4, 8, 40, 40)), (8, 8, 3, 3)],
        {"padding": 1}),
    "weight gradient, Winograd": lambda rng: (
        cconv.conv2d_weight_grad, [sample(rng, (2, 32, 14, 14)), sample(rng, (2, 32, 14, 14)), (32, 32, 3, 3)],
        {"padding": 1}),
    "FFT": lambda rng: (
        cconv.convolve, [sample(rng, (90, 100)), sample(rng, (31, 31))], {"method": "fft", "num_threads": 1}),
    "FFT of a line": lambda rng: (
        cconv.convolve, [sample(rng, (9000,)), sample(rng, (801,))], {"method": "fft", "num_threads": 1}),
    "missing samples": lambda rng: (
        cconv.convolve, [np.where(np.eye(20) > 0, np.nan, 1.0), sample(rng, (3, 3))], {"nan": "omit"}),
}  # fmt: skip


@contextlib.contextmanager
def watched(fail=0):
    """Count scratch memory; let allocation number `fail` fail."""
    _memory.watch(fail)
    try:
        yield
    finally:
        _memory.unwatch()


def bytes_of(arrays):
    return [array.tobytes() for array in arrays if isinstance(array, np.ndarray)]


def parts(result):
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def fail_everywhere(call, arrays):
    """Every allocation of the call fails in turn: MemoryError, nothing is held, inputs stay, the next call works."""
    call()      # what is made once per signature is there
    copies = bytes_of(arrays)
    with watched():
        want = parts(call())
        places, held = _memory.watched()
    assert held == 0
    with counted() as made:
        call()
        arrays_made = made.asked
    assert made.held == 0
    for place in range(1, arrays_made + 1):
        error = None
        with watched():
            with counted(place) as made:
                try:
                    call()
                except MemoryError as caught:
                    error = str(caught)  # not the error: its traceback would hold the call's arrays
            assert _memory.watched()[1] == 0
        assert error is not None, f"array {place} of {arrays_made} failed unseen"
        assert made.held == 0, f"array {place} of {arrays_made} failed: {made.held} are left"
    assert bytes_of(arrays) == copies, "an input was modified"
    for got, expected in zip(parts(call()), want, strict=True):
        same_bits(got, expected)
    return places, arrays_made


@ALL
def test_out_may_be_used_again_after_a_failure(rng, operation):
    """It may be half written; no more than that, and the results of the next call are whole."""
    if not operation.out:
        return
    arrays = operation.arrays(rng)
    wants = operation.tuple(operation.call(arrays))
    fences = [Fence(want.shape, want.dtype, "margins") for want in wants]
    outs = tuple(fence.out for fence in fences)
    more = {operation.out: outs if operation.results > 1 else outs[0]}
    with watched():
        operation.call(arrays, **more)
        places, _ = _memory.watched()
    for place in range(1, places + 1):
        with watched(place), pytest.raises(MemoryError):
            operation.call(arrays, **more)
        operation.call(arrays, **more)
        for fence, want in zip(fences, wants, strict=True):
            fence.check()
            if operation.name != "activations.softmax_grad":  # sums in another order, where rows lie apart
                same_bits(fence.out, want)


@ALL
def test_every_allocation_may_fail(rng, operation):
    arrays = operation.arrays(rng)
    fail_everywhere(lambda: operation.call(arrays), list(arrays.values()))


@pytest.mark.parametrize("way", LARGER)
def test_every_allocation_of_larger_calls_may_fail(rng, way):
    function, arrays, options = LARGER[way](rng)
    with np.errstate(all="ignore"):
        places, made = fail_everywhere(lambda: function(*arrays, **options), arrays)
    assert places + made > 1


def test_a_plan_survives_a_failed_allocation(rng):
    """The packed weight is kept once it is whole, not before."""
    x, w = sample(rng, (1, 32, 12, 12)), sample(rng, (64, 32, 3, 3))
    want = cconv.conv2d(x, w, padding=1)
    for place in (1, 2, 3):
        plan = cconv.plan_conv2d(w, padding=1)
        with watched(place), contextlib.suppress(MemoryError):
            plan(x)
        with counted(place), contextlib.suppress(MemoryError):
            plan(x)
        same_bits(plan(x), want)
        same_bits(plan(x), want)


def test_scratch_is_given_back_when_a_call_is_refused():
    with watched():
        for bad in ({"stride": 0}, {"padding": "nowhere"}, {"groups": 3}, {"out": np.empty(3)}):
            with pytest.raises((TypeError, ValueError)):
                cconv.conv2d(np.ones((1, 2, 4, 4)), np.ones((2, 2, 3, 3)), **bad)
        with pytest.raises(ValueError, match="indices"):
            cconv.max_unpool1d(np.ones((1, 1, 2)), np.array([[[0, 99]]]), 2)
        assert _memory.watched()[1] == 0


# ---- 100,000 calls -------------------------------------------------------------------------------------------


def resident():
    """Bytes of this process that lie in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def refused():
    with pytest.raises(ValueError, match="channels"):
        cconv.conv2d(np.ones((1, 3, 4, 4), np.float32), np.ones((2, 2, 3, 3), np.float32))


def out_of_memory():
    _memory.watch(1)
    with pytest.raises(MemoryError):
        cconv.max_pool1d(np.ones((1, 1, 8), np.float32), 2)
    _memory.watch()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer keeps what is freed")
def test_memory_does_not_grow_over_100_000_calls(rng):
    """Of all kinds, some that raise among them; a leak of 32 bytes a call would be 3 MB."""
    calls = [refused, out_of_memory]
    for operation in OPERATIONS.values():
        arrays = operation.arrays(rng)
        calls.append(lambda operation=operation, arrays=arrays: operation.call(arrays))

    def run(rounds):
        for _ in range(rounds):
            for call in calls:
                call()
        gc.collect()

    with watched():
        run(40)
        blocks, before = sys.getallocatedblocks(), resident()
        run(-(-100_000 // len(calls)))
        assert _memory.watched()[1] == 0
        assert sys.getallocatedblocks() - blocks < 2_000
        assert resident() - before < 2e6
