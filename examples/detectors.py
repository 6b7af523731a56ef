"""What one filter sees: a bump in a line, a vertical line in an image. The feature maps are printed.

    python examples/detectors.py
"""

import numpy as np

import cconv


def bump():
    """A filter that is high in the middle, slid along a bump two samples wide."""
    signal = np.float32([0, 0, 0, 1, 1, 0, 0, 0])
    detector = np.float32([0, 1, 0])
    # a layer takes (channels, samples) and (channels out, channels in, taps)
    return signal, detector, cconv.conv1d(signal[np.newaxis], detector[np.newaxis, np.newaxis])[0]


def line():
    """A vertical filter, and the same turned on its side, on an image with a vertical line two pixels wide."""
    image = np.zeros((8, 8), np.float32)
    image[:, 3:5] = 1
    vertical = np.float32([[0, 1, 0]] * 3)
    detectors = np.stack([vertical, vertical.T])[:, np.newaxis]
    return image, detectors, cconv.conv2d(image[np.newaxis], detectors)


def show(title, array):
    print(title)
    for row in np.atleast_2d(array):
        print("   ", " ".join(f"{value:3.0f}" for value in row))
    print()


def main(small=False):
    """Print both; `small` makes no difference."""
    signal, detector, response = bump()
    show("signal", signal)
    show("filter", detector)
    show("feature map: 1 where the middle of the filter is on the bump", response)
    image, detectors, maps = line()
    show("image", image)
    for name, weight, feature_map in zip(("vertical", "horizontal"), detectors, maps, strict=True):
        show(f"{name} filter", weight[0])
        show(f"its feature map: up to {feature_map.max():.0f} of 3 pixels of the filter lie on the line", feature_map)
    return response, maps


if __name__ == "__main__":
    main()
