"""What the pictures of this documentation share: one palette, one size of text, and numbers drawn in cells.

Design:
a. Colours have a meaning. Blue is what goes in, vermilion the kernel, green what comes out; all three are told apart
   by readers who do not see red or green (M. Okabe, K. Ito, 2008). Ink is for text, grey for what matters less.
b. Every figure is 7 inches wide at 100 dots per inch and every text has 10 points: 700 pixels, read without zooming.
c. Numbers stand in cells of 1 x 1 on a board with rows counted downwards, as in an array; a cell, a window and an arrow
   are placed by (row, column).
d. What draws returns nothing: a page shows the value of the last line of a block.
"""

import base64
import io
import wave

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

INPUT, KERNEL, OUTPUT = "#0072b2", "#d55e00", "#009e73"
INK, GREY, FAINT = "#1d2b3a", "#7d8b99", "#eef1f4"

_STYLE = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "figure.titlesize": 10,
    "legend.frameon": False,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.5,
    "image.interpolation": "antialiased",
}


def tint(colour, strength):
    """`colour` mixed with white: 0 is white, 1 the colour."""
    return tuple(1 - strength * (1 - np.array(to_rgb(colour))))


def shades(colour):
    """A colour map from white to `colour`."""
    return LinearSegmentedColormap.from_list("shades", ["white", colour])


SIGNED = LinearSegmentedColormap.from_list("signed", [INPUT, "white", KERNEL])


def figure(height, rows=1, columns=1, **options):
    """A figure 7 inches wide and its axes."""
    plt.rcParams.update(_STYLE)
    return plt.subplots(rows, columns, figsize=(7, height), **options)


def boards(height, rows=1, columns=1, **options):
    """`figure` of axes for cells: as large down as across, rows counted downwards, no ticks."""
    fig, axes = figure(height, rows, columns, **options)
    for ax in np.atleast_1d(axes).flat:
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.invert_yaxis()
    return fig, axes


def cells(ax, values, at=(0, 0), colour=INPUT, text="{:g}", strength=0.18):
    """An array of numbers in cells, its first at `at`; NaN is an empty cell; `strength` one tint, or one per cell."""
    values = np.atleast_2d(values)
    strengths = np.broadcast_to(strength, values.shape)
    for (row, column), value in np.ndenumerate(values):
        top, left = at[0] + row, at[1] + column
        empty = np.isnan(value)
        face = "white" if empty else tint(colour, strengths[row, column])
        ax.add_patch(Rectangle((left, top), 1, 1, facecolor=face, edgecolor=tint(GREY, 0.5), linewidth=0.8))
        if not empty and text:
            ink = "white" if strengths[row, column] > 0.7 else INK
            words = text.format(value).replace("-", "−")
            ax.text(left + 0.5, top + 0.5, words, ha="center", va="center", color=ink)
    ax.update_datalim([(at[1], at[0]), (at[1] + values.shape[1], at[0] + values.shape[0])])
    ax.autoscale_view()


def frame(ax, at, shape, colour=KERNEL, width=2.5, style="-"):
    """The outline of a window of `shape` cells."""
    patch = Rectangle(
        (at[1], at[0]), shape[1], shape[0], fill=False, edgecolor=colour, linewidth=width, linestyle=style, zorder=5
    )
    patch.set_joinstyle("miter")
    ax.add_patch(patch)


def arrow(ax, start, end, colour=GREY, width=1.2, bend=0.0):
    """An arrow from one (row, column) to another."""
    ax.add_patch(
        FancyArrowPatch(
            start[::-1], end[::-1], arrowstyle="-|>", mutation_scale=10, color=colour, linewidth=width,
            connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0, zorder=6,
        )
    )  # fmt: skip


def note(ax, at, words, colour=INK, ha="center", va="center"):
    """Words at (row, column)."""
    ax.text(at[1], at[0], words, ha=ha, va=va, color=colour)
    ax.update_datalim([(at[1], at[0])])
    ax.autoscale_view()


def volume(ax, at, shape, colour, slices=True):
    """A box of (channels, rows, columns) cells, its front face at `at`; the channels go back and up to the right."""
    depth, rows, columns = shape
    step = 0.5
    top, left = at
    across, up = depth * step, depth * step

    def face(points, strength):
        ax.add_patch(
            Polygon([(x, y) for y, x in points], facecolor=tint(colour, strength), edgecolor=colour, linewidth=1)
        )

    right, bottom = left + columns, top + rows
    face([(top, left), (top, right), (bottom, right), (bottom, left)], 0.25)
    face([(top, left), (top - up, left + across), (top - up, right + across), (top, right)], 0.12)
    face([(top, right), (top - up, right + across), (bottom - up, right + across), (bottom, right)], 0.4)
    thin = {"color": colour, "linewidth": 0.5, "alpha": 0.7}
    for row in range(1, rows):
        ax.plot([left, right, right + across], [top + row, top + row, top + row - up], **thin)
    for column in range(1, columns):
        x = left + column
        ax.plot([x + across, x, x], [top - up, top, bottom], **thin)
    if slices:
        for layer in range(1, depth):
            x, y = layer * step, -layer * step
            ax.plot([left + x, right + x, right + x], [top + y, top + y, bottom + y], **thin)
    ax.update_datalim([(left, top - up), (right + across, bottom)])
    ax.autoscale_view()


def show(ax, image, title="", signed=False, **options):
    """An image without ticks: grey from 0 to 1, or in the colours of a sign about 0."""
    if signed:
        limit = np.abs(image).max()
        options = {"cmap": SIGNED, "vmin": -limit, "vmax": limit, **options}
    elif np.ndim(image) == 2:
        options = {"cmap": "gray", "vmin": 0, "vmax": 1, **options}
    else:
        image = np.clip(image, 0, 1)
    ax.imshow(image, **options)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title(title)


def legend(ax, **options):
    """The legend."""
    ax.legend(**options)


def legend_above(ax, columns=4):
    """The legend in one line over the axes, where it hides nothing."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handlelength=1.5)


class Table:
    """Rows of text under a header, as HTML on a page and as aligned text elsewhere."""

    def __init__(self, header, rows):
        self.header = [str(entry) for entry in header]
        self.rows = [[str(entry) for entry in row] for row in rows]

    def _repr_html_(self):
        def line(tag, row):
            return "<tr>" + "".join(f"<{tag}>{entry}</{tag}>" for entry in row) + "</tr>"

        body = "".join(line("td", row) for row in self.rows)
        return f'<table class="docutils"><thead>{line("th", self.header)}</thead><tbody>{body}</tbody></table>'

    def __repr__(self):
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = ["  ".join(entry.rjust(width) for entry, width in zip(row, widths, strict=True))
                 for row in (self.header, *self.rows)]  # fmt: skip
        return "\n".join(lines)


class Sound:
    """Samples from -1 to 1 as a player on a page; 16 bits, one channel."""

    def __init__(self, name, samples, rate):
        self.name, self.samples, self.rate = name, np.asarray(samples), rate

    def _repr_html_(self):
        loudest = max(1.0, np.abs(self.samples).max())
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(self.rate)
            out.writeframes((self.samples / loudest * 32767).astype("<i2").tobytes())
        data = base64.b64encode(file.getvalue()).decode()
        player = f'<audio controls preload="none" src="data:audio/wav;base64,{data}"></audio>'
        return f"<p>{self.name}<br>{player}</p>"

    def __repr__(self):
        return f"{self.name}: {len(self.samples) / self.rate:.2f} s at {self.rate} Hz"


class Sounds(list):
    """Several `Sound` one under the other."""

    def _repr_html_(self):
        return "".join(sound._repr_html_() for sound in self)
