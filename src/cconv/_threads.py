"""How many threads a call may use. The limits are kept in _limits, which reads them on every call."""
from contextlib import contextmanager
from operator import index

from cconv import _limits

__all__ = ["get_num_threads", "num_threads", "set_num_threads"]


def _checked(n):
    try:
        n = index(n)
    except TypeError:
        raise TypeError(f"n must be an integer >= 1, got {n!r}") from None
    if n < 1:
        raise ValueError(f"n must be an integer >= 1, got {n}")
    return min(n, 1 << 20)


def set_num_threads(n):
    """Limit the threads of every later call in this process.

    A call uses the least of this limit, its own ``num_threads``, OpenMP's limit at that moment
    (``OMP_NUM_THREADS``, threadpoolctl) and the CPUs that the process may use; small problems use one.

    Parameters
    ----------
    n : int or None
        At least 1; None removes the limit.

    Raises
    ------
    ValueError, TypeError
        If `n` is not an integer of at least 1, nor None.

    Examples
    --------
    >>> import cconv
    >>> cconv.set_num_threads(1)
    >>> cconv.get_num_threads()
    1
    >>> cconv.set_num_threads(None)
    """
    _limits.set_process_limit(0 if n is None else _checked(n))


def get_num_threads():
    """Number of threads that a large call would use if it were made here and now.

    Examples
    --------
    >>> import cconv
    >>> cconv.get_num_threads() >= 1
    True
    """
    return _limits.max_num_threads()


@contextmanager
def num_threads(n):
    """Limit the threads of calls inside a ``with`` block, in this thread (or asyncio task) only.

    It takes the place of the limit of `set_num_threads` there; blocks nest.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not an integer of at least 1.

    Examples
    --------
    >>> import cconv
    >>> with cconv.num_threads(1):
    ...     cconv.get_num_threads()
    1
    """
    token = _limits.thread_limit.set(_checked(n))
    try:
        yield
    finally:
        _limits.thread_limit.reset(token)
