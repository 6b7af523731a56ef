"""examples/: each runs in a small form; detectors answer what is known; networks are torch's, forward and backward."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from cconv import nn

EXAMPLES = Path(__file__).parents[1] / "examples"
if not EXAMPLES.is_dir():
    pytest.skip("the tests are not in the source tree", allow_module_level=True)


@pytest.fixture
def example(monkeypatch):
    """A function that imports an example by its name, as if its directory were the current one."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.modules.pop("training_step", None)


def test_every_example_says_what_it_is_and_has_a_main():
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""') and '__name__ == "__main__"' in text, path.name
        assert "def main(small=False" in text or path.stem == "training_step", path.name


def test_bump_and_line_detectors(example, capsys):
    response, maps = example("detectors").main(small=True)
    np.testing.assert_array_equal(response, [0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(maps[0], [[0, 0, 3, 3, 0, 0]] * 6)
    np.testing.assert_array_equal(maps[1], [[0, 1, 2, 2, 1, 0]] * 6)
    shown = capsys.readouterr().out
    assert shown.count("  0   0   3   3   0   0\n") == 6 and "  0   0   1   1   0   0\n" in shown


def test_lenet_in_small(example, tmp_path, capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    module = example("lenet_digits")
    right, history = module.main(small=True, directory=tmp_path)
    assert right > 0.85 and history.loss[-1] < history.loss[0]
    for name in ("lenet-learning.png", "lenet-filters.png", "lenet-maps.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert "61,706 parameters" in capsys.readouterr().out


def test_lenet_reaches_98_percent(example):
    """As the example does it, on the quarter held out."""
    pytest.importorskip("sklearn")
    module = example("lenet_digits")
    model, history, (images, labels) = module.learn()
    assert len(labels) == 1797 // 4
    assert nn.accuracy(model.predict(images), labels) >= 0.98
    assert history.validation_accuracy[-1] >= 0.98


@pytest.mark.parametrize("size", [8, 5])
def test_digits_are_enlarged_linearly(example, rng, size):
    """Whole multiples of the distance between pixels, checked with numpy.interp along each axis."""
    image = rng.random((1, size, size), np.float32)
    got = example("lenet_digits").enlarged(image)[0, 0]
    places = (np.arange(4 * size) - 1.5) / 4
    padded = np.pad(image[0], 1)

    def interpolated(line):
        return np.interp(places, np.arange(-1, size + 1), line)

    want = np.apply_along_axis(interpolated, 1, np.apply_along_axis(interpolated, 0, padded))
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet"])
def test_networks_in_small(example, capsys, name):
    example(name).main(small=True)
    assert re.search(r"2 random images: loss \d+\.\d\d; forward \d+ ms, backward \d+ ms", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [("alexnet", "alexnet", 61_100_840), ("googlenet", "googlenet", 6_624_904), ("resnet", "resnet18", 11_689_512),
     ("resnet", "resnet50", 25_557_032)],
)  # fmt: skip
def test_parameter_counts_are_the_published_ones(example, name, function, count):
    model = getattr(example(name), function)()
    assert model.parameter_count() == count
    assert f"{count:,} parameters" in model.summary()


# ---- against torch -----------------------------------------------------------------------------------------


def networks(example, torch, name, dtype):
    """(ours, torch's) of a name, with small images."""
    import torch_networks as theirs

    plain = dict(classes=10, dtype=dtype)
    if name == "inception":
        block = example("googlenet").inception(8, 6, 12, 4, 8, 8)
        return nn.Sequential([block], input_shape=(16, 9, 9), dtype=dtype), theirs.Inception(16, 8, 6, 12, 4, 8, 8)
    if name == "alexnet":
        ours = example("alexnet").alexnet(hidden=512, dropout=0.0, image=95, **plain)
        return ours, theirs.alexnet(10, 512)
    if name == "googlenet":
        return example("googlenet").googlenet(dropout=0.0, image=49, **plain), theirs.googlenet(10)
    counts, deep = {"resnet18": ((2, 2, 2, 2), False), "resnet50": ((3, 4, 6, 3), True)}[name]
    return getattr(example("resnet"), name)(image=33, **plain), theirs.resnet(10, counts, deep)


def relative(got, want):
    return np.linalg.norm(got - want) / max(np.linalg.norm(want), 1e-30)


def same_parameters(torch, rng, ours, theirs, scales, shifts):
    """Give both networks the same random ones, of batch normalisation in these ranges: no two channels are alike.

    Returns [(path, layer, name, tensor)].
    """
    theirs.to(torch.float64 if ours.dtype == np.float64 else torch.float32)
    parameters, tensors = ours.parameters(), list(theirs.parameters())
    assert len(parameters) == len(tensors)
    for (path, layer, key), tensor in zip(parameters, tensors, strict=True):
        assert layer.params[key].shape == tuple(tensor.shape), path
        if isinstance(layer, nn.BatchNorm):
            layer.params[key][...] = rng.uniform(*(scales if key == "weight" else shifts), tensor.shape)
        elif key == "bias":
            layer.params[key][...] = 0.1 * rng.standard_normal(tensor.shape)
        tensor.data = torch.from_numpy(layer.params[key].copy())
    return [(*parameter, tensor) for parameter, tensor in zip(parameters, tensors, strict=True)]


def passed(torch, rng, ours, theirs, batch=4):
    """Both outputs and both gradients of the input, after passes with cross-entropy where there are scores."""
    x = rng.standard_normal((batch, *ours.input_shape)).astype(ours.dtype)
    tensor = torch.from_numpy(x).requires_grad_()
    want = theirs(tensor)
    got = ours.forward(x, training=True)
    if got.ndim == 2:
        labels = rng.integers(0, got.shape[1], batch)
        loss, grad = nn.cross_entropy(got, labels)
        wanted = torch.nn.functional.cross_entropy(want, torch.from_numpy(labels))
        wanted.backward()
        assert abs(loss - wanted.item()) <= 1e-4 * wanted.item()
    else:
        grad = rng.standard_normal(got.shape).astype(ours.dtype)
        want.backward(torch.from_numpy(grad))
    return (got, want.detach().numpy()), (ours.backward(grad), tensor.grad.numpy())


NETWORKS = pytest.mark.parametrize("name", ["inception", "alexnet", "googlenet", "resnet18", "resnet50"])


@NETWORKS
def test_networks_are_torch_s_in_double_precision(example, rng, name):
    """The same weights give the same outputs, gradients of every parameter, running means; the same again in use."""
    torch = pytest.importorskip("torch")
    ours, theirs = networks(example, torch, name, "float64")
    parameters = same_parameters(torch, rng, ours, theirs, (0.5, 1.5), (-0.2, 0.2))
    for got, want in passed(torch, rng, ours, theirs):
        assert relative(got, want) <= 1e-10
    for path, layer, key, tensor in parameters:
        assert relative(layer.grads[key], tensor.grad.numpy()) <= 1e-10, path
    states = [layer.state for _, layer in ours.layers_with_names() if layer.state]
    norms = [module for module in theirs.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for state, norm in zip(states, norms, strict=True):
        assert relative(state["running_mean"], norm.running_mean.numpy()) <= 1e-10
        assert relative(state["running_var"], norm.running_var.numpy()) <= 1e-10
    x = rng.standard_normal((2, *ours.input_shape))
    with torch.no_grad():
        assert relative(ours.predict(x), theirs.eval()(torch.from_numpy(x)).numpy()) <= 1e-10


@NETWORKS
def test_networks_are_torch_s_in_single_precision(example, name):
    """Outputs relative to 1e-4, and the gradients of the input and of all parameters, by norms.

    A relu whose argument rounding moves across 0, or a maximum that it moves to a neighbour, is a step in all
    gradients before it, of 1e-3 and more, in torch as here. Batch normalisation is set to keep most arguments away from
    0; then about one try in four meets such a step, and of four tries one has to meet none.
    """
    torch = pytest.importorskip("torch")
    errors = []
    for seed in range(4):
        rng = np.random.default_rng([seed, 7])
        ours, theirs = networks(example, torch, name, "float32")
        parameters = same_parameters(torch, rng, ours, theirs, (0.3, 0.6), (1, 3))
        output, grad = passed(torch, rng, ours, theirs)
        assert relative(*output) <= 1e-4
        got = np.concatenate([layer.grads[key].ravel() for _, layer, key, _ in parameters])
        want = np.concatenate([tensor.grad.numpy().ravel() for *_, tensor in parameters])
        errors.append(max(relative(*grad), relative(got, want)))
        if errors[-1] <= 1e-4:
            return
    raise AssertionError(f"gradients are off by {errors}")
