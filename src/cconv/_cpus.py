"""How many CPUs this process may keep busy, by its affinity and the CPU quotas of its control groups."""

import os
from pathlib import Path

# Where systems mount the hierarchies that hold CPU quotas: version 2 (alone, or beside version 1), version 1.
_MOUNTS = (
    ("sys/fs/cgroup", "sys/fs/cgroup/unified"),
    ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu"),
)


def available_cpus(root="/"):
    """At least 1. A quota of a part of a CPU is rounded up. `root`: where the system's files are, for tests."""
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:
        cpus = os.cpu_count() or 1
    return max(1, min([cpus, *_quotas(Path(root))]))


def _quotas(root):
    """The quota of each group that this process is in, in CPUs. A group's limit holds for those inside it. In a
    container the names may be those outside it: the groups that are not there are left out, the mount itself is not."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        group = Path(name.lstrip("/"))
        for mount in _MOUNTS[1 if controllers else 0]:
            for place in (group, *group.parents):
                quota = _quota(root / mount / place)
                if quota:
                    yield quota


def _quota(group):
    """CPUs that a group may use, or None if it has no limit or is not there."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return -(-int(quota) // int(period)) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # "max": no limit
        return None
