"""check_wheel.py FROM_SDIST FROM_TREE: two wheels hold the same files, and only what belongs in a wheel, in 3 MB."""

import os
import re
import sys
from zipfile import ZipFile

ALLOWED = re.compile(r"cconv/(.*\.(so|pyd|py|pyi|pxd)|py\.typed)|cconv-[^/]+\.dist-info/.*")
# capi.pxd is all that a cimport of it reads
REQUIRED = ("cconv/__init__.py", "cconv/py.typed", "cconv/_kernels/__init__.py", "cconv/capi.pxd")
COMPILED = ("_core", "capi")
# Bytes. What auditwheel adds, 0.14 MB of libgomp, the release's better compression takes away.
LIMIT = 3_000_000


def main(from_sdist, from_tree):
    names = [sorted(ZipFile(path).namelist()) for path in (from_sdist, from_tree)]
    faults = [f"does not belong in a wheel: {name}" for name in names[0] if not ALLOWED.fullmatch(name)]
    faults += [f"missing: {name}" for name in REQUIRED if name not in names[0]]
    faults += [f"missing: the compiled cconv.{module}" for module in COMPILED
               if not any(re.fullmatch(rf"cconv/{module}\..*\.(so|pyd)", name) for name in names[0])]
    faults += [f"only in the wheel from the sdist: {name}" for name in sorted(set(names[0]) - set(names[1]))]
    faults += [f"only in the wheel from the tree: {name}" for name in sorted(set(names[1]) - set(names[0]))]
    faults += [f"{path} is {os.path.getsize(path):,} bytes, of {LIMIT:,}" for path in (from_sdist, from_tree)
               if os.path.getsize(path) > LIMIT]
    print(*faults, sep="\n", file=sys.stderr)
    if not faults:
        print(f"{len(names[0])} files, the same in both:", *names[0], sep="\n    ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
