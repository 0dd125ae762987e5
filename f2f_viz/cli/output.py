"""What commands print, and what those that write a file ask: where to, may it replace its input."""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from tqdm import tqdm

from f2f_viz.text import shown, strict_json

__all__ = [
    "echo_json",
    "force_option",
    "output_option",
    "progress_bar",
    "ready_streams",
    "whole_output",
]


Command = TypeVar("Command", bound=Callable[..., Any])


def echo_json(value: Any) -> None:
    """Print JSON that every parser takes."""
    click.echo(strict_json(value))


def ready_streams() -> None:
    """Let nothing that is printed fail for want of a character, whatever the encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def whole_output() -> Iterator[None]:
    """Exit with 1 if what was printed did not reach its end, such as a full disk.

    A reader that went away, as in ``| head -1``, wants no word about it.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as problem:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nor may the interpreter's own flush fail
        if problem.errno != errno.EPIPE:
            click.echo(f"f2f-viz: cannot print: {problem.strerror}", err=True)
        sys.exit(1)


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


@contextmanager
def progress_bar(name: str, unit: str, delay: float = 0) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left on stderr, if that is a terminal, after `delay` seconds."""
    with tqdm(
        desc=shown(name), unit=unit, unit_scale=True, disable=None, leave=False, delay=delay
    ) as bar:

        def progress(done: int, total: int) -> None:
            if bar.total is None:
                bar.initial = bar.n = done  # found finished: no measure of speed
            bar.total = total
            bar.update(done - bar.n)

        yield progress
