"""A small layer on cconv's functions: networks that learn, in plain NumPy.

It exists to use the primitives and to teach: a layer is a forward pass, a backward pass and its parameters, and each
fits on a page. Start with `Sequential`::

    from cconv import nn

    model = nn.Sequential(
        [nn.Conv2d(8, 3, activation="relu"), nn.MaxPool2d(2), nn.Flatten(), nn.Dense(10)],
        input_shape=(1, 28, 28), seed=0,
    )
    print(model.summary())
    model.fit(images, labels, epochs=5, optimiser=nn.Adam())
    scores = model.predict(images)

Arrays are ``(N, channels, *spatial)``. Parameters are float32 unless `Sequential` is told otherwise. Everything that is
random comes from a seed.
"""

from ._activation import Activation, PReLU
from ._blocks import Concat, Residual, Sequential
from ._convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ._initialisers import glorot_normal, glorot_uniform, he_normal, he_uniform
from ._layer import Layer
from ._losses import accuracy, cross_entropy, mean_squared_error
from ._normal import BatchNorm, Dropout
from ._optimisers import SGD, Adam
from ._pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from ._shape import Dense, Flatten
from ._training import History

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm",
    "Concat",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "History",
    "Layer",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "PReLU",
    "Residual",
    "Sequential",
    "accuracy",
    "cross_entropy",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "mean_squared_error",
]
