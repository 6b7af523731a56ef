"""Operators run in a caller's workspace, without the interpreter; used by `capi`.

Design: what _core, _gradients and _weight_gradient do with arrays and new memory, in the same order
and with the same kernels: the bits are the same. Only the memory comes from a Workspace, with nothing behind it
nothing is run, and nobody looks for Ctrl-C.
"""
from libc.string cimport memset

from cconv._limits cimport SERIAL_WORK, threads_without_gil
from cconv._kernels.types cimport (
    ALG_WINOGRAD, DT_F32, METHOD_DIRECT, PAD_CONSTANT, Array, Axis, ConvArgs, ConvKernels, ConvSet, ExchangeArgs,
    PoolArgs, PoolKernels, WeightArgs, WeightKernels,
)
from cconv._phases cimport TOGETHER_BYTES, Phase, find_phase, join_phases, phase_step, reads_turned
from cconv._workspace cimport Workspace, take, take_scratch

cdef enum:
    MAX_THREADS = 1024
    MAX_PHASES = 1 << 20


cdef inline int planned(int num_threads, double work) noexcept nogil:
    """Threads to plan for, and to have scratch for: from the arguments alone."""
    return 1 if work < SERIAL_WORK else min(num_threads, <int>MAX_THREADS)


cdef inline int team(int threads, Py_ssize_t tasks) noexcept nogil:
    """Threads that run: no more than are planned and than are allowed now."""
    threads = <int>min(<Py_ssize_t>threads, tasks)
    return threads if threads == 1 else threads_without_gil(threads)


cdef inline double products(const ConvArgs* args) noexcept nogil:
    """As Convolution.work."""
    cdef double work = <double>args.N*args.G*args.OC*args.IC
    work *= <double>args.D.kernel*args.H.kernel*args.W.kernel
    work *= <double>args.D.output*args.H.output*args.W.output
    return 4*work if args.G > 1 and args.IC == 1 and args.OC == 1 else work


cdef inline void pack(ConvArgs* args, const ConvKernels* kernels, int threads, Workspace* space) noexcept nogil:
    """Plan, and pack the weight where the plan wants that first."""
    cdef size_t mark
    cdef char* scratch
    kernels.plan(args, threads)
    if args.n_prepare == 0 or not args.pack_first:
        return
    args.packed = take(space, <size_t>args.packed_bytes)
    mark = space.used
    scratch = take_scratch(space, &args.scratch_bytes, min(<Py_ssize_t>threads, args.n_prepare))
    if space.memory != NULL:
        kernels.prepare(args, scratch, 0, args.n_prepare, team(threads, args.n_prepare))
    space.used = mark


cdef inline void run_once(ConvArgs* args, const ConvKernels* kernels, int threads, Workspace* space) noexcept nogil:
    """What stays in the workspace is args.failed, of the algorithm that has it."""
    cdef size_t mark
    cdef char* scratch
    if args.algorithm == ALG_WINOGRAD:
        args.failed = <char*>take(space, <size_t>args.N)
        if space.memory != NULL:
            memset(args.failed, 0, <size_t>args.N)
    mark = space.used
    scratch = take_scratch(space, &args.scratch_bytes, min(<Py_ssize_t>threads, args.n_tasks))
    if space.memory != NULL:
        kernels.run(args, scratch, 0, args.n_tasks, team(threads, args.n_tasks))
    space.used = mark


cdef inline bint next_failed(const ConvArgs* args, const Workspace* space, Py_ssize_t* n) noexcept nogil:
    """From n on the batch element that has to be computed directly; where nothing is run, there is one."""
    if space.memory == NULL:
        return n[0] == 0
    while n[0] < args.N and not args.failed[n[0]]:
        n[0] += 1
    return n[0] < args.N


cdef inline ConvArgs one_of(const ConvArgs* args, Py_ssize_t n) noexcept nogil:
    """The same for batch element n alone, directly; for one batch axis or none."""
    cdef ConvArgs one = args[0]
    one.method = METHOD_DIRECT
    if args.batch_ndim:
        one.x.data += n*args.x.batch[0]
        one.y.data += n*args.y.batch[0]
    one.batch_ndim = 0
    one.N = 1
    one.failed = NULL
    return one


cdef inline void run_packed(ConvArgs* args, const ConvKernels* kernels, int threads, Workspace* space) noexcept nogil:
    """As Convolution.run_packed."""
    cdef ConvArgs one
    cdef Py_ssize_t n = 0
    cdef size_t mark
    run_once(args, kernels, threads, space)
    mark = space.used
    while args.algorithm == ALG_WINOGRAD and next_failed(args, space, &n):
        one = one_of(args, n)
        pack(&one, kernels, threads, space)
        run_once(&one, kernels, threads, space)         # direct: nothing fails
        space.used = mark
        n += 1


cdef inline void run_layer(ConvArgs* args, const ConvKernels* kernels, int num_threads,
                           Workspace* space) noexcept nogil:
    cdef size_t mark = space.used
    cdef int threads = planned(num_threads, products(args))
    pack(args, kernels, threads, space)
    run_packed(args, kernels, threads, space)
    space.used = mark


cdef inline void run_pool(PoolArgs* args, const PoolKernels* kernels, double work, int num_threads,
                          Workspace* space) noexcept nogil:
    cdef int threads = planned(num_threads, work)
    cdef char* scratch
    kernels.plan(args, threads)
    scratch = take_scratch(space, &args.scratch_bytes, min(<Py_ssize_t>threads, args.n_tasks))
    if space.memory != NULL:
        kernels.run(args, scratch, 0, args.n_tasks, team(threads, args.n_tasks))


# --- the input gradient: see _gradient_shapes and _gradients ----------------------------------------------------------

cdef struct PhaseAxis:
    Py_ssize_t stride           # of a single output it is free: each tap is a phase, and nothing is wasted
    Py_ssize_t candidates
    Py_ssize_t tap_count        # of all phases
    Py_ssize_t phases           # that an output reaches
    bint is_covered             # each position belongs to one


cdef inline bint phase_of(Phase* phase, const PhaseAxis* plan, const Axis* axis, bint flip,
                          Py_ssize_t i) noexcept nogil:
    return find_phase(phase, i, axis.pad, axis.size, axis.kernel, plan.stride, axis.dilation, axis.output, flip)


cdef inline void begin_phases(PhaseAxis* plan, const Axis* axis) noexcept nogil:
    plan.stride = axis.dilation*(axis.kernel - 1) + 1 if axis.output == 1 else axis.stride
    plan.candidates = min(axis.kernel, phase_step(plan.stride, axis.dilation))


cdef inline bint has_too_many_phases(const ConvArgs* layer) noexcept nogil:
    """Each takes 1 KB of workspace, and about 1 us to plan."""
    cdef PhaseAxis d, h, w
    begin_phases(&d, &layer.D)
    begin_phases(&h, &layer.H)
    begin_phases(&w, &layer.W)
    return <double>d.candidates*h.candidates*w.candidates > MAX_PHASES


cdef inline void plan_phases(PhaseAxis* plan, const Axis* axis, bint flip) noexcept nogil:
    cdef Py_ssize_t covered = 0, i
    cdef Phase phase
    begin_phases(plan, axis)
    plan.tap_count = plan.phases = 0
    for i in range(plan.candidates):
        if phase_of(&phase, plan, axis, flip, i):
            plan.phases += 1
            plan.tap_count += phase.tap_count
            covered += phase.count
    plan.is_covered = covered == axis.size


cdef inline void read_phase(Axis* axis, Py_ssize_t outputs, const Phase* phase) noexcept nogil:
    """The axis of the convolution of grad_output that a phase is."""
    axis.size = outputs - phase.start
    axis.kernel = phase.tap_count
    axis.output = phase.count
    axis.stride = 1
    axis.dilation = phase.dilation
    axis.pad = phase.pad
    axis.pad_after = 0
    axis.boundary = PAD_CONSTANT


cdef inline void part_of(ConvArgs* part, const ConvArgs* layer, const PhaseAxis* plans, const Phase* d, const Phase* h,
                         const Phase* w) noexcept nogil:
    """The convolution of three phases. The layer's x is its grad_output here, y its grad_input."""
    part[0] = layer[0]
    part.flip = not layer.flip
    part.IC = layer.OC
    part.OC = layer.IC
    part.cval[0] = part.cval[1] = 0
    read_phase(&part.D, layer.D.output, d)
    read_phase(&part.H, layer.H.output, h)
    read_phase(&part.W, layer.W.output, w)
    if part.x.data != NULL:
        part.x.data += d.start*part.x.d + h.start*part.x.h + w.start*part.x.w
        part.y.data += d.skipped*part.y.d + h.skipped*part.y.h + w.skipped*part.y.w
    part.y.d *= plans[0].stride
    part.y.h *= plans[1].stride
    part.y.w *= plans[2].stride


cdef inline void list_taps(Py_ssize_t* chosen, const ConvArgs* layer, const Phase* d, const Phase* h,
                           const Phase* w) noexcept nogil:
    cdef Py_ssize_t i, j, k, n = 0
    for i in range(d.tap_count):
        for j in range(h.tap_count):
            for k in range(w.tap_count):
                chosen[n] = (((d.tap + i*d.step)*layer.H.kernel + h.tap + j*h.step)*layer.W.kernel
                             + w.tap + k*w.step)
                n += 1


cdef inline void run_input_grad(const ConvArgs* layer, const ConvKernels* kernels, const WeightKernels* exchangers,
                                const void* weight, size_t grad_bytes, int num_threads,
                                Workspace* space) noexcept nogil:
    """y = the gradient, of the grad_output x; all of y, which is dense, is written."""
    cdef PhaseAxis plans[3]
    cdef Phase d, h, w
    cdef ConvArgs part
    cdef ConvArgs* each
    cdef ConvSet all
    cdef ExchangeArgs exchange
    cdef Py_ssize_t* counts
    cdef Py_ssize_t* chosen
    cdef Py_ssize_t i, j, k, n = 0, tap_count = 0, reals
    cdef size_t item = sizeof(float) if layer.x.dtype == DT_F32 else sizeof(double)
    cdef ConvArgs part_of_batch
    cdef size_t mark
    cdef char* weights
    cdef char* scratch
    cdef int threads
    cdef bint together, turned
    if layer.method != METHOD_DIRECT and join_phases(&part, layer, <Py_ssize_t>item):
        part.weight = weight
        threads = planned(num_threads, products(&part))
        pack(&part, kernels, threads, space)
        run_once(&part, kernels, threads, space)
        mark = space.used
        while next_failed(&part, space, &n):
            part_of_batch = one_of(layer, n)
            run_input_grad(&part_of_batch, kernels, exchangers, weight, grad_bytes//<size_t>layer.N, num_threads, space)
            space.used = mark
            n += 1
        return
    plan_phases(&plans[0], &layer.D, layer.flip)
    plan_phases(&plans[1], &layer.H, layer.flip)
    plan_phases(&plans[2], &layer.W, layer.flip)
    if space.memory != NULL and not (plans[0].is_covered and plans[1].is_covered and plans[2].is_covered):
        memset(layer.y.data, 0, grad_bytes)
    exchange.n_parts = plans[0].phases*plans[1].phases*plans[2].phases
    if exchange.n_parts == 0:
        return
    tap_count = plans[0].tap_count*plans[1].tap_count*plans[2].tap_count
    exchange.taps = layer.D.kernel*layer.H.kernel*layer.W.kernel
    turned = reads_turned(layer.G, layer.IC, exchange.taps)
    reals = 0 if turned else layer.G*layer.IC*layer.OC*tap_count
    counts = <Py_ssize_t*>take(space, <size_t>exchange.n_parts*sizeof(Py_ssize_t))
    chosen = <Py_ssize_t*>take(space, <size_t>tap_count*sizeof(Py_ssize_t))
    weights = <char*>take(space, <size_t>reals*item)
    each = <ConvArgs*>take(space, <size_t>exchange.n_parts*sizeof(ConvArgs))

    exchange.G, exchange.OC, exchange.IC = layer.G, layer.OC, layer.IC
    exchange.counts, exchange.chosen = counts, chosen
    exchange.weight, exchange.exchanged = weight, weights
    if space.memory != NULL:
        for i in range(plans[0].candidates):
            for j in range(plans[1].candidates):
                for k in range(plans[2].candidates):
                    if (phase_of(&d, &plans[0], &layer.D, layer.flip, i)
                            and phase_of(&h, &plans[1], &layer.H, layer.flip, j)
                            and phase_of(&w, &plans[2], &layer.W, layer.flip, k)):
                        counts[n] = d.tap_count*h.tap_count*w.tap_count
                        list_taps(chosen, layer, &d, &h, &w)
                        chosen += counts[n]
                        n += 1
    if not turned:
        exchangers.plan_exchange(&exchange)
        threads = planned(num_threads, 4.*reals)
        if space.memory != NULL:
            exchangers.exchange(&exchange, NULL, 0, exchange.n_tasks, team(threads, exchange.n_tasks))

    together = exchange.n_parts > 1 and (layer.N == 1 or <size_t>reals*item <= TOGETHER_BYTES)
    threads = planned(num_threads, products(layer))
    all.size = all.n_tasks = all.scratch_bytes = 0
    all.each = each
    for i in range(plans[0].candidates):
        for j in range(plans[1].candidates):
            for k in range(plans[2].candidates):
                if not (phase_of(&d, &plans[0], &layer.D, layer.flip, i)
                        and phase_of(&h, &plans[1], &layer.H, layer.flip, j)
                        and phase_of(&w, &plans[2], &layer.W, layer.flip, k)):
                    continue
                part_of(&part, layer, plans, &d, &h, &w)
                part.weight = weight if turned else weights
                part.turned = turned
                if weights != NULL and not turned:
                    weights += <size_t>(layer.G*layer.IC*layer.OC*part.D.kernel*part.H.kernel*part.W.kernel)*item
                if not together:
                    run_layer(&part, kernels, num_threads, space)
                    continue
                pack(&part, kernels, threads, space)
                if part.algorithm == ALG_WINOGRAD:          # may have to look at its input again
                    run_packed(&part, kernels, threads, space)
                    continue
                if each != NULL:
                    each[all.size] = part
                all.n_tasks = max(all.n_tasks, part.n_tasks)
                all.scratch_bytes = max(all.scratch_bytes, part.scratch_bytes)
                all.size += 1
    if all.size:
        scratch = take_scratch(space, &all.scratch_bytes, min(<Py_ssize_t>threads, all.n_tasks))
        if space.memory != NULL:
            kernels.run_set(&all, scratch, 0, all.n_tasks, team(threads, all.n_tasks))


# --- the weight gradient: see _weight_gradient ------------------------------------------------------------------------

cdef inline bint all_finite(const void* values, Py_ssize_t n, int dtype) noexcept nogil:
    cdef Py_ssize_t i
    cdef double value
    for i in range(n):
        value = (<const float*>values)[i] if dtype == DT_F32 else (<const double*>values)[i]
        if value - value != 0:
            return False
    return True


cdef inline void run_planned_sums(WeightArgs* all, const WeightKernels* kernels, int threads,
                                  Workspace* space) noexcept nogil:
    cdef size_t mark = space.used
    cdef size_t item = sizeof(float) if all.layer.x.dtype == DT_F32 else sizeof(double)
    cdef char* scratch
    if all.n_chunks > 1:
        all.partial = take(space, <size_t>(all.n_chunks - 1)*<size_t>all.n_elements*item)
    scratch = take_scratch(space, &all.scratch_bytes, min(<Py_ssize_t>threads, all.n_tasks))
    if space.memory != NULL:
        kernels.run(all, scratch, 0, all.n_tasks, team(threads, all.n_tasks))
        if all.n_chunks > 1:
            kernels.combine(all, NULL, 0, all.n_combine, 1)
    space.used = mark


cdef inline void run_weight_grad(WeightArgs* all, const WeightKernels* kernels, int num_threads,
                                 Workspace* space) noexcept nogil:
    """total = the gradient, of the layer's x and the grad_output y."""
    cdef double work = <double>all.layer.N*all.layer.G*all.layer.IC*all.layer.OC
    cdef int threads
    work *= <double>all.layer.D.kernel*all.layer.H.kernel*all.layer.W.kernel
    work *= <double>all.layer.D.output*all.layer.H.output*all.layer.W.output
    threads = planned(num_threads, work)
    kernels.plan(all)
    run_planned_sums(all, kernels, threads, space)
    if all.only_finite and (space.memory == NULL
                            or not all_finite(all.total, all.n_elements, all.layer.y.dtype)):
        all.layer.method = METHOD_DIRECT        # keeps what is not finite to the weights that met it
        kernels.plan(all)
        run_planned_sums(all, kernels, threads, space)
