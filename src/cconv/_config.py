"""What was built and what is in use."""

import sys

import numpy as np

from . import _core

__all__ = ["show_config"]


def config():
    """As a dict: see show_config."""
    return {
        "version": sys.modules[__package__].__version__,
        "simd_level": _core.simd_level(),
        "levels_available": _core.LEVELS,
        "levels_built": _core.BUILT_LEVELS,
        "compiler": _core.COMPILER,
        "openmp": _core.HAS_OPENMP,
        "threads": _core.max_num_threads(),
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }


def show_config():
    """Print how cconv was built and what it uses here: version, SIMD levels, compiler, threads.

    Examples
    --------
    >>> import cconv
    >>> cconv.show_config()     # doctest: +ELLIPSIS
    version           ...
    """
    for key, value in config().items():
        print(f"{key:18}{', '.join(value) if isinstance(value, tuple) else value}")
