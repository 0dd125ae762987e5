"""The commands that look at layers: ``sweep``, ``figure`` and ``lesson``."""

import json
import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import click
from tqdm import tqdm

import f2f_viz as f2f
from f2f_viz.analysis.sweep import SweepPoint, front, grid
from f2f_viz.analysis.sweep import sweep as sweep_points
from f2f_viz.cli.options import (
    dask_option,
    lists,
    on_dask,
    pairs,
    preset_option,
    settings_of,
    value_of,
)
from f2f_viz.cli.output import echo_json, force_option, output_option, progress_bar
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import claim, write_atomically
from f2f_viz.samples import SMALL
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, files_of
from f2f_viz.text import shown, strict_json, times

__all__ = ["figure", "lesson", "sweep"]

Command = TypeVar("Command", bound=Callable[..., Any])

_tensor = click.option(
    "--tensor", "tensors", multiple=True, help="Which tensor; the largest matrix if not given."
)
_set = click.option("--set", "chosen", multiple=True, metavar="NAME=VALUE",
                    help="A setting, such as rate=0.9 or n_s=2.")  # fmt: skip

_theme = click.option(
    "--theme", type=click.Choice(("light", "dark")), default="light", show_default=True
)


def _layers(path: str | None, tensors: tuple[str, ...]) -> list[Layer]:
    if path is None:
        return [f2f.sample_layer(name) for name in tensors or (None,)]
    return [f2f.load_layer(path, name) for name in tensors or (None,)]


def _sources(path: str | None, tensors: tuple[str, ...]) -> list[Any]:
    """Return what gives the layers: workers elsewhere read a path, and are sent numbers."""
    if path is None:
        return _layers(path, tensors)
    return [f"{path}:{name}" for name in tensors] or [path]


def _chosen(preset: str, texts: tuple[str, ...]) -> Settings:
    return settings_of(preset, {name: value_of(text) for name, text in pairs(texts).items()})


def _earlier(path: Path) -> list[SweepPoint]:
    """Read the points of an interrupted sweep; its last line may be cut short."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        return [SweepPoint.from_dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise F2FError(f"{path} is no sweep", expected="lines that sweep wrote", got="others",
                       hint="name another file, or --force") from None  # fmt: skip


@click.command()
@click.argument("path", type=click.Path(), required=False)
@_tensor
@click.option("--axis", "axes", multiple=True, metavar="NAME=V1,V2,…", required=True,
              help="A setting and the values to try, such as rate=0.7,0.8,0.9.")  # fmt: skip
@preset_option
@_set
@dask_option("Measure points")
@output_option("Points as JSON lines; an interrupted sweep goes on from there.", required=False)
@click.option("--force", is_flag=True, help="Begin anew, whatever OUTPUT holds or is made of.")
@click.option("--json", "as_json", is_flag=True, help="Print points as JSON lines.")
def sweep(
    path: str | None, tensors: tuple[str, ...], axes: tuple[str, ...], preset: str,
    chosen: tuple[str, ...], dask: str | None, output: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure a grid of settings on layers of PATH, or on sample layers.

    Points marked * are on the Pareto front: none of the same layer and sparsity has a higher ratio
    at no more gates. Seconds are the search's, of CPU.
    """
    values = {name: [value_of(v) for v in text.split(",")] for name, text in pairs(axes).items()}
    settings = grid(_chosen(preset, chosen), **values)
    layers = _sources(path, tensors)
    points: list[SweepPoint] = []
    with ExitStack() as stack:
        if output:
            output = stack.enter_context(
                claim(output, *files_of(*[path] if path else []), force=force)
            )
        earlier = _earlier(output) if output and not force else []
        bar = stack.enter_context(
            tqdm(total=len(settings) * len(layers), unit="point", disable=None, leave=False)
        )
        executor = stack.enter_context(on_dask(dask))
        for point in sweep_points(layers, settings, done=earlier, executor=executor):
            points.append(point)
            if output:
                text = "".join(strict_json(p.to_dict()) + "\n" for p in points)
                write_atomically(output, text.encode())
            bar.update()
    if as_json:
        for point in points:
            echo_json(point.to_dict())
        return
    rows = [["", "ratio", "of bound", "efficiency", "seconds", "gates", *values, "layer"]]
    for point, best in zip(points, front(points), strict=True):
        nothing, own = point.ratio == math.inf, point.settings.to_dict()
        rows.append([
            "*" if best else "", times(point.ratio, 3, nothing="—"),
            "" if nothing else f"{point.of_bound:.2%}", f"{point.efficiency:.3%}",
            f"{point.seconds:.2f}", f"{point.gates}", *(shown(str(own[name])) for name in values),
            shown(point.layer) + ", nothing to code" * nothing,
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, layer in rows:
        mark, *aligned = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        click.echo(f"{mark}{'  '.join(aligned)}  {layer}")
    click.echo(
        "* best: no other of the same layer and sparsity has a higher ratio at no more gates"
    )


def _figures() -> list[tuple[str, str]]:
    from f2f_viz.figures.catalogue import FIGURES  # slow to import

    return [(entry.name, entry.help) for entry in FIGURES.values()]


def _figure_options(command: Command) -> Command:
    """Give a command an option for every one that figures have; those not given are None."""
    from f2f_viz.figures.options import OPTIONS

    for option in reversed(OPTIONS.values()):
        flag = f"--{option.name}"
        if option.kind is bool:
            flag += f"/--no-{option.name}"
        kind = None if option.kind is bool else option.kind
        command = click.option(flag, type=kind, default=None, help=option.help)(command)
    return command


@click.command(cls=lists("Figures", _figures))
@click.argument("name")
@click.argument("path", type=click.Path(), required=False)
@_tensor
@preset_option
@_set
@output_option("A file ending .html, .svg, .pdf, .png, .csv or .json; a waveform .vcd too.")
@force_option
@click.option("--width-mm", type=float, default=180.0, show_default=True, help="Width in print.")
@click.option("--scale", type=float, default=2.0, show_default=True,
              help="Pixels of a PNG per CSS pixel of 1/96 inch.")  # fmt: skip
@click.option("--font-pt", type=float, default=8.25, show_default=True, help="Text in print.")
@_theme
@_figure_options
@click.option("--points", "points_file", type=click.Path(path_type=Path),
              help="Points of sweep -o, for sweep or gates; measured if not given.")  # fmt: skip
@click.option("--caption", is_flag=True, help="Print text for a caption.")
def figure(
    name: str, path: str | None, tensors: tuple[str, ...], preset: str,
    chosen: tuple[str, ...], output: Path, force: bool, width_mm: float, scale: float,
    font_pt: float, theme: Any, points_file: Path | None, caption: bool, **given: Any,
) -> None:  # fmt: skip
    """Write figure NAME of a layer of PATH, or of the first sample layer, to a file.

    NAME is one of those below. Curves and sweeps are measured; Ctrl-C ends that and writes nothing.
    """
    from f2f_viz.figures.catalogue import FIGURES
    from f2f_viz.figures.catalogue import figure as make

    options = {option: value for option, value in given.items() if value is not None}
    entry = FIGURES.pick(name)
    if wrong := set(options) - set(entry.options):
        takes = [entry.name for entry in FIGURES.values() if wrong <= set(entry.options)]
        raise click.UsageError(f"--{min(wrong)} is for {', '.join(takes)}")
    if points_file is not None:
        if name not in ("sweep", "gates"):
            raise click.UsageError("--points is for sweep and gates")
        options["points"] = _earlier(points_file)
    (layer,) = _layers(path, tensors[:1])
    settings = _chosen(preset, chosen)
    inputs = files_of(*[path] if path else [], *settings.files)
    with claim(output, *inputs, *[points_file] if points_file else [], force=force):
        analysis = f2f.analyze(layer, settings)
        with progress_bar(name, "point", delay=0.5) as progress:
            made = make(name, analysis, theme=theme, progress=progress, **options)
        made.save(output, width_mm=width_mm, scale=scale, font_pt=font_pt)
    if caption:
        click.echo(made.caption)


@click.command()
@click.argument("path", type=click.Path(), required=False)
@click.option("--tensor", help="Which tensor; the largest matrix if not given.")
@_set
@output_option("The .html file to write.")
@force_option
@click.option("--theme", type=click.Choice(("light", "dark")), help="The system's if not given.")
def lesson(
    path: str | None, tensor: str | None, chosen: tuple[str, ...], output: Path, force: bool,
    theme: Any,
) -> None:  # fmt: skip
    """Write a page of a layer of PATH in which the exact search is live.

    Without PATH, of the small sample layer, 160 × 64. It needs no Python and no network: rate,
    n_in, n_s and block order can be changed in any browser, and the symbols are searched there. It
    holds the layer's weights, so that its size grows with them.
    """
    from f2f_viz.figures.lesson import lesson as write

    small = () if path else (SMALL,)  # of which every weight can be seen
    (layer,) = _layers(path, (tensor,) if tensor else small)
    settings = _chosen("start", chosen)
    with claim(output, *files_of(*[path] if path else [], *settings.files), force=force) as target:
        write(layer, target, settings, theme=theme)
    click.echo(f"{shown(str(output))}: {output.stat().st_size:,} bytes")
