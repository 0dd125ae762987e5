"""Results as notebooks show them: a short line as text, a small table as HTML."""

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["html_table", "text_line"]


def text_line(name: str, facts: Mapping[str, Any]) -> str:
    """Return ``Name(fact=value, …)``."""
    return f"{name}({', '.join(f'{fact}={value}' for fact, value in facts.items())})"


def html_table(name: str, facts: Mapping[str, Any]) -> str:
    """Return a table of two columns under a name; all of it is escaped."""
    rows = "".join(
        f"<tr><th>{escape(str(fact))}</th><td>{escape(str(value))}</td></tr>"
        for fact, value in facts.items()
    )
    return f"<table><caption>{escape(name)}</caption><tbody>{rows}</tbody></table>"
