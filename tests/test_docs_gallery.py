"""The scripts of docs/explained and docs/gallery: all compile and name what there is; the quick ones run.

Their assertions are the pages' claims. The documentation's build runs all of them.
"""

import ast
import runpy
import sys
from pathlib import Path

import pytest

import cconv

DOCS = Path(__file__).parents[1] / "docs"
if not DOCS.is_dir():
    pytest.skip("the tests are not in the source tree", allow_module_level=True)
SCRIPTS = sorted(DOCS.glob("explained/plot_*.py")) + sorted(DOCS.glob("gallery/plot_*.py"))
QUICK = ("plot_02_modes", "plot_05_output_size", "plot_13_backpropagation")

by_name = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def test_there_are_scripts():
    assert {script.parent.name for script in SCRIPTS} == {"explained", "gallery"}
    assert set(QUICK) <= {script.stem for script in SCRIPTS}


@by_name
def test_a_page_has_a_title_and_names_only_what_there_is(script):
    tree = ast.parse(script.read_text(encoding="utf-8"), filename=str(script))
    title, rule = ast.get_docstring(tree).splitlines()[:2]
    assert rule == "=" * len(title)
    used = {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cconv"}
    assert not [name for name in used if not hasattr(cconv, name)]


@by_name
def test_no_block_of_a_page_ends_in_an_object_that_the_page_would_print(script):
    """Sphinx-Gallery shows the value of the last line: a call is print, a helper, or the owner of a table or sounds."""
    text = script.read_text(encoding="utf-8")
    starts = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    body = ast.parse(text).body
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        block = [node for node in body if start <= node.lineno < end]
        if block and isinstance(block[-1], ast.Expr) and isinstance(block[-1].value, ast.Call):
            called = ast.unparse(block[-1].value.func)
            assert called == "print" or called.startswith("pic."), f"{script.name}:{block[-1].lineno}: {called}"


@pytest.mark.parametrize("name", QUICK)
def test_a_page_runs(monkeypatch, name):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.syspath_prepend(str(DOCS))
    (script,) = [script for script in SCRIPTS if script.stem == name]
    try:
        with matplotlib.rc_context():
            runpy.run_path(str(script))
            assert pyplot.get_fignums()
            for number in pyplot.get_fignums():
                pyplot.figure(number).draw_without_rendering()
    finally:
        pyplot.close("all")
        sys.modules.pop("_pictures", None)
