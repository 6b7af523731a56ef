"""A case that is a call of any function, for what is not one layer or filter: gradients, facades, networks."""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from runner import Runner


class Call(NamedTuple):
    """One job, and how each competitor does it.

    `inputs` makes the arrays that all of them share. `competitors` maps "cconv" and peers' names to functions that
    take those arrays, prepare what a user would do once, and return the call that is timed; it returns an array or a
    tuple of them, torch tensors too. Answers have to agree within `tolerance` of their largest magnitude.
    """

    name: str
    inputs: Callable[[Any], tuple]      # of a numpy.random.Generator
    competitors: dict
    tolerance: float
    flop: int = 0
    bytes: int = 0
    dtype: str = "float32"
    channels_last: bool = False

    # a NamedTuple of arrays' makers has no use for equality of fields: a case is itself
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    @property
    def op(self):
        return "call"

    @property
    def real(self):
        return "float64" if self.dtype in ("float64", "complex128") else "float32"

    def arrays(self, seed=0):
        return self.inputs(np.random.default_rng(seed))

    def able(self, name):
        module = {"torch_last": "torch", "opencv": "cv2"}.get(name, name)
        if name not in self.competitors:
            return False
        try:
            importlib.import_module(module)
        except ImportError:
            return False
        return True

    def prepare(self, name, *arrays):
        return Runner(name, self.competitors[name](*arrays), flat)


def flat(answer):
    """All of an answer as one array, in double precision."""
    parts = answer if isinstance(answer, (tuple, list)) else (answer,)
    parts = [np.asarray(part) for part in parts if part is not None]
    return np.concatenate([part.astype(np.result_type(part, np.float64)).ravel() for part in parts])
