"""A pytest plugin: puts cconv's functions in SciPy's place, selects the tests that call them, proves that they did.

It runs in the process that `runner` starts, where it is loaded before SciPy's test modules import anything.
"""

import dis
import functools
import importlib
import inspect
import json
import os
import types
from collections import Counter, defaultdict

import pytest

from scipy_suite.names import EXCLUDED, MOST_CASES, NOT_OURS, REPLACED

WHOLE = os.environ.get("CCONV_SCIPY_SUITE") == "all"
PART = os.environ["CCONV_SCIPY_PART"]

calls = Counter()
report = {"excluded": {}, "selected": 0, "left_for_all": 0, "failed": [], "skipped": {}, "passed": 0, "not_called": []}
ours = set()


def counted(name, function):
    """`function`, counting its calls."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        calls[name] += 1
        return function(*args, **kwargs)

    ours.add(call)
    return call


def replace():
    try:
        from scipy._lib._array_api import xp_capabilities_table
    except ImportError:
        xp_capabilities_table = {}
    for theirs, (mine, names) in REPLACED.items():
        try:
            source = importlib.import_module(mine)
        except ModuleNotFoundError as error:
            if error.name != mine:
                raise
            continue
        target = importlib.import_module(theirs)
        for name in names:
            original = getattr(target, name)
            function = counted(f"{mine}.{name}", getattr(source, name))
            # SciPy's tests look up there which kinds of arrays a function takes
            if original in xp_capabilities_table:
                xp_capabilities_table[function] = xp_capabilities_table[original]
            setattr(target, name, function)


replace()


# ---- which tests are of our functions ----------------------------------------------------------------------


def reaches_ours(function, known):
    """Does the code of a test or of its helpers name one of our functions?"""
    function = inspect.unwrap(function)
    code, module = getattr(function, "__code__", None), getattr(function, "__module__", None)
    if code is None or code in known:
        return False
    known.add(code)
    pending = [code]
    while pending:
        code = pending.pop()
        pending += [const for const in code.co_consts if isinstance(const, types.CodeType)]
        place = None
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL":
                place = function.__globals__.get(step.argval)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(place, types.ModuleType):
                place = getattr(place, step.argval, None)
            elif step.opname in ("CACHE", "PUSH_NULL"):
                continue
            else:
                place = None
            found = isinstance(place, types.FunctionType)
            if found and (place in ours or (place.__module__ == module and reaches_ours(place, known))):
                return True
    return False


def methods(item):
    """The test and what its class has to help it."""
    if item.cls is None:
        return [item.obj]
    names = set(item.function.__code__.co_names)
    helpers = [getattr(item.cls, name, None) for name in names]
    return [item.obj, *[helper for helper in helpers if inspect.isfunction(helper)]]


def given(item):
    """What a parameter says the test is of: True one of our functions, False another one of SciPy's, None neither."""
    target = importlib.import_module(PART)
    answer = None
    pending = list(getattr(item, "callspec", types.SimpleNamespace(params={})).params.values())
    while pending:
        value = pending.pop()
        if isinstance(value, (list, tuple)):
            pending += value
            continue
        if isinstance(value, str):
            value = getattr(target, value, None)
        if isinstance(value, types.FunctionType):
            if value in ours or (value.__module__ == item.module.__name__ and reaches_ours(value, set())):
                return True
            if value.__module__.startswith(PART):
                answer = False
    return answer


def exclusion(item, table):
    """The entry of the list that this test answers to, or None."""
    plain = item.nodeid.partition("[")[0]
    for entry in table:
        if (item.nodeid if "[" in entry else plain).endswith(f"::{entry}"):
            return entry
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    table = EXCLUDED[PART]
    groups, left = defaultdict(list), []
    for item in items:
        entry = exclusion(item, table)
        if entry is not None:
            report["excluded"][item.nodeid] = table[entry]
            left.append(item)
            continue
        mine = given(item) if exclusion(item, NOT_OURS[PART]) is None else False
        if mine or (mine is None and any(reaches_ours(function, set()) for function in methods(item))):
            groups[item.module, item.nodeid.partition("[")[0]].append(item)
        else:
            left.append(item)
    stale = [entry for entry in (*table, *NOT_OURS[PART]) if not any(exclusion(item, [entry]) for item in left)]
    if stale:
        raise pytest.UsageError(f"excluded, but there are no such tests: {stale}")
    selected = []
    for group in groups.values():
        if not WHOLE and len(group) > MOST_CASES:
            kept = group[:: -(-len(group) // MOST_CASES)]
        elif not WHOLE and len(group) == 1 and group[0].get_closest_marker("slow"):
            kept = []
        else:
            kept = group
        report["left_for_all"] += len(group) - len(kept)
        left += [item for item in group if item not in set(kept)]
        selected += kept
    report["selected"] = len(selected)
    items[:] = selected
    config.hook.pytest_deselected(items=left)


# ---- what became of them -----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    before = calls.total()
    result = yield
    if calls.total() == before:
        report["not_called"].append(item.nodeid)
    return result


def pytest_runtest_logreport(report: pytest.TestReport):
    results = globals()["report"]
    if report.failed:
        results["failed"].append(report.nodeid)
    elif report.skipped:
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(getattr(report, "wasxfail", ""))
        results["skipped"][report.nodeid] = reason
    elif report.when == "call":
        results["passed"] += 1


def pytest_sessionfinish(session):
    report["calls"] = dict(calls)
    with open(os.environ["CCONV_SCIPY_REPORT"], "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
