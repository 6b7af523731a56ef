"""The documentation: its examples run, every public name has its place in the reference."""

import doctest
import importlib
import pathlib
import re

import pytest

import cconv
from cconv import activations, filters, ndimage, nn, signal

DOCS = pathlib.Path(__file__).parents[1] / "docs"
if not DOCS.is_dir():
    pytest.skip("the documentation is not in the source tree", allow_module_level=True)
PAGES = sorted(path for path in (*DOCS.glob("*.*"), *DOCS.glob("how/*"), *DOCS.glob("moving/*"))
               if path.suffix in (".md", ".rst") and ">>> " in path.read_text(encoding="utf-8"))
MODULES = (cconv, activations, filters, ndimage, nn, signal)
SOURCES = pathlib.Path(cconv.__file__).parent


def run(examples, name):
    test = doctest.DocTestParser().get_doctest(examples, {}, name, name, 0)
    report = []
    failed = doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed
    assert failed == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_examples_of_the_pages_run(page):
    text = page.read_text(encoding="utf-8").replace("```", "")
    if "matplotlib" in text:
        pytest.importorskip("skimage")
        pytest.importorskip("matplotlib").use("Agg")
    for package in ("dask", "torch"):
        if page.stem == package:
            pytest.importorskip(package)
    run(text, page.name)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_of_the_docstrings_run(module):
    """Of every public name: classes with their public methods too."""
    count = 0
    for name in module.__all__:
        item = getattr(module, name)
        items = [item] + ([value for key, value in vars(item).items() if not key.startswith("_")]
                          if isinstance(item, type) else [])
        for text in (getattr(part, "__doc__", None) or "" for part in items):
            if callable(item) and ">>> " in text:
                run(text, f"{module.__name__}.{name}")
                count += 1
    assert count >= 2


def listed(module):
    """Names of a module that the reference's tables list."""
    found = set()
    for page in (DOCS / "reference").glob("*.rst"):
        text = page.read_text(encoding="utf-8")
        for part in re.split(r"^\.\. currentmodule:: ", text, flags=re.MULTILINE)[1:]:
            if part.split("\n", 1)[0] == module.__name__:
                for table in re.findall(r"^\.\. autosummary::\n(?:   :.*\n)+\n((?:   \S+\n)+)", part, re.MULTILINE):
                    found |= set(table.split())
    return found


@pytest.mark.parametrize("name", [module.__name__ for module in MODULES] + ["cconv.dask", "cconv.torch"])
def test_every_public_name_is_on_a_reference_page(name):
    module = pytest.importorskip(name, exc_type=ImportError)
    public = {name for name in module.__all__ if name != "__version__"
              and not isinstance(getattr(module, name), type(cconv))}
    assert sorted(public - listed(module)) == []
    assert sorted(listed(module) - public) == []


def test_every_public_module_is_known():
    """A module whose names nothing else brings to a user: what cconv itself exports is tested above."""
    exported = set(cconv.__all__) | {name for module in MODULES for name in module.__all__}
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*") if path.suffix in (".md", ".rst"))
    for path in sorted(SOURCES.glob("[a-z]*.py")):
        names = getattr(importlib.import_module(f"cconv.{path.stem}"), "__all__", ())
        assert [name for name in names if name not in exported and name not in pages] == [], path.name


def test_the_site_lists_every_page_of_the_reference():
    index = (DOCS / "reference" / "index.rst").read_text(encoding="utf-8")
    for page in (DOCS / "reference").glob("*.rst"):
        listed_as = "[dt]*" if page.stem in ("dask", "tensors") else page.stem
        assert page.stem == "index" or f"\n   {listed_as}\n" in index, page.name


@pytest.mark.parametrize("page", ["kernels.md", "registers"])
def test_every_micro_kernel_has_its_picture(page):
    """The names that `explain` gives are those of the sections, and of the pictures."""
    text = pathlib.Path(__file__).parents[1].joinpath("src/cconv/_core.pyx").read_text(encoding="utf-8")
    names = set(re.findall(r'ALG_\w+: "(\w+)"', text))
    assert len(names) >= 8
    if page == "registers":
        source = (DOCS / "figures" / "registers.py").read_text(encoding="utf-8")
        assert names <= set(re.findall(r'^        "(\w+)": Picture\(', source, re.MULTILINE))
    else:
        sections = re.findall(r"^## (\w+)$", (DOCS / "how" / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert names == set(sections)

