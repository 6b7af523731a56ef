"""House rules that a program can check: imports go one way, nothing optional at import, files stay short."""

import ast
import re
import sys
from pathlib import Path

import pytest

import cconv

SOURCES = Path(__file__).parents[1] / "src" / "cconv"
if not SOURCES.is_dir():        # the tests of an installed wheel
    SOURCES = Path(cconv.__file__).parent
PYTHON = sorted(SOURCES.glob("*.py"))
NETWORKS = sorted((SOURCES / "nn").glob("*.py"))
TENSORS = sorted((SOURCES / "torch").glob("*.py"))
BLOCKS = sorted((SOURCES / "dask").glob("*.py"))
ALL = sorted(path for suffix in ("*.py", "*.pyx", "*.pxd", "*.h") for path in SOURCES.rglob(suffix))

# A module imports from lower layers; in WITHIN_A_LAYER from its own too. Every module has its place here.
LAYERS = (
    {"_config", "_core", "_docs", "_dtypes", "_geometry", "_padding", "_shapes", "_calls", "_threads", "_choice",
     "_fft", "_fft_guard", "_explain", "_gradient_shapes", "_gradients", "_weight_gradient", "_docs_gradients",
     "_activations", "_activation_calls", "_docs_activations", "_columns", "_helpers",
     "_ordered", "_fft_whole", "_pool_gradient", "_pool_spans", "_pool_calls", "_pooling", "_docs_pools",
     "_docs_depthwise", "_cpus", "_limits", "_memory", "_pieces", "_typing"},
    {"columns", "conv", "conv_gradients", "conv_transpose", "linear_filter", "plans", "pool", "adaptive_pool",
     "pool_gradients"},
    {"conv_depthwise"},
    {"conv_separable"},
    {"activations", "filters", "_filters_build", "_filters_edges", "_filters_smooth",
     "ndimage", "_ndimage_arguments", "_ndimage_chains", "_ndimage_docs", "_ndimage_extrema", "_ndimage_linear",
     "signal", "_signal_calls", "_signal_planes", "_signal_slow", "_accelerate"},
    {"__init__"},
    {"__main__", "_demo", "_images"},
)
WITHIN_A_LAYER = (0, 4, 6)
# kernels apart
COMPILED = ("_core", "_arrays", "_phases", "_activations", "_limits", "_memory", "_ordered", "_few", "_pool_gradient",
            "_pooling", "_weight_gradient", "_capi_params", "_extents", "_without_gil", "capi")


def layer_of(module):
    for number, layer in enumerate(LAYERS):
        if module in layer:
            return number
    raise AssertionError(f"{module} has no place in LAYERS: say where it belongs")


def imports_of(tree, everywhere=True):
    """(name, whether it is one of cconv's) of each import, or of those that run when the module does."""
    found = []
    for node in ast.walk(tree) if everywhere else top_level(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.level or node.module == "cconv"):
            found += [(f"{node.module}.{alias.name}" if node.level and node.module else alias.name, True)
                      for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module, False))
    return found


def top_level(tree):
    """The statements that run when the module is imported."""
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)


def own_imports(path):
    """Names of cconv's modules that a source imports, anywhere in it."""
    names = set()
    for name, own in imports_of(ast.parse(path.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if not own and parts[0] != "cconv":
            continue
        if not own:
            parts = parts[1:] or ["__init__"]
        is_module = any(SOURCES.glob(f"{parts[0]}.*")) or (SOURCES / parts[0]).is_dir()
        names.add(parts[0] if is_module else "__init__")
    return names


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.stem)
def test_imports_go_one_way(path):
    own = layer_of(path.stem)
    for module in own_imports(path):
        below = layer_of(module) < own
        beside = layer_of(module) == own and own in WITHIN_A_LAYER
        assert below or beside, f"{path.name} imports {module}"


def test_modules_of_a_layer_do_not_import_each_other_in_a_circle():
    graph = {path.stem: own_imports(path) for path in PYTHON if path.stem != "__init__"}
    done = set()

    def visit(module, above):
        assert module not in above, f"circle: {' -> '.join([*above, module])}"
        if module in graph and module not in done:
            for other in sorted(graph[module] - {"__init__"}):
                visit(other, [*above, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def test_only_the_core_reaches_the_kernels():
    for path in ALL:
        if path.parent.name == "_kernels" or path.stem in COMPILED or path.suffix == ".h":
            continue
        code = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines()
                         if re.match(r"\s*(c?import|from)\b", line))
        assert "_kernels" not in code, path.name


def test_kernels_import_nothing_from_above():
    above = re.compile(r"^\s*(?:from|c?import)\s+(cconv(?!\._kernels\b)\S*)", re.MULTILINE)
    for path in (SOURCES / "_kernels").glob("*.p*"):
        assert not above.findall(path.read_text(encoding="utf-8")), path.name


def test_networks_use_what_is_public():
    """And nothing below knows of them, nor of dask arrays."""
    assert not [path.name for path in PYTHON if {"nn", "dask"} & own_imports(path)]
    for path in NETWORKS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "cconv":
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name.removeprefix("cconv.") for alias in node.names if alias.name.startswith("cconv.")]
            else:
                continue
            assert not [name for name in names if name.startswith("_")], path.name


def test_nothing_imports_what_is_for_torch():
    """It alone imports PyTorch, and it stands above all but itself."""
    for path in PYTHON + NETWORKS:
        names = imports_of(ast.parse(path.read_text(encoding="utf-8")))
        assert not [name for name, _ in names if (name or "").split(".")[0] == "torch"], path.name
    for path in TENSORS:
        names = imports_of(ast.parse(path.read_text(encoding="utf-8")))
        assert {name.split(".")[0] for name, own in names if not own} <= {"torch", "numpy", "cconv", "math", "typing"}


@pytest.mark.parametrize("path", PYTHON + NETWORKS, ids=lambda path: path.stem)
def test_only_numpy_and_the_standard_library_are_imported_at_import(path):
    allowed = {"numpy", "cconv"} | sys.stdlib_module_names
    for name, own in imports_of(ast.parse(path.read_text(encoding="utf-8")), everywhere=False):
        assert own or name.split(".")[0] in allowed, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_files_stay_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 620, f"{path.name} has {lines} lines: which two things does it do?"


@pytest.mark.parametrize("path", PYTHON + NETWORKS + TENSORS + BLOCKS, ids=lambda path: path.stem)
def test_modules_say_what_they_are_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
