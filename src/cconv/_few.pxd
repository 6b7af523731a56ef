"""What is done to few samples at once, where to get to a kernel would take longer.

Sums of rows and columns, one after the other, on the stack, are what scipy.signal.sepfir2d computes: four at a time in
registers, without vectors. 16x16 samples and 9 taps take 1.2 us of SciPy's 2.3.
"""
cimport numpy as cnp

from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #if defined(__GNUC__) && !defined(__clang__)
    #define CCONV_FAST __attribute__((optimize("O2", "cx-limited-range")))
    #else
    #define CCONV_FAST
    #endif
    """
    # In a file compiled for size, which the loops below would take twice as long for; complex products as NumPy's and
    # the kernels', without a second look at those that are NaN.
    ctypedef void fast "CCONV_FAST void"

cdef enum:
    FEW_NUMBERS = 2048          # of rows as below: 32 KB of complex128
    FEW_ACROSS = 512
    AT_ONCE = 4                 # sums in registers


ctypedef fused number:
    float
    double
    float complex
    double complex


cdef inline cnp.ndarray sepfir_of_few(cnp.ndarray input, hrow, hcol):
    """None for what has many samples or has to be refused."""
    cdef int typenum = work_type(cnp.PyArray_TYPE(input))
    cdef cnp.ndarray samples, row, column, out
    if typenum < 0 or cnp.PyArray_NDIM(input) != 2 or cnp.PyArray_SIZE(input) > FEW_NUMBERS:
        return None
    row, column = few_taps(hrow, typenum), few_taps(hcol, typenum)
    if row is None or column is None or not fits(input, cnp.PyArray_SIZE(row), cnp.PyArray_SIZE(column)):
        return None
    samples = in_order(input, typenum)
    out = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(input), typenum, 0)
    if typenum == cnp.NPY_FLOAT:
        filter_few[float](<float*>cnp.PyArray_DATA(out), samples, row, column)
    elif typenum == cnp.NPY_DOUBLE:
        filter_few[double](<double*>cnp.PyArray_DATA(out), samples, row, column)
    elif typenum == cnp.NPY_CFLOAT:
        filter_few[floatcomplex](<float complex*>cnp.PyArray_DATA(out), samples, row, column)
    else:
        filter_few[doublecomplex](<double complex*>cnp.PyArray_DATA(out), samples, row, column)
    return out


cdef inline int work_type(int typenum) noexcept:
    """SciPy's type for sums of samples of a type; -1: it knows none."""
    if typenum in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE, cnp.NPY_CFLOAT, cnp.NPY_CDOUBLE):
        return typenum
    if typenum == cnp.NPY_FLOAT16 or cnp.NPY_BOOL <= typenum <= cnp.NPY_USHORT:
        return cnp.NPY_FLOAT
    return cnp.NPY_DOUBLE if cnp.NPY_INT <= typenum <= cnp.NPY_ULONGLONG else -1


cdef inline cnp.ndarray in_order(array, int typenum):
    if (cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == typenum
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array)):
        return <cnp.ndarray>array
    return cnp.PyArray_FROM_OTF(array, typenum, cnp.NPY_ARRAY_CARRAY_RO)


cdef inline cnp.ndarray few_taps(taps, int typenum):
    """In C order; None if they cannot be cast safely, or are no odd number."""
    cdef cnp.ndarray array
    cdef int own
    if cnp.PyArray_Check(taps):
        own = cnp.PyArray_TYPE(<cnp.ndarray>taps)
        if own != typenum and not (work_type(own) >= 0 and cnp.PyArray_CanCastSafely(own, typenum)):
            return None
    array = in_order(taps, typenum)
    return array if cnp.PyArray_NDIM(array) == 1 and cnp.PyArray_DIM(array, 0) % 2 else None


cdef inline bint fits(cnp.ndarray input, Py_ssize_t KW, Py_ssize_t KH) noexcept:
    cdef Py_ssize_t H = cnp.PyArray_DIM(input, 0), W = cnp.PyArray_DIM(input, 1)
    return (max(H, KH) < FEW_NUMBERS and max(W, KW) < FEW_NUMBERS and W + KW + AT_ONCE <= FEW_ACROSS
            and (H + KH)*(W + KW + AT_ONCE) <= FEW_NUMBERS)


cdef inline fast filter_few(number* y, cnp.ndarray input, cnp.ndarray hrow, cnp.ndarray hcol) noexcept:
    """Rows, then columns."""
    cdef number rows[FEW_NUMBERS]               # filtered, with those of the border
    cdef number row[FEW_ACROSS]                 # with its border
    cdef Py_ssize_t H = cnp.PyArray_DIM(input, 0), W = cnp.PyArray_DIM(input, 1), h, w
    cdef Py_ssize_t KW = cnp.PyArray_SIZE(hrow), KH = cnp.PyArray_SIZE(hcol)
    cdef Py_ssize_t pitch = (W + AT_ONCE - 1)//AT_ONCE*AT_ONCE
    cdef number* inner = rows + KH//2*pitch
    cdef const number* source
    if H == 0 or W == 0:
        return
    memset(row, 0, sizeof(row[0])*<size_t>(pitch + KW - 1))
    for h in range(H):
        source = <const number*>cnp.PyArray_DATA(input) + h*W
        for w in range(KW//2):
            row[w] = source[mirrored(w - KW//2, W)]
            row[KW//2 + W + w] = source[mirrored(W + w, W)]
        memcpy(row + KW//2, source, sizeof(row[0])*<size_t>W)
        sum_taps(inner + h*pitch, row + KW - 1, pitch, <const number*>cnp.PyArray_DATA(hrow), KW, 1)
    for h in range(KH//2):
        memcpy(inner + (-1 - h)*pitch, inner + mirrored(-1 - h, H)*pitch, sizeof(row[0])*<size_t>pitch)
        memcpy(inner + (H + h)*pitch, inner + mirrored(H + h, H)*pitch, sizeof(row[0])*<size_t>pitch)
    for h in range(H):
        sum_taps(row, inner + (h + KH//2)*pitch, pitch, <const number*>cnp.PyArray_DATA(hcol), KH, pitch)
        memcpy(y + h*W, row, sizeof(row[0])*<size_t>W)


cdef inline Py_ssize_t mirrored(Py_ssize_t i, Py_ssize_t n) noexcept:
    """Where sample i of a row lies that n samples and their mirror image go on for ever."""
    i = -1 - i if i < 0 else i
    if i >= 2*n:
        i %= 2*n
    return i if i < n else 2*n - 1 - i


cdef inline fast sum_taps(number* y, const number* x, Py_ssize_t n, const number* taps, Py_ssize_t count,
                          Py_ssize_t step) noexcept:
    """n samples, y[i] = sum of taps[t]*x[i - t*step]."""
    cdef number a, b, c, d, tap
    cdef const number* samples
    cdef Py_ssize_t i = 0, t
    while i < n:
        a = b = c = d = 0
        samples = x + i
        for t in range(count):
            tap = taps[t]
            a += tap*samples[0]
            b += tap*samples[1]
            c += tap*samples[2]
            d += tap*samples[3]
            samples -= step
        y[i], y[i + 1], y[i + 2], y[i + 3] = a, b, c, d
        i += AT_ONCE


# --- bool, NaN --------------------------------------------------------------------------------------------------------

cdef inline fast make_true(unsigned char* bytes_, Py_ssize_t n) noexcept:
    """What is not 0."""
    cdef Py_ssize_t i
    for i in range(n):
        bytes_[i] = bytes_[i] != 0


ctypedef fused floating:
    float
    double


cdef inline bint have_nan(cnp.ndarray array):
    """Among float32 or float64 samples."""
    cdef int typenum = cnp.PyArray_TYPE(array)
    cdef cnp.ndarray samples
    cdef bint found = False
    if typenum == cnp.NPY_DOUBLE:
        samples = in_order(array, typenum)
        find_nan(<const double*>cnp.PyArray_DATA(samples), cnp.PyArray_SIZE(samples), &found)
    elif typenum == cnp.NPY_FLOAT:
        samples = in_order(array, typenum)
        find_nan(<const float*>cnp.PyArray_DATA(samples), cnp.PyArray_SIZE(samples), &found)
    return found


cdef inline fast find_nan(const floating* samples, Py_ssize_t n, bint* found) noexcept:
    cdef Py_ssize_t i
    cdef bint any_ = False
    for i in range(n):
        any_ |= samples[i] != samples[i]
    found[0] = any_
