"""Naive twins of the pools that `reference` does not hold, of all gradients of pools, and of unpooling."""

import itertools
import math

import numpy as np

from reference import avg_pool_nd, exact, pool_nd


def min_pool_nd(rank, input, kernel_size, *, return_indices=False, nan="propagate", **window):
    """The smallest sample of every window, and where the first such stands; a NaN wins."""
    input = np.asarray(input)

    def smallest(samples, flat, inside):
        lost = np.isnan(samples) if samples.dtype.kind == "f" else np.zeros(samples.shape, bool)
        place = np.empty(len(samples), np.int64)
        for row, (values, gone) in enumerate(zip(samples.tolist(), lost, strict=True)):
            taken = [i for i in range(len(values)) if not gone[i]] if nan == "omit" else list(range(len(values)))
            nans = [i for i in range(len(values)) if gone[i]] if nan != "omit" else []
            place[row] = nans[0] if nans else min(taken, key=values.__getitem__) if taken else 0
        return samples[np.arange(len(samples)), place], flat[place]

    values, indices = pool_nd(rank, smallest, input, kernel_size, **window)
    values = values.astype(input.dtype.newbyteorder("="))
    return (values, indices.astype(np.int64)) if return_indices else values


def lp_pool_nd(rank, input, norm_type, kernel_size, *, nan="propagate", **window):
    """(sum |x|**p)**(1/p) of every window."""

    def norm(samples, flat, inside):
        lost = np.isnan(samples) if nan == "omit" else np.zeros(samples.shape, bool)
        total = np.where(lost, 0, np.abs(samples) ** norm_type).sum(axis=1)
        return (np.where(lost.all(axis=1), np.nan, total ** (1 / norm_type)),) * 2

    return pool_nd(rank, norm, np.asarray(input).astype(np.float64), kernel_size, **window)[0]


# ---- adaptive windows ----------------------------------------------------------------------------------------


def adaptive_nd(rank, reduce, input, output_size, data_format="channels_first"):
    """Apply reduce(samples (planes, n), flat indices (n,)) to every window."""
    x = np.asarray(input)
    if data_format == "channels_last":
        x = np.moveaxis(x, -1, -1 - rank)
    size = x.shape[x.ndim - rank :]
    wanted = (output_size,) * rank if output_size is None or isinstance(output_size, int) else output_size
    output_size = [n if o is None else o for o, n in zip(wanted, size, strict=True)]
    steps = [math.prod(size[axis + 1 :]) for axis in range(rank)]
    planes = x.reshape(math.prod(x.shape[: x.ndim - rank]), math.prod(size))
    columns = []
    for place in itertools.product(*map(range, output_size)):
        spans = [np.arange(i * n // o, -(-(i + 1) * n // o)) for i, n, o in zip(place, size, output_size, strict=True)]
        flat = sum(i * step for i, step in zip(np.ix_(*spans), steps, strict=True)).ravel()
        columns.append(reduce(planes[:, flat], flat))

    def shaped(values):
        out = np.stack(values, axis=-1) if values else np.zeros((len(planes), 0))
        out = out.reshape(*x.shape[: x.ndim - rank], *output_size)
        return np.moveaxis(out, -1 - rank, -1) if data_format == "channels_last" else out

    return shaped([c[0] for c in columns]), shaped([c[1] for c in columns])


def adaptive_avg_pool_nd(rank, input, output_size, *, nan="propagate", data_format="channels_first"):
    input = np.asarray(input)
    input = input.astype(np.complex128 if input.dtype.kind == "c" else np.float64)

    def mean(samples, flat):
        lost = np.isnan(samples) if nan == "omit" else np.zeros(samples.shape, bool)
        with np.errstate(all="ignore"):
            return (np.where(lost, 0, samples).sum(axis=1) / (~lost).sum(axis=1),) * 2

    return adaptive_nd(rank, mean, input, output_size, data_format)[0]


def adaptive_max_pool_nd(
    rank, input, output_size, *, return_indices=False, nan="propagate", data_format="channels_first"
):
    input = np.asarray(input)

    def largest(samples, flat):
        place = samples.argmax(axis=1)  # numpy: the first maximum, or the first NaN
        if nan == "omit" and samples.dtype.kind == "f":
            lost = np.isnan(samples)
            best = np.where(lost, -np.inf, samples).max(axis=1, keepdims=True)
            place = (~lost & (samples == best)).argmax(axis=1)  # 0 if all are NaN
        return samples[np.arange(len(samples)), place], flat[place]

    values, indices = adaptive_nd(rank, largest, input, output_size, data_format)
    values = values.astype(input.dtype.newbyteorder("="))
    return (values, indices.astype(np.int64)) if return_indices else values


# ---- gradients of pools, unpooling -----------------------------------------------------------------------------


def _as_planes(array, rank, data_format):
    """(planes, samples) of an array."""
    if data_format == "channels_last":
        array = np.moveaxis(array, -1, -1 - rank)
    return array.reshape(math.prod(array.shape[: array.ndim - rank]), math.prod(array.shape[array.ndim - rank :]))


def _from_planes(planes, shape, rank, data_format):
    if data_format == "channels_last":
        moved = (*shape[: -1 - rank], shape[-1], *shape[-1 - rank : -1])
        return np.moveaxis(planes.reshape(moved), -1 - rank, -1)
    return planes.reshape(shape)


def max_pool_input_grad_nd(rank, grad_output, indices, input_shape, *, data_format="channels_first"):
    grad, places = (_as_planes(np.asarray(a), rank, data_format) for a in (exact(grad_output), indices))
    spatial = input_shape[-1 - rank : -1] if data_format == "channels_last" else input_shape[-rank:]
    out = np.zeros((len(grad), math.prod(spatial)), grad.dtype)
    for row in range(len(grad)):
        for value, place in zip(grad[row], places[row], strict=True):
            out[row, place] += value
    return _from_planes(out, tuple(input_shape), rank, data_format)


def linear_input_grad_nd(rank, pool, grad_output, input_shape, data_format):
    """The transpose of a linear pool of planes, found by pooling every plane that has a single 1."""
    grad = _as_planes(exact(grad_output), rank, data_format)
    spatial = tuple(input_shape)[-1 - rank : -1] if data_format == "channels_last" else tuple(input_shape)[-rank:]
    matrix = pool(np.eye(math.prod(spatial)).reshape(-1, *spatial)).reshape(math.prod(spatial), grad.shape[1])
    return _from_planes(grad @ matrix.T, tuple(input_shape), rank, data_format)


def avg_pool_input_grad_nd(rank, grad_output, input_shape, kernel_size, *, data_format="channels_first", **options):
    return linear_input_grad_nd(
        rank, lambda x: avg_pool_nd(rank, x, kernel_size, **options), grad_output, input_shape, data_format
    )


def adaptive_avg_pool_input_grad_nd(rank, grad_output, input_shape, *, data_format="channels_first"):
    shape = np.shape(grad_output)
    size = shape[-1 - rank : -1] if data_format == "channels_last" else shape[-rank:]
    return linear_input_grad_nd(
        rank, lambda x: adaptive_avg_pool_nd(rank, x, size), grad_output, input_shape, data_format
    )


def lp_pool_input_grad_nd(rank, grad_output, input, norm_type, kernel_size, **options):
    """sum over the windows of a sample of grad * sign(x) |x|**(p-1) y**(1-p); the sum is that of a mean over 1."""
    input, grad_output = exact(input), exact(grad_output)
    norms = lp_pool_nd(rank, input, norm_type, kernel_size, **options)
    with np.errstate(all="ignore"):
        shares = np.where(norms == 0, 0, grad_output * norms ** (1 - norm_type))
        powers = np.where(input == 0, 0, np.sign(input) * np.abs(input) ** (norm_type - 1))
    spread = avg_pool_input_grad_nd(
        rank, shares, input.shape, kernel_size, divisor_override=1, count_include_pad=False, **options
    )
    return spread * powers


def max_unpool_nd(rank, input, indices, plane_shape, *, data_format="channels_first"):
    """`plane_shape` is the whole shape of the result."""
    values, places = (_as_planes(np.asarray(a), rank, data_format) for a in (input, indices))
    spatial = plane_shape[-1 - rank : -1] if data_format == "channels_last" else plane_shape[-rank:]
    out = np.zeros((len(values), math.prod(spatial)), values.dtype)
    for row in range(len(values)):
        for value, place in zip(values[row], places[row], strict=True):
            out[row, place] = value
    return _from_planes(out, tuple(plane_shape), rank, data_format)


def max_unpool_input_grad_nd(rank, grad_output, indices, *, data_format="channels_first"):
    grad, places = (_as_planes(np.asarray(a), rank, data_format) for a in (grad_output, indices))
    out = np.zeros(places.shape, grad.dtype)
    for row in range(len(places)):
        for column, place in enumerate(places[row]):
            if place not in places[row, column + 1 :]:
                out[row, column] = grad[row, place]
    return _from_planes(out, np.shape(indices), rank, data_format)


# ---- one function per rank -------------------------------------------------------------------------------------


def _of_rank(twin, rank):
    return lambda *args, **kwargs: twin(rank, *args, **kwargs)


for _rank in (1, 2, 3):
    for _name in ("min_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool"):
        globals()[f"{_name}{_rank}d"] = _of_rank(globals()[f"{_name}_nd"], _rank)
    for _name in ("max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "max_unpool"):
        globals()[f"{_name}{_rank}d_input_grad"] = _of_rank(globals()[f"{_name}_input_grad_nd"], _rank)
    globals()[f"max_unpool{_rank}d"] = _of_rank(max_unpool_nd, _rank)
