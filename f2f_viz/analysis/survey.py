"""What a whole model would take: a row for each of its weights, estimated from samples."""

import csv
import io
import math
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from f2f_viz.analysis.analyze import Analysis, Estimate, analyze
from f2f_viz.analysis.dataframe import dataframe
from f2f_viz.analysis.executor import on_executor
from f2f_viz.analysis.plan import Plan, Rule, plan_of
from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import word_bits
from f2f_viz.codec.entropy import block_stats
from f2f_viz.codec.parallel import as_finished, workers
from f2f_viz.display import html_table, text_line
from f2f_viz.errors import Progress, stop_if
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, layer_of
from f2f_viz.tensors.objects import object_entries, said
from f2f_viz.text import times

__all__ = ["Survey", "SurveyRow", "csv_text", "plain_row", "survey", "survey_row"]


@dataclass(frozen=True)
class SurveyRow:
    """One tensor of a model that would be coded.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        Number format as it is coded.
    weights : int
    zeros : float
        Share of the weights that are zero before pruning.
    sparsity, max_ratio : float
        S of the mask, and 1 / (1 − S).
    dispersion : dict of str to float
        By block order: variance of n_u over that of the binomial distribution.
    efficiency, ratio, of_bound : Estimate
        As in `Analysis`.
    dense_bytes : int
        Of all weights in the format they are given in, which the coded one may differ from.
    bytes : float
        Of the layer's file.
    exact : bool
        Whether all of it was searched, not a sample.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    weights: int
    zeros: float
    sparsity: float
    max_ratio: float
    dispersion: dict[str, float]
    efficiency: Estimate
    ratio: Estimate
    of_bound: Estimate
    dense_bytes: int
    bytes: float
    exact: bool

    @classmethod
    def of(cls, analysis: Analysis) -> "SurveyRow":
        """Take what a survey tells of an analysis."""
        given = analysis.given.weights
        return cls(
            name=analysis.given.name,
            shape=analysis.shape,
            dtype=analysis.dtype,
            weights=analysis.size,
            zeros=float(np.count_nonzero(given == 0) / given.size),
            sparsity=analysis.sparsity,
            max_ratio=analysis.max_ratio,
            dispersion={
                order: block_stats(n_u, analysis.n_out).dispersion
                for order, n_u in analysis.n_u_orders.items()
            },
            efficiency=analysis.efficiency,
            ratio=analysis.ratio,
            of_bound=analysis.of_bound,
            dense_bytes=-(-given.size * word_bits(analysis.given.dtype) // 8),
            bytes=sum(analysis.bits.values()) / 8,
            exact=analysis.exact,
        )


@dataclass(frozen=True, repr=False)
class Survey:
    """A model's weights, a row each, as files of their own.

    One file of all (`encode_model`) holds equal matrices once, and is a little smaller.

    Attributes
    ----------
    rows : tuple of SurveyRow
        In the model's order.
    plan : Plan
        What becomes of each tensor; it can be saved, and `encode_model` takes it.
    carried_bytes : int
    """

    rows: tuple[SurveyRow, ...]
    plan: Plan
    carried_bytes: int

    @property
    def carried(self) -> dict[str, str]:
        """The other tensors, and why each is carried unchanged."""
        return self.plan.carried

    def __iter__(self) -> Iterator[SurveyRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return text_line("Survey", self._facts())

    def _repr_html_(self) -> str:
        rows = {
            row.name: f"{times(row.ratio.value, 3)}, {row.bytes:,.0f} bytes" for row in self.rows
        }
        return html_table("Survey", self._facts() | rows)

    def _facts(self) -> dict[str, str]:
        return {
            "layers": f"{len(self.rows)}",
            "carried": f"{len(self.carried)}",
            "bytes": f"{sum(row.dense_bytes for row in self.rows) + self.carried_bytes:,}",
            "coded": f"{sum(row.bytes for row in self.rows) + self.carried_bytes:,.0f}",
        }

    def to_dataframe(self) -> Any:
        """Return a pandas.DataFrame, a row for each layer; estimates with the ends of intervals.

        Raises
        ------
        F2FError
            If pandas is not installed.
        """
        return dataframe([plain_row(row) for row in self.rows])


def plain_row(row: SurveyRow) -> dict[str, Any]:
    """Return a row as plain JSON values by column."""
    found: dict[str, Any] = {}
    for name, value in vars(row).items():
        if isinstance(value, Estimate):
            found |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        elif name == "dispersion":
            found |= {f"dispersion_{order}": spread for order, spread in value.items()}
        else:
            found[name] = list(value) if name == "shape" else value
    return found


def csv_text(rows: Iterable[SurveyRow]) -> str:
    """Return rows as comma-separated values, the names of the columns first; empty if none."""
    plain = [plain_row(row) for row in rows]
    text = io.StringIO()
    if plain:
        writer = csv.DictWriter(text, list(plain[0]))
        writer.writeheader()
        writer.writerows(plain)
    return text.getvalue()


@checked
def survey(
    model: Any,
    settings: Settings | None = None,
    *,
    rules: Iterable[Rule] = (),
    together: bool = False,
    exact: bool = False,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Survey:
    """Say what each of a model's weights would take, without coding them all.

    Parameters
    ----------
    model
        Whatever `list_tensors` takes.
    settings : Settings, optional
        Of all layers; a tensor beside its own mask is pruned by that.
    rules : iterable of (str, float or None)
        Rates by name or role, as `encode_model` takes them.
    together : bool
        The rate is that of all weights as one (`prune_together`): each layer loses what it can
        spare.
    exact : bool
        Search every layer whole, in place of samples.
    threads : int, optional
        Layers at a time; one per core if not given. With an executor, threads of each layer, and
        one.
    executor : concurrent.futures.Executor, optional
        Looks over layers where it likes; its workers read a file themselves.
    progress : callable, optional
        Called as ``progress(done, total)``, in weights.
    cancel : threading.Event, optional
        Set it to stop; `Cancelled` is raised. Layers that an executor has begun still end.

    Returns
    -------
    Survey

    Raises
    ------
    F2FError
        As `list_tensors` and `analyze`.
    """
    entries = object_entries(model)
    plan = plan_of(entries, settings or Settings(), rules, together=together, origin=said(model))
    chosen = list(plan.layers)
    total, done = sum(math.prod(entries[name].info.shape) for name in chosen), 0
    rows: dict[str, SurveyRow] = {}
    stop = threading.Event()

    def run(name: str) -> SurveyRow:
        layer = layer_of(entries[name])
        return survey_row(layer, plan.layers[name], exact, threads=1, cancel=stop)

    if executor is None:
        ready = as_finished(run, chosen, workers(threads), poll=lambda: stop_if(cancel), stop=stop)
    else:
        tasks = (
            (
                name, model, entries[name], own,
                partial(survey_row, exact=exact, threads=threads or 1),
            )
            for name, own in plan.layers.items()
        )  # fmt: skip
        ready = on_executor(executor, tasks, cancel)
    with closing(ready):
        for name, row in ready:
            rows[name] = row
            done += row.weights
            if progress is not None:
                progress(done, total)
    return Survey(
        tuple(rows[name] for name in chosen),
        plan,
        sum(entries[name].info.nbytes for name in plan.carried),
    )


def survey_row(
    layer: Layer,
    settings: Settings,
    exact: bool = False,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> SurveyRow:
    """Say what one layer of a model would take; parameters and errors as of `survey`."""
    found = analyze(
        layer, settings, preview=not exact, threads=threads, progress=progress, cancel=cancel
    )
    return SurveyRow.of(found)
