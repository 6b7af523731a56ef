"""Reports as Markdown: the groups beside their targets, then every case."""

from report import UNITS


def text(reports):
    """The whole text for a list of reports (of different levels or numbers of threads)."""
    return "\n".join(line for report in reports for line in (*_machine(report), *_groups(report), *_cases(report)))


def _machine(report):
    peak = report["fma_peak_gflops"]
    held = f", everybody held to {report['isa'].upper()}" if report["isa"] else ""
    threads = "1 thread" if report["threads"] == 1 else f"{report['threads']} threads"
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    warning = " Quick run: not to be quoted." if report["quick"] else ""
    return [f"### {report['cpu']}, {threads}, {report['simd_level']}{held}", "",
            f"{report['date']}. FMA peak {peak['float32']:.0f} GFLOP/s (float32), {peak['float64']:.0f} (float64); "
            f"copy {report['copy_gbytes']:.0f} GB/s. {versions}.{warning}", ""]


def _groups(report):
    lines = ["| group | cases | geometric mean | target | lowest | target | of the limit (worst case) |",
             "|---|---|---|---|---|---|---|"]
    for result in report["groups"]:
        numbers = "| - | | - |"
        if "mean" in result:
            numbers = (f"| {_marked(result['mean'], result['target_mean'])} | {result['target_mean']:g} "
                       f"| {_marked(result['lowest'], result['target_lowest'])} ({result['lowest_case']}) |")
        limits = [f"{limit['text']}: {limit['worst']:.3g} {UNITS[limit['unit']]}, target {limit['target']:g}"
                  + (f", **missed by {limit['under']} of {limit['cases']}**" if limit["under"] else "")
                  for limit in result["limits"]]
        if same := result.get("same_layout"):
            mean = _marked(same["mean"], same["target"])
            limits.insert(0, f"torch in the same layout: {mean}, target {same['target']:g}")
        lines.append(f"| {result['title']} | {result['cases']} {numbers} {result['target_lowest']:g} "
                     f"| {'; '.join(limits)} |")
    return [*lines, "", "Bold: below the target.", ""]


def _marked(value, target):
    return f"{value:.2f}" if value >= target else f"**{value:.2f}**"


def _cases(report):
    lines = []
    for result in report["groups"]:
        rows = [row for row in report["rows"] if row["group"] == result["group"] and row["times"]]
        names = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
        plan = any("cconv_plan" in row["times"] for row in rows)
        columns = ["case", "method", "ms", *(["plan ms"] if plan else []), "GFLOP/s", "% FMA", "% copy", *names,
                   "ratio"]
        lines += ["<details>", f"<summary>{result['group']}: {result['title']}</summary>", "",
                  f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
        for row in rows:
            cells = [row["case"], row["method"], f"{1e3 * row['times']['cconv']['min']:.4g}"]
            if plan:
                cells.append(f"{1e3 * row['times']['cconv_plan']['min']:.4g}" if "cconv_plan" in row["times"] else "")
            cells += [f"{row['gflops']:.1f}", f"{row['peak_percent']:.0f}"] if row["flop"] else ["", ""]
            cells.append(f"{row['copy_percent']:.0f}")
            cells += [f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "" for name in names]
            cells.append(f"{row['ratio']:.2f}" if row["ratio"] else "")
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", "</details>", ""]
    return lines
