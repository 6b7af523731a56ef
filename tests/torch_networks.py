"""The networks of examples/ in torch.nn, written down a second time: what theirs are compared with.

Parameters are registered in the order in which cconv.nn counts them.
"""

from torch import cat, nn


def alexnet(classes, hidden):
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Linear(256 * 36, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, classes),
    )  # fmt: skip


def unit(ins, outs, kernel, stride=1, padding=0):
    return nn.Sequential(
        nn.Conv2d(ins, outs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outs, eps=0.001), nn.ReLU()
    )  # fmt: skip


class Inception(nn.Module):
    def __init__(self, ins, one, three_in, three, five_in, five, pooled):
        super().__init__()
        self.branches = nn.ModuleList([
            unit(ins, one, 1),
            nn.Sequential(unit(ins, three_in, 1), unit(three_in, three, 3, 1, 1)),
            nn.Sequential(unit(ins, five_in, 1), unit(five_in, five, 3, 1, 1)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), unit(ins, pooled, 1)),
        ])  # fmt: skip

    def forward(self, x):
        return cat([branch(x) for branch in self.branches], 1)


def googlenet(classes):
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        unit(3, 64, 7, 2, 3), pool, unit(64, 64, 1), unit(64, 192, 3, 1, 1), pool,
        Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), pool,
        Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64),
        Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64),
        Inception(528, 256, 160, 320, 32, 128, 128), nn.MaxPool2d(2, 2, ceil_mode=True),
        Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, classes),
    )  # fmt: skip


class Block(nn.Module):
    def __init__(self, ins, width, stride, deep):
        super().__init__()
        outs = 4 * width if deep else width
        shapes = [(ins, width, 1, 1), (width, width, 3, stride), (width, outs, 1, 1)] if deep else [
            (ins, width, 3, stride), (width, width, 3, 1)]  # fmt: skip
        layers = []
        for one, other, kernel, step in shapes:
            layers += [nn.Conv2d(one, other, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(other), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Identity()
        if stride > 1 or ins != outs:
            self.shortcut = nn.Sequential(nn.Conv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, x):
        return (self.body(x) + self.shortcut(x)).relu()


def resnet(classes, counts, deep):
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    ins = 64
    for stage, count in enumerate(counts):
        for number in range(count):
            layers.append(Block(ins, 64 << stage, 2 if stage and not number else 1, deep))
            ins = (64 << stage) * (4 if deep else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(ins, classes))
