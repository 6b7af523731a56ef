"""The scripts of docs/explained and docs/gallery: all compile and name what there is; the quick ones run.

Their assertions are the pages' claims. The documentation's build runs all of them.
"""

import ast
import re
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
PASTED = [script for script in SCRIPTS if script.parent.name == "explained"]
IGNORED = re.compile(
    r"^[ \t]*# sphinx_gallery_start_ignore\n.*?^[ \t]*# sphinx_gallery_end_ignore\n?", re.DOTALL | re.MULTILINE
)

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


@by_name
def test_a_page_shows_code_that_needs_no_drawing(script):
    """What a reader can paste: the drawing is ignored blocks, no block is only drawing, no value of a call is lost."""
    text = script.read_text(encoding="utf-8")
    for number, block in enumerate(re.split("^# %%.*$", text, flags=re.MULTILINE)):
        skipped = 1 if number == 0 else 0       # the page's title
        whole, shown = (ast.parse(code).body[skipped:] for code in (block, IGNORED.sub("", block)))
        title = f"{script.name}, block {number}"
        assert shown or not whole, f"{title} shows no code"
        assert not re.search(r"\b(pic|_pictures)\b", "\n".join(map(ast.unparse, shown))), f"{title} shows drawing"
        if shown and isinstance(shown[-1], ast.Expr) and isinstance(shown[-1].value, ast.Call):
            assert ast.unparse(shown[-1].value.func) == "print", f"{title} ends in a value, which a notebook shows"


@pytest.mark.parametrize("script", PASTED, ids=lambda script: script.stem)
def test_the_code_that_a_page_shows_runs_alone(script):
    shown = IGNORED.sub("", script.read_text(encoding="utf-8"))
    for photographs in re.findall("^(?:import|from) (skimage|matplotlib)", shown, flags=re.MULTILINE):
        pytest.importorskip(photographs)
    exec(compile(shown, script.name, "exec"), {"__name__": "page"})


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
