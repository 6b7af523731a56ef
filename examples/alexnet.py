"""AlexNet: five convolutions and three fully connected layers, in the widths of torchvision's.

    python examples/alexnet.py

A. Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997, 2014.
"""

from cconv import nn
from training_step import show_step


def alexnet(classes=1000, *, hidden=4096, dropout=0.5, image=224, seed=0, dtype="float32"):
    """61,100,840 parameters with 1000 classes; images of 63 pixels or more."""
    return nn.Sequential(
        [
            nn.Conv2d(64, 11, stride=4, padding=2, activation="relu"),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 5, padding=2, activation="relu"),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(384, 3, padding=1, activation="relu"),
            nn.Conv2d(256, 3, padding=1, activation="relu"),
            nn.Conv2d(256, 3, padding=1, activation="relu"),
            nn.MaxPool2d(3, stride=2),
            nn.AdaptiveAvgPool2d(6),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Dense(hidden, activation="relu"),
            nn.Dropout(dropout),
            nn.Dense(hidden, activation="relu"),
            nn.Dense(classes),
        ],
        input_shape=(3, image, image), seed=seed, dtype=dtype,
    )  # fmt: skip


def main(small=False):
    """Show the network and the time of a training step."""
    model = alexnet(classes=10, hidden=64, image=63) if small else alexnet()
    return show_step("AlexNet", model)


if __name__ == "__main__":
    main()
