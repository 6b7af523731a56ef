"""Learning from examples: `fit`, and `predict` with what was learned."""

import math
from dataclasses import dataclass, field

import numpy as np

from ._losses import accuracy, cross_entropy
from ._optimisers import Adam
from ._progress import Progress


@dataclass
class History:
    """What `fit` saw: one entry per step or epoch. Accuracies are of labels, so with `cross_entropy` only.

    Losses and accuracies of an epoch are means over its batches, each before its own step.
    """

    step_loss: list = field(default_factory=list)
    loss: list = field(default_factory=list)
    accuracy: list = field(default_factory=list)
    validation_loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)


def fit(model, x, y, epochs, batch_size, loss, optimiser, validation, seed, progress):
    """Learn from examples, in random order, a batch at a time.

    Parameters
    ----------
    x : array_like, ``(N, *input_shape)``
    y : array_like, (N, ...)
        What `loss` takes beside the network's output: labels for `cross_entropy`, an array like the output for
        `mean_squared_error`.
    epochs : int
        How often each example is seen.
    batch_size : int
        Examples per step; the last of an epoch takes what is left.
    loss : function
        ``loss(output, y) -> (value, gradient with respect to output)``.
    optimiser : SGD or Adam, optional
        By default ``Adam()``. It keeps its state: to continue, pass the same again.
    validation : (x, y), optional
        Examples that are not learned from; the loss of all of them is taken after every epoch.
    seed : int or sequence of int
        Of the order of the examples.
    progress : bool
        Show one line per epoch on stderr: tqdm's if it is installed, otherwise a plain one.

    Returns
    -------
    History
        Losses and accuracies.

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong shape or value.
    FloatingPointError
        If the loss is no longer finite.
    """
    x, y = _examples(model, x, y, "x", "y")
    for value, name in ((epochs, "epochs"), (batch_size, "batch_size")):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name}={value!r} must be an int >= 1")
    if validation is not None:
        validation = _examples(model, *validation, "validation[0]", "validation[1]")
    optimiser = Adam() if optimiser is None else optimiser
    rng, history = np.random.default_rng(seed), History()
    steps = -(-len(x) // batch_size)
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        losses, rights, seen = 0.0, 0.0, 0
        with Progress(steps, f"epoch {epoch + 1}/{epochs}", progress) as bar:
            for step in range(steps):
                chosen = order[step * batch_size : (step + 1) * batch_size]
                labels = y[chosen]
                output = model.forward(x[chosen], training=True)
                value, grad = loss(output, labels)
                if not math.isfinite(value):
                    raise FloatingPointError(
                        f"the loss is {value} in epoch {epoch + 1}, step {step + 1}: are all of x and y finite? "
                        f"A smaller learning_rate than {optimiser.learning_rate} may help"
                    )
                model.backward(grad, needs_input=False)
                optimiser.step(model)
                history.step_loss.append(value)
                losses += value * len(chosen)
                seen += len(chosen)
                if loss is cross_entropy:
                    rights += accuracy(output, labels) * len(chosen)
                bar.advance(_shown(losses / seen, rights / seen if loss is cross_entropy else None))
            history.loss.append(losses / seen)
            if loss is cross_entropy:
                history.accuracy.append(rights / seen)
            if validation is not None:
                _validate(model, validation, loss, history)
                bar.show(_shown(history.loss[-1], history.accuracy, history.validation_loss,
                                history.validation_accuracy))  # fmt: skip
    return history


def predict(model, x, batch_size=256):
    """The outputs for any number of inputs, `batch_size` at a time.

    Parameters
    ----------
    x : array_like, ``(N, *input_shape)``
    batch_size : int

    Returns
    -------
    ndarray, ``(N, *output_shape)``
    """
    x = _inputs(model, x, "x")
    parts = [model.forward(x[first : first + batch_size]) for first in range(0, max(len(x), 1), batch_size)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _validate(model, validation, loss, history):
    x, y = validation
    output = predict(model, x)
    history.validation_loss.append(loss(output, y)[0])
    if loss is cross_entropy:
        history.validation_accuracy.append(accuracy(output, y))


def _shown(loss, right=None, validation_loss=None, validation_right=None):
    """The figures of a line of progress; of lists the last."""
    figures = dict(loss=loss, accuracy=right, val_loss=validation_loss, val_accuracy=validation_right)
    last = {name: value[-1] if isinstance(value, list) and value else value for name, value in figures.items()}
    return {name: f"{value:.4f}" for name, value in last.items() if value not in (None, [])}


def _inputs(model, x, name):
    if model.input_shape is None:
        raise RuntimeError("the network is not built: give Sequential an input_shape")
    x = np.asarray(x)
    if x.ndim != len(model.input_shape) + 1:
        axes = ", ".join(map(str, model.input_shape))
        raise ValueError(f"{name} has shape {x.shape}; the network was built for (N, {axes})")
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {x.dtype}; networks take real numbers")
    return x.astype(model.dtype, copy=False)


def _examples(model, x, y, x_name, y_name):
    x, y = _inputs(model, x, x_name), np.asarray(y)
    if not len(x) or y.ndim == 0 or len(y) != len(x):
        raise ValueError(f"{x_name} has shape {x.shape} and {y_name} {y.shape}; they take the same number, 1 or more")
    return x, y
