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


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["inception", "alexnet", "googlenet", "resnet18", "resnet50"])
def test_networks_are_torch_s(example, rng, name, dtype, training):
    """The same weights give the same outputs, losses, gradients and running means.

    In double precision relative to 1e-10, by norms; in single precision to 1e-4. There batch normalisation keeps
    most of what reaches a relu away from 0: a sign that rounding turns over is a step in the gradients of all layers
    before it, of 1e-3 and more, in torch as here.
    """
    torch = pytest.importorskip("torch")
    allowed = 1e-4 if dtype == "float32" else 1e-10
    ours, theirs = networks(example, torch, name, dtype)
    theirs = theirs.to(getattr(torch, dtype)).train(training)
    parameters, tensors = ours.parameters(), list(theirs.parameters())
    assert len(parameters) == len(tensors)
    for (path, layer, key), tensor in zip(parameters, tensors, strict=True):
        assert layer.params[key].shape == tuple(tensor.shape), path
        if isinstance(layer, nn.BatchNorm):  # no two channels are alike
            low, high = {"weight": (0.3, 0.6), "bias": (1, 3)}[key] if dtype == "float32" else (0.5, 1.5)
            layer.params[key][...] = rng.uniform(low, high, tensor.shape)
        elif key == "bias":
            layer.params[key][...] = 0.1 * rng.standard_normal(tensor.shape)
        tensor.data = torch.from_numpy(layer.params[key].copy())
    states = [layer.state for _, layer in ours.layers_with_names() if layer.state]
    norms = [module for module in theirs.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    x = rng.standard_normal((4, *ours.input_shape)).astype(dtype)
    tensor = torch.from_numpy(x).requires_grad_()
    want = theirs(tensor)
    got = ours.forward(x, training=training)
    assert relative(got, want.detach().numpy()) <= allowed
    if not training:
        return
    for state, norm in zip(states, norms, strict=True):
        assert relative(state["running_mean"], norm.running_mean.numpy()) <= allowed
        assert relative(state["running_var"], norm.running_var.numpy()) <= allowed
    if got.ndim == 2:
        labels = rng.integers(0, 10, 4)
        loss, grad = nn.cross_entropy(got, labels)
        wanted = torch.nn.functional.cross_entropy(want, torch.from_numpy(labels))
        wanted.backward()
        assert abs(loss - wanted.item()) <= allowed * wanted.item()
    else:
        grad = rng.standard_normal(got.shape).astype(dtype)
        want.backward(torch.from_numpy(grad))
    grad_input = ours.backward(grad)
    assert relative(grad_input, tensor.grad.numpy()) <= allowed
    for (path, layer, key), parameter in zip(parameters, tensors, strict=True):
        assert relative(layer.grads[key], parameter.grad.numpy()) <= allowed, path
