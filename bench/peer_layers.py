"""Peers that know layers: torch and ONNX Runtime. A filter is given to them as a layer of one channel."""

from functools import partial

from runner import Runner


def torch(case, x, w, channels_last=False):
    import torch

    x, w = (None if a is None else torch.from_numpy(a) for a in case.as_layer(x, w))
    if channels_last:
        layout = torch.channels_last if case.rank == 2 else torch.channels_last_3d
        x, w = (None if t is None else t.to(memory_format=layout) for t in (x, w))
    operation = "max_pool" if case.op == "max_filter" else case.op if case.pooling else "conv"
    function = getattr(torch.nn.functional, f"{operation}{case.rank}d")
    if case.weightless:
        call = partial(function, x, case.kernel, case.stride, case.pads)
    else:
        call = partial(function, x, w, None, case.stride, case.pads, case.dilation, case.groups)
    return Runner("torch_last" if channels_last else "torch", call, lambda y: case.from_layer(y.numpy()))


def onnxruntime(threads, case, x, w):
    import onnx
    import onnxruntime as ort

    x, w = case.as_layer(x, w)
    attributes = {"kernel_shape": case.kernel, "strides": [case.stride] * case.rank, "pads": case.pads * 2}
    if case.op == "avg_pool":
        attributes["count_include_pad"] = 1
    if not case.weightless:
        attributes |= {"dilations": [case.dilation] * case.rank, "group": case.groups}
    operator = {"max_pool": "MaxPool", "max_filter": "MaxPool", "avg_pool": "AveragePool"}.get(case.op, "Conv")
    node = onnx.helper.make_node(operator, ["x"] if case.weightless else ["x", "w"], ["y"], **attributes)
    tensor = partial(onnx.helper.make_tensor_value_info, elem_type=onnx.helper.np_dtype_to_tensor_dtype(x.dtype))
    inputs = [tensor("x", shape=x.shape)]
    outputs = [tensor("y", shape=(case.batch, case.channels[1], *case.output_size))]
    weights = [] if case.weightless else [onnx.numpy_helper.from_array(w, "w")]
    graph = onnx.helper.make_graph([node], "bench", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
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
