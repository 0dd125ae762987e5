"""The command that writes the decoder as a circuit: ``verilog``."""

from pathlib import Path

import click

import f2f_viz as f2f
from f2f_viz.cli.output import output_option
from f2f_viz.hardware.verilog import MOST_FLIPS

__all__ = ["verilog"]


@click.command()
@click.argument("file", type=click.Path())
@output_option("The folder to write.")
@click.option("--flips", type=click.IntRange(1, MOST_FLIPS), default=1, show_default=True,
              help="Corrections that the lane makes in a cycle.")  # fmt: skip
@click.option("--force", is_flag=True, help="OUTPUT may hold other files, and they be replaced.")
def verilog(file: str, output: Path, flips: int, force: bool) -> None:
    """Write the decoder of an .f2f file of one layer as Verilog, with a testbench of its blocks.

    ``make`` in the folder runs it in Icarus Verilog.
    """
    f2f.verilog(f2f.open(file), output, flips=flips, force=force)
