"""Settings as options of commands, made from the table of their fields."""

import json
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import click

from f2f_viz.analysis.dask import dask_executor
from f2f_viz.analysis.plan import Rule
from f2f_viz.choices import Choices
from f2f_viz.codec.code import PRESETS
from f2f_viz.errors import F2FError
from f2f_viz.settings import FIELDS, Field, Settings

__all__ = [
    "Name", "dask_option", "field_options", "lists", "on_dask", "pairs", "preset_option",
    "rule_option", "rules_of", "settings_given", "settings_of", "value_of",
]  # fmt: skip

Command = TypeVar("Command", bound=Callable[..., Any])


class Name(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """The name of a table's entry, looked up when a command runs: entries may have been added."""

    name = "name"

    def __init__(self, table: Choices[Any]) -> None:
        self.table = table

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the names there are."""
        return f"[{'|'.join(self.table)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse a name that the table has not."""
        if value not in self.table:
            names = ", ".join(map(repr, self.table))
            self.fail(f"{value!r} is not one of {names}.", param, ctx)
        return value


def _option(field: Field) -> Callable[[Command], Command]:
    flag = "--" + field.name.replace("_", "-")
    default = Settings().to_dict()[field.name]
    if field.choices is not None:
        kind: Any = Name(field.choices)
    elif field.kind is bool:
        flag, kind = f"{flag}/--no-{flag[2:]}", None
    else:
        kind = field.kind if field.read is None else click.Path()
    shown = ",".join(map(str, default)) if isinstance(default, list) else default
    said = "" if default is None or field.kind is bool else f"  [default: {shown}]"
    return click.option(flag, type=kind, default=None, help=field.help + said)


def field_options(command: Command) -> Command:
    """Give a command an option for every setting; those not given are None."""
    for field in reversed(FIELDS.values()):
        command = _option(field)(command)
    return command


def lists(title: str, rows: Callable[[], list[tuple[str, str]]]) -> type[click.Command]:
    """Return a kind of command whose help ends with a list, made when it is asked for."""

    class Lists(click.Command):
        def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section(title):
                formatter.write_dl(rows())

    return Lists


preset_option = click.option(
    "--preset",
    type=Name(PRESETS),
    default=next(iter(PRESETS)),
    show_default=True,
    help="How to code where nothing else is said: "
    + " ".join(f"{preset.name}: {preset.help}" for preset in PRESETS.values()),
)


def settings_of(preset: str, chosen: dict[str, Any]) -> Settings:
    """Return a preset's settings with those chosen that are not None."""
    given = {name: value for name, value in chosen.items() if value is not None}
    return Settings(code=PRESETS.pick(preset).code).replace(**given)


def dask_option(what: str) -> Callable[[Command], Command]:
    """Return the option ``--dask``; `what` is what its workers do."""
    text = f"{what} on a Dask cluster (extra dask), whose workers see the same files."
    return click.option("--dask", metavar="ADDRESS", callback=_address, help=text)


def _address(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():  # such as of a variable that is not set
        raise click.BadParameter("expected an address, got none", param=option)
    return value


def on_dask(address: str | None) -> AbstractContextManager[Executor | None]:
    """Connect to the cluster of ``--dask``; None if there is none."""
    return dask_executor(address) if address else nullcontext()


def settings_given(chosen: dict[str, Any]) -> bool:
    """Tell whether the running command was given a preset, or any setting."""
    source = click.get_current_context().get_parameter_source("preset")
    preset = source is not click.core.ParameterSource.DEFAULT
    return preset or any(value is not None for value in chosen.values())


rule_option = click.option(
    "--rule", "rules", multiple=True, metavar="PATTERN=RATE",
    help="Rate of tensors by name, such as '*.embed*=0.5', or by role, such as "
    "'role:embedding=keep', which leaves them as they are. The first that fits counts.",
)  # fmt: skip


def rules_of(texts: tuple[str, ...]) -> list[Rule]:
    """Read PATTERN=RATE and PATTERN=keep.

    Raises
    ------
    F2FError
        For anything else.
    """
    return [_rule(text) for text in texts]


def _rule(text: str) -> Rule:
    pattern, _, rate = text.rpartition("=")
    try:
        if not pattern:
            raise ValueError
        return pattern, None if rate == "keep" else float(rate)
    except ValueError:
        raise F2FError("--rule", expected="PATTERN=RATE or PATTERN=keep", got=text) from None


def value_of(text: str) -> Any:
    """Return the value that is written as JSON, or the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Split NAME=VALUE.

    Raises
    ------
    click.UsageError
        For a text without =.
    """
    found = [text.partition("=") for text in texts]
    wrong = [name for name, equals, _ in found if not equals]
    if wrong:
        raise click.UsageError(f"expected NAME=VALUE, got {wrong[0]}")
    unknown = [name for name, _, _ in found if name not in FIELDS]
    if unknown:
        raise F2FError("unknown settings", expected=f"some of {', '.join(FIELDS)}", got=unknown[0])
    return {name: value for name, _, value in found}
