"""Sphinx: ``make docs``. Warnings are errors; every internal link is checked."""

import re
import sys
from pathlib import Path

import f2f_viz

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "f2f-viz"
author = "the f2f-viz authors"
copyright = "the f2f-viz authors; Apache-2.0"
version = release = f2f_viz.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_click",
    "live",
    "notebook_pages",
    "tables",
]
exclude_patterns = ["_build", "generated"]
root_doc = "index"

myst_enable_extensions = ["deflist", "smartquotes"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "warn"
# pages without a kernel have no widgets; what stands beside them is shown
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js = {}

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"f2f-viz {release}"
html_static_path = ["generated/static"]
html_extra_path = ["generated/site"]
html_copy_source = False


def _escape_options(app, ctx, lines):
    """Let help texts hold asterisks and bars, which are markup here and not on a terminal."""
    lines[:] = [
        re.sub(r"(?<!\*)\*(?!\*)|\|", lambda found: "\\" + found[0], line) for line in lines
    ]


def setup(app):
    """Register what this file adds."""
    app.connect("sphinx-click-process-options", _escape_options)
