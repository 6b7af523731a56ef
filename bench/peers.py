"""The competitors: for each, what it can do and a function that prepares a case for it.

What a user would do once (build the model, choose the layout, wrap the arrays) is done by `prepare_*`; what
is done for every array is in the `Runner.call` it returns. A library that is not installed is not a peer.
"""

import importlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np


class Runner(NamedTuple):
    name: str
    call: Callable[[], Any]                         # timed; returns the library's own result object
    to_numpy: Callable[[Any], np.ndarray]           # that object as an array in cconv's layout


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


def prepare_cconv(case, x, w):
    import cconv

    function = getattr(cconv, case.op if case.op in ("convolve", "correlate") else f"{case.op}{case.rank}d")
    if case.op == "convolve":
        call = partial(function, x, w)
    elif case.op == "correlate":
        call = partial(function, x, w, "same")
    else:
        options = {"stride": case.stride, "padding": case.pads,
                   "data_format": "channels_last" if case.channels_last else "channels_first"}
        if case.pooling:
            call = partial(function, x, case.kernel, **options)
        else:
            call = partial(function, x, w, dilation=case.dilation, groups=case.groups, **options)
    return Runner("cconv", call, np.asarray)


def prepare_torch(case, x, w, channels_last=False):
    import torch

    x, w = (None if a is None else torch.from_numpy(a) for a in case.as_layer(x, w))
    if channels_last:
        layout = torch.channels_last if case.rank == 2 else torch.channels_last_3d
        x, w = (None if t is None else t.to(memory_format=layout) for t in (x, w))
    function = getattr(torch.nn.functional, f"{case.op if case.pooling else 'conv'}{case.rank}d")
    if case.pooling:
        call = partial(function, x, case.kernel, case.stride, case.pads)
    else:
        call = partial(function, x, w, None, case.stride, case.pads, case.dilation, case.groups)
    return Runner("torch_last" if channels_last else "torch", call, lambda y: case.from_layer(y.numpy()))


def prepare_onnxruntime(case, x, w):
    import onnx
    import onnxruntime as ort

    x, w = case.as_layer(x, w)
    attributes = {"kernel_shape": case.kernel, "strides": [case.stride] * case.rank, "pads": case.pads * 2}
    if case.op == "avg_pool":
        attributes["count_include_pad"] = 1
    if not case.pooling:
        attributes |= {"dilations": [case.dilation] * case.rank, "group": case.groups}
    operator = {"max_pool": "MaxPool", "avg_pool": "AveragePool"}.get(case.op, "Conv")
    node = onnx.helper.make_node(operator, ["x"] if case.pooling else ["x", "w"], ["y"], **attributes)
    tensor = partial(onnx.helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
    inputs = [tensor("x", shape=x.shape)]
    outputs = [tensor("y", shape=(case.batch, case.channels[1], *case.output_size))]
    weights = [] if case.pooling else [onnx.numpy_helper.from_array(w, "w")]
    graph = onnx.helper.make_graph([node], "bench", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    # Its workers would otherwise spin on after a call, on the cores that the next competitor needs.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y")

    def call():
        session.run_with_iobinding(binding)
        return binding

    return Runner("onnxruntime", call, lambda y: case.from_layer(y.copy_outputs_to_cpu()[0]))


def prepare_opencv(case, x, w):
    import cv2

    return Runner("opencv", partial(cv2.filter2D, x, -1, w, borderType=cv2.BORDER_CONSTANT), np.asarray)


def prepare_ndimage(case, x, w):
    from scipy import ndimage

    return Runner("ndimage", partial(ndimage.correlate, x, w, mode="constant"), np.asarray)


def prepare_signal_direct(case, x, w):
    from scipy import signal

    mode = "full" if case.op == "convolve" else "same"
    return Runner("signal_direct", partial(getattr(signal, case.op), x, w, mode, method="direct"), np.asarray)


def prepare_signal_oa(case, x, w):
    from scipy import signal

    if case.op == "correlate":
        return Runner("signal_oa", partial(signal.oaconvolve, x, np.flip(w).copy(), "same"), np.asarray)
    return Runner("signal_oa", partial(signal.oaconvolve, x, w, "full"), np.asarray)


def prepare_numpy(case, x, w):
    if case.rank == 1 and case.op == "convolve":
        return Runner("numpy", partial(np.convolve, x, w), np.asarray)
    first = 1 if case.channels_last else 2
    split = list(x.shape)
    for axis in (first + 1, first):
        split[axis:axis + 1] = [split[axis] // case.stride, case.stride]
    reduce = np.max if case.op == "max_pool" else np.mean
    return Runner("numpy", lambda: reduce(x.reshape(split), axis=(first + 1, first + 3)), np.asarray)


def _is_filter(case):
    return case.op in ("correlate", "convolve")


def _is_plain_tiling(case):
    """A 2-D pool whose windows neither overlap nor leave samples out: NumPy does it by reshaping."""
    return (case.pooling and case.rank == 2 and not any(case.pads) and case.kernel == (case.stride,) * 2
            and not any(n % case.stride for n in case.size))


def _for_numpy(case):
    return (case.op == "convolve" and case.rank == 1) or _is_plain_tiling(case)


class Peer(NamedTuple):
    modules: tuple                                  # what must be installed
    takes: Callable[[Any], bool]                    # whether it can do this case
    prepare: Callable[[Any, Any, Any], Runner]


PEERS = {
    "torch": Peer(("torch",), lambda case: True, prepare_torch),
    "torch_last": Peer(("torch",), lambda case: case.rank > 1, partial(prepare_torch, channels_last=True)),
    "onnxruntime": Peer(("onnxruntime", "onnx"), lambda case: case.dtype == "float32", prepare_onnxruntime),
    "opencv": Peer(("cv2",), lambda case: case.op == "correlate" and case.rank == 2, prepare_opencv),
    "ndimage": Peer(("scipy.ndimage",), lambda case: case.op == "correlate", prepare_ndimage),
    "signal_direct": Peer(("scipy.signal",), _is_filter, prepare_signal_direct),
    "signal_oa": Peer(("scipy.signal",), _is_filter, prepare_signal_oa),
    "numpy": Peer((), _for_numpy, prepare_numpy),
}


def able(name, case):
    """Whether the peer is installed and can do this case."""
    return all(map(optional, PEERS[name].modules)) and PEERS[name].takes(case)


def prepare(name, case, x, w):
    """The Runner of "cconv" or of the peer `name`."""
    return (prepare_cconv if name == "cconv" else PEERS[name].prepare)(case, x, w)


def versions():
    """Module -> version, for those that are installed."""
    modules = map(optional, ("cconv", "numpy", "scipy", "cv2", "torch", "onnxruntime"))
    return {module.__name__: getattr(module, "__version__", "?") for module in modules if module is not None}
