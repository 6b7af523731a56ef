"""What a network has learned, in a file: plain arrays, so that reading one runs no code."""

import zipfile

import numpy as np


def _arrays(model):
    """Path -> the array itself, of all that is learned or kept."""
    if model.input_shape is None:
        raise RuntimeError("the network is not built: give Sequential an input_shape")
    return {
        f"{path}.{name}" if path else name: array
        for path, layer in model.layers_with_names()
        for name, array in (layer.params | layer.state).items()
    }


def save(model, path):
    """Write parameters and running means to a file in the format of `numpy.savez`, under the name as it is given.

    Parameters
    ----------
    path : str or path-like
        The arrays in it are named by place, as "3.body.0.weight".
    """
    arrays = _arrays(model)
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def load(model, path):
    """Take parameters and running means from a file that `save` wrote for a network of the same layers.

    Nothing is changed unless all of it fits. No pickled objects are read.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    ValueError
        If the file is of another format, or holds other names, shapes or types than the network's.
    """
    arrays = _arrays(model)
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError(f"{path} is not a file of numpy.savez: it holds one array")
        with file:
            found = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is not a file of numpy.savez: {error}") from error
    missing, strange = sorted(arrays.keys() - found.keys()), sorted(found.keys() - arrays.keys())
    if missing or strange:
        parts = [f"{what} {', '.join(names[:5])}" for what, names in (("lacks", missing), ("has", strange)) if names]
        raise ValueError(f"{path} is not of this network: it {' and '.join(parts)}")
    for name, array in arrays.items():
        if (found[name].shape, found[name].dtype) != (array.shape, array.dtype):
            raise ValueError(
                f"{path}: {name} is {found[name].dtype} of shape {found[name].shape}; the network has {array.dtype} of "
                f"shape {array.shape}"
            )
    for name, array in arrays.items():
        array[...] = found[name]
