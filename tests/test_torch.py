"""cconv.torch: values, derivatives of two orders, torch.compile, memory, errors."""

import doctest
import inspect
import math
import pathlib
import re
import tracemalloc

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.autograd import gradcheck, gradgradcheck  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

import cconv  # noqa: E402
import cconv.torch as ct  # noqa: E402

COMPLEX = torch.complex128


def numbers(*shapes, dtype=torch.float64):
    """Tensors that require gradients. No two samples are equal: maxima have no ties."""
    generator = torch.Generator().manual_seed(math.prod(shapes[0]))
    return tuple([torch.randn(shape, dtype=dtype, generator=generator).requires_grad_() for shape in shapes])


def channels_last(x):
    return x.to(memory_format={4: torch.channels_last, 5: torch.channels_last_3d}[x.ndim])


# name: (function, tensors). Between them: every operator, rank, border, kind of padding.
CASES = {
    "conv2d, pairs, borders": (
        lambda x, w, b: ct.conv2d(x, w, b, 2, ((1, 2), (0, 1)), padding_mode=("reflect", "wrap")),
        numbers((2, 2, 5, 4), (2, 2, 3, 2), (2,)),
    ),
    "conv1d, causal, constant": (
        lambda x, w: ct.conv1d(x, w, padding="causal", cval=1.5, padding_mode="constant"),
        numbers((2, 2, 5), (2, 2, 3)),
    ),
    "conv1d, same with a stride, groups, dilation, flipped": (
        lambda x, w: ct.conv1d(x, w, None, 2, "same", 2, 2, flip_kernel=True),
        numbers((2, 2, 5), (2, 1, 3)),
    ),
    "conv1d, edge": (lambda x, w: ct.conv1d(x, w, padding=((2, 3),), padding_mode="edge"), numbers((1, 4), (1, 1, 3))),
    "conv1d, complex": (lambda x, w: ct.conv1d(x, w, padding=1), numbers((1, 2, 4), (2, 2, 3), dtype=COMPLEX)),
    "conv2d, cropped": (lambda x, w: ct.conv2d(x, w, padding=((-1, 1), 0)), numbers((2, 4, 4), (1, 2, 2, 2))),
    "conv3d, full": (lambda x, w: ct.conv3d(x, w, padding="full"), numbers((2, 2, 2, 3), (1, 2, 2, 1, 2))),
    "conv2d, channels last": (lambda x, w: ct.conv2d(channels_last(x), w), numbers((2, 2, 3, 3), (2, 2, 2, 2))),
    "conv_transpose2d": (
        lambda x, w, b: ct.conv_transpose2d(x, w, b, 2, 1, 1),
        numbers((1, 2, 3, 2), (2, 2, 3, 2), (2,)),
    ),
    "conv_transpose1d, complex, output_size": (
        lambda x, w: ct.conv_transpose1d(x, w, stride=2, output_size=8),
        numbers((1, 2, 3), (2, 2, 3), dtype=COMPLEX),
    ),
    "conv_transpose3d, groups": (
        lambda x, w: ct.conv_transpose3d(x, w, groups=2, padding=((0, 1), 0, 0)),
        numbers((2, 2, 1, 2), (2, 1, 2, 2, 1)),
    ),
    "convolve": (ct.convolve, numbers((5, 4), (2, 3))),
    "convolve, complex": (ct.convolve, numbers((5,), (3,), dtype=COMPLEX)),
    "correlate, complex": (lambda x, k: ct.correlate(x, k, "same"), numbers((5,), (3,), dtype=COMPLEX)),
    "correlate, borders, axes, origin": (
        lambda x, k: ct.correlate(x, k, "same", boundary=("reflect", "wrap"), axes=(2, 0), origin=(0, 1)),
        numbers((4, 2, 5), (2, 3)),
    ),
    "convolve, broadcast batches": (lambda x, k: ct.convolve(x, k, "valid", axes=1), numbers((2, 5, 1), (2, 3, 3))),
    "convolve, a window in the border": (
        lambda x, k: ct.convolve(x, k, "same", origin=-1, boundary="symmetric"),
        numbers((4,), (2,)),
    ),
    "convolve, constant": (lambda x, k: ct.convolve(x, k, "same", cval=2.0), numbers((4,), (4,))),
    "max_pool2d": (lambda x: ct.max_pool2d(x, 2, 1, 1), numbers((1, 2, 4, 4))),
    "max_pool3d, indices": (lambda x: ct.max_pool3d(x, 2, return_indices=True)[0], numbers((1, 1, 4, 2, 4))),
    "min_pool1d, same": (lambda x: ct.min_pool1d(x, 3, 2, "same"), numbers((2, 2, 7))),
    "adaptive_max_pool2d": (lambda x: ct.adaptive_max_pool2d(x, (3, 2)), numbers((1, 2, 5, 4))),
    "avg_pool2d": (lambda x: ct.avg_pool2d(x, 3, 2, 1, True, False), numbers((1, 2, 5, 4))),
    "avg_pool1d, complex": (lambda x: ct.avg_pool1d(x, 2, divisor_override=3), numbers((1, 2, 5), dtype=COMPLEX)),
    "adaptive_avg_pool2d": (lambda x: ct.adaptive_avg_pool2d(x, (3, None)), numbers((1, 2, 5, 4))),
    "lp_pool2d": (lambda x: ct.lp_pool2d(x, 2, 2), numbers((1, 2, 4, 4))),
    "lp_pool1d, p=3, ceil_mode": (lambda x: ct.lp_pool1d(x, 3.0, 3, 1, True), numbers((1, 2, 5))),
}
every_case = pytest.mark.parametrize("name", CASES)


class Recorder(TorchDispatchMode):
    """The operators that run, and their arguments."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        self.calls.append((operator, args))
        return operator(*args, **(kwargs or {}))


# ---- values ----------------------------------------------------------------------------------------------------


LIKE_TORCH = {
    "conv1d": (lambda f, x: f.conv1d(x, torch.ones(4, 1, 3), torch.arange(4.0), 2, 1, 2, 2), (3, 2, 9)),
    "conv2d": (lambda f, x: f.conv2d(x, torch.ones(4, 2, 3, 2), None, (1, 2), "valid"), (3, 2, 9, 8)),
    "conv3d": (lambda f, x: f.conv3d(x, torch.ones(4, 2, 1, 3, 3), padding="same"), (2, 4, 5, 6)),
    "conv_transpose1d": (lambda f, x: f.conv_transpose1d(x, torch.ones(2, 3, 3), None, 3, 1, 2), (3, 2, 5)),
    "conv_transpose2d": (lambda f, x: f.conv_transpose2d(x, torch.ones(4, 2, 3, 3), None, 2, 1, 1, 2, 2), (1, 4, 5, 6)),
    "conv_transpose3d": (lambda f, x: f.conv_transpose3d(x, torch.ones(2, 3, 2, 1, 2)), (3, 2, 2, 3, 4)),
    "max_pool1d": (lambda f, x: f.max_pool1d(x, 3, 2, 1, 2), (3, 2, 9)),
    "max_pool2d": (lambda f, x: f.max_pool2d(x, 3, 2, 1, ceil_mode=True), (3, 2, 9, 8)),
    "max_pool3d": (lambda f, x: f.max_pool3d(x, 2), (3, 2, 4, 6, 5)),
    "avg_pool1d": (lambda f, x: f.avg_pool1d(x, 3, 2, 1, True, False), (3, 2, 8)),
    "avg_pool2d": (lambda f, x: f.avg_pool2d(x, 3, None, 1, False, True, 5), (3, 2, 9, 8)),
    "avg_pool3d": (lambda f, x: f.avg_pool3d(x, (1, 2, 3), 2), (3, 2, 4, 6, 5)),
    "lp_pool1d": (lambda f, x: f.lp_pool1d(x, 2, 3), (3, 2, 9)),
    "lp_pool2d": (lambda f, x: f.lp_pool2d(x, 2, 3, 2), (3, 2, 9, 8)),
    "adaptive_avg_pool1d": (lambda f, x: f.adaptive_avg_pool1d(x, 4), (3, 2, 9)),
    "adaptive_avg_pool2d": (lambda f, x: f.adaptive_avg_pool2d(x, (4, None)), (3, 2, 9, 8)),
    "adaptive_avg_pool3d": (lambda f, x: f.adaptive_avg_pool3d(x, 1), (3, 2, 4, 6, 5)),
    "adaptive_max_pool1d": (lambda f, x: f.adaptive_max_pool1d(x, 4), (3, 2, 9)),
    "adaptive_max_pool2d": (lambda f, x: f.adaptive_max_pool2d(x, (4, 3)), (3, 2, 9, 8)),
    "adaptive_max_pool3d": (lambda f, x: f.adaptive_max_pool3d(x, 2), (3, 2, 4, 6, 5)),
}


@pytest.mark.parametrize("name", LIKE_TORCH)
def test_a_call_to_torch_means_the_same_here(name):
    call, shape = LIKE_TORCH[name]
    results = []
    for module in (F, ct):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        y = call(module, x)
        results.append((y, *torch.autograd.grad((y * torch.arange(y.numel()).reshape(y.shape)).sum(), x)))
    torch.testing.assert_close(results[1], results[0], rtol=1e-5, atol=1e-4)


def test_indices_are_those_of_torch():
    x = numbers((2, 3, 7, 8))[0]
    for module in (F, ct):
        values, places = module.max_pool2d(x, 3, 2, 1, return_indices=True)
        assert torch.equal(x.flatten(2).gather(-1, places.flatten(2)), values.flatten(2))
        assert places.dtype == torch.int64 and not places.requires_grad
    assert torch.equal(places, F.max_pool2d(x, 3, 2, 1, return_indices=True)[1])
    assert torch.equal(ct.adaptive_max_pool2d(x, 3, True)[1], F.adaptive_max_pool2d(x, 3, True)[1])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_borders_have_the_bits_of_cconv(mode):
    x, weight = (t.detach() for t in numbers((2, 3, 6, 5), (4, 3, 3, 3)))
    expected = cconv.conv2d(x.numpy(), weight.numpy(), padding="same", stride=2, padding_mode=mode)
    assert np.array_equal(ct.conv2d(x, weight, stride=2, padding="same", padding_mode=mode), expected)
    expected = cconv.convolve(x.numpy(), weight[0, 0].numpy(), "same", boundary=mode, axes=(1, 3))
    assert np.array_equal(ct.convolve(x, weight[0, 0], "same", boundary=mode, axes=(1, 3)), expected)


def test_torch_has_names_of_borders_of_its_own():
    x, weight = numbers((1, 2, 5), (1, 2, 3))
    for ours, theirs in (("edge", "replicate"), ("wrap", "circular"), ("constant", "zeros")):
        same = ct.conv1d(x, weight, padding=1, padding_mode=ours), ct.conv1d(x, weight, padding=1, padding_mode=theirs)
        assert torch.equal(*same)


@pytest.mark.parametrize("dtype", [
    torch.bool, torch.uint8, torch.uint16, torch.int8, torch.int32, torch.int64, torch.uint64, torch.float16,
    torch.complex64,
], ids=str)  # fmt: skip
def test_types_that_have_no_gradients_too(dtype):
    x = (torch.arange(24).reshape(1, 2, 12) % 5).to(dtype)
    weight = torch.ones(3, 2, 3, dtype=dtype)
    expected = cconv.conv1d(x.numpy(), weight.numpy())
    y = ct.conv1d(x, weight)
    assert y.dtype == dtype and np.array_equal(y, expected)
    torch._dynamo.reset()
    assert torch.equal(torch.compile(ct.conv1d, backend="eager", fullgraph=True)(x, weight), y)
    mean = ct.avg_pool1d(x, 2)
    assert mean.dtype == (dtype if dtype.is_floating_point or dtype.is_complex else torch.float64)
    if not dtype.is_complex:
        assert np.array_equal(ct.max_pool1d(x, 3), cconv.max_pool1d(x.numpy(), 3))


# ---- derivatives -----------------------------------------------------------------------------------------------


@every_case
def test_first_derivatives(name):
    function, tensors = CASES[name]
    assert gradcheck(function, tensors)


@every_case
def test_second_derivatives(name):
    function, tensors = CASES[name]
    assert gradgradcheck(function, tensors)


def test_a_third_derivative():
    """Of sum(conv(x, w)**3), by hand: a scalar x and w make it (x w)**3."""
    x, weight = (torch.full(shape, value, dtype=torch.float64, requires_grad=True)
                 for shape, value in (((1, 1, 1), 2.0), ((1, 1, 1), 3.0)))  # fmt: skip
    grad = (ct.conv1d(x, weight) ** 3).sum()
    for expected in (3 * 4 * 27.0, 6 * 2 * 27.0, 6 * 27.0):
        grad = torch.autograd.grad(grad.sum(), x, create_graph=True)[0]
        assert grad.item() == expected


def test_only_what_is_needed_is_computed_and_kept():
    x, weight = numbers((1, 2, 5), (3, 2, 3))
    with Recorder() as recorder:
        ct.conv1d(x, weight.detach()).sum().backward()
        ct.max_pool1d(x.detach(), 2)
    names = [operator.name() for operator, _ in recorder.calls if operator.namespace == "cconv"]
    assert names == ["cconv::conv", "cconv::conv_input_grad", "cconv::extreme_pool"]
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.data_ptr()) or t, lambda t: t):
        ct.conv1d(x, weight.detach())
    assert saved == [weight.data_ptr()]


def test_bias_of_unbatched_layers():
    x, weight, bias = numbers((2, 4, 4), (3, 2, 2, 2), (3,))
    assert torch.autograd.grad(ct.conv2d(x, weight, bias).sum(), bias)[0].tolist() == [9.0] * 3


def test_nothing_in_nothing_out():
    for function, others in (
        (ct.conv2d, numbers((3, 2, 3, 3), (3,))), (ct.conv_transpose2d, numbers((2, 3, 3, 3), (3,))),
        (lambda x: ct.max_pool2d(x, 2), ()), (lambda x: ct.avg_pool2d(x, 2), ()), (lambda x: ct.lp_pool2d(x, 2, 2), ()),
        (lambda x, k: ct.convolve(x, k, axes=3), numbers((3,))),
    ):  # fmt: skip
        x = torch.empty(0, 2, 5, 5, dtype=torch.float64, requires_grad=True)
        grads = torch.autograd.grad(function(x, *others).sum(), (x, *others))
        assert [grad.shape for grad in grads] == [t.shape for t in (x, *others)]
        assert not any(grad.any() for grad in grads)


def test_gradients_of_half_precision():
    x, weight = numbers((1, 2, 6, 6), (3, 2, 3, 3), dtype=torch.float16)
    grads = torch.autograd.grad(ct.avg_pool2d(ct.conv2d(x, weight), 2).sum(), (x, weight))
    wider = [t.detach().double().requires_grad_() for t in (x, weight)]
    expected = torch.autograd.grad(F.avg_pool2d(F.conv2d(*wider), 2).sum(), wider)
    for grad, exact in zip(grads, expected, strict=True):
        assert grad.dtype == torch.float16
        torch.testing.assert_close(grad.double(), exact, rtol=2e-3, atol=2e-3)


# ---- modules ---------------------------------------------------------------------------------------------------


def test_a_module_has_the_parameters_of_torchs():
    theirs = torch.nn.Conv2d(2, 4, (3, 2), 2, 1, groups=2)
    ours = ct.Conv2d(2, 4, (3, 2), 2, 1, groups=2)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 2, 8, 7)
    torch.testing.assert_close(ours(x), theirs(x))
    bound = (1 * 3 * 2) ** -0.5
    ours.reset_parameters()
    assert 0.5 * bound < ours.weight.abs().max() <= bound and 0 < ours.bias.abs().max() <= bound
    assert ct.Conv1d(2, 4, 3, bias=False).bias is None
    assert "padding='causal'" in repr(ct.Conv1d(2, 4, 3, padding="causal"))


def test_a_module_learns():
    torch.manual_seed(0)
    net = torch.nn.Sequential(ct.Conv1d(1, 1, 4, padding="causal", padding_mode="edge", bias=False))
    taps, x = torch.tensor([[[0.5, 0.0, -1.0, 2.0]]]), torch.randn(4, 1, 50)
    wanted = ct.conv1d(x, taps, padding="causal", padding_mode="edge")
    step = torch.optim.SGD(net.parameters(), 0.3)
    for _ in range(40):
        step.zero_grad()
        F.mse_loss(net(x), wanted).backward()
        step.step()
    torch.testing.assert_close(net[0].weight.detach(), taps, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(("options", "message"), [
    (dict(groups=3), "groups=3 does not divide in_channels=2"),
    (dict(padding="most"), "padding='most' must be"),
    (dict(padding_mode="mirror"), "padding_mode='mirror' must be"),
    (dict(stride=0), "stride=0 must be at least 1"),
])  # fmt: skip
def test_modules_refuse_wrong_options_when_they_are_made(options, message):
    with pytest.raises(ValueError, match=message):
        ct.Conv2d(2, 4, 3, **options)


# ---- torch's own checks, compilation ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    """For each operator, arguments of calls of each rank: forward, backward and backward again."""
    with Recorder() as recorder:
        for function, tensors in CASES.values():
            grads = torch.autograd.grad(function(*tensors).abs().square().sum(), tensors, create_graph=True)
            torch.autograd.grad(sum(grad.abs().square().sum() for grad in grads), tensors)
        for pool in (ct.max_pool2d, ct.min_pool2d):
            pool(numbers((1, 2, 4, 4))[0].detach(), 2)
    found = {}
    for operator, args in recorder.calls:
        if operator.namespace == "cconv":
            tensors = [entry for entry in args if isinstance(entry, torch.Tensor)]
            found.setdefault((operator.name(), tensors[0].is_contiguous()), (operator, args))
    return found


def test_operators_pass_torchs_checks(recorded):
    names = {key[0].removeprefix("cconv::") for key in recorded}
    assert names == {
        "conv", "conv_input_grad", "conv_weight_grad", "conv_transpose", "conv_transpose_input_grad",
        "conv_transpose_weight_grad", "filter", "filter_input_grad", "filter_kernel_grad", "extreme_pool",
        "extreme_pool_with_indices", "adaptive_max_pool", "scatter", "avg_pool", "avg_pool_input_grad",
        "adaptive_avg_pool", "adaptive_avg_pool_input_grad", "lp_pool", "lp_pool_input_grad",
    }  # fmt: skip
    checked = set()
    for (name, *_), (operator, args) in recorded.items():
        fresh = [
            entry.detach().requires_grad_(entry.dtype.is_floating_point or entry.dtype.is_complex)
            if isinstance(entry, torch.Tensor) else entry for entry in args
        ]  # fmt: skip
        if name == "cconv::extreme_pool":
            fresh[0] = fresh[0].detach()
        # the costly checks once per operator; shapes, strides and types for tensors of other strides too
        checks = ("test_faketensor",) if name in checked else torch.library._OPCHECK_DEFAULT_UTILS
        torch.library.opcheck(operator, tuple(fresh), test_utils=checks)
        checked.add(name)


@pytest.mark.parametrize("name", [
    "conv2d, pairs, borders", "conv1d, same with a stride, groups, dilation, flipped", "conv1d, complex",
    "conv2d, channels last", "conv_transpose2d", "correlate, complex", "correlate, borders, axes, origin", "max_pool2d",
    "adaptive_max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "lp_pool2d",
])  # fmt: skip
def test_compiled_whole_with_gradients(name):
    function, tensors = CASES[name]
    torch._dynamo.reset()
    eager, compiled = function(*tensors), torch.compile(function, fullgraph=True, backend="aot_eager")(*tensors)
    assert torch.equal(eager, compiled) and eager.stride() == compiled.stride()
    for expected, got in zip(*(torch.autograd.grad(y.abs().sum(), tensors) for y in (eager, compiled)), strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("function", [
    lambda x: ct.conv2d(x, torch.ones(2, 2, 3, 3), padding="same", padding_mode="reflect"),
    lambda x: ct.conv_transpose2d(x, torch.ones(2, 2, 3, 3), stride=2),
    lambda x: ct.correlate(x, torch.ones(3, 3), "same", boundary="wrap", axes=(2, 3)),
    lambda x: ct.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    lambda x: ct.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    lambda x: ct.adaptive_avg_pool2d(x, (3, 2)),
])  # fmt: skip
def test_one_graph_serves_every_extent(function):
    torch._dynamo.reset()
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(function, fullgraph=True, backend=counter)
    for more in (0, 1, 4):
        x = torch.randn(2 + more, 2, 9 + more, 8 + more, requires_grad=True)
        for axis in (0, 2, 3):
            torch._dynamo.mark_dynamic(x, axis)
        y, expected = compiled(x), function(x)
        assert torch.equal(y, expected)
        grads = [torch.autograd.grad(t.square().sum(), x)[0] for t in (y, expected)]
        torch.testing.assert_close(*grads)
    assert counter.frame_count == 1


def test_exported_programs_keep_the_operators():
    class Net(torch.nn.Module):
        def forward(self, x, weight):
            return ct.max_pool2d(ct.conv2d(x, weight, padding="causal", padding_mode="edge").relu(), 2)

    args = tuple([t.detach() for t in numbers((2, 3, 8, 8), (4, 3, 3, 3))])
    program = torch.export.export(Net(), args)
    assert {"cconv.conv.default", "cconv.extreme_pool.default"} <= {str(node.target) for node in program.graph.nodes}
    assert torch.equal(program.module()(*args), Net()(*args))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of torch.jit
def test_compiled_by_inductor():
    function, tensors = CASES["conv2d, channels last"]
    compiled = torch.compile(lambda x, w: (function(x * 2, w) + 1).relu(), fullgraph=True)(*tensors)
    expected = (function(tensors[0] * 2, tensors[1]) + 1).relu()
    torch.testing.assert_close(compiled, expected)
    grads = [torch.autograd.grad(y.square().sum(), tensors) for y in (compiled, expected)]
    torch.testing.assert_close(*grads)


# ---- memory ----------------------------------------------------------------------------------------------------

VIEWS = {
    "contiguous": lambda x: x,
    "every other": lambda x: x[:, :, ::2, 1:],
    "transposed": lambda x: x.transpose(2, 3),
    "expanded": lambda x: x[:1, :1].expand(3, 4, -1, -1),
    "channels last": channels_last,
    "a parameter": torch.nn.Parameter,
}


@pytest.mark.parametrize("how", VIEWS)
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d", "lp_pool2d", "convolve"])
def test_tensors_are_viewed_not_copied(name, how, monkeypatch):
    x = VIEWS[how](torch.rand(2, 4, 8, 6))
    seen = []
    original = getattr(cconv, name)

    def spy(input, *args, **options):
        result = original(input, *args, **options)
        seen.append((input, result[0] if isinstance(result, tuple) else result))
        return result

    monkeypatch.setattr(cconv, name, spy)
    arguments = {"conv2d": (torch.rand(3, 4, 3, 3),), "conv_transpose2d": (torch.rand(4, 3, 3, 3),),
                 "lp_pool2d": (2, 2), "convolve": (torch.rand(2, 2, 2, 2), "full")}  # fmt: skip
    options = {"axes": (1, 2, 3)} if name == "convolve" else {}
    if name == "convolve":
        arguments["convolve"] = (torch.rand(2, 2, 2),)
    y = getattr(ct, name)(x, *arguments.get(name, (2,)), **options)
    ((array, result),) = seen
    assert array.__array_interface__["data"][0] == x.data_ptr() and y.data_ptr() == result.ctypes.data
    assert sorted(array.strides) == sorted(stride * 4 for stride in x.stride())
    if name != "convolve":
        assert y.is_contiguous(memory_format=torch.channels_last) == (how == "channels last")


@pytest.mark.parametrize("how", ["contiguous", "every other", "channels last"])
def test_layers_allocate_what_they_return(how):
    x = VIEWS[how](torch.rand(2, 8, 256, 257)).requires_grad_()
    weight = torch.rand(1, 8, 3, 3, requires_grad=True)
    ct.max_pool2d(ct.conv2d(x, weight, padding=1, padding_mode="reflect"), 4).sum().backward()
    x.grad = None
    tracemalloc.start()
    try:
        with Recorder() as recorder:
            y = ct.max_pool2d(ct.conv2d(x, weight, padding=1, padding_mode="reflect"), 4)
            forward = tracemalloc.get_traced_memory()[1]
            y.sum().backward()
    finally:
        tracemalloc.stop()
    assert forward < 0.5 * x.nbytes
    copies = {"aten::clone", "aten::copy_", "aten::_to_copy", "aten::contiguous"}
    assert not copies & {operator.name().split(".")[0] for operator, _ in recorder.calls}


# ---- errors ----------------------------------------------------------------------------------------------------

X, W = torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3)
WRONG = {
    "an array": (lambda x: ct.conv2d(np.ones((1, 2, 5, 5)), W), TypeError, "input is a ndarray; .* a torch.Tensor"),
    "a meta tensor": (lambda x: ct.conv2d(W.to("meta"), W), TypeError, "input is on device 'meta'; .* by .cpu"),
    "a sparse weight": (lambda x: ct.conv2d(x, W.to_sparse()), TypeError, "weight has layout torch.sparse_coo"),
    "bfloat16": (lambda x: ct.max_pool2d(x.bfloat16(), 2), TypeError, "input has dtype torch.bfloat16; supported"),
    "two types": (lambda x: ct.conv2d(x, W.double()), TypeError, "weight has dtype torch.float64, input torch.float32"),
    "a type of bias": (lambda x: ct.conv2d(x, W, torch.ones(3).int()), TypeError, "bias has dtype torch.int32, input"),
    "channels": (lambda x: ct.conv2d(x[:, :1], W), ValueError, r"input of shape \(1, 1, 5, 5\) has 1 channels"),
    "axes": (lambda x: ct.conv1d(x, W), ValueError, "input has 4 axes"),
    "a kernel too large": (lambda x: ct.conv2d(x[:, :, :2], W), ValueError, "the kernel covers 3 samples"),
    "a stride": (lambda x: ct.conv2d(x, W, stride=0), ValueError, "stride=0 must be at least 1"),
    "a float": (lambda x: ct.conv2d(x, W, dilation=1.5), TypeError, "dilation=1.5 holds a float"),
    "a padding": (lambda x: ct.conv2d(x, W, padding="best"), ValueError, "padding='best' must be .*'causal'"),
    "a border": (lambda x: ct.conv2d(x, W, padding_mode="mirror"), ValueError, "padding_mode='mirror' must be"),
    "a method": (lambda x: ct.conv2d(x, W, method="gemm"), ValueError, "method='gemm' must be one of"),
    "output_padding": (lambda x: ct.conv_transpose2d(x, W.transpose(0, 1), None, 2, 0, 3), ValueError, "output_pad"),
    "a window": (lambda x: ct.max_pool2d(x, 0), ValueError, "kernel_size=0 must be at least 1"),
    "a window in the padding": (lambda x: ct.max_pool2d(x, 2, padding=3), ValueError, "padding=.* leaves a window"),
    "a norm": (lambda x: ct.lp_pool2d(x, 0, 2), ValueError, "norm_type=0 must be a finite number above 0"),
    "windows": (lambda x: ct.adaptive_avg_pool2d(x, (1, 2, 3)), ValueError, r"output_size=\(1, 2, 3\) must be"),
    "a mode": (lambda x: ct.convolve(x, W, "most"), ValueError, "mode='most' must be one of"),
    "too many taps": (lambda x: ct.convolve(x[0, 0], torch.ones(7, 1), "valid"), ValueError, "kernel has 7 taps"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_named(name):
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call(X)


@pytest.mark.parametrize("name", ["channels", "a kernel too large", "a padding", "a border", "a window in the padding"])
def test_graphs_with_wrong_arguments_are_not_made(name):
    call, _, message = WRONG[name]
    torch._dynamo.reset()
    ran = []

    def backend(graph, inputs):
        return lambda *args: ran.append(args)

    with pytest.raises(Exception, match=message):
        torch.compile(call, backend=backend, fullgraph=True)(X)
    assert not ran
    with torch._subclasses.FakeTensorMode(allow_non_fake_inputs=True) as mode, pytest.raises(ValueError, match=message):
        call(mode.from_tensor(X))


# ---- the package -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ct.__all__)
def test_functions_are_documented_and_their_examples_run(name):
    function = getattr(ct, name)
    text = inspect.getdoc(function)
    assert text.splitlines()[0].endswith(".") and function.__module__.startswith("cconv.torch")
    section = text.split("Parameters\n", 1)[1].split("Returns\n")[0].split("Raises\n")[0]
    described = {entry for names in re.findall(r"^(\w+(?:, \w+)*)(?: :|$)", section, re.MULTILINE)
                 for entry in names.split(", ")}  # fmt: skip
    assert set(inspect.signature(function).parameters) <= described
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert len(test.examples) >= 2 and not doctest.DocTestRunner().run(test).failed


def test_the_examples_of_the_page_run():
    page = pathlib.Path(__file__).parents[1] / "docs" / "torch.md"
    if not page.is_file():
        pytest.skip("the tests are not in the source tree")
    text = page.read_text(encoding="utf-8").replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, "torch.md", str(page), 0)
    assert len(test.examples) > 12 and not doctest.DocTestRunner().run(test).failed


def test_names_of_every_rank():
    assert ct.__all__ == sorted(ct.__all__)
    assert {re.sub(r"\dd$", "", name) for name in ct.__all__} == {
        "Conv", "conv", "conv_transpose", "max_pool", "min_pool", "avg_pool", "lp_pool", "adaptive_avg_pool",
        "adaptive_max_pool", "convolve", "correlate",
    }  # fmt: skip
    assert len(ct.__all__) == 9 * 3 + 2
