"""The installed package: its files, its public names, what importing it costs."""

import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cconv

PACKAGE = Path(cconv.__file__).parent
FUNCTIONS = sorted(name for name in cconv.__all__ if callable(getattr(cconv, name)))
ALLOWED_FILES = re.compile(r"cconv/(.*\.(so|pyd|py|pyi|pxd)|py\.typed|(.*/)?__pycache__/.*\.pyc)")
OPTIONAL = ("scipy", "matplotlib", "torch", "PIL", "cv2", "dask", "sklearn", "skimage", "onnxruntime", "tqdm")


def distribution():
    """The metadata of the installation that was imported."""
    try:
        found = importlib.metadata.distribution("cconv")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("built in place, not installed")
    return found


def test_version_is_that_of_the_metadata():
    assert distribution().version == cconv.__version__


def test_the_metadata_names_the_licence_and_numpy():
    metadata = distribution().metadata
    assert metadata["License-Expression"] == "BSD-3-Clause"
    required = [entry for entry in metadata.get_all("Requires-Dist") if "extra ==" not in entry]
    assert [re.match(r"[\w-]+", entry)[0] for entry in required] == ["numpy"]
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_installed_files_are_code_and_types_only():
    files = [str(file) for file in distribution().files or () if str(file).startswith("cconv/")]
    if not files:
        pytest.skip("an editable installation lists no files of the package")
    assert [name for name in files if not ALLOWED_FILES.fullmatch(name)] == []


def test_installed_files_exist():
    missing = [file for file in distribution().files or () if not file.locate().exists()]
    assert missing == []


def test_public_names_are_there_and_in_order():
    assert len(set(cconv.__all__)) == len(cconv.__all__)
    assert cconv.__all__ == sorted(cconv.__all__)
    for name in cconv.__all__:
        assert hasattr(cconv, name), name


def test_nothing_else_is_public():
    modules = {path.name.split(".")[0] for path in PACKAGE.iterdir()}
    stray = [name for name in vars(cconv) if not name.startswith("_") and name not in cconv.__all__]
    assert [name for name in stray if name not in modules] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_documented(name):
    function = getattr(cconv, name)
    assert function.__module__.startswith("cconv")
    lines = inspect.getdoc(function).splitlines()
    assert lines[0].endswith("."), "the first line is a sentence"
    assert len(lines) == 1 or lines[1] == ""
    assert ">>> " in inspect.getdoc(function), "an example"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_documented(name):
    function, text = getattr(cconv, name), inspect.getdoc(getattr(cconv, name))
    parameters = list(inspect.signature(function).parameters)
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    if parameters:
        assert section, f"{name} has no Parameters section"
        described = set()
        for line in section[1].splitlines():
            if match := re.match(r"((?:\*{0,2}\w+)(?:, \*{0,2}\w+)*)(?: : |$)", line):
                described |= {entry.strip("* ") for entry in match[1].split(",")}
        assert set(parameters) - described == set(), f"{name} does not describe them"


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if re.fullmatch(r"convolve|correlate|(?!plan_).*\dd", n)])
def test_out_and_num_threads_are_keywords(name):
    parameters = inspect.signature(getattr(cconv, name)).parameters
    assert list(parameters)[-1] == "num_threads"
    for keyword in ("out", "num_threads"):
        assert parameters[keyword].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[keyword].default is None


def fresh(code):
    path = [entry for entry in sys.path if entry]
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_importing_cconv_imports_nothing_optional():
    result = fresh(f"import cconv.nn; print([name for name in {OPTIONAL!r} if name in sys.modules])")
    assert result.stdout == "[]\n", result.stderr


def test_what_is_for_torch_says_that_it_needs_it():
    result = fresh("sys.modules['torch'] = None\ntry: import cconv.torch\nexcept ImportError as e: print(e)")
    assert result.stdout == "cconv.torch needs PyTorch: pip install 'cconv[torch]'\n", result.stderr


def test_importing_cconv_prints_nothing_and_warns_of_nothing():
    result = fresh("import warnings; warnings.simplefilter('error'); import cconv.nn")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_importing_cconv_starts_no_thread():
    count = "len(os.listdir('/proc/self/task'))"
    result = fresh(f"import os, numpy\nif os.path.isdir('/proc/self/task'):\n"
                   f"    before = {count}\n    import cconv\n    print({count} - before)\nelse: print(0)")
    assert result.stdout == "0\n", result.stderr


def test_show_config_names_what_a_bug_report_needs(capsys):
    cconv.show_config()
    shown = capsys.readouterr().out.lower()
    for part in (cconv.__version__, cconv.simd_level(), "openmp", "threads", "compiler", "numpy"):
        assert part in shown


def test_networks_are_documented():
    """Public names of cconv.nn and their parameters."""
    from cconv import nn

    assert len(set(nn.__all__)) == len(nn.__all__)
    for name in nn.__all__:
        item = getattr(nn, name)
        text = inspect.getdoc(item)
        assert text and text.splitlines()[0].endswith((".", "``", ":")), name
        if name.endswith(("_normal", "_uniform")) or name in ("History", "Layer"):
            continue  # described together, and as attributes
        described = text.split("Parameters\n", 1)[-1]
        for parameter in inspect.signature(item).parameters:
            assert re.search(rf"\b{parameter}\b", described), (name, parameter)
