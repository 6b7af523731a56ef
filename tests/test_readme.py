"""README.md: its examples run, its links and picture exist, its commands do all that is needed."""

import doctest
import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"
if not README.is_file():
    pytest.skip("the tests are not in the source tree", allow_module_level=True)
TEXT = README.read_text(encoding="utf-8")


def test_examples_run():
    test = doctest.DocTestParser().get_doctest(TEXT.replace("```", ""), {}, "README", str(README), 0)
    assert len(test.examples) > 10
    report = []
    failed = doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed
    assert failed == 0, "".join(report)


def test_links_and_the_picture_exist():
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert "docs/images/demo.png" in targets and "bench/README.md" in targets
    for target in targets:
        assert (README.parent / target).is_file(), target
    assert (README.parent / "docs/images/demo.png").stat().st_size < 400_000


def test_commands_do_their_whole_set_up_on_one_line():
    commands = [line for line in TEXT.splitlines() if "-m venv" in line]
    demo, tests = commands
    assert demo.endswith("-m cconv demo") and "pip install '.[demo]'" in demo
    assert tests.endswith("-m pytest tests") and "pip install '.[test]'" in tests
