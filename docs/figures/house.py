"""The data's way through the house, from the arguments of a call to the stored result."""

import matplotlib.pyplot as plt

STEPS = (
    ("arguments", "arrays and options", "your call"),
    ("spec", "all checks; names\nbecome numbers", "_shapes.py"),
    ("operator", "kept per signature;\nthreads, scratch", "_core.pyx"),
    ("plan", "which kernel,\nwhich tiles", "conv_plan"),
    ("pack", "borders, stride,\ntypes, layout", "pack.pxd"),
    ("micro-kernel", "multiply-adds\nin registers", "channels.pxd ..."),
    ("store", "bias, activation,\ntype, layout", "store.pxd"),
)
ZONES = (
    (0, 1, "NumPy", "#eeeeee"),
    (1, 2, "Python, once\nper signature", "#f4e3b2"),
    (2, 3, "Cython, once\nper call", "#bfe3dd"),
    (3, 7, "one SIMD level's module, without the GIL; the last three once per task", "#f3c5b3"),
)

figure, axis = plt.subplots(figsize=(11, 2.5), layout="constrained")
for first, last, text, colour in ZONES:
    axis.add_patch(plt.Rectangle((first * 2 - 0.1, -0.75), (last - first) * 2 - 0.1, 2.3, facecolor=colour, zorder=0))
    axis.text(first + last - 0.15, -0.55, text, ha="center", fontsize=8, style="italic")
for number, (name, what, where) in enumerate(STEPS):
    x = number * 2 + 0.05
    axis.add_patch(plt.Rectangle((x, 0), 1.6, 1.25, facecolor="white", edgecolor="0.3"))
    axis.text(x + 0.8, 1.05, name, ha="center", va="center", weight="bold", fontsize=9)
    axis.text(x + 0.8, 0.62, what, ha="center", va="center", fontsize=7.5)
    axis.text(x + 0.8, 0.16, where, ha="center", va="center", fontsize=7, family="monospace", color="0.35")
    if number:
        axis.annotate("", (x, 0.62), (x - 0.4, 0.62), arrowprops={"arrowstyle": "->"})
axis.set(xlim=(-0.2, 14), ylim=(-0.8, 1.6))
axis.set_axis_off()
