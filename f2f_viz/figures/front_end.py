"""Front-end modules of our widgets, each with what all of them share before it."""

from pathlib import Path

__all__ = ["STATIC", "script", "style"]

STATIC = Path(__file__).parent / "static"


def script(*paths: Path) -> str:
    """Return an ES module as anywidget takes it."""
    return "".join(path.read_text("utf-8") for path in (STATIC / "dom.js", *paths))


def style(*paths: Path) -> str:
    """Return style sheets as one."""
    return "".join(path.read_text("utf-8") for path in paths)
