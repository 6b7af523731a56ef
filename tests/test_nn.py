"""cconv.nn: every layer's gradients by central differences, training against torch, files, tables, errors.

Central differences: with a loss L, (L(a + h d) - L(a - h d)) / 2h is <gradient, d> but for terms in h ** 2, for a
random direction d of any array a that L depends on.
"""

import doctest
import importlib
import io
import math
import re
import sys

import numpy as np
import pytest

import cconv
from cconv import nn

STEP = 1e-6


def built(*layers, input_shape, seed=0, dtype=np.float64):
    return nn.Sequential(layers, input_shape=input_shape, seed=seed, dtype=dtype)


def slope(loss, array, direction):
    """The derivative of ``loss()`` as `array` moves."""
    kept = array.copy()
    array += STEP * direction
    high = loss()
    array[...] = kept - STEP * direction
    low = loss()
    array[...] = kept
    return (high - low) / (2 * STEP)


def check_gradients(rng, model, x, loss):
    """`loss` takes the output and gives (value, gradient); dropout and rrelu draw the same in every pass."""
    seeds = [layer for _, layer in model.layers_with_names() if hasattr(layer, "rng")]
    states = [layer.rng.bit_generator.state for layer in seeds]

    def passed():
        for layer, state in zip(seeds, states, strict=True):
            layer.rng.bit_generator.state = state
        return loss(model.forward(x, training=True))

    _, grad = passed()
    grad_input = model.backward(grad)
    assert grad_input.shape == x.shape
    arrays = [("input", x, grad_input)]
    arrays += [(path, layer.params[name], layer.grads[name]) for path, layer, name in model.parameters()]
    for path, array, grad in arrays:
        assert grad.shape == array.shape and grad.dtype == array.dtype, path
        for _ in range(3):
            direction = rng.standard_normal(array.shape)
            want = slope(lambda: passed()[0], array, direction)
            got = np.vdot(grad, direction)
            assert abs(got - want) <= 1e-7 * (abs(want) + np.linalg.norm(grad) + 0.1), (path, got, want)


def projected(rng, shape):
    """A loss that is linear in the output."""
    g = rng.standard_normal(shape)
    return lambda output: (float(np.vdot(output, g)), g)


# ---- layers ------------------------------------------------------------------------------------------------

LAYERS = [
    (nn.Conv1d(4, 3, stride=2, padding=1, activation="relu"), (3, 9)),
    (nn.Conv2d(6, (3, 2), padding="same", padding_mode="reflect", groups=3, activation="leaky_relu"), (3, 5, 6)),
    (nn.Conv2d(4, 3, bias=False, dilation=2, initialiser=nn.glorot_uniform), (3, 7, 6)),
    (nn.Conv3d(2, 2, padding=((0, 1), (1, 0), (0, 0))), (2, 3, 4, 3)),
    (nn.ConvTranspose1d(4, 3, stride=2, output_padding=1), (2, 5)),
    (nn.ConvTranspose2d(4, 3, stride=2, padding=1, groups=2, bias=False), (2, 4, 5)),
    (nn.ConvTranspose3d(2, 2, stride=(1, 2, 2)), (3, 2, 3, 2)),
    (nn.MaxPool1d(3, stride=2, padding=1), (2, 9)),
    (nn.MaxPool2d(3, stride=2, ceil_mode=True), (2, 6, 7)),
    (nn.MaxPool3d(2), (2, 4, 4, 5)),
    (nn.AvgPool1d(2), (2, 7)),
    (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (2, 6, 7)),
    (nn.AvgPool3d(2, stride=1), (2, 3, 4, 3)),
    (nn.AdaptiveAvgPool1d(3), (2, 8)),
    (nn.AdaptiveAvgPool2d((3, None)), (2, 7, 4)),
    (nn.AdaptiveAvgPool3d(2), (2, 3, 4, 5)),
    (nn.AdaptiveMaxPool1d(3), (2, 8)),
    (nn.AdaptiveMaxPool2d((2, 3)), (2, 7, 5)),
    (nn.AdaptiveMaxPool3d(2), (2, 3, 4, 5)),
    (nn.GlobalAvgPool(), (3, 4, 5)),
    (nn.GlobalMaxPool(), (3, 4)),
    (nn.Dense(5, activation="leaky_relu"), (7,)),
    (nn.Dense(5, bias=False, initialiser=nn.he_uniform), (7,)),
    (nn.Flatten(), (2, 3, 4)),
    (nn.BatchNorm(), (3, 4, 5)),
    (nn.BatchNorm(momentum=0.5, eps=0.01), (6,)),
    (nn.Dropout(0.3), (4, 5)),
    (nn.PReLU(), (3, 4, 5)),
    *((nn.Activation(name), (4, 6)) for name in (
        "identity", "relu", "leaky_relu", "rrelu", "elu", "sigmoid", "tanh", "softmax", "log_softmax")),
    (nn.Activation("maxout", pool_size=2), (4, 6)),
    (nn.Activation("elu", alpha=0.5), (4, 6)),
    (nn.Residual([nn.Conv2d(3, 3, padding=1), nn.BatchNorm()]), (3, 4, 5)),
    (nn.Residual(nn.Conv2d(4, 3, stride=2, padding=1), nn.Conv2d(4, 1, stride=2), activation=None), (3, 5, 6)),
    (nn.Concat([nn.Conv1d(2, 1), [nn.Conv1d(3, 3, padding=1), nn.Activation("tanh")], nn.MaxPool1d(1)]), (3, 6)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: repr(value) if "(" in repr(value)[1:] else "")
def test_gradients_of_layers(rng, layer, shape):
    model = built(layer, input_shape=shape)
    x = rng.standard_normal((3, *shape))
    output = model.forward(x, training=True)
    assert output.shape[1:] == model.output_shape and output.dtype == np.float64
    check_gradients(rng, model, x, projected(rng, output.shape))


def test_gradients_of_a_whole_network(rng):
    """Every kind of layer in one, down to the labels."""
    model = built(
        nn.Conv2d(6, 3, padding=1, bias=False), nn.BatchNorm(), nn.Activation("elu"), nn.MaxPool2d(2),
        nn.Residual([nn.Conv2d(6, 3, padding=1, activation="relu"), nn.Conv2d(6, 3, padding=1), nn.BatchNorm()]),
        nn.Concat([nn.Conv2d(3, 1), [nn.Conv2d(2, 3, padding=1), nn.PReLU()], nn.AvgPool2d(3, stride=1, padding=1)]),
        nn.ConvTranspose2d(4, 2, stride=2), nn.Dropout(0.2), nn.AdaptiveAvgPool2d(3), nn.Flatten(),
        nn.Dense(8, activation="relu"), nn.Dense(4), input_shape=(2, 8, 8),
    )  # fmt: skip
    x, labels = rng.standard_normal((5, 2, 8, 8)), rng.integers(0, 4, 5)
    check_gradients(rng, model, x, lambda output: nn.cross_entropy(output, labels))


@pytest.mark.parametrize("needs", [True, False])
def test_what_is_not_needed_is_not_computed(rng, needs):
    """The gradient of the input, of the first layer only; those of parameters are the same."""
    model = built(nn.Conv2d(3, 3), nn.Activation("tanh"), nn.Conv2d(2, 2), input_shape=(2, 6, 6))
    x = rng.standard_normal((2, 2, 6, 6))
    grad = np.ones_like(model.forward(x, training=True))
    assert (model.backward(grad, needs_input=needs) is not None) == needs
    want = cconv.conv2d_backward(grad, np.tanh(cconv.conv2d(x, **params(model[0]))), model[2].params["weight"])
    np.testing.assert_allclose(model[2].grads["weight"], want.weight, rtol=1e-12)


def params(layer):
    return dict(weight=layer.params["weight"], bias=layer.params["bias"])


def test_a_fully_connected_layer_is_a_convolution_of_the_whole_map(rng):
    """Forward and backward, and on a larger image the convolution slides: one dense layer for every place."""
    dense = built(nn.Flatten(), nn.Dense(7), input_shape=(3, 5, 4))
    whole = built(nn.Conv2d(7, (5, 4)), input_shape=(3, 5, 4))
    whole[0].params["weight"][...] = dense[1].params["weight"].reshape(7, 3, 5, 4)
    whole[0].params["bias"][...] = dense[1].params["bias"][...] = rng.standard_normal(7)
    x = rng.standard_normal((6, 3, 5, 4))
    want, got = dense.forward(x, training=True), whole.forward(x, training=True)
    assert got.shape == (6, 7, 1, 1)
    np.testing.assert_allclose(got[:, :, 0, 0], want, rtol=1e-12, atol=1e-12)
    grad = rng.standard_normal((6, 7))
    np.testing.assert_allclose(whole.backward(grad[:, :, None, None]), dense.backward(grad), rtol=1e-12, atol=1e-12)
    got = whole[0].grads["weight"].reshape(7, -1)
    np.testing.assert_allclose(got, dense[1].grads["weight"], rtol=1e-12, atol=1e-12)
    large = rng.standard_normal((1, 3, 6, 9))
    got = whole.forward(large)
    assert got.shape == (1, 7, 2, 6)
    np.testing.assert_allclose(got[:, :, 1, 3], dense.forward(large[:, :, 1:6, 3:7]), rtol=1e-12, atol=1e-12)


def test_dropout_keeps_the_mean_and_does_nothing_in_use(rng):
    model = built(nn.Dropout(0.25), input_shape=(100,))
    x = np.ones((200, 100))
    got = model.forward(x, training=True)
    assert set(np.unique(got)) == {0.0, np.float64(1 / 0.75)}
    assert abs(got.mean() - 1) < 0.02
    assert not np.array_equal(model.forward(x, training=True), got)
    np.testing.assert_array_equal(model.predict(x), x)


def test_batch_norm_learns_mean_and_variance(rng):
    model = built(nn.BatchNorm(momentum=0.5), input_shape=(3, 8))
    x = rng.standard_normal((50, 3, 8)) * [[2.0], [1.0], [0.1]] + [[5.0], [0.0], [-1.0]]
    for _ in range(30):
        got = model.forward(x, training=True)
    np.testing.assert_allclose(got.mean((0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(got.var((0, 2)), 1, rtol=2e-3)
    np.testing.assert_allclose(model[0].state["running_mean"], x.mean((0, 2)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(model[0].state["running_var"], x.var((0, 2), ddof=1), rtol=1e-6)
    np.testing.assert_allclose(model.predict(x), got, atol=0.02)


@pytest.mark.parametrize(
    ("initialiser", "variance"),
    [(nn.he_normal, 2 / 300), (nn.he_uniform, 2 / 300), (nn.glorot_normal, 2 / 500), (nn.glorot_uniform, 2 / 500)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_initialisers(rng, initialiser, variance, dtype):
    weight = initialiser(rng, (200, 300), 300, 200, np.dtype(dtype))
    assert weight.dtype == dtype and weight.shape == (200, 300)
    assert abs(weight.mean()) < 0.02 * math.sqrt(variance)
    assert abs(weight.var() / variance - 1) < 0.03
    if "uniform" in initialiser.__name__:
        assert abs(weight).max() <= math.sqrt(3 * variance)


def test_fans_are_those_of_the_sums():
    """What a layer tells its initialiser: products per output, outputs per input."""
    seen = []

    def watch(rng, shape, fan_in, fan_out, dtype):
        seen.append((shape, fan_in, fan_out))
        return np.zeros(shape, dtype)

    built(nn.Conv2d(8, 3, groups=2, initialiser=watch), input_shape=(4, 9, 9))
    built(nn.ConvTranspose1d(6, 5, initialiser=watch), input_shape=(4, 9))
    built(nn.Dense(10, initialiser=watch), input_shape=(7,))
    assert seen == [((8, 2, 3, 3), 18, 36), ((4, 6, 5), 20, 30), ((10, 7), 7, 10)]


# ---- losses and optimisers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2, 3)])
def test_losses_are_torch_s(rng, shape):
    torch = pytest.importorskip("torch")
    logits = 10 * rng.standard_normal(shape)
    labels = rng.integers(0, 4, (shape[0], *shape[2:]))
    target = rng.standard_normal(shape)
    for ours, theirs, other in (
        (nn.cross_entropy, "cross_entropy", labels), (nn.mean_squared_error, "mse_loss", target)
    ):  # fmt: skip
        tensor = torch.from_numpy(logits).requires_grad_()
        want = getattr(torch.nn.functional, theirs)(tensor, torch.from_numpy(other))
        want.backward()
        loss, grad = ours(logits, other)
        np.testing.assert_allclose(loss, want.item(), rtol=1e-12)
        np.testing.assert_allclose(grad, tensor.grad.numpy(), rtol=1e-10, atol=1e-15)
        tensor.grad = None


def test_cross_entropy_of_large_scores_overflows_nowhere():
    loss, grad = nn.cross_entropy(np.float32([[1e4, -1e4], [-1e4, 1e4]]), [0, 0])
    assert loss == 1e4
    np.testing.assert_array_equal(grad, [[0, 0], [-0.5, 0.5]])
    assert nn.accuracy(np.float32([[1, 2], [3, 1]]), [1, 1]) == 0.5


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (nn.SGD(0.1), "SGD", dict(lr=0.1)),
        (nn.SGD(0.05, momentum=0.9, weight_decay=0.1), "SGD", dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
        (nn.Adam(0.01), "Adam", dict(lr=0.01)),
        (nn.Adam(0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1), "Adam",
         dict(lr=0.02, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1)),
    ],
)  # fmt: skip
def test_optimisers_are_torch_s(rng, ours, theirs, options):
    torch = pytest.importorskip("torch")
    model = built(nn.Dense(3), input_shape=(4,))
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in model[0].params.values()]
    optimiser = getattr(torch.optim, theirs)(tensors, **options)
    for _ in range(20):
        for tensor, (name, array) in zip(tensors, model[0].params.items(), strict=True):
            grad = rng.standard_normal(array.shape)
            model[0].grads[name], tensor.grad = grad, torch.from_numpy(grad.copy())
        optimiser.step()
        ours.step(model)
    for tensor, array in zip(tensors, model[0].params.values(), strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-12)


# ---- learning ----------------------------------------------------------------------------------------------


def spots(rng, count):
    """Small images with a spot in one of four quarters, and which."""
    labels = rng.integers(0, 4, count)
    images = 0.3 * rng.standard_normal((count, 1, 8, 8))
    for image, label in zip(images, labels, strict=True):
        row, column = 4 * (label // 2), 4 * (label % 2)
        image[0, row + 1 : row + 3, column + 1 : column + 3] += 1.5
    return images, labels


def small_network(seed=0):
    return nn.Sequential(
        [nn.Conv2d(4, 3, activation="relu"), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Dense(4)],
        input_shape=(1, 8, 8), seed=seed,
    )  # fmt: skip


@pytest.mark.parametrize("optimiser", [lambda: nn.Adam(0.01), lambda: nn.SGD(0.05, momentum=0.9)])
def test_fit_learns(rng, optimiser):
    x, y = spots(rng, 300)
    model = small_network()
    assert model[0].params["weight"].dtype == np.float32
    validation = spots(rng, 60)
    history = model.fit(x, y, epochs=8, batch_size=25, optimiser=optimiser(), validation=validation, progress=False)
    assert len(history.step_loss) == 8 * 12
    assert len(history.loss) == len(history.accuracy) == len(history.validation_loss) == 8
    assert history.validation_accuracy[-1] >= 0.95 and history.loss[-1] < 0.3 * history.loss[0]
    assert nn.accuracy(model.predict(validation[0]), validation[1]) == history.validation_accuracy[-1]


def test_fit_is_the_same_for_the_same_seeds_and_any_number_of_threads(rng):
    x, y = spots(rng, 64)
    networks = []
    for seed, threads in ((3, 1), (3, 3), (4, 1)):
        model = small_network(seed)
        with cconv.num_threads(threads):
            model.fit(x, y, epochs=2, seed=7, progress=False)
        networks.append(model)
    weights = [[layer.params[name] for _, layer, name in model.parameters()] for model in networks]
    for one, other, third in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
        assert not np.array_equal(one, third)


def test_fit_of_a_regression(rng):
    """A linear map of two features, found."""
    x = rng.standard_normal((200, 2))
    y = x @ [[2.0], [-1.0]] + 0.5
    model = built(nn.Dense(1), input_shape=(2,))
    history = model.fit(x, y, epochs=60, loss=nn.mean_squared_error, optimiser=nn.SGD(0.1), progress=False)
    assert history.accuracy == [] and history.loss[-1] < 1e-10
    np.testing.assert_allclose(model[0].params["weight"], [[2.0, -1.0]], atol=1e-4)
    np.testing.assert_allclose(model.predict(x), y, atol=1e-4)


def test_predict_takes_any_number_and_type(rng):
    model = small_network()
    x = rng.integers(0, 9, (70, 1, 8, 8), dtype=np.uint8)
    want = model.predict(x)
    assert want.shape == (70, 4) and want.dtype == np.float32
    np.testing.assert_allclose(model.predict(x.tolist(), batch_size=16), want, rtol=1e-5, atol=1e-5)
    assert model.predict(x[:0]).shape == (0, 4)
    assert "_saved" not in vars(model[0]), "only training keeps arrays"


def test_progress(rng, capsys, monkeypatch):
    x, y = spots(rng, 40)
    pytest.importorskip("tqdm")
    small_network().fit(x, y, epochs=2)
    shown = capsys.readouterr()
    assert shown.out == "" and "epoch 2/2: 100%" in shown.err and "loss=" in shown.err


def test_progress_without_tqdm(rng, capsys, monkeypatch):
    x, y = spots(rng, 40)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    small_network().fit(x, y, epochs=2, validation=(x, y))
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == 2
    line = r"epoch 2/2  2 steps  .* s  loss \d\.\d+  accuracy \S+  val_loss \S+  val_accuracy \S+"
    assert re.fullmatch(line, shown.err.splitlines()[1])
    small_network().fit(x, y, progress=False)
    assert capsys.readouterr() == ("", "")


# ---- tables and files --------------------------------------------------------------------------------------


def test_summary():
    model = built(
        nn.Conv2d(6, 5, padding=2, activation="relu"), nn.MaxPool2d(2), nn.Conv2d(16, 5), nn.AvgPool2d(2),
        nn.Residual(nn.Conv2d(16, 3, padding=1)), nn.Concat([nn.Conv2d(8, 1), nn.Conv2d(8, (3, 5), padding=(1, 2))]),
        nn.ConvTranspose2d(2, 2), nn.Flatten(), nn.Dense(10), input_shape=(1, 28, 28),
    )  # fmt: skip
    rows = [re.split(r"\s{2,}", line) for line in model.summary().splitlines()]
    assert rows[0] == ["layer", "output shape", "parameters", "receptive field"]
    assert rows[3:-2] == [
        ["0 Conv2d(6, 5, padding=2, activation='relu')", "6 x 28 x 28", "156", "5 x 5"],
        ["1 MaxPool2d(2)", "6 x 14 x 14", "0", "6 x 6"],
        ["2 Conv2d(16, 5)", "16 x 10 x 10", "2,416", "14 x 14"],
        ["3 AvgPool2d(2)", "16 x 5 x 5", "0", "16 x 16"],
        ["4 Residual(Conv2d(16, 3, padding=1))", "16 x 5 x 5", "2,320", "24 x 24"],
        ["5 Concat(2 branches)", "16 x 5 x 5", "2,064", "32 x 40"],
        ["6 ConvTranspose2d(2, 2)", "2 x 6 x 6", "130", "-"],
        ["7 Flatten()", "72", "0", "-"],
        ["8 Dense(10)", "10", "730", "all"],
    ]
    assert rows[-1] == ["7,816 parameters"] and model.parameter_count() == 7816


def test_save_and_load(rng, tmp_path):
    def network(seed):
        return built(
            nn.Conv2d(4, 3), nn.BatchNorm(), nn.Residual([nn.Conv2d(4, 1), nn.BatchNorm()]),
            nn.Concat([nn.Conv2d(2, 1), [nn.Conv2d(2, 1)]]), nn.Flatten(), nn.Dense(3), input_shape=(1, 6, 6),
            seed=seed,
        )  # fmt: skip

    x, y = rng.standard_normal((40, 1, 6, 6)), rng.integers(0, 3, 40)
    model, other = network(1), network(2)
    model.fit(x, y, epochs=2, progress=False)
    path = tmp_path / "network.weights"
    model.save(path)
    assert not np.array_equal(other.predict(x), model.predict(x))
    other.load(path)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    with np.load(path, allow_pickle=False) as file:
        assert {"0.weight", "1.running_mean", "2.body.0.weight", "3.1.0.bias", "5.bias"} <= set(file.files)
    model.load(str(path))


def test_load_refuses_what_does_not_fit_and_changes_nothing(rng, tmp_path):
    model = built(nn.Dense(3), nn.Dense(2), input_shape=(4,))
    before = model.predict(np.ones((1, 4)))
    path = tmp_path / "file.npz"
    good = {f"{i}.{name}": array for i in (0, 1) for name, array in model[i].params.items()}
    cases = [
        ({k: v for k, v in good.items() if k != "1.bias"}, "lacks 1.bias"),
        (good | {"2.weight": np.zeros(3)}, "has 2.weight"),
        (good | {"1.weight": np.zeros((3, 3))}, r"1.weight is float64 of shape \(3, 3\); the network has float64 of"),
        (good | {"0.bias": np.zeros(3, np.float32)}, "0.bias is float32"),
        (good | {"0.bias": np.array([None] * 3)}, "allow_pickle"),
    ]
    for arrays, message in cases:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            model.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"pickle|not a file"):
        model.load(path)
    np.save(path, np.ones(3))
    path.write_bytes((tmp_path / "file.npz.npy").read_bytes())
    with pytest.raises(ValueError, match="it holds one array"):
        model.load(path)
    with pytest.raises(FileNotFoundError):
        model.load(tmp_path / "none")
    np.testing.assert_array_equal(model.predict(np.ones((1, 4))), before)


# ---- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([nn.Conv2d(4, 3), nn.Dense(3)], (1, 8, 8),
         "layer 1, Dense(3), does not fit an input of shape (4, 6, 6): it wants (features,) after the batch axis"),
        ([nn.Flatten(), nn.Conv2d(4, 3)], (1, 8, 8),
         "layer 1, Conv2d(4, 3), does not fit an input of shape (64,): it wants (channels, height, width)"),
        ([nn.Conv2d(4, 3), nn.Conv2d(4, 9, stride=2)], (1, 8, 8),
         "layer 1, Conv2d(4, 9, stride=2), does not fit an input of shape (4, 6, 6): "),
        ([nn.MaxPool2d(9)], (1, 8, 8), "layer 0, MaxPool2d(9), does not fit an input of shape (1, 8, 8): "),
        ([nn.Conv2d(4, 3, groups=2)], (3, 8, 8), "groups=2 does not divide its 3 channels"),
        ([nn.Conv2d(3, 3, groups=2)], (4, 8, 8), "groups=2 does not divide its 3 out_channels"),
        ([nn.MaxPool1d(2)], (1, 8, 8), "it wants (channels, length) after the batch axis"),
        ([nn.GlobalAvgPool()], (8,), "layer 0, GlobalAvgPool(), does not fit an input of shape (8,): it wants"),
        ([nn.Residual(nn.Conv2d(4, 3))], (4, 8, 8), "its body gives (4, 6, 6), the input has (4, 8, 8)"),
        ([nn.Residual(nn.Conv2d(4, 3), nn.Conv2d(3, 3))], (4, 8, 8), "its shortcut gives (3, 6, 6)"),
        ([nn.Concat([nn.Conv2d(4, 3), nn.Conv2d(4, 1)])], (4, 8, 8), "its branches give (4, 6, 6), (4, 8, 8)"),
        ([nn.Conv2d(4, 1), nn.Residual([nn.Conv2d(4, 1), nn.Dense(2)])], (4, 8, 8),
         "layer 1, Residual(Sequential(2 layers)), does not fit an input of shape (4, 8, 8): layer 1, Dense(2), does"),
    ],
)  # fmt: skip
def test_a_layer_that_does_not_fit_says_which(layers, shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        built(*layers, input_shape=shape)


def test_inputs_that_do_not_fit():
    model = built(nn.Conv2d(4, 3, padding=1), nn.Flatten(), nn.Dense(2), input_shape=(3, 8, 8))
    with pytest.raises(ValueError, match=re.escape("x has shape (3, 8, 8); the network was built for (N, 3, 8, 8)")):
        model.predict(np.ones((3, 8, 8)))
    with pytest.raises(ValueError, match=re.escape("layer 0, Conv2d(4, 3, padding=1), does not fit an input of shape "
                                                   "(2, 8, 8): it was built for 3 channels")):  # fmt: skip
        model.predict(np.ones((1, 2, 8, 8)))
    with pytest.raises(ValueError, match=re.escape("layer 2, Dense(2), does not fit an input of shape (396,): it was "
                                                   "built for 256 features")):  # fmt: skip
        model.predict(np.ones((1, 3, 9, 11)))
    with pytest.raises(TypeError, match="complex128"):
        model.predict(np.ones((1, 3, 8, 8), complex))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Dropout(1.0), ValueError, "rate=1.0"),
        (lambda: nn.Conv2d(3, 3, activation="tanh"), ValueError, "activation='tanh'"),
        (lambda: nn.Activation("prelu"), ValueError, "name='prelu'"),
        (lambda: nn.SGD(0), ValueError, "learning_rate=0"),
        (lambda: nn.Sequential([3]), TypeError, "3, which is no layer"),
        (lambda: nn.Sequential([], dtype=np.int32), TypeError, "int32"),
        (lambda: nn.Concat([]), ValueError, "branches is empty"),
        (lambda: nn.Sequential([nn.Dense(2)]).predict(np.ones((1, 2))), RuntimeError, "input_shape"),
        (lambda: nn.Sequential([nn.Dense(2)]).summary(), RuntimeError, "input_shape"),
        (lambda: nn.Sequential([nn.Dense(2)]).save(io.BytesIO()), RuntimeError, "input_shape"),
        (lambda: nn.Dense(2).backward(np.ones((1, 2))), RuntimeError, "training=True"),
        (lambda: built(*[nn.Dense(4)] * 2, input_shape=(4,)), ValueError, "a layer of its own"),
        (lambda: nn.cross_entropy(np.ones((3, 2)), [0, 1]), ValueError, r"\(3, 2\) and labels \(2,\)"),
        (lambda: nn.cross_entropy(np.ones((2, 2)), [0, 2]), ValueError, "from 0 to 2; there are 2 classes"),
        (lambda: nn.cross_entropy(np.ones((2, 2)), [0.0, 1.0]), TypeError, "float64"),
        (lambda: nn.cross_entropy(np.ones((0, 2)), np.zeros(0, int)), ValueError, "empty"),
        (lambda: nn.mean_squared_error(np.ones((2, 1)), np.ones(2)), ValueError, r"\(2, 1\), target \(2,\)"),
    ],
)
def test_arguments_that_make_no_sense(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (dict(x=np.ones((0, 4)), y=np.ones((0, 2))), ValueError, "1 or more"),
        (dict(y=np.ones((4, 2))), ValueError, r"x has shape \(6, 4\) and y \(4, 2\)"),
        (dict(epochs=0), ValueError, "epochs=0"),
        (dict(batch_size=2.0), ValueError, "batch_size=2.0"),
        (dict(validation=(np.ones((2, 3, 4)), np.ones((2, 2)))), ValueError, r"validation\[0\] has shape"),
        (dict(x=np.full((6, 4), np.nan)), FloatingPointError, "the loss is nan in epoch 1, step 1"),
    ],
)
def test_arguments_of_fit(change, error, message):
    arguments = dict(x=np.ones((6, 4)), y=np.ones((6, 2)), loss=nn.mean_squared_error, progress=False) | change
    with pytest.raises(error, match=message):
        built(nn.Dense(2), input_shape=(4,)).fit(**arguments)


@pytest.mark.parametrize("name", ["_blocks", "_losses"])
def test_examples_of_pages_run(name):
    result = doctest.testmod(importlib.import_module(f"cconv.nn.{name}"))
    assert result.attempted >= 4 and not result.failed
