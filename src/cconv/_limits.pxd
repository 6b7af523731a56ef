"""What runs calls asks how many threads they may use."""

cdef enum:
    # Work under this stays on the calling thread: two threads take 1.6 to 2.2 us to start (hot), and tasks of
    # this size are done in about 5 us.
    SERIAL_WORK = 400_000

cdef int threads_for(object asked, double work) except -1
cdef int threads_without_gil(int asked) noexcept nogil
cdef void note_call(int threads) noexcept nogil
cdef bint is_main_thread() noexcept nogil
