"""The notebooks on the site: run when it is built, as alive as they can be without a kernel.

As an extension of Sphinx it puts the notebooks beside the pages, where myst-nb runs them. Their
kernel calls `show_widgets` first, so that a widget comes out as what lives without one: a Bokeh
figure or a view of ours as it is, controls as the values they have.
"""

import base64
import logging
import os
import shutil
from functools import singledispatch
from pathlib import Path
from typing import Any

import bokeh
import comm
import ipywidgets
from bokeh.embed import components
from IPython.display import HTML, display

import f2f_viz as f2f
from f2f_viz.app.bokeh_widget import FigureWidget
from f2f_viz.figures.decoder import DecoderWidget
from f2f_viz.figures.front_end import Widget
from f2f_viz.text import markup, strict_json

HERE = Path(__file__).parent
PAGES = HERE / "notebooks"
STATIC = HERE / "generated" / "static"
PROFILE = HERE / "generated" / "ipython"
BOKEHJS = Path(bokeh.__file__).parent / "server/static/js/bokeh.min.js"
STARTUP = f"""import sys
sys.path.insert(0, {str(HERE)!r})
from notebook_pages import show_widgets
show_widgets()
"""
STANDS = (
    "<p>On this page the analyzer is the picture of its last result. "
    '<a href="../live/lesson.html">The live lesson</a> searches without a kernel.</p>'
)

ONE_PLANE = (
    "<p>On this page the decoder has one plane. "
    '<a href="../live/lesson.html">The live lesson</a> has them all.</p>'
)
OWN = "f2f-"
"""Ids of elements begin with a letter, those of widgets need not."""
MOUNT = """<style>{css}</style><div id="{element}"></div><script type="module">
import view from "data:text/javascript;base64,{code}";
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const whole = (_, value) => (value?.base64 === undefined ? value : bytes(value.base64));
const state = JSON.parse({state}, whole);
const calls = {{}};
const model = {{
  get: (name) => state[name],
  set: (name, value) => {{
    state[name] = value;
    for (const call of calls[`change:${{name}}`] ?? []) call();
  }},
  on: (event, call) => (calls[event] ??= []).push(call),
  off: () => {{}}, send: () => {{}}, save_changes: () => {{}},
}};
view.render({{ model, el: document.getElementById("{element}") }});
</script>"""
"""A view of ours, on a model that only this page has."""


# ---- in the kernel ---------------------------------------------------------------------------


@singledispatch
def page(widget: Any) -> str:
    """Return a widget as HTML: the value, if it is a control."""
    return f"<span>{markup(widget.description)} <b>{markup(str(widget.value))}</b></span>"


@page.register
def _(widget: ipywidgets.HTML) -> str:
    return str(widget.value)


@page.register
def _(widget: ipywidgets.IntProgress) -> str:
    return ""  # it is done


@page.register
def _(widget: ipywidgets.Box) -> str:
    way = "row wrap" if isinstance(widget, ipywidgets.HBox) else "column nowrap"
    inner = "".join(map(page, widget.children))
    return f'<div style="display: flex; flex-flow: {way}; gap: 0 1em">{inner}</div>'


@page.register
def _(widget: FigureWidget) -> str:
    return "".join(reversed(components(widget.model)))


@page.register
def _(widget: Widget) -> str:
    """Mount a view of ours on a model that only this page has."""
    code = in_base64(str(widget._esm).encode())
    names = {*widget.trait_names(sync=True)} - {*Widget.class_trait_names()}
    own = {name: getattr(widget, name) for name in sorted(names) if not name.startswith("_")}
    text = strict_json(own, default=lambda data: {"base64": in_base64(data)})
    state = strict_json(text).replace("<", "\\u003c")
    return MOUNT.format(css=widget._css, element=f"{OWN}{widget.model_id}", code=code, state=state)


@page.register
def _(widget: DecoderWidget) -> str:
    planes = f"#{OWN}{widget.model_id} .f2f-plane {{ pointer-events: none; opacity: 0.5 }}"
    return f"<style>{planes}</style>{page.dispatch(Widget)(widget)}{ONE_PLANE}"


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _analyzer(analyzer: f2f.Analyzer) -> None:
    analyzer._ipython_display_()
    display(HTML(STANDS))


def show_widgets() -> None:
    """Have this kernel show widgets so; no page listens to it, and no state of them is saved."""
    comm.create_comm = lambda **_: comm.DummyComm()
    # callbacks in Python are just what these pages have not
    logging.getLogger("bokeh.embed.util").setLevel(logging.ERROR)
    shell = get_ipython()  # type: ignore[name-defined]  # noqa: F821
    formatter = shell.display_formatter
    formatter.mimebundle_formatter.for_type(
        ipywidgets.Widget, lambda widget, **_: {"text/html": page(widget), "text/plain": "a widget"}
    )
    formatter.ipython_display_formatter.for_type(f2f.Analyzer, _analyzer)


# ---- in Sphinx -------------------------------------------------------------------------------

# pictures are dark on nothing; a table that is cut goes on under a shadow
SITE = """article img { background: white; border-radius: 4px; }
.table-wrapper { --ground: var(--color-background-primary); --shade: rgb(128 128 128 / .55);
  background:
  linear-gradient(to right, var(--ground) 45%, transparent) left / 48px 100% no-repeat local,
  linear-gradient(to left, var(--ground) 45%, transparent) right / 48px 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 16px 100% no-repeat,
  linear-gradient(to left, var(--shade), transparent) right / 16px 100% no-repeat; }
"""


def write(_: Any = None) -> None:
    """Put everything where Sphinx and the kernels look for it."""
    shutil.rmtree(PAGES, ignore_errors=True)
    # with times of today: they are run again, for the package may have changed
    shutil.copytree(HERE.parent / "notebooks", PAGES, copy_function=shutil.copy)
    STATIC.mkdir(parents=True, exist_ok=True)
    shutil.copy(BOKEHJS, STATIC)
    (STATIC / "notebooks.css").write_text(".cell_output { overflow-x: auto }")
    (STATIC / "site.css").write_text(SITE)
    startup = PROFILE / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "widgets.py").write_text(STARTUP)
    os.environ["IPYTHONDIR"] = str(PROFILE)


def add_files(app: Any, name: str, *_: Any) -> None:
    """Give pages of notebooks BokehJS, and no others; there a wide table scrolls."""
    app.add_css_file("site.css")
    if name.startswith("notebooks/"):
        app.add_js_file(BOKEHJS.name)
        app.add_css_file("notebooks.css")


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write them before it reads the pages."""
    STATIC.mkdir(parents=True, exist_ok=True)
    app.connect("builder-inited", write)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True}
