"""Dask distributed as an executor (extra ``dask``)."""

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from f2f_viz.errors import F2FError

__all__ = ["dask_executor"]

_ANSWER = "3s"


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Connect to a Dask scheduler and use its workers, which must see the same files.

    Tasks of a worker that dies are run again on another. Of Dask's own client nothing is logged.

    Parameters
    ----------
    address
        Such as ``tcp://host:8786``.

    Raises
    ------
    F2FError
        If Dask is not installed, the scheduler does not answer, or a task kills every worker.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise F2FError("this needs Dask", hint='pip install "f2f-viz[dask]"') from None
    try:
        client = Client(address, timeout=_ANSWER)  # type: ignore[no-untyped-call]
    except Exception as problem:  # of any type: each protocol has its own package
        reason = (str(problem) or type(problem).__name__).splitlines()[0]
        raise F2FError(f"no Dask scheduler answers at {address}: {reason}") from None
    said = logging.getLogger("distributed.client")
    said.addFilter(_nothing)  # what goes wrong is raised
    try:
        with client:
            yield client.get_executor(retries=2)  # type: ignore[no-untyped-call]
    except KilledWorker as problem:
        raise F2FError(f"Dask's workers died: {problem}") from None
    finally:
        said.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False
