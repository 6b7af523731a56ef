"""Timing one case: cconv and every peer in turns, each answer checked before its time counts."""

import time
from math import inf, sqrt
from statistics import median

import numpy as np

import peer_activations
import peers
from call import Call

# Per turn. A turn opens with calls that are not timed: the previous competitor's idle workers spin for some
# milliseconds on the cores that this one needs, and its own are asleep.
WARM_SECONDS = 0.008
TURN_SECONDS = 0.025
# A competitor's time per case. One that has used it up keeps the samples it has, at least one: ndimage on a
# 4K image would take longer than all the rest. One that is HOPELESS times slower than cconv gets one turn.
PATIENCE_SECONDS = 1.5
HOPELESS = 20
# A sample is one call, or as many as last this long: the clock costs about 0.1 us.
SAMPLE_SECONDS = 50e-6


class Competitor:
    """A runner with the times of its samples, in seconds per call."""

    def __init__(self, runner):
        self.name, self.call, self.to_numpy = runner
        start = time.perf_counter()
        self.answer = np.array(self.to_numpy(self.call()))      # a copy: the library may reuse its buffer
        self.first = time.perf_counter() - start
        self.used = self.first
        self.hopeless = False
        self.samples = []
        self.calls = 1                                          # per sample

    def turn(self, warm, seconds):
        """Calls without timing for `warm` seconds, then samples for `seconds`."""
        if self.samples and (self.used > PATIENCE_SECONDS or self.hopeless):
            return
        begin = time.perf_counter()
        elapsed = inf if self.first > 10 * warm else 0.0        # so long a call outlasts what warming is for
        count = 0
        while elapsed < warm:
            self.call()
            count += 1
            elapsed = time.perf_counter() - begin
        if count:
            self.calls = max(1, round(SAMPLE_SECONDS * count / elapsed))
        call, repeat = self.call, range(self.calls)
        start = time.perf_counter()
        end = start + seconds
        while start < end:
            for _ in repeat:
                call()
            now = time.perf_counter()
            self.samples.append((now - start) / self.calls)
            start = now
        self.used += start - begin


def tolerance(case, method):
    """Largest difference allowed between two right answers of a layer or filter, for the arrays of `case.arrays`.

    With standard normal weights an output is about sqrt(taps). Adding it up in one chain errs by about eps * taps;
    FFT errs by eps times the size of the outputs, and is allowed a factor of 400. Winograd is documented to err by
    less than 40 eps of the largest sum |x| |w|, which is about 0.7 taps. A single wrong tap is about 1. Separable
    filters have outputs of about 1; 8 bits may be rounded to either neighbour.
    """
    if case.op in ("max_pool", "max_filter"):
        return 0.0
    if case.activation:                 # values of about 1, a row's sum at most; NumPy's rows add up their rounding
        return 64 * float(np.finfo(case.dtype).eps)
    if case.dtype == "uint8":
        return 1.0
    eps = float(np.finfo(case.dtype).eps)
    if case.op == "avg_pool":
        return 16 * eps
    return eps * (400 if case.separable else 400 * sqrt(case.taps) + (30 if method == "winograd" else 4) * case.taps)


def wrong_at_a_sample(case, x, w, answer, allowed, count=32):
    """What the definition finds wrong at the first, the last and random outputs; None if nothing."""
    if case.activation:
        return difference(case, answer, peer_activations.by_definition(case, x, w).astype(case.dtype), allowed)[1]
    extents = (case.batch, case.channels[1], *case.output_size)
    shape = case.from_layer(np.empty(extents, bool)).shape
    if answer.shape != shape or answer.dtype != case.dtype:
        return f"gives {answer.dtype}{answer.shape}, expected {case.dtype}{shape}"
    x, w = case.as_layer(x, w)
    answer = case.to_layer(answer)
    points = np.random.default_rng(1).integers(0, extents, (count, len(extents)))
    for point in [(0,) * len(extents), tuple(n - 1 for n in extents), *map(tuple, points.tolist())]:
        n, channel, *position = point
        expected, got = case.value_at(x, w, n, channel, position), answer[point].item()
        if case.dtype == "uint8":
            expected = min(max(expected, 0.0), 255.0)
        if not abs(got - expected) <= allowed:
            return f"output {point} is {got!r}, the definition gives {expected!r}"
    return None


def difference(case, answer, reference, allowed):
    """(largest difference, what is wrong with it or None) between a peer's answer and cconv's."""
    if answer.shape != reference.shape or answer.dtype != reference.dtype:
        return inf, f"gives {answer.dtype}{answer.shape}, cconv {reference.dtype}{reference.shape}"
    if isinstance(case, Call):
        allowed *= float(np.max(np.abs(reference), initial=0.0))
    if case.dtype == "uint8":
        answer, reference = answer.astype(np.int16), reference.astype(np.int16)
    largest = float(np.max(np.abs(answer - reference), initial=0.0))
    if not largest <= allowed:
        return largest, f"differs from cconv by {largest:.3g}, allowed {allowed:.3g}"
    return largest, None


def measure(case, names, rounds, warm=WARM_SECONDS, seconds=TURN_SECONDS):
    """Times of cconv and of the peers `names` on one case: a row for the table and for JSON."""
    arrays = case.arrays()
    row = {"case": case.name, "op": case.op, "dtype": case.dtype, "real": case.real, "flop": case.flop,
           "bytes": case.bytes, "method": peers.cconv_method(case, *arrays)}
    row |= {"times": {}, "difference": {}, "errors": {}}
    # of a call there is no definition to go by: its peers are the judges
    allowed = case.tolerance if isinstance(case, Call) else tolerance(case, row["method"])
    competitors = []
    for name in ["cconv", *(name for name in names if peers.able(name, case))]:
        try:
            competitor = Competitor(peers.prepare(name, case, *arrays))
        except Exception as error:      # one that fails must not cost the rest of a long run
            complaint = f"raises {type(error).__name__}: {error}"
        else:
            if name == "cconv":
                complaint = None
                if not isinstance(case, Call):
                    complaint = wrong_at_a_sample(case, *arrays, competitor.answer, allowed)
                reference = competitor.answer
            else:
                row["difference"][name], complaint = difference(case, competitor.answer, reference, allowed)
            competitor.answer = None
        if complaint is None:
            competitors.append(competitor)
            # a first call of cconv's may choose and plan, so it is not yet its time
            if competitor.first > max(1.0, HOPELESS * competitors[0].first):
                competitor.samples, competitor.hopeless = [competitor.first], True
            continue
        row["errors"][name] = complaint
        if name == "cconv":             # nothing to compare with
            return row
    ours = competitors[0]
    for index in range(rounds):
        if index == 1:
            for competitor in competitors[1:]:
                competitor.hopeless |= min(competitor.samples) > HOPELESS * min(ours.samples)
        shift = index % len(competitors)
        for competitor in competitors[shift:] + competitors[:shift]:
            competitor.turn(warm, seconds)
    for competitor in competitors:
        samples = competitor.samples
        row["times"][competitor.name] = {"min": min(samples), "median": median(samples),
                                         "samples": len(samples), "calls_per_sample": competitor.calls}
    return row
