"""What is timed: a competitor's call on one case."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Runner(NamedTuple):
    name: str
    call: Callable[[], Any]                         # timed; returns the library's own result object
    to_numpy: Callable[[Any], np.ndarray]           # that object as an array in cconv's layout
