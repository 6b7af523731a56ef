"""From times to rates, ratios and the lines of the table; reports merged from files."""

import json
from statistics import geometric_mean

import cases

OURS = ("cconv", "cconv_plan")
UNITS = {"fma": "% of FMA peak", "copy": "% of copy bandwidth", "us": "us"}


def ratios(times, kind="min"):
    """Peer -> its time over cconv's: above 1, cconv is faster. ONNX Runtime packs its weights: against a plan."""
    ours = {name: times[name][kind] for name in OURS if name in times}
    plan = {"onnxruntime": ours.get("cconv_plan", ours["cconv"])}
    return {name: t[kind] / plan.get(name, ours["cconv"]) for name, t in times.items() if name not in ours}


def complete(row, group, case, report):
    """Adds what follows from the times."""
    best = row["times"]["cconv"]["min"]
    row["gflops"], row["gbytes"] = row["flop"] / best / 1e9, row["bytes"] / best / 1e9
    row["peak_percent"] = 100 * row["gflops"] / report["fma_peak_gflops"][row["real"]]
    row["copy_percent"] = 100 * row["gbytes"] / report["copy_gbytes"]
    row["ratios"], row["ratios_median"] = ratios(row["times"]), ratios(row["times"], "median")
    row["ratio"], row["ratio_median"] = (
        min((r for name, r in row[kind].items() if name not in report["not_counted"]), default=None)
        for kind in ("ratios", "ratios_median"))
    row["same_layout"] = row["ratios"].get("torch_last" if case.channels_last else "torch")
    row["limits"] = []
    for limit in targets(group, report)[2]:
        if limit.concerns(case, row["method"]):
            got = {"fma": row["peak_percent"], "copy": row["copy_percent"], "us": 1e6 * best}[limit.unit]
            met = got <= limit.value if limit.unit == "us" else got >= limit.value
            row["limits"].append({"text": limit.text, "unit": limit.unit, "target": limit.value, "got": got,
                                  "met": met})


def targets(group, report):
    """(geometric mean, lowest, limits) to be reached."""
    if report["isa"]:
        return cases.MEAN_AVX2, cases.LOWEST_AVX2, ()
    return group.mean, group.lowest, group.limits


def header(group, names, report):
    width = max(len(case.name) for case in group.cases)
    mean, lowest, limits = targets(group, report)
    print(f"\n{group.name}: {group.title}\ntarget: {mean:g} x the best peer, no case under {lowest:g}"
          + "".join(f"; {limit.text}: {limit.value:g} {UNITS[limit.unit]}" for limit in limits))
    print(f"{'case':{width}}   min ms   median   GF/s  %FMA   GB/s %copy method   |"
          + "".join(f"{name:>14}" for name in names) + " |  ratio  limit")
    return width


def line(row, width, names):
    times, work = row["times"]["cconv"], f"{'-':>7}{'-':>6}"
    if row["flop"]:
        work = f"{row['gflops']:7.1f}{row['peak_percent']:6.1f}"
    # of a plan, too, the column says its time over that of the plain call
    shown = dict(row["ratios"])
    if "cconv_plan" in row["times"]:
        shown["cconv_plan"] = row["times"]["cconv_plan"]["min"] / times["min"]
    cells = "".join(f"{shown[n]:14.2f}" if n in shown else f"{'-':>14}" for n in names)
    limits = " ".join(f"{limit['got']:.3g}" + ("" if limit["met"] else "!") for limit in row["limits"])
    print(f"{row['case']:{width}}{1e3 * times['min']:9.4f}{1e3 * times['median']:9.4f}{work}"
          f"{row['gbytes']:7.2f}{row['copy_percent']:6.1f} {row['method']:8} |{cells} | "
          + (f"{row['ratio']:6.2f}" if row["ratio"] else f"{'-':>6}") + f"  {limits}", flush=True)


def summary(group, rows, report):
    """The group's result: geometric mean, lowest ratio and limits beside their targets."""
    target_mean, target_lowest, limits = targets(group, report)
    result = {"group": group.name, "title": group.title, "target_mean": target_mean, "target_lowest": target_lowest,
              "cases": len(rows), "errors": sum(len(row["errors"]) for row in rows)}
    counted = {row["case"]: row for row in rows if row.get("ratio")}
    if counted:
        worst = min(counted.values(), key=lambda row: row["ratio"])
        result |= {"mean": geometric_mean(row["ratio"] for row in counted.values()),
                   "mean_of_medians": geometric_mean(row["ratio_median"] for row in counted.values()),
                   "lowest": worst["ratio"], "lowest_case": worst["case"],
                   "under": sum(row["ratio"] < target_lowest for row in counted.values())}
        result["met"] = (result["mean"] >= target_mean and result["lowest"] >= target_lowest
                         and len(counted) == len(rows))
    result["limits"] = [_limit(limit.text, rows) for limit in limits]
    result["limits"] = [limit for limit in result["limits"] if limit]
    same = [row["same_layout"] for row in rows if row.get("same_layout")]
    if group.same_layout and same and not report["isa"]:
        result["same_layout"] = {"target": group.same_layout, "mean": geometric_mean(same), "lowest": min(same)}
    return result


def _limit(text, rows):
    """The worst of the cases that a limit concerns; None without one."""
    found = [(limit, row["case"]) for row in rows for limit in row.get("limits", ()) if limit["text"] == text]
    if not found:
        return None
    unit = found[0][0]["unit"]
    worst = (max if unit == "us" else min)(found, key=lambda pair: pair[0]["got"])
    return {"text": text, "unit": unit, "target": worst[0]["target"], "worst": worst[0]["got"], "worst_case": worst[1],
            "cases": len(found), "under": sum(not limit["met"] for limit, _ in found)}


def verdict(result):
    """The lines under a group's table."""
    if "mean" not in result:
        return ["no peer to compare with"]
    lines = [f"geometric mean {result['mean']:.2f} (by medians {result['mean_of_medians']:.2f}), target "
             f"{result['target_mean']:g}; lowest {result['lowest']:.2f} ({result['lowest_case']}), target "
             f"{result['target_lowest']:g}: {'met' if result['met'] else 'MISSED'}"]
    if same := result.get("same_layout"):
        lines.append(f"torch in the same layout: {same['mean']:.2f}, target {same['target']:g}: "
                     + ("met" if same["mean"] >= same["target"] else "MISSED"))
    lines += [f"{limit['text']}: {limit['worst']:.3g} {UNITS[limit['unit']]} ({limit['worst_case']}), target "
              f"{limit['target']:g}: "
              + (f"MISSED by {limit['under']} of {limit['cases']}" if limit["under"] else "met")
              for limit in result["limits"]]
    return lines


def load(names):
    """Reports from files: those of the same machine, level and number of threads become one."""
    merged = {}
    for name in names:
        with open(name, encoding="utf-8") as file:
            report = json.load(file)
        key = tuple(report[field] for field in ("cpu", "simd_level", "isa", "threads"))
        into = merged.setdefault(key, report)
        if into is not report:
            again = {result["group"] for result in report["groups"]}
            for field in ("rows", "groups"):
                into[field] = [entry for entry in into[field] if entry["group"] not in again] + report[field]
    order = {group.name: index for index, group in enumerate(cases.GROUPS)}
    for report in merged.values():
        report["groups"].sort(key=lambda result: order.get(result["group"], len(order)))
    return list(merged.values())


def save(report, name):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
