"""Work in threads that a caller may leave at any time."""

import subprocess
import sys
import threading
from contextlib import closing

import pytest

from f2f_viz.codec.parallel import as_finished
from f2f_viz.errors import Cancelled


@pytest.mark.parametrize("threads", [1, 3, 100])
def test_every_item_comes_with_its_result(threads):
    found = dict(as_finished(lambda n: n * n, range(20), threads))
    assert found == {n: n * n for n in range(20)}
    assert list(as_finished(str, [], threads)) == []


def test_one_thread_keeps_the_order():
    assert [n for n, _ in as_finished(str, range(20), 1)] == list(range(20))


def test_what_fails_is_raised_and_nothing_more_begins():
    begun, stop = [], threading.Event()

    def run(n):
        begun.append(n)
        raise ValueError(f"number {n}")

    with (
        pytest.raises(ValueError, match="number 0"),
        closing(as_finished(run, range(1000), 1, stop=stop)) as results,
    ):
        next(results)
    assert stop.is_set()
    assert begun == [0]


def test_a_poll_that_raises_stops_what_has_begun():
    stop, begun, ended = threading.Event(), threading.Event(), []

    def run(n):
        begun.set()
        stop.wait()  # a search that looks at it
        ended.append(n)

    def poll():
        if begun.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        list(as_finished(run, [1, 2], 1, poll=poll, stop=stop))
    assert ended == [1]


def test_ctrl_c_does_not_wait_for_what_cannot_be_stopped():
    """A compressor cannot; the process ends all the same."""
    program = """
import threading
from f2f_viz.codec.parallel import as_finished

begun = threading.Event()

def run(n):
    begun.set()
    threading.Event().wait()  # for ever

def poll():
    if begun.is_set():
        raise KeyboardInterrupt

list(as_finished(run, [1, 2, 3], 2, poll=poll))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr
