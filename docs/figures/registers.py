"""What a core's vector registers hold in each micro-kernel's inner loop. Tile sizes are read from simd.h."""

import re
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

HEADER = Path("../src/cconv/_kernels/simd.h")      # figures are drawn in docs/
SUM, LOAD, SCALAR, FREE = "#2a9d8f", "#e9c46a", "#e76f51", "#eeeeee"


class Level(NamedTuple):
    """A SIMD level: its registers, and the constants that simd.h gives it."""

    name: str
    registers: int
    lanes: int          # float32
    tiles: dict


class Picture(NamedTuple):
    """A register tile: `rows` x `columns` sums, what is loaded for all rows, and what is spread to all lanes."""

    rows: int
    columns: int
    row: str
    column: str
    load: str
    scalar: str
    loads: int = 0          # vectors in registers that are loaded; one per column unless said
    held: int = 0           # weights that stay in registers as vectors
    scalars: int = 1        # registers for what is spread to all lanes


def levels():
    """The three levels of x86-64, best first."""
    text = HEADER.read_text(encoding="utf-8")
    found = re.findall(r"#define CCONV_VECTOR_BYTES (\d+)\nenum \{(.*?)\}", text)
    names = {64: ("x86-64-v4", 32), 32: ("x86-64-v3", 16), 16: ("generic", 16)}
    return [Level(*names[int(size)], int(size) // 4,
                  {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", body)}) for size, body in found]


def tile(kernel, level):
    """The picture of a kernel at a level."""
    t = level.tiles
    return {
        "channels": Picture(t["CH_M"], t["CH_V"], "output channels", "pixels", "samples of one tap",
                            "a weight per channel"),
        "pixels": Picture(t["PX_M"], t["PX_V"], "pixels", "output channels", "weights of one tap",
                          "a sample per pixel"),
        "rows": Picture(4, t["RW_V"], "output rows", "pixels of the row", "samples of one input row",
                        "a weight per row"),
        "depthwise": Picture(8, 1, "outputs along the row", "channels", "one sample", "", held=3, scalars=0),
        "planes": Picture(4, t["RW_V"] - t["RW_V"] // 3, "output rows", "pixels of the row", "samples of one input row",
                          "", held=9, scalars=0),
        "woven": Picture(2, 1, "columns, even and odd", "pixels of the row", "samples, and those one on", "", loads=2,
                         held=6, scalars=0),
        "line": Picture(t["LN_R"], t["LN_V"], "outputs in time", "segments of the line", "one moment of all segments",
                        "a tap per output"),
        "winograd": Picture(t["PX_M"], t["PX_V"], "4x4 tiles", "output channels", "transformed weights",
                            "a sample per tile"),
        "separable": Picture(8, max(1, t["RW_V"] // 2), "output rows", "pixels of the row", "samples of one input row",
                             "a tap per row"),
    }[kernel]


def box(axis, x, y, colour, text="", width=1.0, size=7.5):
    """A register, or a part of one."""
    axis.add_patch(plt.Rectangle((x, y), width - 0.08, 0.84, facecolor=colour, edgecolor="0.35", linewidth=0.8))
    axis.text(x + width / 2 - 0.04, y + 0.42, text, ha="center", va="center", fontsize=size)


def draw_tile(axis, kernel, level):
    """The tile: loads above, what is spread at the left, sums between them; below, the register file."""
    p, wide = tile(kernel, level), 2.6
    loads = p.loads or p.columns
    lanes = f"{level.lanes} {p.column.removeprefix('output ').split()[0]}"
    for column in range(p.columns):
        box(axis, column * wide, p.rows + 0.5, LOAD, lanes, wide)
    axis.text(p.columns * wide + 0.15, p.rows + 0.92, f"loaded: {p.load},\nonce for all {p.rows} {p.row}", va="center",
              fontsize=8)
    for row in range(p.rows):
        y = p.rows - 1 - row
        if p.scalar:
            box(axis, -1.3, y, SCALAR, f"w[{row}]" if "weight" in p.scalar or "tap" in p.scalar else f"x[{row}]", 1.1)
        for column in range(p.columns):
            box(axis, column * wide, y, SUM, "+=", wide)
    left = -1.5 if p.scalar else -0.2
    axis.text(left, p.rows / 2, f"{p.rows} {p.row}", rotation=90, ha="right", va="center", fontsize=8)
    if p.scalar:
        axis.text(-0.75, p.rows + 0.92, "spread to\nall lanes", ha="center", va="center", fontsize=7)
    axis.text(p.columns * wide + 0.15, p.rows / 2,
              f"{p.rows} x {p.columns} vectors of sums,\nin registers from the first tap to the last\n"
              f"= {p.rows * p.columns * level.lanes} sums of float32", va="center", fontsize=8)
    sums = p.rows * p.columns
    used = [SUM] * sums + [LOAD] * (loads + p.held) + [SCALAR] * p.scalars
    for number in range(level.registers):
        x, y = number % 16 * 0.62 - 1.3, -1.6 - number // 16 * 0.9
        box(axis, x, y, used[number] if number < len(used) else FREE, "", 0.62)
    held = f" + {p.held} weights" if p.held else ""
    spread = " + 1 spread" if p.scalars else ""
    axis.text(16 * 0.62 - 1.1, -1.2 - (level.registers // 16 - 1) * 0.45,
              f"{level.registers} registers: {sums} sums + {loads} loaded{held}{spread}", va="center", fontsize=8)
    axis.set(xlim=(-2.2, 16.2), ylim=(-1.8 - level.registers // 16 * 0.9 + 0.8, p.rows + 1.6), aspect="equal")
    axis.set_axis_off()


def draw(kernel):
    """One kernel at the best level."""
    level = levels()[0]
    rows = tile(kernel, level).rows
    _, axis = plt.subplots(figsize=(8.5, 0.43 * (rows + 5)), layout="constrained")
    draw_tile(axis, kernel, level)
    axis.set_title(f"{kernel}, {level.name}, float32", loc="left", fontsize=9, weight="bold")


def channels():
    draw("channels")


def pixels():
    draw("pixels")


def rows():
    draw("rows")


def depthwise():
    draw("depthwise")


def planes():
    draw("planes")


def woven():
    draw("woven")


def line():
    draw("line")


def separable():
    draw("separable")


def by_level():
    """The same kernel at every level."""
    found = levels()
    heights = [tile("channels", level).rows + 4 + level.registers // 16 for level in found]
    _, axes = plt.subplots(len(found), 1, figsize=(8.5, 0.43 * sum(heights)), height_ratios=heights,
                           layout="constrained")
    for axis, level in zip(axes, found, strict=True):
        draw_tile(axis, "channels", level)
        axis.set_title(f"channels, {level.name}", loc="left", fontsize=9, weight="bold")


def winograd():
    """36 products for 16 outputs: an input tile, the transformed tile, the outputs."""
    figure, axes = plt.subplots(1, 4, figsize=(10, 3.6), layout="constrained", width_ratios=(6, 6, 6, 4))
    titles = ("6x6 samples d; the grey\nones serve neighbours too", "B' d B: 36 points,\nsums of samples",
              "times G g G', added up\nover all input channels",
              "A' m A:\n4x4 outputs")
    for axis, extent, colour, title in zip(axes, (6, 6, 6, 4), (LOAD, LOAD, SUM, SUM), titles, strict=True):
        for row in range(extent):
            for column in range(extent):
                shared = axis is axes[0] and (row in (0, 5) or column in (0, 5))
                box(axis, column, extent - 1 - row, FREE if shared else colour)
        axis.set(xlim=(-0.3, extent + 0.3), ylim=(-0.3, extent + 0.3), aspect="equal")
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.suptitle("winograd F(4x4, 3x3): 36 multiplications per channel where the direct sum takes 16 x 9 = 144",
                    fontsize=9, weight="bold")


def winograd_tile():
    draw("winograd")
