"""What is alive on the site, written when the pages are built: the lesson, and every figure.

``python docs/live.py`` draws the gallery's pictures, ``docs/images/figure-*``, in a browser.
"""

from functools import cache
from pathlib import Path
from typing import Any

import f2f_viz as f2f
from f2f_viz.figures.catalogue import FIGURES
from f2f_viz.samples import SMALL

HERE = Path(__file__).parent
SITE = HERE / "generated" / "site" / "live"
SETTINGS = {"trellis": f2f.Settings(n_in=3)}  # 2⁸ states are too many to draw
PIXELS = ("decoder", "lanes")  # whose SVG takes as much as all the others together


@cache
def made(name: str) -> Any:
    settings = SETTINGS.get(name, f2f.Settings())
    return f2f.figure(name, f2f.analyze(f2f.sample_layer(SMALL), settings))


def picture(name: str) -> str:
    return f"figure-{name}.{'png' if name in PIXELS else 'svg'}"


def gallery() -> str:
    """One section a figure; its picture leads to the figure itself."""
    return "\n".join(
        f"## {FIGURES[name].label}\n\n{FIGURES[name].help}\n\n"
        f"![{FIGURES[name].label}](/images/{picture(name)})\n\n{made(name).about}\n\n"
        f'`f2f-viz figure {name} -o {name}.svg` · <a href="live/{name}.html">alive</a>\n'
        for name in FIGURES
    )


def write(_: Any = None) -> None:
    """Write the pages that are served as they are, and the gallery's sections."""
    SITE.mkdir(parents=True, exist_ok=True)
    f2f.lesson(f2f.sample_layer(SMALL), SITE / "lesson.html")
    for name in FIGURES:
        made(name).save(SITE / f"{name}.html")
    (HERE / "generated" / "gallery.md").write_text(gallery())


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write them before it reads the pages."""
    SITE.mkdir(parents=True, exist_ok=True)
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    for figure in FIGURES:
        made(figure).save(HERE / "images" / picture(figure))
