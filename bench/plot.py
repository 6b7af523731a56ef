"""Pictures of reports: the roofline with every case in it, and the groups' ratios beside their targets."""

import sys
from pathlib import Path

import numpy as np

COLOURS = {
    "cconv": "#c1121f", "torch": "#f77f00", "torch_last": "#fcbf49", "onnxruntime": "#386641", "opencv": "#3a86ff",
    "opencv_sep": "#8ab8ff", "ndimage": "#7b2cbf", "signal_direct": "#b08968", "signal_oa": "#343a40",
    "signal_fft": "#adb5bd", "numpy": "#06d6a0",
}
PARTS = {"float32": "32-bit sums", "float64": "64-bit sums"}


def pyplot():
    """matplotlib without a display, or an exit that says what is missing."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        sys.exit("plots need matplotlib: pip install matplotlib")
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11,
                         "savefig.dpi": 150, "savefig.bbox": "tight", "legend.frameon": False})
    return plt


def write(reports, folder):
    """Writes roofline.png (of the first report) and ratios.png (of all)."""
    plt, folder = pyplot(), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw, what in (("roofline", roofline, reports[0]), ("ratios", ratios, reports)):
        figure = draw(plt, what)
        figure.savefig(folder / f"{name}.png")
        plt.close(figure)
        print(f"wrote {folder / name}.png")


def machine_line(report):
    quick = ", quick run" if report["quick"] else ""
    return f"{report['cpu']}, {report['threads']} threads, {report['simd_level']}, {report['date']}{quick}"


def roofline(plt, report):
    """One panel per floating type: GFLOP/s over operations per byte, below what FMA peak and copying allow."""
    rows = {row["case"]: row for row in report["rows"] if row["flop"] and row["bytes"] and row["times"]}.values()
    parts = [part for part in PARTS if any(row["real"] == part for row in rows)]
    figure, axes = plt.subplots(1, len(parts), figsize=(7.5 * len(parts), 6.2), squeeze=False)
    for axis, part in zip(axes[0], parts, strict=True):
        _roofline_panel(axis, [row for row in rows if row["real"] == part], report, part)
    handles = {label: handle for axis in axes[0]
               for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    names = [name for name in COLOURS if name in handles]
    figure.legend([handles[name] for name in names], names, loc="upper center", ncols=len(names),
                  bbox_to_anchor=(0.5, 0.0), markerscale=1.5, columnspacing=1.0, handletextpad=0.1, fontsize=9)
    figure.text(0.5, -0.065, "Above the roof: Winograd and FFT need fewer operations than the nominal ones, and small "
                "arrays stay in the caches. Pooling has no operations to count.", fontsize=9, color="0.35", ha="center",
                va="top")
    figure.suptitle(f"Every case against the machine's limits\n{machine_line(report)}", fontsize=12)
    figure.tight_layout()
    return figure


def _roofline_panel(axis, rows, report, part):
    intensity = np.array([row["flop"] / row["bytes"] for row in rows])
    for name, colour in reversed(COLOURS.items()):
        rates = np.array([row["flop"] / row["times"][name]["min"] / 1e9 if name in row["times"] else np.nan
                          for row in rows])
        if not np.isnan(rates).all():
            ours = name == "cconv"
            axis.scatter(intensity, rates, 26 if ours else 13, colour, alpha=0.9 if ours else 0.6, label=name,
                         linewidths=0.4 if ours else 0, edgecolors="white", zorder=4 if ours else 2)
    peak, bandwidth = report["fma_peak_gflops"][part], report["copy_gbytes"]
    left, right = intensity.min() / 1.6, intensity.max() * 1.6
    ridge = np.clip(peak / bandwidth, left, right)
    axis.plot([left, ridge, right], np.minimum(peak, bandwidth * np.array([left, ridge, right])), "k", linewidth=1.3,
              zorder=3)
    axis.set(xscale="log", yscale="log", xlim=(left, right), xlabel="operations per byte of compulsory traffic",
             ylabel="GFLOP/s (nominal)", ylim=(peak / 2000, 25 * peak))
    axis.set_title(f"{PARTS[part]}; the roof: FMA peak {peak:.0f} GFLOP/s, copy {bandwidth:.0f} GB/s")
    axis.grid(alpha=0.2, which="major")


def ratios(plt, reports):
    """A bar per group: geometric mean over the best peer, whiskers from the lowest to the highest case."""
    bars = [(report, result) for report in reports for result in report["groups"] if "mean" in result]
    figure, axis = plt.subplots(figsize=(9.5, 1.4 + 0.36 * len(bars)))
    for place, (report, result) in enumerate(bars):
        found = [row["ratio"] for row in report["rows"] if row["group"] == result["group"] and row.get("ratio")]
        mean, missed = result["mean"], not result["met"]
        axis.barh(place, mean - 1, 0.62, 1, color="#e9c46a" if missed else "#2a9d8f", zorder=2)
        axis.plot([min(found), max(found)], [place, place], color="0.25", linewidth=1.1, zorder=3)
        axis.plot([min(found), max(found)], [place, place], "|", color="0.25", markersize=8, zorder=3)
        axis.plot([result["target_mean"]] * 2, [place - 0.4, place + 0.4], color="#c1121f", linewidth=2.2, zorder=4)
        axis.text(1.01, place, f"{mean:.2f}  ({min(found):.2f} to {max(found):.2f})", va="center", fontsize=9,
                  transform=axis.get_yaxis_transform())
    axis.axvline(1, color="k", linewidth=1, zorder=1)
    axis.set_yticks(range(len(bars)), [_label(report, result, len(reports)) for report, result in bars])
    axis.set_ylim(len(bars) - 0.3, -0.7)
    axis.set(xscale="log", xlabel="time of the fastest peer over cconv's (above 1, cconv is faster)")
    low = min(0.5, *(result["lowest"] for _, result in bars)) / 1.15
    axis.set_xlim(left=low)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.grid(axis="x", alpha=0.25)
    handles = [plt.Rectangle((0, 0), 1, 1, color="#2a9d8f"), plt.Rectangle((0, 0), 1, 1, color="#e9c46a"),
               plt.Line2D([], [], color="0.25", marker="|"),
               plt.Line2D([], [], color="#c1121f", marker="|", linestyle="", markersize=11, markeredgewidth=2.2)]
    labels = ["geometric mean, both targets met", "geometric mean, a target missed", "lowest to highest case",
              "target of the mean"]
    axis.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.4, -0.9 / (1.4 + 0.36 * len(bars))), ncols=2,
                fontsize=9)
    axis.set_title(f"cconv against the best peer\n{machine_line(reports[0])}")
    return figure


def _label(report, result, several):
    suffix = f" ({report['isa'] or report['simd_level']}, {report['threads']} threads)" if several > 1 else ""
    return result["group"] + suffix
