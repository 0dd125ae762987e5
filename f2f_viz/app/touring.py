"""Leading through a tour: where it stands, what it sets, and whether the task is done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from f2f_viz.app.tour import Scene, Tour, selector
from f2f_viz.app.words import explained
from f2f_viz.figures.front_end import Widget, script

__all__ = ["TourBar", "Touring"]


class TourBar(Widget):
    """The step's words and the way on; see ``static/tour.js``."""

    _esm = script(Path(__file__).parent / "static" / "tour.js")

    tour = traitlets.Unicode().tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    """0 while nobody is on the tour."""
    title = traitlets.Unicode().tag(sync=True)
    text: Any = traitlets.List().tag(sync=True)
    task: Any = traitlets.List().tag(sync=True)
    lit = traitlets.Unicode().tag(sync=True)
    """Selector of what is lit."""
    done = traitlets.Bool(False).tag(sync=True)
    doable = traitlets.Bool(False).tag(sync=True)
    """Whether the bar can do the task itself."""


class Touring:
    """Leads through the steps of a tour.

    Parameters
    ----------
    tour : Tour
    go : callable
        Takes the state to go to, as `Analyzer.state` has it, but for what it does not name.
    scene : callable
        Returns what the page shows, or None where that is not of the settings chosen.

    Attributes
    ----------
    bar : TourBar
    """

    def __init__(
        self, tour: Tour, go: Callable[[dict[str, Any]], None], scene: Callable[[], Scene | None]
    ) -> None:
        self._tour, self._go, self._scene = tour, go, scene
        self._place = 1
        self._began: Scene | None = None
        self._open = False
        self.bar = TourBar(tour=tour.title, count=len(tour.steps))
        self.bar.on_msg(lambda _, said, __: self.do() if "do" in said else self.enter(said["go"]))

    @property
    def step(self) -> int:
        """The step, from 1; 0 while nobody is on the tour."""
        return int(self.bar.step)

    def start(self) -> None:
        """Begin, or come back to where one left; leave, if one is on it."""
        self.enter(0 if self.step else self._place)

    def enter(self, step: int) -> None:
        """Go to a step, with all that it sets; 0 leaves the tour and everything as it is."""
        if step <= 0:
            self.resume(0)
            return self._go({"step": 0})
        step = min(step, len(self._tour.steps))
        self._go(self._of(step))
        self._open |= self._began is None  # what is done before the first result counts
        return self.look()

    def do(self) -> None:
        """Do the step's task, where its file says how."""
        if self.step and (done := self._tour.steps[self.step - 1].do):
            self._go({**self._of(self.step), **done})
            self.look()

    def _of(self, step: int) -> dict[str, Any]:
        """Return all that a step sets."""
        at = self._tour.steps[step - 1]
        return {**at.state, **vars(at.at), **vars(at.view), "tab": at.tab, "step": step}

    def resume(self, step: int) -> None:
        """Stand at a step, where an address or a state says so; it sets nothing."""
        step = min(max(step, 0), len(self._tour.steps))
        if step == self.step:
            return
        self._place = step or self._place
        self._began = None
        self._open = False
        with self.bar.hold_sync():
            self.bar.step = step
            self.bar.done = False
            if not step:
                self.bar.lit = ""
                return
            at = self._tour.steps[step - 1]
            self.bar.title = at.title
            self.bar.text, self.bar.task = explained(at.text), explained(at.task)
            self.bar.lit = selector(at.lit)
            self.bar.doable = bool(at.do)

    def look(self) -> None:
        """See whether the task is done, when something has changed.

        Where a step is resumed, what it asks for may be there already: then it is done by who does
        it anew.
        """
        if not self.step or (scene := self._scene()) is None:
            return
        began = self._began = self._began or scene
        check = self._tour.steps[self.step - 1].check
        if not check.holds(scene, began):
            self._open = True
        elif self._open or check.value(scene) != check.value(began):
            self.bar.done = True
