"""The command that looks over a whole model: ``survey``."""

import csv
import sys
from pathlib import Path
from typing import Any

import click

import f2f_viz as f2f
from f2f_viz.analysis.survey import plain_row
from f2f_viz.cli.options import field_options, preset_option, settings_of
from f2f_viz.cli.output import echo_json, progress_bar
from f2f_viz.text import shown

__all__ = ["survey"]


@click.command()
@click.argument("path", type=click.Path())
@click.option("--exact", is_flag=True, help="Search every layer whole, in place of samples.")
@preset_option
@field_options
@click.option(
    "--threads", type=click.IntRange(1), help="Layers at a time; one per core if not given."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines for programs.")
def survey(
    path: str, exact: bool, preset: str, threads: int | None, as_csv: bool, as_json: bool,
    **choices: Any,
) -> None:  # fmt: skip
    """Say what each layer of the model PATH would take, estimated from samples.

    ± is half of a 95 % interval.
    """
    settings = settings_of(preset, choices)
    with progress_bar(Path(path).name, "weight") as progress:
        found = f2f.survey(path, settings, exact=exact, threads=threads, progress=progress)
    rows = [plain_row(row) for row in found]
    if as_json:
        for columns in rows:
            echo_json(columns)
        return
    if as_csv:
        if rows:
            writer = csv.DictWriter(sys.stdout, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return
    click.echo("  ratio       ±  of bound  efficiency  dispersion       bytes  layer")
    for row in found:
        half = (row.ratio.high - row.ratio.low) / 2
        spread = row.dispersion[settings.code.order]
        shape = "×".join(map(str, row.shape))
        click.echo(
            f"{row.ratio.value:7.3f}  {half:6.3f}  {row.of_bound.value:8.2%}  "
            f"{row.efficiency.value:10.3%}  {spread:10.2f}  {row.bytes:10,.0f}  "
            f"{shown(row.name)} {shape} {row.dtype}"
        )
    dense = sum(row.dense_bytes for row in found)
    coded = sum(row.bytes for row in found)
    click.echo(f"{len(found)} layers: {dense:,} bytes, coded {coded:,.0f}")
    click.echo(f"carried unchanged: {len(found.carried)}, {found.carried_bytes:,} bytes")
