"""The documentation's site: `python -m sphinx -W --keep-going -b html docs build/docs`.

Every picture is made by the code while the site is built: the scripts of explained/ and gallery/ by sphinx-gallery, the
figures of the other pages (figures/) by matplotlib's plot directive. Examples between `>>>` are doctests, which
tests/test_docs.py runs. Nothing is fetched: formulas become MathML, which browsers draw without a script.
"""

import importlib.util
import sys
import warnings
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

here = Path(__file__).parent
sys.path.insert(0, str(here))       # _pictures, shared by the scripts of explained/ and gallery/

import cconv  # noqa: E402

project = "cconv"
author = "the cconv authors"
copyright = "the cconv authors, BSD 3-Clause"
version = release = cconv.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
]
templates_path = ["_templates"]
exclude_patterns = ["explained", "gallery", "figures", "README.md"]
if importlib.util.find_spec("torch") is None:       # their docstrings cannot be read without it
    exclude_patterns.append("reference/tensors.rst")
default_role = "code"       # docstrings write `name` for code
smartquotes = False         # "same" is a value, not a quotation

# Pages.

html_theme = "pydata_sphinx_theme"
html_title = "cconv"
html_static_path = ["_static"]
html_css_files = ["cconv.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "start": [], "benchmarks": []}
html_theme_options = {
    "logo": {"text": "cconv"},
    "header_links_before_dropdown": 8,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": {"*": ["page-toc"], "*/*": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The reference.

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"          # numpydoc sections name the types
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Pictures.

plot_formats = [("png", 160)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False
plot_rcparams = {"figure.dpi": 160, "font.size": 9, "savefig.bbox": "tight"}
plot_apply_rcparams = True
plot_working_directory = str(here)
plot_basedir = str(here)

sphinx_gallery_conf = {
    "examples_dirs": ["explained", "gallery"],
    "gallery_dirs": ["auto_explained", "auto_gallery"],
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,       # how long a script took says nothing to a reader
    "write_computation_times": False,
    "remove_config_comments": True,
    "image_srcset": ["2x"],
    "backreferences_dir": "generated/examples",
    "doc_module": ("cconv",),
}
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")


# Formulas.

def mathml(node, **options):
    """The formula of a node; one name more than docutils knows."""
    return tex2mathml(node.astext().replace(r"\dots", r"\ldots"), **options)


def inline_formula(writer, node):
    """A formula in a line, as MathML."""
    writer.body.append(mathml(node))
    raise SkipNode      # its text has been written


def displayed_formula(writer, node):
    """A formula on lines of its own, as MathML."""
    writer.body.append(f'<div class="formula">{mathml(node, as_block=True)}</div>')
    raise SkipNode


html_math_renderer = "mathml"


def setup(app):
    """Register the writer of formulas."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
