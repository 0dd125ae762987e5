"""The command that looks over a whole model: ``survey``."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

import f2f_viz as f2f
from f2f_viz.analysis.survey import csv_text, plain_row
from f2f_viz.cli.options import (
    dask_option,
    field_options,
    on_dask,
    preset_option,
    rule_option,
    rules_of,
    settings_of,
)
from f2f_viz.cli.output import echo_json, progress_bar
from f2f_viz.files.atomic import claim
from f2f_viz.tensors.layer import files_of
from f2f_viz.text import shown, times

__all__ = ["survey"]


@click.command()
@click.argument("path", type=click.Path())
@click.option("--exact", is_flag=True, help="Search every layer whole, in place of samples.")
@rule_option
@click.option("--together", is_flag=True,
              help="The rate is of all layers as one, by magnitude over all.")  # fmt: skip
@click.option("--save-plan", type=click.Path(path_type=Path), metavar="FILE",
              help="Write what becomes of each tensor, for encode --plan, as JSON.")  # fmt: skip
@preset_option
@field_options
@click.option("--threads", type=click.IntRange(1),
              help="Layers at a time; one per core if not given. With --dask, threads of each "
              "layer; one if not given.")  # fmt: skip
@dask_option("Look over layers")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines for programs.")
def survey(
    path: str, exact: bool, rules: tuple[str, ...], together: bool, save_plan: Path | None,
    preset: str, threads: int | None, dask: str | None, as_csv: bool, as_json: bool, **choices: Any,
) -> None:  # fmt: skip
    """Say what each layer of the model PATH would take, estimated from samples.

    ± is half of a 95 % interval.
    """
    settings = settings_of(preset, choices)
    with ExitStack() as stack:
        if save_plan:
            save_plan = stack.enter_context(claim(save_plan, *files_of(path, *settings.files)))
        executor = stack.enter_context(on_dask(dask))
        progress = stack.enter_context(progress_bar(Path(path).name, "weight"))
        found = f2f.survey(
            path, settings, rules=rules_of(rules), together=together, exact=exact,
            threads=threads, executor=executor, progress=progress,
        )  # fmt: skip
        if save_plan:
            found.plan.save(save_plan)
    if as_json:
        for row in found:
            echo_json(plain_row(row))
        return
    if as_csv:
        click.echo(csv_text(found), nl=False)
        return
    click.echo("  ratio       ±  of bound  efficiency  dispersion       bytes  layer")
    for row in found:
        nothing = row.ratio.value == math.inf
        half = "" if nothing else f"{(row.ratio.high - row.ratio.low) / 2:.3f}"
        of_bound = "" if nothing else f"{row.of_bound.value:.2%}"
        spread = row.dispersion[settings.code.order]
        shape = "×".join(map(str, row.shape))
        click.echo(
            f"{times(row.ratio.value, 3, nothing='—'):>7}  {half:>6}  {of_bound:>8}  "
            f"{row.efficiency.value:10.3%}  {spread:10.2f}  {row.bytes:10,.0f}  "
            f"{shown(row.name)} {shape} {row.dtype}{', nothing to code' * nothing}"
        )
    dense = sum(row.dense_bytes for row in found)
    coded = sum(row.bytes for row in found)
    click.echo(f"{len(found)} layers: {dense:,} bytes, coded {coded:,.0f}")
    click.echo(f"carried unchanged: {len(found.carried)}, {found.carried_bytes:,} bytes")
