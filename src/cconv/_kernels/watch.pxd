"""How a task that no schedule can cut up ends early: one long line whose state goes along it, one large plane."""

cdef enum:
    LOOK_AFTER = 1 << 18        # samples that such a task does between two looks: 0.1 to 1 ms

cdef struct Watch:
    int stopped
    long long looked            # when Python was asked last
    bint (*look)(Watch* watch) noexcept nogil


cdef inline bint must_stop(Watch* watch) noexcept nogil:
    """True if the call is to end: what a task leaves undone is nobody's any more. NULL: a call that no signal ends."""
    return watch != NULL and watch.look(watch)
