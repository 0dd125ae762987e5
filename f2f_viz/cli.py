"""The command line: ``f2f-viz`` alone opens the analyzer."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as safetensors
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.blocks import ORDERS
from f2f_viz.codec import checksum
from f2f_viz.compare import bounds, compare, table
from f2f_viz.container import write_atomically
from f2f_viz.corrections import CODINGS
from f2f_viz.errors import F2FError
from f2f_viz.report import Report
from f2f_viz.settings import PRUNINGS, Settings

__all__ = ["main"]

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(f2f.__version__, prog_name="f2f-viz")
@click.pass_context
def cli(context: click.Context) -> None:
    """Fixed-to-fixed (F2F) coding of pruned weights: analyze, encode, decode, verify."""
    if context.invoked_subcommand is None:
        context.invoke(app)


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on loopback; a free one if not given."
)
@click.option("--no-browser", is_flag=True, help="Only print the URL.")
def app(port: int | None, no_browser: bool) -> None:
    """Serve the analyzer on this machine and open it in a browser."""
    from f2f_viz.app.launch import launch

    launch(port=port, browser=not no_browser)


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on loopback; a free one if not given."
)
@click.option("--no-browser", is_flag=True, help="Only print the URL.")
def lab(port: int | None, no_browser: bool) -> None:
    """Open the notebooks in JupyterLab."""
    from f2f_viz.app.launch import launch_lab

    launch_lab(port=port, browser=not no_browser)


@cli.command()
@click.argument("path", type=click.Path())
@_json
def tensors(path: str, as_json: bool) -> None:
    """List the tensors of a model file."""
    found = f2f.list_tensors(path)
    if as_json:
        click.echo(json.dumps([asdict(tensor) for tensor in found]))
        return
    for tensor in found:
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        click.echo(f"{tensor.name}\t{shape}\t{tensor.dtype}\t{tensor.nbytes:,} bytes")


@cli.command()
@click.argument("path", type=click.Path())
@click.option("--tensor", help="Which tensor; the largest matrix if not given.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The .f2f file to write.")
@click.option(
    "--rate", type=float, default=0.9, show_default=True, help="Share of weights to prune."
)
@click.option("--method", type=click.Choice(PRUNINGS), default="magnitude", show_default=True)
@click.option(
    "--threshold",
    type=float,
    default=0.0,
    help="For --method threshold: keep absolute values above it.",
)
@click.option("--n-in", type=int, default=8, show_default=True, help="Bits of a symbol.")
@click.option("--n-s", type=int, default=2, show_default=True, help="Register stages.")
@click.option("--n-out", type=int, help="Bits of a block; floor(n_in / (1 - S)) if not given.")
@click.option("--order", type=click.Choice(ORDERS), default=ORDERS[0], show_default=True)
@click.option("--coding", type=click.Choice(CODINGS), default=CODINGS[0], show_default=True,
              help="How corrections are written.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the decoder's matrix.")
@click.option("--threads", type=click.IntRange(1), help="One a core if not given.")
@_json
def encode(
    path: str, tensor: str | None, output: str, threads: int | None, as_json: bool, **choices: Any
) -> None:
    """Prune a tensor of a model file and encode it."""
    settings = Settings(**choices)
    layer = f2f.load_layer(path, tensor)
    options = {"threshold": settings.threshold} if settings.method == "threshold" else {}
    mask = f2f.prune(layer.weights, settings.rate, settings.method, seed=settings.seed, **options)
    with tqdm(desc=layer.name, unit="tile", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        encoded = f2f.encode(
            layer.weights, mask, **settings.codec_options(), threads=threads, progress=progress
        )
    f2f.save(encoded, output)
    _print_report(encoded.report, as_json)


@cli.command()
@click.argument("file", type=click.Path())
@click.option(
    "-o", "--output", required=True, type=click.Path(), help="A .npy or .safetensors file."
)
def decode(file: str, output: str) -> None:
    """Decode an .f2f file to weights; pruned ones are 0."""
    suffix = Path(output).suffix
    if suffix not in (".npy", ".safetensors"):
        raise F2FError("output format", expected="a name ending .npy or .safetensors", got=output)
    weights = _decoded(f2f.open(file))
    if suffix == ".npy" and weights.dtype.kind == "V":
        raise F2FError(f".npy does not know {weights.dtype}", hint="write .safetensors")
    if suffix == ".npy":
        from io import BytesIO

        buffer = BytesIO()
        np.save(buffer, weights, allow_pickle=False)
        data = buffer.getvalue()
    else:
        data = safetensors.save({"weights": weights})
    write_atomically(output, data)


@cli.command()
@click.argument("file", type=click.Path())
@_json
def verify(file: str, as_json: bool) -> None:
    """Decode an .f2f file and compare with its checksum."""
    encoded = f2f.open(file)
    _decoded(encoded)
    shape = "×".join(map(str, encoded.shape)) or "scalar"
    if as_json:
        click.echo(json.dumps({"ok": True, "sha256": encoded.checksum}))
    else:
        click.echo(
            f"ok: {shape} {encoded.dtype}, {encoded.kept:,} kept weights, sha256 {encoded.checksum}"
        )


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--compare", "rivals", is_flag=True, help="Measure other formats beside it.")
@_json
def report(file: str, rivals: bool, as_json: bool) -> None:
    """Account for every bit of an .f2f file."""
    encoded = f2f.open(file)
    if not rivals:
        _print_report(encoded.report, as_json)
        return
    weights = _decoded(encoded)
    found = compare(weights, encoded.mask, encoded)
    if as_json:
        limits = bounds(weights, encoded.mask, encoded)
        more = {"rivals": [asdict(rival) for rival in found], "bounds": asdict(limits)}
        _print_report(encoded.report, True, more)
        return
    _print_report(encoded.report, False)
    click.echo("\n" + table(found))


def _decoded(encoded: f2f.Encoded) -> NDArray[Any]:
    weights = f2f.decode(encoded)
    if checksum(weights) != encoded.checksum:
        raise F2FError("the decoded weights are not those that were encoded",
                       expected=f"sha256 {encoded.checksum}", got=checksum(weights))  # fmt: skip
    return weights


def _print_report(report: Report, as_json: bool, more: dict[str, Any] | None = None) -> None:
    if as_json:
        click.echo(json.dumps(asdict(report) | {"of_bound": report.of_bound} | (more or {})))
        return
    click.echo(f"sparsity S            {report.sparsity:.4f}")
    click.echo(f"maximum ratio 1/(1-S) {report.max_ratio:.4f}")
    click.echo(f"ratio                 {report.ratio:.4f}  dense bits / (payload + corrections)")
    click.echo(f"ratio, whole file     {report.file_ratio:.4f}  dense bits / all bits of the file")
    click.echo(f"of the bound          {report.of_bound:.2%}")
    matched = f"matched / all {report.care_bits:,} care bits"
    click.echo(f"efficiency            {report.efficiency:.4%}  {matched}")
    for part, bits in report.bits.items():
        click.echo(f"  {part:<12}{bits:>14,} bits")
    click.echo(f"  {'file':<12}{sum(report.bits.values()):>14,} bits")


def main() -> None:
    """Run the command line: exit 0 good, 1 the input is bad, 2 wrong usage."""
    try:
        cli()
    except F2FError as problem:
        message = " ".join(str(problem).split())
        click.echo(f"f2f-viz: {message}", err=True)
        sys.exit(1)
