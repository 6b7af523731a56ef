"""Losses, each as (its value, its gradient), and how often a prediction is right."""

import numpy as np

from cconv import activations


def mean_squared_error(prediction, target):
    """The mean of ``(prediction - target) ** 2`` over all values.

    Parameters
    ----------
    prediction, target : ndarray
        Of one shape.

    Returns
    -------
    (loss, grad) : float, ndarray
        The loss, and its gradient with respect to `prediction`.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import nn
    >>> nn.mean_squared_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    (2.0, array([[ 0., -2.]]))
    """
    target = np.asarray(target)
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}; they have to be of one")
    difference = np.subtract(prediction, target, dtype=prediction.dtype)
    loss = np.vdot(difference, difference) / max(difference.size, 1)
    return float(loss), difference * prediction.dtype.type(2 / max(difference.size, 1))


def cross_entropy(logits, labels):
    """The mean of ``-log softmax(logits)[label]``: from scores of any size, no exponential overflows.

    Parameters
    ----------
    logits : ndarray, ``(N, classes)`` or ``(N, classes, *spatial)``
    labels : array_like of int, ``(N,)`` or ``(N, *spatial)``
        The right class of each, from 0.

    Returns
    -------
    (loss, grad) : float, ndarray
        The loss, and its gradient with respect to `logits`: ``(softmax(logits) - one_hot(labels)) / count``.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import nn
    >>> loss, grad = nn.cross_entropy(np.array([[0.0, 0.0], [1000.0, 0.0]]), [0, 0])
    >>> round(loss, 6), grad
    (0.346574, array([[-0.25,  0.25],
           [ 0.  ,  0.  ]]))
    """
    labels = _check_labels(logits, labels)
    image, *place = np.ogrid[tuple(map(slice, labels.shape))] if labels.ndim > 1 else (np.arange(len(labels)),)
    chosen = (image, labels, *place)
    grad = activations.log_softmax(logits, axis=1)
    loss = -float(np.add.reduce(grad[chosen], axis=None)) / labels.size
    np.exp(grad, out=grad)
    grad[chosen] -= 1
    grad *= grad.dtype.type(1 / labels.size)
    return loss, grad


def accuracy(logits, labels):
    """The fraction of labels that have the largest logit.

    Parameters
    ----------
    logits, labels
        As of `cross_entropy`.

    Returns
    -------
    float
    """
    return float((logits.argmax(1) == _check_labels(logits, labels)).mean())


def _check_labels(logits, labels):
    labels = np.asarray(labels)
    if logits.ndim < 2 or labels.shape != (len(logits), *logits.shape[2:]):
        raise ValueError(
            f"logits have shape {logits.shape} and labels {labels.shape}; they take (N, classes, ...) and (N, ...)"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {labels.dtype}; they take integers, the number of the class")
    if not labels.size:
        raise ValueError(f"labels of shape {labels.shape} are empty; there is no mean of nothing")
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(f"labels reach from {labels.min()} to {labels.max()}; there are {logits.shape[1]} classes")
    return labels.astype(np.int64, copy=False)
