"""What every command that writes a file asks: where to, and whether it may replace its input."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["force_option", "output_option"]


Command = TypeVar("Command", bound=Callable[..., Any])


class _Output(click.Path):
    """A file's name; nothing is wrong usage."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail("a file's name is missing", param, ctx)
        return super().convert(value, param, ctx)


def output_option(help_text: str, *, required: bool = True) -> Callable[[Command], Command]:
    """Return the option ``-o``."""
    kind = _Output(path_type=Path)
    return click.option("-o", "--output", required=required, type=kind, help=help_text)


def force_option(command: Command) -> Command:
    """Add the option ``--force``."""
    return click.option("--force", is_flag=True, help="OUTPUT may replace the input.")(command)
