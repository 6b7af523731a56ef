"""What was built and what is in use."""

import sys

import numpy as np

from . import _core, _limits


def show_config():
    """Print how cconv was built and what it uses here: version, SIMD levels, compiler, threads.

    Examples
    --------
    >>> import cconv
    >>> cconv.show_config()     # doctest: +ELLIPSIS
    version           ...
    """
    shown = {
        # stands in __init__, for setuptools, which is imported after this module
        "version": sys.modules[__package__].__version__,
        "simd_level": _core.simd_level(),
        "levels_available": ", ".join(_core.LEVELS),
        "levels_built": ", ".join(_core.BUILT_LEVELS),
        "compiler": _core.COMPILER,
        "vectors": _core.HAS_VECTORS,
        "openmp": _core.HAS_OPENMP,
        "threads": _limits.max_num_threads(),
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }
    for key, value in shown.items():
        print(f"{key:18}{value}")
