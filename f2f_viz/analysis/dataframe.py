"""Results of several rows as a table of pandas, where that is installed."""

from collections.abc import Mapping, Sequence
from typing import Any

from f2f_viz.errors import F2FError

__all__ = ["dataframe"]


def dataframe(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return a pandas.DataFrame.

    Parameters
    ----------
    rows : sequence of mapping
        Values by column.

    Raises
    ------
    F2FError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise F2FError("a DataFrame needs pandas", hint='pip install "f2f-viz[pandas]"') from None
    return pandas.DataFrame(list(rows))
