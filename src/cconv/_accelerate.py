"""cconv's functions in the place of SciPy's, for code that calls SciPy.

Design:
  a. A function of SciPy's is replaced in every module of `scipy.signal` and `scipy.ndimage` that is loaded and has it
     under its name: the public namespace, where callers find it, and the private modules, where SciPy's own functions
     (`gaussian_filter`, `medfilt`, `savgol_filter`) find each other. Names that other packages imported before are
     theirs: ``from scipy.ndimage import gaussian_filter`` before the switch keeps SciPy's.
  b. Nested and in several threads, what counts is how many are switched on: the first puts cconv's functions in, the
     last to end puts SciPy's back, in any order. It is one switch for the process: threads that did not ask share it.
  c. What is put back is what was found. A name that somebody else replaced meanwhile is left to them.
"""

import importlib
import sys
import threading

# SciPy's package: cconv's module, whose __all__ names the functions
_NAMESPACES = {"scipy.signal": "signal", "scipy.ndimage": "ndimage"}

_lock = threading.RLock()
_active = 0
_replaced = []  # (module, name, SciPy's, cconv's)


class accelerate_scipy:
    """Let `scipy.signal` and `scipy.ndimage` run on cconv, until undone.

    It takes the place of the functions that `cconv.signal` and `cconv.ndimage` have, and of no others, in these two
    packages; libraries that look functions up there, such as scikit-image's `filters`, then run on cconv without a
    change. It needs SciPy.

    As a context manager it lasts until the block ends, however it ends. Called plainly, it lasts until `undo` is called
    on what it returns. Blocks and calls nest, in threads too: SciPy's own functions are back when the last has ended.
    It is one switch for all threads of the process.

    Attributes
    ----------
    active : bool
        Has it not been undone yet?

    Raises
    ------
    ImportError
        If SciPy is not installed.

    Notes
    -----
    A name that was imported from SciPy before (``from scipy.ndimage import sobel``) stays what it was.

    Examples
    --------
    >>> import cconv, scipy.signal
    >>> theirs = scipy.signal.convolve2d
    >>> with cconv.accelerate_scipy():
    ...     scipy.signal.convolve2d is cconv.signal.convolve2d
    True
    >>> scipy.signal.convolve2d is theirs
    True
    >>> switch = cconv.accelerate_scipy()
    >>> switch.undo()
    """

    def __init__(self):
        self.active = False
        self._switch_on()

    def _switch_on(self):
        global _active
        with _lock:
            if self.active:
                return
            if _active == 0:
                _put_in()
            _active += 1
            self.active = True

    def undo(self):
        """Put SciPy's functions back, unless somebody else still wants cconv's; a second time it does nothing."""
        global _active
        with _lock:
            if not self.active:
                return
            self.active = False
            _active -= 1
            if _active == 0:
                _put_back()

    def __enter__(self):
        self._switch_on()
        return self

    def __exit__(self, *exception):
        self.undo()

    def __repr__(self):
        return f"<cconv.accelerate_scipy: {'active' if self.active else 'undone'}>"


def _put_in():
    try:
        public = {package: importlib.import_module(package) for package in _NAMESPACES}
        # SciPy's signal imports from its ndimage
        modules = [
            module
            for name, module in sorted(sys.modules.items())
            if ".".join(name.split(".")[:2]) in _NAMESPACES and ".tests" not in name and module is not None
        ]
        for package, ours in _NAMESPACES.items():
            source = _ours(ours)
            for name in getattr(source, "__all__", ()):
                theirs, replacement = getattr(public[package], name, None), getattr(source, name)
                for module in modules:
                    if theirs is not None and vars(module).get(name) is theirs:
                        _replaced.append((module, name, theirs, replacement))
                        setattr(module, name, replacement)
    except BaseException:
        _put_back()
        raise


def _ours(name):
    """cconv's module of that name, or None if there is none."""
    try:
        return importlib.import_module(f"cconv.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"cconv.{name}":
            raise
        return None


def _put_back():
    while _replaced:
        module, name, theirs, ours = _replaced.pop()
        if vars(module).get(name) is ours:
            setattr(module, name, theirs)
