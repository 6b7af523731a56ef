"""cconv against its peers on named shapes: ``python bench/run.py --help``.

One process, interleaved: in every round cconv and each peer get a turn, in rotating order and without pauses.
An answer is checked before its time is taken.
"""

import argparse
import os
import platform
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description="Times cconv and its peers on named shapes, in turns.")
    parser.add_argument("--group", action="append", metavar="NAME",
                        help="run this group (may be repeated; 'all' is every group; default: all that have a target "
                             "in bench/README.md)")
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name contains TEXT")
    parser.add_argument("--peers", metavar="NAMES", help="only these peers, separated by commas")
    parser.add_argument("--threads", type=int, default=available_cpus(), metavar="N",
                        help="threads for everyone (default: the CPUs this process may use, %(default)s)")
    parser.add_argument("--isa", choices=("avx2",), help="hold cconv and every peer that lets itself be held to AVX2")
    parser.add_argument("--rounds", type=int, default=5, metavar="N",
                        help="turns per competitor (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="2 short rounds: to try it out, not to quote")
    parser.add_argument("--json", metavar="FILE", help="write machine, rows and groups to FILE, after every group")
    parser.add_argument("--from", nargs="+", dest="files", metavar="FILE",
                        help="measure nothing: take the results that --json wrote, merged")
    parser.add_argument("--plot", metavar="DIR", help="write DIR/roofline.png and DIR/ratios.png (needs matplotlib)")
    parser.add_argument("--markdown", metavar="FILE", help="write the results as Markdown tables to FILE ('-': print)")
    parser.add_argument("--list", action="store_true", help="show groups, cases and libraries, and stop")
    options = parser.parse_args()
    if options.threads < 1 or options.rounds < 1:
        parser.error("--threads and --rounds take 1 or more")
    if options.files and not (options.plot or options.markdown or options.json):
        parser.error("--from takes --plot, --markdown or --json: what to do with the results")
    return options


def available_cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# What holds each library to AVX2: cconv, torch (oneDNN, ATen, MKL), OpenCV, NumPy and the OpenBLAS in NumPy and SciPy.
# SciPy's own loops are built for SSE anyway; ONNX Runtime has no such switch.
AVX2 = {
    "CCONV_SIMD": "x86-64-v3", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2", "OPENCV_CPU_DISABLE": "AVX512-SKX",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR", "OPENBLAS_CORETYPE": "Haswell",
}
NOT_HELD = ("onnxruntime",)

OPTIONS = arguments() if __name__ == "__main__" else argparse.Namespace(threads=available_cpus(), isa=None)
# Thread pools and dispatchers read these when their library is loaded: before anything that holds one is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(OPTIONS.threads)
if OPTIONS.isa:
    os.environ |= AVX2

import cases  # noqa: E402
import machine  # noqa: E402
import markdown  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402
import plot  # noqa: E402
import report as reports  # noqa: E402


def show_list(groups):
    for group in groups:
        print(f"{group.name}{'' if group.default else ' (only when asked for)'}: {group.title}")
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


def surroundings(options):
    """The report without results: machine, versions, limits. Prints it too."""
    import cconv

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    peers.set_threads(options.threads)
    peak = machine.fma_peak(options.threads, options.isa)
    bandwidth = machine.copy_bandwidth(options.threads)
    held = f", everybody held to {options.isa} but {', '.join(NOT_HELD)} (not counted)" if options.isa else ""
    found = peers.versions()
    threads = "1 thread" if options.threads == 1 else f"{options.threads} threads"
    print(f"{machine.cpu_name()}, {threads}, cconv at {cconv.simd_level()}{held}\n"
          f"FMA peak {peak['float32']:.0f} GFLOP/s float32, {peak['float64']:.0f} float64 ({peak['how']}); "
          f"copy {bandwidth:.1f} GB/s\n" + ", ".join(f"{name} {version}" for name, version in found.items()))
    if load > 0.3:
        print(f"NOT QUIET: load average {load:.1f} before the start; times and ratios may be far off")
    return {"date": time.strftime("%Y-%m-%d"), "cpu": machine.cpu_name(), "threads": options.threads,
            "isa": options.isa, "not_counted": NOT_HELD if options.isa else (), "simd_level": cconv.simd_level(),
            "python": platform.python_version(), "versions": found, "fma_peak_gflops": peak,
            "copy_gbytes": bandwidth, "quick": options.quick, "load": load, "rows": [], "groups": []}


def run_group(group, names, effort, report, measured):
    """Measures the cases of a group that no other group has measured, and prints the group's table."""
    present = [name for name in names if any(peers.able(name, case) for case in group.cases)]
    width, rows = reports.header(group, present, report), []
    for case in group.cases:
        if case not in measured:
            measured[case] = measure.measure(case, present, **effort)
            for name, complaint in measured[case]["errors"].items():
                print(f"ERROR {case.name}: {name} {complaint}", flush=True)
        row = {"group": group.name} | measured[case]
        if row["times"]:
            reports.complete(row, group, case, report)
            reports.line(row, width, present)
        rows.append(row)
    result = reports.summary(group, rows, report)
    print("\n".join(reports.verdict(result)), flush=True)
    report["rows"] += rows
    report["groups"].append(result)


def main(options):
    if options.files:
        found, failed = reports.load(options.files), 0
    else:
        groups, names = chosen_groups(options), chosen_peers(options)
        if options.list:
            show_list(groups)
            return 0
        start = time.perf_counter()
        report, measured = surroundings(options), {}
        effort = {"rounds": 2, "warm": 0.002, "seconds": 0.005} if options.quick else {"rounds": options.rounds}
        for group in groups:
            run_group(group, names, effort, report, measured)
            if options.json:
                reports.save(report, options.json)
        found, failed = [report], sum(len(row["errors"]) for row in measured.values())
        print(f"\n{len(measured)} cases in {time.perf_counter() - start:.0f} s")
        if failed:
            print(f"{failed} wrong answers or errors", file=sys.stderr)
    if options.files and options.json:
        if len(found) > 1:
            sys.exit("--json merges results of one level and number of threads; these are of several")
        reports.save(found[0], options.json)
    if options.markdown == "-":
        print(markdown.text(found))
    elif options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(markdown.text(found))
    if options.plot:
        plot.write(found, options.plot)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(OPTIONS))
