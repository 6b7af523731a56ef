"""GoogLeNet: nine inception blocks, each four branches side by side.

    python examples/googlenet.py

As in torchvision: batch normalisation after each convolution, 3x3 kernels where the paper has 5x5, no auxiliary heads.

C. Szegedy et al., Going deeper with convolutions, arXiv:1409.4842, 2014.
"""

from cconv import nn
from training_step import show_step


def unit(channels, kernel_size, **options):
    """Convolution, batch normalisation, relu."""
    return [
        nn.Conv2d(channels, kernel_size, bias=False, **options),
        nn.BatchNorm(eps=0.001),
        nn.Activation("relu"),
    ]


def inception(one, three_in, three, five_in, five, pooled):
    """The block: 1x1; 1x1 then 3x3; 1x1 then 3x3 (5x5 in the paper); 3x3 maxima then 1x1. Channels of each."""
    return nn.Concat([
        unit(one, 1),
        [*unit(three_in, 1), *unit(three, 3, padding=1)],
        [*unit(five_in, 1), *unit(five, 3, padding=1)],
        [nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), *unit(pooled, 1)],
    ])  # fmt: skip


def googlenet(classes=1000, *, dropout=0.2, image=224, seed=0, dtype="float32"):
    """6,624,904 parameters with 1000 classes."""
    return nn.Sequential(
        [
            *unit(64, 7, stride=2, padding=3),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            *unit(64, 1),
            *unit(192, 3, padding=1),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            inception(64, 96, 128, 16, 32, 32),
            inception(128, 128, 192, 32, 96, 64),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            inception(192, 96, 208, 16, 48, 64),
            inception(160, 112, 224, 24, 64, 64),
            inception(128, 128, 256, 24, 64, 64),
            inception(112, 144, 288, 32, 64, 64),
            inception(256, 160, 320, 32, 128, 128),
            nn.MaxPool2d(2, stride=2, ceil_mode=True),
            inception(256, 160, 320, 32, 128, 128),
            inception(384, 192, 384, 48, 128, 128),
            nn.GlobalAvgPool(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Dense(classes),
        ],
        input_shape=(3, image, image), seed=seed, dtype=dtype,
    )  # fmt: skip


def main(small=False):
    """Show the network and the time of a training step."""
    return show_step("GoogLeNet", googlenet(classes=10, image=32) if small else googlenet())


if __name__ == "__main__":
    main()
