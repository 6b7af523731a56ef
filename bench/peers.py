"""The competitors: what each can do, and how it is prepared for a case.

What a user would do once (build the model, choose the layout, wrap the arrays) is done by the functions named
here; what is done for every array is in the `Runner.call` that they return. A library that is not installed is
not a peer.
"""

import importlib
from collections.abc import Callable
from functools import cache, partial
from math import inf
from typing import Any, NamedTuple

import numpy as np

import peer_activations
import peer_filters
import peer_layers
from call import Call
from case import COMPLEX
from runner import Runner


@cache
def optional(name):
    """The module `name`, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


THREADS = 1


def set_threads(threads):
    """The same number of threads for all. (run.py has set OMP_NUM_THREADS and its like before any import.)"""
    global THREADS
    THREADS = threads
    if torch := optional("torch"):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
    if cv2 := optional("cv2"):
        cv2.setNumThreads(threads)
    if cconv := optional("cconv"):
        cconv.set_num_threads(threads)


def cconv_call(case, x, w):
    """(function of cconv's, its positional arguments, its options)."""
    import cconv

    if case.activation:
        return peer_activations.cconv_call(case, x, w)
    if case.op == "max_filter":
        function = getattr(cconv, f"max_pool{case.rank}d")
        return function, (x[None, None], case.kernel), {"stride": 1, "padding": case.pads}
    if case.op == "convolve":
        return cconv.convolve, (x, w), {}
    if case.op == "correlate":
        options = {"boundary": case.boundary} if case.boundary != "constant" else {}
        if case.dtype == "uint8":
            options |= {"out_dtype": np.uint8, "casting": "saturate"}
        return cconv.correlate, (x, w, "same"), options
    # as one writes a call: what is a default is left out
    every = {"stride": case.stride, "padding": case.pads[0] if len(set(case.pads)) == 1 else case.pads,
             "dilation": case.dilation, "groups": case.groups,
             "data_format": "channels_last" if case.channels_last else "channels_first"}
    usual = {"stride": None if case.pooling else 1, "padding": 0, "dilation": 1, "groups": 1,
             "data_format": "channels_first"}
    options = {name: value for name, value in every.items() if value != usual[name]}
    if case.pooling:
        kernel = case.kernel[0] if len(set(case.kernel)) == 1 else case.kernel
        return getattr(cconv, f"{case.op}{case.rank}d"), (x, kernel), options
    return getattr(cconv, f"conv{case.rank}d"), (x, w), options


def cconv_method(case, *arrays):
    """What "auto" takes: "direct", "winograd", "fft", ..."""
    import cconv

    if isinstance(case, Call) or case.activation:
        return "-"
    function, arguments, options = cconv_call(case, *arrays)
    return cconv.explain(function, *arguments, **options).method


def prepare_cconv(case, x, w):
    function, arguments, options = cconv_call(case, x, w)
    return Runner("cconv", partial(function, *arguments, **options),
                  (lambda y: y[0, 0]) if case.op == "max_filter" else np.asarray)


def prepare_plan(case, x, w):
    import cconv

    _, _, options = cconv_call(case, x, w)
    plan = getattr(cconv, f"plan_conv{case.rank}d")(w, input_shape=x.shape, dtype=x.dtype, **options)
    out = plan(x)
    # ONNX Runtime keeps its output from call to call; for a small one, to check `out` costs more than a new array
    return Runner("cconv_plan", partial(plan, x, out if out.nbytes > 1 << 20 else None), np.asarray)


class Peer(NamedTuple):
    modules: tuple                                  # what must be installed
    takes: Callable[[Any], bool]                    # whether it can do this case
    prepare: Callable[[Any, Any, Any], Runner]
    # Case -> products of the largest filter that it is given. Beyond, a call would take a second or so, and it was
    # more than 20 times slower than cconv long before.
    filter_limit: Callable[[Any], float] = lambda case: inf


def _random_filter(case):
    return case.op in ("correlate", "convolve") and not case.separable and case.dtype != "uint8"


def _as_layer(case):
    if case.activation or case.separable or case.dtype in COMPLEX:
        return False
    return case.dtype != "uint8" or case.op == "max_filter"


def _for_ndimage(case):
    return case.op == "max_filter" or (case.op == "correlate" and case.dtype != "uint8")


def _for_numpy(case):
    """1-D sums; pools whose windows neither overlap nor leave samples out."""
    if case.activation:
        return True
    tiles = (case.pooling and not any(case.pads) and set(case.kernel) == {case.stride}
             and not any(n % case.stride for n in case.size))
    return tiles or (case.op == "convolve" and case.rank == 1)


def _torch(case, x, w):
    return (peer_activations if case.activation else peer_layers).torch(case, x, w)


def _numpy(case, x, w):
    return (peer_activations if case.activation else peer_filters).numpy(case, x, w)


def _by_rank(*limits):
    return lambda case: limits[case.rank - 1]


def _ndimage_limit(case):
    return inf if case.op == "max_filter" else 1e9


def _onnx_limit(case):
    """Of integers it has no fast maximum."""
    if case.op == "max_filter":
        return 3e7 if case.dtype == "uint8" else inf
    return 5e7 if case.rank == 1 else 1e9


def _torch_limit(case):
    """torch has no fast float64 layers of one channel, nor a fast maximum of one."""
    if case.op == "max_filter":
        return 3e7
    return (5e7 if case.rank == 1 else 1e9) / (10 if case.dtype == "float64" else 1)


PEERS = {
    "cconv_plan": Peer((), lambda case: case.op == "conv", prepare_plan),
    "torch": Peer(("torch",), lambda case: case.activation or _as_layer(case), _torch, _torch_limit),
    "torch_last": Peer(("torch",), lambda case: _as_layer(case) and case.rank > 1 and case.dtype != "uint8",
                       partial(peer_layers.torch, channels_last=True), _torch_limit),
    "onnxruntime": Peer(("onnxruntime", "onnx"), lambda case: _as_layer(case) and case.dtype != "float64",
                        lambda *case: peer_layers.onnxruntime(THREADS, *case), _onnx_limit),
    "opencv": Peer(("cv2",), lambda case: case.op in ("correlate", "max_filter") and case.rank == 2,
                   peer_filters.opencv),
    "opencv_sep": Peer(("cv2",), lambda case: case.separable, peer_filters.opencv_separable),
    "ndimage": Peer(("scipy.ndimage",), _for_ndimage, peer_filters.ndimage, _ndimage_limit),
    "signal_direct": Peer(("scipy.signal",), _random_filter, partial(peer_filters.signal, "signal_direct"),
                          _by_rank(1.1e10, 1e7, 1e7)),
    "signal_oa": Peer(("scipy.signal",), _random_filter, partial(peer_filters.signal, "signal_oa")),
    "signal_fft": Peer(("scipy.signal",), _random_filter, partial(peer_filters.signal, "signal_fft")),
    # the function of the same name: of calls only
    "scipy": Peer(("scipy",), lambda case: False, None),
    "numpy": Peer((), _for_numpy, _numpy, _by_rank(1.1e10, inf, inf)),
}


def able(name, case):
    """Whether the peer is installed, can do this case, and would not take forever."""
    if isinstance(case, Call):
        return case.able(name)
    peer = PEERS[name]
    limit = peer.filter_limit(case) if case.plain and not case.separable else inf
    return all(map(optional, peer.modules)) and peer.takes(case) and case.products <= limit


def prepare(name, case, *arrays):
    """The Runner of "cconv" or of the peer `name`."""
    if isinstance(case, Call):
        return case.prepare(name, *arrays)
    return (prepare_cconv if name == "cconv" else PEERS[name].prepare)(case, *arrays)


def versions():
    """Module -> version, for those that are installed."""
    modules = map(optional, ("cconv", "numpy", "scipy", "cv2", "torch", "onnxruntime"))
    return {module.__name__: getattr(module, "__version__", "?") for module in modules if module is not None}
