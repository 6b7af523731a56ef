"""cconv against its peers on named shapes: ``python bench/run.py --help``.

One process, interleaved: in every round cconv and each peer get a turn, in rotating order and without pauses.
An answer is checked before its time is taken.
"""

import argparse
import json
import os
import platform
import sys
import time
from statistics import geometric_mean


def arguments():
    parser = argparse.ArgumentParser(description="Times cconv and its peers on named shapes, in turns.")
    parser.add_argument("--group", action="append", metavar="NAME",
                        help="run this group (may be repeated; 'all' is every group)")
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name contains TEXT")
    parser.add_argument("--peers", metavar="NAMES", help="only these peers, separated by commas")
    parser.add_argument("--threads", type=int, default=available_cpus(), metavar="N",
                        help="threads for everyone (default: the CPUs this process may use, %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N",
                        help="turns per competitor (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="2 short rounds: to try it out, not to quote")
    parser.add_argument("--json", metavar="FILE", help="write machine, rows and groups to FILE")
    parser.add_argument("--list", action="store_true", help="show groups, cases and libraries, and stop")
    options = parser.parse_args()
    if options.threads < 1 or options.rounds < 1:
        parser.error("--threads and --rounds take 1 or more")
    return options


def available_cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


OPTIONS = arguments() if __name__ == "__main__" else argparse.Namespace(threads=available_cpus())
# Thread pools read these when their library is loaded: before anything that holds one is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(OPTIONS.threads)

import cases  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402


def ratios(row, kind="min"):
    """Peer -> its time over cconv's: above 1, cconv is faster."""
    times = dict(row["times"])
    ours = times.pop("cconv", None)
    return {name: t[kind] / ours[kind] for name, t in times.items()}


def against(group, row, kind="min"):
    """The ratio that counts: to the fastest of the group's peers; None if none of them ran."""
    every = ratios(row, kind)
    return min((every[name] for name in every if not group.against or name in group.against), default=None)


def add_rates(row, peak, bandwidth):
    best = row["times"]["cconv"]["min"]
    row["gflops"], row["gbytes"] = row["flop"] / best / 1e9, row["bytes"] / best / 1e9
    row["peak_percent"] = 100 * row["gflops"] / peak[row["dtype"]]
    row["copy_percent"] = 100 * row["gbytes"] / bandwidth
    row["ratios"], row["ratios_median"] = ratios(row), ratios(row, "median")


def header(group, names):
    width = max(len(case.name) for case in group.cases)
    rivals = " or ".join(group.against) or "the best peer"
    lowest = f", no case under {group.lowest:g}" if group.lowest else ""
    print(f"\n{group.name}: {group.title}\ntarget: {group.mean:g} x {rivals}{lowest}")
    print(f"{'case':{width}}   min ms   median   GF/s  %FMA   GB/s %copy |"
          + "".join(f"{name:>14}" for name in names) + " |  ratio")
    return width


def line(group, row, width, names):
    times, work = row["times"]["cconv"], f"{'-':>7}{'-':>6}"
    if row["flop"]:
        work = f"{row['gflops']:7.1f}{row['peak_percent']:6.1f}"
    cells = "".join(f"{row['ratios'][n]:14.2f}" if n in row["ratios"] else f"{'-':>14}" for n in names)
    ratio = against(group, row)
    print(f"{row['case']:{width}}{1e3 * times['min']:9.4f}{1e3 * times['median']:9.4f}{work}"
          f"{row['gbytes']:7.2f}{row['copy_percent']:6.1f} |{cells} | "
          + (f"{ratio:6.2f}" if ratio else f"{'-':>6}"), flush=True)


def summary(group, rows):
    """The group's line: geometric mean and lowest ratio beside their targets."""
    result = {"group": group.name, "against": list(group.against), "target_mean": group.mean,
              "target_lowest": group.lowest, "cases": len(rows)}
    counted = {row["case"]: r for row in rows if (r := against(group, row))}
    if not counted:
        print("no peer to compare with")
        return result
    medians = [r for row in rows if (r := against(group, row, "median"))]
    worst = min(counted, key=counted.get)
    mean, mean_of_medians, lowest = geometric_mean(counted.values()), geometric_mean(medians), counted[worst]
    result |= {"mean": mean, "mean_of_medians": mean_of_medians, "lowest": lowest, "lowest_case": worst,
               "met": mean >= group.mean and lowest >= group.lowest and len(counted) == len(rows)}
    print(f"geometric mean {mean:.2f} (by medians {mean_of_medians:.2f}), target {group.mean:g}; "
          f"lowest {lowest:.2f} ({worst})" + (f", target {group.lowest:g}" if group.lowest else "")
          + (": met" if result["met"] else ": MISSED"))
    return result


def show_list(groups):
    for group in groups:
        print(f"{group.name}{' (default)' if group.default else ''}: {group.title}")
        for case in group.cases:
            print(f"    {case.name}")
    print("found:", ", ".join(f"{name} {version}" for name, version in peers.versions().items()))


def chosen_groups(options):
    known = {group.name: group for group in cases.GROUPS}
    wanted = options.group or [group.name for group in cases.GROUPS if group.default or options.list]
    if "all" in wanted:
        wanted = list(known)
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"unknown group {unknown[0]!r}; there is: all, {', '.join(known)}")
    groups = []
    for group in map(known.get, wanted):
        if found := tuple(case for case in group.cases if options.case in case.name):
            groups.append(group._replace(cases=found))
    if not groups:
        sys.exit(f"no case in {', '.join(wanted)} has {options.case!r} in its name; --list shows them all")
    return groups


def chosen_peers(options):
    names = options.peers.split(",") if options.peers else list(peers.PEERS)
    if unknown := [name for name in names if name not in peers.PEERS]:
        sys.exit(f"unknown peer {unknown[0]!r}; there is: {', '.join(peers.PEERS)}")
    return names


def main(options):
    groups, names = chosen_groups(options), chosen_peers(options)
    if options.list:
        show_list(groups)
        return 0
    import cconv

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    peers.set_threads(options.threads)
    peak, bandwidth = machine.fma_peak(options.threads), machine.copy_bandwidth(options.threads)
    report = {"date": time.strftime("%Y-%m-%d"), "cpu": machine.cpu_name(), "threads": options.threads,
              "simd_level": cconv.simd_level(), "python": platform.python_version(),
              "versions": peers.versions(), "fma_peak_gflops": peak, "copy_gbytes": bandwidth,
              "quick": options.quick, "load": load, "rows": [], "groups": []}
    print(f"{report['cpu']}, {options.threads} threads, cconv at {report['simd_level']}\n"
          f"FMA peak {peak['float32']:.0f} GFLOP/s float32, {peak['float64']:.0f} float64 ({peak['how']}); "
          f"copy {bandwidth:.1f} GB/s")
    print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))
    if load > 0.3:
        print(f"NOT QUIET: load average {load:.1f} before the start; times and ratios may be far off")
    effort = {"rounds": 2, "warm": 0.002, "seconds": 0.005} if options.quick else {"rounds": options.rounds}
    failed = 0
    for group in groups:
        present = [name for name in names if any(peers.able(name, case) for case in group.cases)]
        width, rows = header(group, present), []
        for case in group.cases:
            row = {"group": group.name} | measure.measure(case, present, **effort)
            for name, complaint in row["errors"].items():
                print(f"ERROR {case.name}: {name} {complaint}", flush=True)
                failed += 1
            if row["times"]:
                add_rates(row, peak, bandwidth)
                line(group, row, width, present)
            rows.append(row)
        report["rows"] += rows
        report["groups"].append(summary(group, rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    if failed:
        print(f"\n{failed} wrong answers", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(OPTIONS))
