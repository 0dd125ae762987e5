"""Many settings on many layers: a grid, measured point by point, and its Pareto front."""

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from f2f_viz.analysis.analyze import Analysis, analyze
from f2f_viz.analysis.dataframe import dataframe
from f2f_viz.analysis.executor import on_executor
from f2f_viz.arguments import checked
from f2f_viz.codec.trellis import max_n_in
from f2f_viz.errors import F2FError, named
from f2f_viz.hardware.gates import gates
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, each_of, load_layer
from f2f_viz.tensors.objects import object_entries

__all__ = [
    "Sweep",
    "SweepPoint",
    "front",
    "gates_settings",
    "grid",
    "measure_gates",
    "measure_sweep",
    "pareto",
    "sweep",
]


@dataclass(frozen=True)
class SweepPoint:
    """One point of a sweep.

    Attributes
    ----------
    layer : str
        Name of the layer.
    settings : Settings
    n_out : int
        Bits of a block.
    sparsity, max_ratio, ratio, file_ratio, efficiency : float
        As in `report.Report`; ratio is dense bits / (payload + corrections).
    seconds : float
        CPU time of the exact search, of all threads together.
    gates, naive_gates, depth : int
        Two-input XOR gates of the decoder, those that outputs share counted once; the same, none
        shared; gates on the longest way once they are shared (`hardware.gates`).
    """

    layer: str
    settings: Settings
    n_out: int
    sparsity: float
    max_ratio: float
    ratio: float
    file_ratio: float
    efficiency: float
    seconds: float
    gates: int
    naive_gates: int
    depth: int

    @property
    def of_bound(self) -> float:
        """Share of 1 / (1 − S) reached; 1 where no bits are coded, as of `Report`."""
        return self.ratio / self.max_ratio if self.ratio < math.inf else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; `from_dict` takes them, and None for what is infinite."""
        return vars(self) | {"settings": self.settings.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SweepPoint":
        """Invert `to_dict`, so that a sweep can go on where it stopped."""
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise F2FError("a sweep's point", expected=sorted(names), got=sorted(values))
        infinite = {name: float("inf") for name, value in values.items() if value is None}
        return cls(**values | infinite | {"settings": Settings.from_dict(values["settings"])})


def grid(base: Settings | None = None, **axes: Sequence[Any]) -> list[Settings]:
    """Return every combination of some settings' values, the rest as in `base`.

    Parameters
    ----------
    base : Settings, optional
    **axes
        Names of `Settings` with the values to try, the last varying fastest.

    Raises
    ------
    F2FError
        For an unknown name, or a combination that is not allowed.
    """
    base = base or Settings()
    unknown = sorted(set(axes) - set(Settings.names()))
    if unknown:
        raise F2FError("unknown axes", expected="names of Settings", got=", ".join(unknown))
    return [
        base.replace(**dict(zip(axes, v, strict=True))) for v in itertools.product(*axes.values())
    ]


class Sweep(Iterator[SweepPoint]):
    """The points of a sweep, each measured when it is asked for.

    Attributes
    ----------
    points : list of SweepPoint
        Those measured by now.
    """

    def __init__(self, points: Iterator[SweepPoint]):
        self.points: list[SweepPoint] = []
        self._rest = points

    def __next__(self) -> SweepPoint:
        self.points.append(next(self._rest))
        return self.points[-1]

    def to_dataframe(self) -> Any:
        """Return a pandas.DataFrame of all points, measuring those that are left; a row each.

        Columns are the attributes of `SweepPoint` with the settings by their names.

        Raises
        ------
        F2FError
            If pandas is not installed.
        """
        for _ in self:
            pass
        rows = [point.to_dict() for point in self.points]
        return dataframe([{**row.pop("settings"), **row} for row in rows])


@checked
def sweep(
    layers: Any,
    settings: Settings | Sequence[Settings] | None = None,
    *,
    done: Iterable[SweepPoint] = (),
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Sweep:
    """Measure every choice of settings on every layer, exactly, as they come.

    Parameters
    ----------
    layers : iterable of Layer
        Or one; each may be what else `load_layer` takes.
    settings : sequence of Settings
        Or one; `grid` makes them.
    done : iterable of SweepPoint
        Points of an earlier, interrupted sweep; they are yielded again and not measured.
    threads, cancel
        As in `analysis.analyze`; with an executor one thread a point if not given, and points that
        it has begun still end.
    executor : concurrent.futures.Executor, optional
        Measures points where it likes; its workers read a layer that is given as a path
        themselves.
    progress : callable, optional
        Called as ``progress(done, total)``, in points.

    Returns
    -------
    Sweep
        An iterator of `SweepPoint`; with an executor in the order in which they end, after those
        that are done.
    """
    choices = [settings or Settings()] if not isinstance(settings, Sequence) else settings
    done = list(done)
    for given, kind in (
        *((c, Settings) for c in choices),
        *((point, SweepPoint) for point in done),
    ):
        if not isinstance(given, kind):
            raise F2FError("a sweep", expected=f"each a {kind.__name__}", got=named(given))
    known = {(point.layer, point.settings): point for point in done}
    jobs = [
        (item, layer, choice)
        for item in each_of(layers)
        for layer in [load_layer(item)]
        for choice in choices
    ]

    def here() -> Iterator[SweepPoint]:
        for _, layer, choice in jobs:
            point = known.get((layer.name, choice))
            yield point or _measure(layer, choice, threads, cancel)

    def elsewhere(executor: Executor) -> Iterator[SweepPoint]:
        tasks = []
        for item, layer, choice in jobs:
            if (layer.name, choice) in known:
                yield known[layer.name, choice]
            else:
                work = partial(_measure, threads=threads or 1)
                tasks.append((choice, item, object_entries(layer)[layer.name], choice, work))
        with closing(on_executor(executor, tasks, cancel)) as ready:
            for choice, point in ready:
                yield replace(point, settings=choice)

    def points() -> Iterator[SweepPoint]:
        for count, point in enumerate(here() if executor is None else elsewhere(executor), 1):
            yield point
            if progress is not None:
                progress(count, len(jobs))

    return Sweep(points())


def measure_sweep(
    analysis: Analysis,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> tuple[SweepPoint, ...]:
    """Measure an analysis' layer at its settings with other n_in and n_s; parameters as `sweep`."""
    settings = [
        analysis.settings.replace(n_in=n_in, n_s=n_s, n_out=None)
        for n_s in (0, 1, 2)
        for n_in in (4, 6, 8)
        if n_in <= max_n_in(n_s)
    ]
    return tuple(sweep([analysis.given], settings, progress=progress, cancel=cancel))


_FAMILIES: tuple[dict[str, Any], ...] = (
    {"matrix": "odd"},
    {"matrix": "light", "weights": (3, 3)},
    {"matrix": "light", "weights": (2, 1, 3)},
    {"matrix": "light", "weights": (3, 1)},
    {"matrix": "light", "weights": (2, 1)},
)
"""Matrices from dense to light."""


def gates_settings(settings: Settings, n_out: int) -> list[Settings]:
    """Return an n_out's matrices from dense to light at n_s = 0, 1, 2, each network once."""
    found = []
    for n_s in (0, 1, 2):
        networks = []
        for family in _FAMILIES:
            with suppress(F2FError):  # rows of three ones where a symbol has two bits
                one = settings.replace(
                    n_s=n_s, n_in=min(settings.code.n_in, max_n_in(n_s)), n_out=n_out,
                    fit_n_out=False, plain=False, **family,
                )  # fmt: skip
                network = one.code.network(n_out)
                if network not in networks:
                    networks.append(network)
                    found.append(one)
    return found


def measure_gates(
    analysis: Analysis,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> tuple[SweepPoint, ...]:
    """Measure an analysis' layer with matrices from dense to light, at its n_out and three n_s."""
    settings = gates_settings(analysis.settings, analysis.n_out)
    return tuple(sweep([analysis.given], settings, progress=progress, cancel=cancel))


def _measure(
    layer: Layer,
    settings: Settings,
    threads: int | None,
    cancel: threading.Event | None = None,
) -> SweepPoint:
    found = analyze(layer, settings, threads=threads, cancel=cancel)
    circuit = gates(found.network)
    return SweepPoint(
        layer=layer.name,
        settings=settings,
        n_out=found.n_out,
        sparsity=found.sparsity,
        max_ratio=found.max_ratio,
        ratio=found.ratio.value,
        file_ratio=found.file_ratio,
        efficiency=found.efficiency.value,
        seconds=found.search_seconds or 0.0,
        gates=circuit.shared,
        naive_gates=circuit.naive,
        depth=circuit.shared_depth,
    )


def front(points: Sequence[SweepPoint]) -> NDArray[np.bool_]:
    """Find the points of a sweep that no other beats, among those of one layer and sparsity.

    Parameters
    ----------
    points : sequence of SweepPoint

    Returns
    -------
    ndarray of bool, shape (points,)
        Whether no point of the same layer and sparsity (to 1 %) has a higher ratio at no more
        shared gates. Times vary too much to decide it.
    """
    alike: dict[tuple[str, float], list[int]] = defaultdict(list)
    for i, point in enumerate(points):
        alike[point.layer, round(point.sparsity, 2)].append(i)
    found = np.zeros(len(points), bool)
    for chosen in alike.values():
        found[chosen] = pareto(np.array([(-points[i].ratio, points[i].gates) for i in chosen]))
    return found


def pareto(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find the points that no other point beats.

    Parameters
    ----------
    costs : ndarray of float, shape (points, costs)
        Less is better: negate what should be large, such as the ratio.

    Returns
    -------
    ndarray of bool, shape (points,)
        False where another point is no worse in every cost and better in one.
    """
    no_worse = (costs[:, None] <= costs[None, :]).all(axis=2)
    better = (costs[:, None] < costs[None, :]).any(axis=2)
    return np.logical_not((no_worse & better).any(axis=0))
