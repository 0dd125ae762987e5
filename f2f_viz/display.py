"""Results as notebooks show them: a short line as text, a small table as HTML."""

from collections.abc import Mapping
from typing import Any

from f2f_viz.text import markup, shown

__all__ = ["html_table", "text_line"]


def text_line(name: str, facts: Mapping[str, Any]) -> str:
    """Return ``Name(fact=value, …)``."""
    return shown(f"{name}({', '.join(f'{fact}={value}' for fact, value in facts.items())})")


def html_table(name: str, facts: Mapping[str, Any]) -> str:
    """Return a table of two columns under a name; all of it is escaped."""
    rows = "".join(
        f"<tr><th>{markup(str(fact))}</th><td>{markup(str(value))}</td></tr>"
        for fact, value in facts.items()
    )
    return f"<table><caption>{markup(name)}</caption><tbody>{rows}</tbody></table>"
