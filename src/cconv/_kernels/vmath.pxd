"""Functions of vectors: see vmath.h and softmax.h."""
from cconv._kernels.simd cimport real, vreal

cdef extern from "vmath.h" nogil:
    ctypedef vreal element(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_identity(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_relu(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_relu_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_leaky(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_leaky_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_slope_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_elu(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_elu_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_sigmoid(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_sigmoid_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_tanh(vreal x, vreal g, vreal p, vreal p_low) noexcept
    vreal element_tanh_grad(vreal x, vreal g, vreal p, vreal p_low) noexcept
    # f, has_g and per_element are literals
    void map_elements(element f, real* dst, const real* x, const real* g, const real* p, bint has_g, bint per_element,
                      real p_low, Py_ssize_t n) noexcept

cdef extern from "softmax.h" nogil:
    enum:
        SOFT_MAX
        SOFT_LOG
        SOFT_MAX_GRAD
        SOFT_LOG_GRAD
    ctypedef struct soft_totals:
        vreal peak
    vreal vsplat(real x) noexcept
    void soft_begin(soft_totals* t) noexcept
    void soft_peaked(soft_totals* t) noexcept
    void soft_end(int kind, soft_totals* t) noexcept
    real soft_row_peak(const real* x, Py_ssize_t n, real peak) noexcept
    void soft_row_add(int kind, bint keep, soft_totals* t, real* kept, const real* x, const real* g,
                      Py_ssize_t n) noexcept
    void soft_row_end(int kind, soft_totals* t) noexcept
    void soft_row_store(int kind, bint kept, real* dst, const soft_totals* t, const real* x, const real* g,
                        Py_ssize_t n) noexcept
    void soft_columns_peak(soft_totals* t, const real* x, Py_ssize_t n) noexcept
    void soft_columns_add(int kind, bint keep, soft_totals* t, real* kept, const real* x, const real* g,
                          Py_ssize_t n) noexcept
    void soft_columns_store(int kind, bint kept, real* dst, const soft_totals* t, const real* x, const real* g,
                            Py_ssize_t n) noexcept
