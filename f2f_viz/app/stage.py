"""The tabs on the stage: built when first seen, brought up to date when seen, closed together."""

from dataclasses import replace
from typing import Any, Protocol

from f2f_viz.analysis.analyze import Analysis
from f2f_viz.app.selection import Selection
from f2f_viz.app.tabs import TABS, Link, Tab
from f2f_viz.figures.palette import Theme

__all__ = ["Stage"]


class Root(Protocol):
    """What draws the tabs: `tab` is the name of the one seen, the rest goes by name."""

    tab: str
    views: dict[str, Any]
    notes: dict[str, str]


class Stage:
    """Keeps the tab that is seen up to date, and tells what another one still shows.

    Parameters
    ----------
    root : Root
    link : Link
    """

    def __init__(self, root: Root, link: Link) -> None:
        self._root, self._link = root, link
        self._tabs: dict[str, Tab] = {}
        self._shown: dict[str, Analysis | None] = {}
        self._analysis: Analysis | None = None
        self._why_old, self._all_old = "", False

    def take(self, analysis: Analysis) -> None:
        """Show another analysis."""
        self._analysis, self._all_old = analysis, False
        self._why_old = "The exact search runs; until it ends this shows the result before."
        self.show()  # and only then notes: one that came and went would lay the page out twice

    def say(self, why_old: str, all_old: bool = False) -> None:
        """Take the sentence for views that do not show the newest analysis, or for all of them."""
        self._why_old = why_old
        self._all_old = all_old
        self._note()

    def wait(self, why_old: str) -> None:
        """Take the sentence where all views are old: what made them so may be mended by now."""
        if self._all_old:
            self.say(why_old, all_old=True)

    def show(self) -> None:
        """Build the tab that is seen if need be, and bring it up to date."""
        seen, analysis = self._root.tab, self._analysis
        for name, tab in self._tabs.items():
            if name != seen:
                tab.pause()
        if analysis is None:
            return
        if seen not in self._tabs:
            tab = self._tabs[seen] = TABS[seen](self._link, analysis)
            self._shown[seen] = None if tab.exact_only and not analysis.exact else analysis
            self._root.views = {**self._root.views, seen: tab.parts}
        tab = self._tabs[seen]
        tab.follow(self._link.where())
        if self._shown[seen] is not analysis and (analysis.exact or not tab.exact_only):
            tab.update(analysis)
            tab.follow(self._link.where())  # a view forgets the place in another layout
            self._shown[seen] = analysis
        self._note()
        if analysis.exact or tab.early:
            tab.fill(analysis)

    def follow(self, selection: Selection) -> None:
        """Show another selection in the tab that is seen."""
        if self._root.tab in self._tabs:
            self._tabs[self._root.tab].follow(selection)

    def aim(self, figure: str, plot: str, x: float, y: float) -> Selection | None:
        """Return what a click at a place of the tab that is seen would select."""
        tab = self._tabs.get(self._root.tab)
        return tab.aim(figure, plot, x, y) if tab else None

    def light(self, selection: Selection | None) -> None:
        """Show a selection in passing in the tab that is seen, or none any more."""
        if self._root.tab in self._tabs:
            self._tabs[self._root.tab].light(selection)

    def dress(self, theme: Theme, large: bool) -> None:
        """Begin anew in another theme, or for a projector."""
        self._link = replace(self._link, theme=theme, large=large)
        self._close({name: tab for name, tab in self._tabs.items() if not tab.lasts})
        self.show()

    def close(self) -> None:
        """Close every tab."""
        self._close(self._tabs)

    def _close(self, tabs: dict[str, Tab]) -> None:
        self._tabs = {name: tab for name, tab in self._tabs.items() if name not in tabs}
        self._root.views = {name: tab.parts for name, tab in self._tabs.items()}
        for tab in tabs.values():
            tab.pause()
            for part in tab.parts:
                part.close()

    def _note(self) -> None:
        self._root.notes = {
            name: self._why_old
            for name, shown in self._shown.items()
            if name in self._tabs and (self._all_old or shown is not self._analysis)
        }
