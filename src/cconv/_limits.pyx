"""How many threads a call may use, and what becomes of OpenMP's at a fork.

Design:
a. OpenMP's own limit is read at each call, in the calling thread, and so is the affinity; neither is ever changed. So
   threadpoolctl, omp_set_num_threads and taskset are obeyed, and other libraries see nothing of us.
b. Calls that run at the same time share the CPUs: each may have what the others leave, and its equal part at least.
   Two Python threads that each start two workers on two CPUs wait for each other's time slices.
c. Counters are C integers that are read and written atomically: no lock, with or without a GIL.
"""
import os
import threading
from contextvars import ContextVar

from cconv._cpus import available_cpus

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil

cdef extern from "_platform.h":
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_procs() noexcept nogil
    int cconv_release_workers() noexcept nogil
    int cconv_load(const int* counter) noexcept nogil
    void cconv_store(int* counter, int value) noexcept nogil
    void cconv_add(int* counter, int value) noexcept nogil

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject* default, PyObject** value) except -1
    ctypedef struct PyObject
    void Py_DECREF(PyObject*)

thread_limit = ContextVar("cconv_num_threads")      # set by _threads.num_threads, seen by this thread or task only
cdef int process_limit = 0                          # set by _threads.set_num_threads; 0: none
cdef int cpu_limit = 0 if os.environ.get("OMP_NUM_THREADS") else available_cpus()       # 0: the user has decided
cdef int openmp_limit = omp_get_max_threads()       # what the user has decided, unless it was changed since
cdef int calls_running = 0, threads_running = 0     # of all Python threads
cdef int workers_lost = False
cdef int release_failed = False
cdef unsigned long main_thread = threading.main_thread().ident      # the one that handles signals


def set_process_limit(int limit):
    """Set the limit of all threads without one of their own; 0 removes it."""
    cconv_store(&process_limit, limit)


cdef int free_threads() noexcept nogil:
    """Threads that OpenMP, the CPUs and the calls that run leave."""
    cdef int limit = omp_get_max_threads(), room = max(limit, openmp_limit), others = cconv_load(&calls_running)
    if cconv_load(&workers_lost):
        return 1
    if cpu_limit:
        room = min(cpu_limit, omp_get_num_procs())
        limit = min(limit, room)
    if others > 0:
        limit = min(limit, max(room//(others + 1), room - cconv_load(&threads_running)))
    return limit


cdef int threads_without_gil(int asked) noexcept nogil:
    """`asked`, or fewer where no more are free or set_num_threads allows no more. What num_threads() set for one thread
    or task is kept in a Python object and not looked at."""
    cdef int limit = free_threads()
    if cconv_load(&process_limit):
        limit = min(limit, cconv_load(&process_limit))
    return max(1, min(asked, limit))


cdef int max_threads() except -1:
    """Threads that a call may use that asks for none in particular."""
    cdef PyObject* value = NULL
    cdef int limit = free_threads()
    PyContextVar_Get(thread_limit, NULL, &value)
    if value != NULL:
        limit = min(limit, <int><object>value)
        Py_DECREF(value)
    elif cconv_load(&process_limit):
        limit = min(limit, cconv_load(&process_limit))
    return max(1, limit)


cdef void note_call(int threads) noexcept nogil:
    """A call on so many threads begins, or ends if they are negative."""
    cconv_add(&calls_running, 1 if threads > 0 else -1)
    cconv_add(&threads_running, threads)


def note_threads(int threads):
    """The same for calls that share out tasks among Python threads."""
    note_call(threads)


cdef bint is_main_thread() noexcept nogil:
    return PyThread_get_thread_ident() == main_thread


def _before_fork():
    cconv_store(&release_failed, cconv_release_workers() != 0)


def _after_fork_in_child():
    """Workers that could not be released are lost: one thread then, which never enters OpenMP. Of the calls that ran
    elsewhere nothing is left."""
    global main_thread
    cconv_store(&workers_lost, cconv_load(&workers_lost) or cconv_load(&release_failed))
    cconv_store(&calls_running, 0)
    cconv_store(&threads_running, 0)
    main_thread = PyThread_get_thread_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def max_num_threads():
    """Threads that a call may use now."""
    return max_threads()


cdef int threads_for(object asked, double work) except -1:
    cdef int limit
    if work < SERIAL_WORK:
        return 1
    limit = max_threads()
    return limit if asked is None else min(limit, <int>min(asked, 1 << 20))
