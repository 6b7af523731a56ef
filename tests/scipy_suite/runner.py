"""Runs the tests of the installed SciPy on cconv's functions.

    python tests/scipy_suite/runner.py [signal|ndimage] [--all] [options of pytest]

In a process of its own, because the functions have to be replaced before SciPy's test modules are imported, and SciPy's
`conftest.py` changes how processes are started.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))

from scipy_suite.names import MODULES, NEEDED, REPLACED  # noqa: E402


def obstacle(part):
    """Why a part cannot be run here, or None."""
    for module in ("scipy", *NEEDED[part], REPLACED[part][0]):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed" if "cconv" not in module else f"{module} is not there yet"
    tests = MODULES[part][0]
    if importlib.util.find_spec(tests.rpartition(".")[0]) is None:
        return "this SciPy was installed without its tests"
    return None


def run(part, whole=False, options=()):
    """Run a part's tests; returns (exit status, what the plugin reports, pytest's output)."""
    with tempfile.TemporaryDirectory(prefix="cconv-scipy-") as directory:
        # an ini file of its own, or pytest would take the one nearest to where SciPy happens to lie
        ini, result = Path(directory, "pytest.ini"), Path(directory, "report.json")
        ini.write_text("[pytest]\naddopts = -q -p no:cacheprovider\n", encoding="utf-8")
        path = os.pathsep.join([str(HERE.parent), *sys.path])
        environment = dict(
            os.environ, PYTHONPATH=path, CCONV_SCIPY_PART=part, CCONV_SCIPY_REPORT=str(result),
            CCONV_SCIPY_SUITE="all" if whole else "",
        )  # fmt: skip
        for name in ("PYTEST_ADDOPTS", "SCIPY_ARRAY_API"):
            environment.pop(name, None)
        command = [
            sys.executable, "-m", "pytest", "-c", str(ini), "-p", "scipy_suite.plugin",
            *options, "--pyargs", *MODULES[part],
        ]  # fmt: skip
        done = subprocess.run(
            command, env=environment, cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        report = json.loads(result.read_text(encoding="utf-8")) if result.exists() else None
    return done.returncode, report, done.stdout


def main(arguments):
    parts = [f"scipy.{name}" for name in ("signal", "ndimage") if name in arguments] or list(MODULES)
    options = [argument for argument in arguments if argument not in ("signal", "ndimage", "--all")]
    worst = 0
    for part in parts:
        reason = obstacle(part)
        if reason:
            print(f"{part}: not run, {reason}")
            continue
        status, report, output = run(part, "--all" in arguments, options)
        print(output)
        if report:
            counts = [f"{len(report[what])} {what}" for what in ("failed", "skipped", "excluded")]
            print(f"{part}: {report['passed']} passed, {', '.join(counts)}, {report['left_for_all']} left for --all")
            for title in ("not_called", "calls"):
                print(f"{title}: {report[title]}")
        worst = worst or status
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
