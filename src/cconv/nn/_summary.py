"""A network as a table."""

import cconv

from ._layer import WHOLE


def summary(model):
    """The network as a table: layers, shapes of their outputs, numbers of parameters, receptive fields.

    The receptive field of a layer is how many samples of the network's input one of its outputs sees, along each axis
    (`cconv.receptive_field`); "all" behind a layer that sees the whole map.

    Returns
    -------
    str
    """
    if model.input_shape is None:
        raise RuntimeError("the network is not built: give Sequential an input_shape")
    rows = [("layer", "output shape", "parameters", "receptive field")]
    rows.append(("input", _extents(model.input_shape), "", ""))
    windows = []
    for index, layer in enumerate(model.layers):
        windows = layer.reach(windows)
        seen = windows if isinstance(windows, str) else _field(windows, len(model.input_shape) - 1)
        rows.append((f"{index} {layer!r}", _extents(layer.output_shape), f"{layer.parameter_count():,}", seen))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}".rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, lines[1], f"{model.parameter_count():,} parameters"])


def _extents(shape):
    return " x ".join(map(str, shape))


def _field(windows, rank):
    if rank < 1:
        return WHOLE
    size, _, _ = cconv.receptive_field(windows)
    sizes = size if isinstance(size, tuple) else (size,) * rank
    return _extents(sizes)
