"""A training step of a whole network as a call: cconv.nn, and the same network in torch."""

from math import prod

import numpy as np

from call import Call

LEARNING_RATE, MOMENTUM = 0.01, 0.9
WEIGHTS = (6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)
PLACES = 28 * 28, 10 * 10, 1, 1, 1


def lenet_step(batch):
    """LeNet-5 forward, cross-entropy, backward, SGD with momentum. The answer is the gradients of the parameters."""

    def inputs(rng):
        weights = [rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(prod(shape[1:]))) for shape in WEIGHTS]
        return rng.standard_normal((batch, 1, 32, 32), np.float32), rng.integers(0, 10, batch), *weights

    def ours(x, labels, *weights):
        from cconv import nn

        model = nn.Sequential(
            [nn.Conv2d(6, 5, activation="relu"), nn.MaxPool2d(2), nn.Conv2d(16, 5, activation="relu"), nn.MaxPool2d(2),
             nn.Flatten(), nn.Dense(120, activation="relu"), nn.Dense(84, activation="relu"), nn.Dense(10)],
            input_shape=(1, 32, 32))  # fmt: skip
        parameters = model.parameters()
        for (_, layer, name), weight in zip(parameters[::2], weights, strict=True):
            layer.params[name][...] = weight
        optimiser = nn.SGD(LEARNING_RATE, momentum=MOMENTUM)

        def step():
            _, grad = nn.cross_entropy(model.forward(x, training=True), labels)
            model.backward(grad, needs_input=False)
            optimiser.step(model)
            return tuple(layer.grads[name] for _, layer, name in parameters)

        return step

    def torch(x, labels, *weights):
        import torch

        nn = torch.nn
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
        parameters = list(model.parameters())
        for parameter, weight in zip(parameters[::2], weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
        for parameter in parameters[1::2]:
            parameter.zero_()
        x, labels = torch.from_numpy(x), torch.from_numpy(labels)
        optimiser = torch.optim.SGD(parameters, LEARNING_RATE, momentum=MOMENTUM)

        def step():
            with torch.enable_grad():
                optimiser.zero_grad()
                nn.functional.cross_entropy(model(x), labels).backward()
                optimiser.step()
            return tuple(parameter.grad for parameter in parameters)

        return step

    products = sum(prod(shape) * places for shape, places in zip(WEIGHTS, PLACES, strict=True))
    # forward, and both gradients; that of the first layer's input is not needed
    flop = 2 * batch * (3 * products - prod(WEIGHTS[0]) * PLACES[0])
    return Call(f"lenet5 step n{batch}", inputs, {"cconv": ours, "torch": torch}, 1e-4, flop)
