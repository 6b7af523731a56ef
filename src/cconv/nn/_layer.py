"""What every layer is: parameters, a pass forward, a pass backward.

Design:
  a. A layer learns its channels from the shape that it is built for; nobody counts them twice. Its output's shape is
     that of a forward pass of an empty batch: there is no second arithmetic of shapes.
  b. `params` are learned and have `grads` of the same names after a backward pass; `state` is kept but not learned.
     Both are arrays that never change their identity, so optimisers may keep something beside each.
  c. What the backward pass needs is kept by a forward pass with training=True, and only then.
"""

import inspect

import numpy as np

WHOLE = "all"  # a receptive field: everything
UNKNOWN = "-"  # none that could be written down


class Layer:
    """Base of all layers. A layer of your own overrides `forward` and `backward`, and `make` if it has parameters.

    Attributes
    ----------
    params, grads, state : dict of str to ndarray
        What is learned, its gradients after `backward`, and what is saved without being learned.
    input_shape, output_shape : tuple of int
        Without the batch axis; known once the layer is built.
    """

    input_shape = output_shape = None

    def __init__(self):
        self.params, self.grads, self.state = {}, {}, {}

    def build(self, shape, rng, dtype):
        """Make the parameters for inputs of this shape (without the batch axis); return the shape of the outputs."""
        if self.input_shape is not None:
            raise ValueError("it is part of a network already: each place needs a layer of its own")
        self.check(shape)
        self.make(shape, rng, dtype)
        self.input_shape = tuple(shape)
        self.output_shape = self.forward(np.zeros((0, *shape), dtype)).shape[1:]
        return self.output_shape

    def check(self, shape):
        """Raise a ValueError that says what the layer wants, if it is not this shape."""

    def make(self, shape, rng, dtype):
        """Fill `params` and `state`."""

    def forward(self, x, training=False):
        """The output for a batch."""
        raise NotImplementedError

    def backward(self, grad, needs_input=True):
        """Fill `grads`, and return the gradient of what `forward` was last given with training=True.

        `grad` is the gradient of what it returned. Without `needs_input` the result may be None.
        """
        raise NotImplementedError

    def children(self):
        """(name, layer) of each layer inside this one."""
        return ()

    def reach(self, windows):
        """The stack of windows, as `cconv.receptive_field` takes them, that an output of this layer looks through."""
        return windows

    def layers_with_names(self, prefix=""):
        """(path, layer) of this layer and all inside it, as "3.body.0"."""
        yield prefix, self
        for name, layer in self.children():
            yield from layer.layers_with_names(f"{prefix}.{name}" if prefix else name)

    def parameters(self):
        """[(path, layer, name)] of all parameters, as ("3.body.0.weight", layer, "weight")."""
        return [
            (f"{path}.{name}" if path else name, layer, name)
            for path, layer in self.layers_with_names()
            for name in layer.params
        ]

    def parameter_count(self):
        """How many numbers are learned."""
        return sum(layer.params[name].size for _, layer, name in self.parameters())

    def __repr__(self):
        """The call that makes the layer, without what is default: attributes have the names of parameters."""
        shown = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value = getattr(self, name)
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                shown += [f"{key}={entry!r}" for key, entry in value.items()]
            elif parameter.default is inspect.Parameter.empty:
                shown.append(repr(value))
            elif value is not parameter.default and value != parameter.default:
                shown.append(f"{name}={getattr(value, '__name__', repr(value))}")
        return f"{type(self).__name__}({', '.join(shown)})"


def saved(layer):
    """What `forward` kept for `backward`."""
    kept = vars(layer).get("_saved")
    if kept is None:
        raise RuntimeError(f"{layer!r}: backward comes after a forward pass with training=True")
    return kept


def want_map(shape, rank):
    """Refuse what is not (channels, *spatial) with `rank` spatial axes."""
    if len(shape) != rank + 1 or not shape[0]:
        axes = {1: "length", 2: "height, width", 3: "depth, height, width"}[rank]
        raise ValueError(f"it wants (channels, {axes}) after the batch axis")


def want_channels(shape, channels):
    """Refuse what has another number of channels than the layer was built for."""
    if shape[0] != channels:
        raise ValueError(f"it was built for {channels} channels")
