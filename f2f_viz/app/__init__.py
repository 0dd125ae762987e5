"""The analyzer: controls, background runner, layout, and the servers that show it. No maths."""

from f2f_viz.app.analyzer import Analyzer

__all__ = ["Analyzer"]
