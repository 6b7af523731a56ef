"""ResNet-18 and ResNet-50: blocks whose output is added to their input.

    python examples/resnet.py

As in torchvision: a block that strides does so in its 3x3 layer.

K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning for image recognition, arXiv:1512.03385, 2015.
"""

from cconv import nn
from training_step import show_step


def basic(channels, stride):
    """Two layers of 3x3."""
    return [
        nn.Conv2d(channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Conv2d(channels, 3, padding=1, bias=False),
        nn.BatchNorm(),
    ]


def bottleneck(channels, stride):
    """1x1 to few channels, 3x3, 1x1 to four times as many."""
    return [
        nn.Conv2d(channels, 1, bias=False),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Conv2d(channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.Conv2d(4 * channels, 1, bias=False),
        nn.BatchNorm(),
    ]


def resnet(block, counts, classes=1000, *, image=224, seed=0, dtype="float32"):
    """Four stages of `counts` blocks; each but the first halves the extents and doubles the channels."""
    layers = [
        nn.Conv2d(64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm(),
        nn.Activation("relu"),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    channels = 64
    for stage, count in enumerate(counts):
        width = 64 * 2**stage
        wide = width if block is basic else 4 * width
        for number in range(count):
            stride = 2 if stage and not number else 1
            changes = stride > 1 or channels != wide
            shortcut = [nn.Conv2d(wide, 1, stride=stride, bias=False), nn.BatchNorm()] if changes else None
            layers.append(nn.Residual(block(width, stride), shortcut))
            channels = wide
    layers += [nn.GlobalAvgPool(), nn.Flatten(), nn.Dense(classes)]
    return nn.Sequential(layers, input_shape=(3, image, image), seed=seed, dtype=dtype)


def resnet18(classes=1000, **options):
    """11,689,512 parameters with 1000 classes."""
    return resnet(basic, (2, 2, 2, 2), classes, **options)


def resnet50(classes=1000, **options):
    """25,557,032 parameters with 1000 classes."""
    return resnet(bottleneck, (3, 4, 6, 3), classes, **options)


def main(small=False):
    """Show both networks and the times of a training step."""
    options = dict(classes=10, image=32) if small else {}
    return [show_step("ResNet-18", resnet18(**options)), show_step("ResNet-50", resnet50(**options))]


if __name__ == "__main__":
    main()
