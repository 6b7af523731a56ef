"""Memory: scratch, which a call gives back before it returns, and that of results, which their owner does.

Design:
a. Scratch is Python's raw memory: tracemalloc sees it, and it needs no GIL. Tests count it, and let one allocation
   fail, through watch() below; a call that nobody watches pays a comparison. Watching is for one thread.
b. Results, and arrays that a call makes for itself (packed weights, the FFT's buffers), are NumPy arrays that own
   their memory. That of a large one comes from here, by NumPy's handlers (NEP 49): what one has left, the next one
   gets, without the page faults of fresh memory. Those were half to nine tenths of calls with more than 32 MB of
   output, which no allocator of C keeps, and a quarter of a training step of LeNet-5.
c. What is kept is bounded, and the pages of the largest blocks are lent to the operating system meanwhile: short of
   memory, it takes them. A handler that the user has set is left alone.
"""
import os

cimport cython
cimport numpy as cnp
import numpy as np

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy, memmove, memset

cdef extern from "_pages.h":
    enum:
        CCONV_LENDS
        CCONV_HEAD
    void* cconv_take_aligned(size_t size, size_t alignment)
    void cconv_give_aligned(void* memory)
    void* cconv_take_pages(size_t size)
    void cconv_give_pages(void* block, size_t size)
    bint cconv_lend_pages(void* block, size_t size)

cdef extern from "numpy/arrayobject.h":
    PyObject* PyDataMem_DefaultHandler
    ctypedef struct DataHandler "PyDataMem_Handler":
        char name[127]
        unsigned char version
        cnp.PyDataMemAllocator allocator

cnp.import_array()

cdef Py_ssize_t asked = -1          # since watch() was called; -1: nobody watches
cdef Py_ssize_t held = 0
cdef Py_ssize_t failing = 0


cdef void* take_memory(size_t size) except NULL:
    """That many bytes, to be given back with free_memory on every path; MemoryError if there are none."""
    global asked, held
    cdef void* memory
    if asked >= 0:
        asked += 1
        held += asked != failing
    memory = NULL if asked > 0 and asked == failing else PyMem_RawMalloc(size)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch")
    return memory


cdef void free_memory(void* memory) noexcept:
    global held
    if asked >= 0 and memory != NULL:
        held -= 1
    PyMem_RawFree(memory)


cdef char* take_scratch(Py_ssize_t* bytes_per_thread, int num_threads, void** allocation) except NULL:
    """Scratch for num_threads, each part on cache lines of its own; `allocation` is what free_memory wants."""
    cdef size_t size = scratch_pitch(<size_t>bytes_per_thread[0])
    bytes_per_thread[0] = <Py_ssize_t>size
    if size > (<size_t>-1)//2//<size_t>num_threads - ALIGNMENT:
        raise MemoryError(f"cannot allocate {size} bytes of scratch for each of {num_threads} threads")
    allocation[0] = take_memory(size*<size_t>num_threads + ALIGNMENT)
    return <char*>((<uintptr_t>allocation[0] + ALIGNMENT - 1)//ALIGNMENT*ALIGNMENT)


def watch(Py_ssize_t fail=0):
    """Count allocations from now on, and let number `fail`, from 1, fail. For tests."""
    global asked, held, failing
    asked, held, failing = 0, 0, fail


def watched():
    """(how often memory was asked for since watch(), how many blocks are still held). For tests."""
    return asked, held


def unwatch():
    """Count no more. For tests."""
    global asked
    asked = -1


# ---- results ----

cdef enum:
    PAGES_FROM = 4 << 20        # bytes from which on a block is pages of its own, huge ones where there are
    LENT_FROM = 32 << 20        # and lent while it is kept: 0.15 ms, and 10 us per MB
    MOST_KEPT = 64              # blocks on a shelf
    KEPT_MB = 256               # of lent blocks: of VGG-16 for 8 photographs the largest map is 103, its gradient too
    UNLENT_KEPT_MB = 64         # of others; C's allocator keeps as much


cdef struct Block:
    size_t capacity


cdef struct Shelf:
    # blocks that nobody uses, the oldest first
    int count
    size_t kept_bytes
    size_t most_bytes
    Block* blocks[MOST_KEPT]


cdef Shelf shelves[2]       # of blocks that are not lent, and that are
cdef cython.pymutex shelves_lock


cdef inline char* data_of(Block* block) noexcept:
    return <char*>block + ALIGNMENT


cdef inline Block* block_of(void* data) noexcept:
    return <Block*>(<char*>data - ALIGNMENT)


cdef Block* new_block(size_t size) noexcept:
    """At least `size` bytes of the system's, described by what stands before them; NULL: there are none."""
    cdef size_t unit = CCONV_HEAD if size >= PAGES_FROM and CCONV_LENDS else ALIGNMENT
    cdef size_t capacity = (size + unit - 1)//unit*unit
    cdef char* data
    cdef Block* block
    if capacity < size or capacity > <size_t>-1 - ALIGNMENT:
        return NULL
    if capacity >= PAGES_FROM and CCONV_LENDS:
        data = <char*>cconv_take_pages(capacity)
        if data == NULL:
            return NULL
        block = block_of(data)
    else:
        block = <Block*>cconv_take_aligned(capacity + ALIGNMENT, ALIGNMENT)
        if block == NULL:
            return NULL
    block.capacity = capacity
    return block


cdef void give_block(Block* block) noexcept:
    if block.capacity >= PAGES_FROM and CCONV_LENDS:
        cconv_give_pages(data_of(block), block.capacity)
    else:
        cconv_give_aligned(block)


cdef Block* from_shelf(Shelf* shelf, int i) noexcept:
    cdef Block* block = shelf.blocks[i]
    shelf.count -= 1
    shelf.kept_bytes -= block.capacity
    memmove(&shelf.blocks[i], &shelf.blocks[i + 1], (shelf.count - i)*sizeof(Block*))
    return block


cdef void give_all() noexcept:
    cdef Shelf* shelf
    for i in range(2):
        shelf = &shelves[i]
        while shelf.count:
            give_block(from_shelf(shelf, shelf.count - 1))


cdef void* take_result(void* context, size_t size) noexcept:
    """Memory of a kept block that is at most a quarter larger, the smallest of them, or new memory."""
    cdef Shelf* shelf = &shelves[size >= LENT_FROM]
    cdef Block* block = NULL
    cdef int best = -1, i
    with shelves_lock:
        for i in range(shelf.count):
            if size <= shelf.blocks[i].capacity <= size + size//4 + ALIGNMENT:
                if best < 0 or shelf.blocks[i].capacity <= shelf.blocks[best].capacity:
                    best = i
        if best >= 0:
            block = from_shelf(shelf, best)
        else:
            block = new_block(size)
            if block == NULL:       # what is kept may be what is missing
                give_all()
                block = new_block(size)
    return NULL if block == NULL else data_of(block)


cdef void give_result(void* context, void* data, size_t size) noexcept:
    """Keep a block in place of the oldest ones, unless it alone is too large."""
    cdef Block* block
    cdef Shelf* shelf
    if data == NULL:
        return
    block = block_of(data)
    shelf = &shelves[block.capacity >= LENT_FROM]
    with shelves_lock:
        if block.capacity > shelf.most_bytes or (
                block.capacity >= LENT_FROM and not cconv_lend_pages(data, block.capacity)):
            give_block(block)
            return
        while shelf.count == MOST_KEPT or shelf.kept_bytes + block.capacity > shelf.most_bytes:
            give_block(from_shelf(shelf, 0))
        shelf.blocks[shelf.count] = block
        shelf.count += 1
        shelf.kept_bytes += block.capacity


cdef void* take_zeros(void* context, size_t count, size_t size) noexcept:
    cdef void* data
    if size and count > <size_t>-1//size:
        return NULL
    data = take_result(context, count*size)
    if data != NULL:
        memset(data, 0, count*size)
    return data


cdef void* resize_result(void* context, void* data, size_t size) noexcept:
    cdef void* larger
    if data == NULL:
        return take_result(context, size)
    if size <= block_of(data).capacity:
        return data
    larger = take_result(context, size)
    if larger != NULL:
        memcpy(larger, data, block_of(data).capacity)
        give_result(context, data, 0)
    return larger


cdef DataHandler handler
memcpy(handler.name, <const char*>b"cconv", 6)
handler.version = 1
handler.allocator.ctx = NULL
handler.allocator.malloc = take_result
handler.allocator.calloc = take_zeros
handler.allocator.realloc = resize_result
handler.allocator.free = give_result
cdef object HANDLER = PyCapsule_New(&handler, b"mem_handler", NULL)


def _kept_bytes():
    kept = os.environ.get("CCONV_KEPT_MB") or KEPT_MB
    try:
        kept = int(kept)
    except ValueError:
        kept = -1
    if not 0 <= kept < 1 << 30:
        raise ImportError(f"CCONV_KEPT_MB={os.environ['CCONV_KEPT_MB']!r} must be an int of 0 or more")
    return kept << 20


shelves[1].most_bytes = _kept_bytes()
shelves[0].most_bytes = min(<size_t>UNLENT_KEPT_MB << 20, shelves[1].most_bytes)


cdef object set_handler():
    """Arrays made from now on are in memory from here, unless the user has a handler set; that which was set."""
    own = cnp.PyDataMem_SetHandler(HANDLER)
    if <PyObject*>own != PyDataMem_DefaultHandler:
        cnp.PyDataMem_SetHandler(own)
    return own


cdef cnp.ndarray new_result(int ndim, cnp.npy_intp* shape, int typenum, bint is_large):
    """An array; if it is large (KEPT_FROM), in memory from here."""
    if not is_large:
        return cnp.PyArray_EMPTY(ndim, shape, typenum, 0)
    own = set_handler()
    try:
        return cnp.PyArray_EMPTY(ndim, shape, typenum, 0)
    finally:
        cnp.PyDataMem_SetHandler(own)


cdef cnp.ndarray new_line(cnp.npy_intp n, int typenum):
    """An array of one axis; if it is large, in memory from here."""
    return new_result(1, &n, typenum, n >= KEPT_FROM//<Py_ssize_t>sizeof(double))


def empty(tuple shape not None, dtype):
    """np.empty, in memory from here if it is large."""
    cdef double size
    dtype = np.dtype(dtype)
    size = dtype.itemsize
    for extent in shape:
        size *= <double>extent
    if size < KEPT_FROM:
        return np.empty(shape, dtype)
    own = set_handler()
    try:
        return np.empty(shape, dtype)
    finally:
        cnp.PyDataMem_SetHandler(own)


def empty_like(array, dtype):
    """np.empty_like, of the base class, in memory from here if it is large."""
    dtype = np.dtype(dtype)
    if array.size*<double>dtype.itemsize < KEPT_FROM:
        return np.empty_like(array, dtype, subok=False)
    own = set_handler()
    try:
        return np.empty_like(array, dtype, subok=False)
    finally:
        cnp.PyDataMem_SetHandler(own)


def kept():
    """(bytes of blocks, bytes of lent blocks) that are kept for results to come. For tests."""
    return shelves[0].kept_bytes, shelves[1].kept_bytes


def give_back():
    """Give all memory that is kept to the operating system. For tests."""
    with shelves_lock:
        give_all()
