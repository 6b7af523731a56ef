"""How a task that no schedule can cut up ends early: one long line whose state goes along it, one large plane."""

cdef enum:
    LOOK_AFTER = 1 << 18        # samples that such a task does between two looks: 0.1 to 1 ms

cdef struct Watch:
    int stopped
    long long looked            # when Python was asked last
    bint (*look)(Watch* watch) noexcept nogil


cdef inline bint must_stop(Watch* watch, Py_ssize_t* done, Py_ssize_t samples) noexcept nogil:
    """A task has done so many samples more, `done` since it looked last. True if the call is to end: what is left
    undone is nobody's any more. NULL: a call that no signal ends."""
    done[0] += samples
    if done[0] < LOOK_AFTER:
        return False
    done[0] = 0
    return watch != NULL and watch.look(watch)
