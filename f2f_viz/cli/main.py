"""The command line: ``f2f-viz`` alone opens the analyzer."""

import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import f2f_viz as f2f
from f2f_viz.analysis.compare import Rival, bounds, compare, table
from f2f_viz.analysis.prepare import encode_layer
from f2f_viz.analysis.report import Report
from f2f_viz.cli.explore import figure, lesson, sweep
from f2f_viz.cli.hardware import verilog
from f2f_viz.cli.options import (
    dask_option,
    field_options,
    lists,
    on_dask,
    preset_option,
    rule_option,
    rules_of,
    settings_given,
    settings_of,
)
from f2f_viz.cli.output import (
    echo_json,
    force_option,
    output_option,
    progress_bar,
    ready_streams,
    whole_output,
)
from f2f_viz.cli.survey import survey
from f2f_viz.codec.bitplanes import word_bits
from f2f_viz.codec.decode import decode_verified, verified_sha256
from f2f_viz.codec.trellis import search_seconds
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import claim, write_atomically
from f2f_viz.files.model_file import is_model_file, open_model
from f2f_viz.files.writers import endings, writer_of
from f2f_viz.models.decode import decode_model
from f2f_viz.models.encode import encode_model
from f2f_viz.models.report import ModelReport, model_report, model_rivals
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import files_of
from f2f_viz.tensors.loaders import LOADERS
from f2f_viz.tensors.roles import ROLES
from f2f_viz.text import shown, times

__all__ = ["main"]

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def _file_formats() -> list[tuple[str, str]]:
    return [(" ".join(e.suffixes), f"{e.label}. {e.help}") for e in LOADERS.values()]


class _Commands(click.Group):
    """Ends with a line and 130, as shells know it, when it is interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("f2f-viz: interrupted", err=True)
            raise click.exceptions.Exit(130) from None


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
@click.option("--tour", type=click.Path(), help="A tour of your own, TOML; see docs/tour.md.")
def app(port: int | None, no_browser: bool, tour: str | None = None) -> None:
    """Serve the analyzer on this machine and open it in a browser."""
    from f2f_viz.app.servers.app import serve_app

    if tour is not None:
        from f2f_viz.app.tour import read_tour

        read_tour(tour)
    serve_app(port=port, browser=not no_browser, tour=tour)


@cli.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on loopback; a free one if not given."
)
@click.option("--no-browser", is_flag=True, help="Only print the URL.")
def lab(port: int | None, no_browser: bool) -> None:
    """Open the notebooks in JupyterLab; an installed package copies them to f2f-notebooks here."""
    from f2f_viz.app.servers.lab import serve_lab

    serve_lab(port=port, browser=not no_browser)


@cli.command(cls=lists("File formats", _file_formats))
@click.argument("path", type=click.Path())
@_json
def tensors(path: str, as_json: bool) -> None:
    """List the tensors of a model file."""
    found = f2f.list_tensors(path)
    if as_json:
        echo_json([asdict(tensor) for tensor in found])
        return
    if not found:
        click.echo(f"{shown(path)} holds no tensors", err=True)
    for tensor in found:
        shape, role = "×".join(map(str, tensor.shape)) or "scalar", ROLES[tensor.role]
        what = role.help if role.pruned else f"carried: {role.help}"
        name, dtype = shown(tensor.name), shown(tensor.dtype)
        click.echo(f"{name}\t{shape}\t{dtype}\t{tensor.nbytes:,} bytes\t{what}")


@cli.command()
@click.argument("path", type=click.Path())
@click.option("--tensor", help="Only this tensor; all of a model's matrices if not given.")
@output_option("The .f2f file to write.")
@force_option
@rule_option
@click.option("--plan", type=click.Path(),
              help="What becomes of each tensor, as survey --save-plan writes it; in place of "
              "settings and rules.")  # fmt: skip
@preset_option
@field_options
@click.option("--threads", type=click.IntRange(1), help="One per core if not given.")
@dask_option("Encode layers")
@_json
def encode(
    path: str, tensor: str | None, output: Path, force: bool, rules: tuple[str, ...],
    plan: str | None, preset: str, threads: int | None, dask: str | None, as_json: bool,
    **choices: Any,
) -> None:  # fmt: skip
    """Prune and encode all matrices of a model file, or one tensor.

    Of a model, finished layers are kept in OUTPUT.parts until the whole is written: after an
    interruption, the same command goes on from there.
    """
    settings = settings_of(preset, choices)
    if tensor is not None and (rules or dask or plan):
        raise click.UsageError(
            "--rule, --plan and --dask are for whole models, --tensor is for one tensor"
        )
    if plan and (rules or settings_given(choices)):
        raise click.UsageError("--plan has settings and rates of its own")
    if tensor is None and (rules or dask or plan or len(f2f.list_tensors(path)) > 1):
        with ExitStack() as stack:
            executor = stack.enter_context(on_dask(dask))
            progress = stack.enter_context(progress_bar(Path(path).name, "weight"))
            stack.enter_context(_kept(output))
            account = encode_model(
                path, output, None if plan else settings, rules=rules_of(rules), plan=plan,
                force=force, threads=threads, executor=executor, progress=progress,
            )  # fmt: skip
        _print_model(account, as_json)
        return
    layer = f2f.load_layer(path, tensor)
    with claim(output, *files_of(path, *settings.files), force=force) as target:
        _announce(layer, settings)
        with progress_bar(layer.name, "tile") as progress:
            encoded = encode_layer(layer, settings, threads=threads, progress=progress)
        f2f.save(encoded, target)
    _print_report(f2f.report(encoded), as_json)


@contextmanager
def _kept(output: Path) -> Iterator[None]:
    """Say at Ctrl-C what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"f2f-viz: interrupted; finished layers are kept in {shown(str(output))}.parts, "
            "the same command goes on from there", err=True,
        )  # fmt: skip
        raise click.exceptions.Exit(130) from None


def _announce(layer: f2f.Layer, settings: Settings) -> None:
    """Say how long the search will take, if that is long."""
    code, kept = settings.code, layer.weights.size * (1 - settings.rate)
    blocks = int(kept / code.n_in) + 1  # a symbol's bits are about a block's care bits
    seconds = search_seconds(code.n_in, code.n_s, blocks, word_bits(layer.dtype))
    if seconds > 10:
        click.echo(f"about {seconds:.0f} s of search on one thread", err=True)


@cli.command()
@click.argument("file", type=click.Path())
@output_option(f"A {endings('layer')} file; of a model, {endings('model')} if it was one.")
@force_option
def decode(file: str, output: Path, force: bool) -> None:
    """Decode an .f2f file to weights, or to a model's file; pruned ones are 0.

    A .safetensors file has the tensor under its name, and of quantized weights the scales as
    NAME_scale: values are weights · scales.
    """
    if is_model_file(Path(file)):
        with progress_bar(Path(file).name, "B") as progress:
            decode_model(file, output, force=force, progress=progress)
        return
    write = writer_of(output, "layer").layer
    assert write is not None
    encoded = f2f.open(file)
    data = write(encoded.name, decode_verified(encoded), encoded.scales)
    with claim(output, file, force=force) as target:
        write_atomically(target, data)


@cli.command()
@click.argument("file", type=click.Path())
@_json
def verify(file: str, as_json: bool) -> None:
    """Decode an .f2f file and compare with its checksums."""
    if is_model_file(Path(file)):
        with progress_bar(Path(file).name, "B") as progress:
            model = decode_model(file, None, progress=progress)
        count, carried = len(model.layers), len(model.slots) - len(model.layers)
        found = {"ok": True, "layers": count, "carried": carried}
        text = f"ok: model of {count} encoded layers, {carried} tensors carried unchanged"
        if as_json:
            echo_json(found)
        else:
            click.echo(text)
        return
    encoded = f2f.open(file)
    digest = verified_sha256(encoded)
    if as_json:
        echo_json({"ok": True, "name": encoded.name, "sha256": digest})
        return
    name = f"{shown(encoded.name)}, " if encoded.name else ""
    what = f"{'×'.join(map(str, encoded.shape)) or 'scalar'} {encoded.dtype}"
    click.echo(f"ok: {name}{what}, {encoded.kept:,} kept weights, sha256 {digest}")


@cli.command()
@click.argument("file", type=click.Path())
@click.option("--compare", "rivals", is_flag=True, help="Measure other formats beside it.")
@_json
def report(file: str, rivals: bool, as_json: bool) -> None:
    """Account for every bit of an .f2f file."""
    if is_model_file(Path(file)):
        model = open_model(Path(file))
        found = None
        if rivals:
            with progress_bar(Path(file).name, "weight") as progress:
                found = model_rivals(model, progress)
        _print_model(model_report(model), as_json, found)
        return
    encoded = f2f.open(file)
    if not rivals:
        _print_report(f2f.report(encoded), as_json)
        return
    weights = decode_verified(encoded)
    with progress_bar(Path(file).name, "format") as progress:
        found = compare(weights, encoded.mask, encoded, progress=progress)
    if as_json:
        limits = bounds(weights, encoded.mask, encoded)
        more = {"rivals": [asdict(rival) for rival in found], "bounds": asdict(limits)}
        _print_report(f2f.report(encoded), True, more)
        return
    _print_report(f2f.report(encoded), False)
    click.echo("\n" + table(found))


cli.add_command(survey)
cli.add_command(sweep)
cli.add_command(figure)
cli.add_command(lesson)
cli.add_command(verilog)


def _print_report(report: Report, as_json: bool, more: dict[str, Any] | None = None) -> None:
    if as_json:
        echo_json(asdict(report) | {"of_bound": report.of_bound} | (more or {}))
        return
    click.echo(f"sparsity S            {report.sparsity:.4f}")
    click.echo(f"maximum ratio 1/(1-S) {times(report.max_ratio, 4)}")
    ratio = times(report.ratio, 4)
    click.echo(f"ratio                 {ratio}  dense bits / (payload + corrections)")
    click.echo(f"ratio, whole file     {report.file_ratio:.4f}  dense bits / all bits of the file")
    of_bound = f"{report.of_bound:.2%}" if report.ratio < math.inf else times(report.ratio)
    click.echo(f"of the bound          {of_bound}")
    matched = f"matched / all {report.care_bits:,} care bits"
    click.echo(f"efficiency            {report.efficiency:.4%}  {matched}")
    for part, bits in report.bits.items():
        click.echo(f"  {part:<12}{bits:>14,} bits")
    click.echo(f"  {'file':<12}{sum(report.bits.values()):>14,} bits")


def _print_model(account: ModelReport, as_json: bool, rivals: list[Rival] | None = None) -> None:
    if as_json:
        totals = {name: getattr(account, name) for name in (
            "bits", "dense_bits", "kept_bits", "per_kept_bit", "ratio", "file_ratio")}  # fmt: skip
        rows = {} if rivals is None else {"rivals": [asdict(rival) for rival in rivals]}
        echo_json(asdict(account) | totals | rows)
        return
    names = [shown(layer.name) for layer in account.layers]
    width = max(map(len, names), default=5)
    head = f"{'layer':<{width}}  {'shape':<14} {'dtype':<9} {'S':>6}  {'ratio':>7}  efficiency"
    click.echo(f"{head}  {'bytes':>12}")
    for name, layer in zip(names, account.layers, strict=True):
        shape, own = "×".join(map(str, layer.shape)), layer.report
        click.echo(
            f"{name:<{width}}  {shape:<14} {layer.dtype:<9} {own.sparsity:6.4f}  "
            f"{times(own.ratio, 3, nothing='—'):>7}  {own.efficiency:10.4%}  "
            f"{sum(own.bits.values()) // 8:>12,}{'  nothing to code' * (own.ratio == math.inf)}"
        )
    click.echo(f"encoded layers     {len(account.layers)}")
    click.echo(f"carried unchanged  {len(account.carried)}, {account.carried_bytes:,} bytes")
    by_reason: dict[str, list[str]] = {}
    for name in account.carried:
        by_reason.setdefault(account.reasons.get(name, ""), []).append(name)
    for reason, names in by_reason.items():
        more = f" and {len(names) - 3} more" * (len(names) > 3)
        click.echo(f"  {reason}: {', '.join(names[:3])}{more}")
    click.echo(f"coded / kept bits  {account.per_kept_bit:.4f}  (payload + corrections)")
    ratio = times(account.ratio, 4)
    click.echo(f"ratio              {ratio}  dense bits / (payload + corrections)")
    for part, bits in account.bits.items():
        click.echo(f"  {part:<12}{bits:>16,} bits")
    click.echo(
        f"file               {account.file_bytes:,} bytes of {account.model_bytes:,}, "
        f"{account.file_ratio:.4f} times smaller"
    )
    if rivals is not None:
        click.echo("\nEncoded layers in every format:\n" + table(rivals))


def main() -> None:
    """Run the command line: exit 0 good, 1 the input is bad, 2 wrong usage."""
    ready_streams()
    with whole_output():
        try:
            cli()
        except F2FError as problem:
            click.echo(f"f2f-viz: {problem}", err=True)
            sys.exit(1)
        except MemoryError:
            click.echo("f2f-viz: not enough memory", err=True)
            sys.exit(1)
