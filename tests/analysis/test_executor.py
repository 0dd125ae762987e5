"""Surveys and sweeps on executors are those of this process, whatever dies on the way."""

import json
import os
import signal
import threading
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context

import numpy as np
import pytest
from safetensors.numpy import save_file

import f2f_viz as f2f
from f2f_viz.analysis.dask import dask_executor
from f2f_viz.analysis.survey import plain_row
from f2f_viz.analysis.sweep import grid

RNG = np.random.default_rng(0)
MODEL = {f"w{i}": RNG.normal(size=(60 + 8 * i, 50)).astype(np.float32) for i in range(5)}
MODEL |= {"w0.scale": np.ones((8, 8), np.float32), "bias": np.zeros(9, np.float32)}
# as torch.nn.utils.prune leaves them
MODEL["p_orig"] = RNG.normal(size=(40, 30)).astype(np.float32)
MODEL["p_mask"] = (RNG.random((40, 30)) < 0.2).astype(np.float32)
MASKS = {name: RNG.random(w.shape) < 0.1 for name, w in MODEL.items()}
SETTINGS = f2f.Settings(rate=0.9, n_in=4, n_s=1)
GRID = grid(SETTINGS, rate=(0.5, 0.9), n_s=(0, 1))


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A model and masks of its tensors, named from a folder that workers do not start in."""
    monkeypatch.chdir(tmp_path)
    save_file(MODEL, "m.safetensors")
    np.savez("masks.npz", **MASKS)
    return "m.safetensors"


@pytest.fixture(scope="module")
def processes():
    """Two workers that start elsewhere and import everything anew."""
    pool = ProcessPoolExecutor(2, get_context("spawn"), initializer=os.chdir, initargs=("/",))
    with pool as executor:
        yield executor


def rows_of(survey):
    return [plain_row(row) for row in survey]


def told(points):
    """Points without the seconds, in an order that no chance decides."""
    said = [json.dumps(point.to_dict() | {"seconds": 0}, sort_keys=True) for point in points]
    return sorted(said)


class Inline(Executor):
    """Runs a task when it is submitted; breaks after some."""

    def __init__(self, most):
        self.left = most

    def submit(self, function, *arguments):
        future = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenExecutor("killed"))
        else:
            future.set_result(function(*arguments))
        return future


@pytest.mark.parametrize("kind", ["file", "objects"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_survey_by_processes_is_that_of_this_one(source, processes, kind, exact):
    model = source if kind == "file" else MODEL
    progress = []
    found = f2f.survey(
        model, SETTINGS, exact=exact, executor=processes, progress=lambda *at: progress.append(at)
    )
    assert rows_of(found) == rows_of(f2f.survey(model, SETTINGS, exact=exact))
    assert [done for done, _ in progress] == sorted({done for done, _ in progress})
    assert len(progress) == len(found) == 6
    assert progress[-1][0] == progress[-1][1] == sum(row.weights for row in found)


def test_workers_of_other_folders_read_the_files_of_settings(source, processes, tmp_path):
    masked = SETTINGS.replace(method="mask", mask="masks.npz")
    assert rows_of(f2f.survey(source, masked, executor=processes)) == rows_of(
        f2f.survey(source, masked)
    )
    (point,) = f2f.sweep(f"{source}:w1", masked, executor=processes)
    assert point.settings == masked
    assert told([point]) == told(f2f.sweep(f"{source}:w1", masked))
    f2f.encode_model(source, "here.f2f", masked)
    f2f.encode_model(source, "there.f2f", masked, executor=processes)
    assert (tmp_path / "here.f2f").read_bytes() == (tmp_path / "there.f2f").read_bytes()


@pytest.mark.parametrize("kind", ["file", "objects"])
def test_a_sweep_by_processes_is_that_of_this_one(source, processes, kind):
    layers = [f"{source}:w0", f"{source}:p_orig"]
    if kind == "objects":
        layers = [f2f.load_layer(layer) for layer in layers]
    here = list(f2f.sweep(layers, GRID))
    progress = []
    found = f2f.sweep(
        layers, GRID, executor=processes, done=here[:3],
        progress=lambda *at: progress.append(at),
    )  # fmt: skip
    points = list(found)
    assert points[:3] == here[:3]
    assert told(points) == told(here)
    assert progress == [(count, 8) for count in range(1, 9)]


def test_a_dead_pool_is_an_error_in_words(source):
    with pytest.raises(f2f.F2FError, match="run again"):
        f2f.survey(source, SETTINGS, executor=Inline(2))
    points = f2f.sweep(f"{source}:w0", GRID, executor=Inline(2))
    with pytest.raises(f2f.F2FError, match="run again"):
        list(points)
    assert len(points.points) == 2
    rest = f2f.sweep(f"{source}:w0", GRID, executor=Inline(2), done=points.points)
    assert told(rest) == told(f2f.sweep(f"{source}:w0", GRID))


def test_an_executor_that_was_shut_down_is_an_error_in_words(source):
    with ThreadPoolExecutor(1) as executor:
        pass
    with pytest.raises(f2f.F2FError, match="takes no tasks"):
        f2f.survey(source, SETTINGS, executor=executor)


def test_a_scheduler_that_is_gone_is_an_error_in_words(source):
    class Gone(Executor):
        def submit(self, function, *arguments):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(f2f.F2FError, match="called its tasks off"):
        f2f.survey(source, SETTINGS, executor=Gone())


def test_another_file_in_its_place_is_refused(source, monkeypatch):
    class Late(Inline):
        def submit(self, function, *arguments):
            if self.left == 9:
                save_file({**MODEL, "w0": MODEL["w1"]}, source)
            return super().submit(function, *arguments)

    with pytest.raises(f2f.F2FError, match="changed while it was read"):
        f2f.survey(source, SETTINGS, executor=Late(9))


@pytest.mark.parametrize("what", ["w0", "masks.npz"])
def test_a_worker_that_sees_other_bytes_is_refused(source, what):
    """Of the same name, shape and type: a worker on another machine."""
    masked = SETTINGS.replace(method="mask", mask="masks.npz")

    class Elsewhere(Inline):
        def submit(self, function, *arguments):
            names = (source, "masks.npz")
            for name in names:
                os.replace(name, f"{name}.here")
            save_file({**MODEL, "w0": -MODEL["w0"]} if what == "w0" else MODEL, source)
            flip = what == "masks.npz"
            np.savez("masks.npz", **{name: mask ^ flip for name, mask in MASKS.items()})
            try:
                return super().submit(function, *arguments)
            finally:
                for name in names:
                    os.replace(f"{name}.here", name)

    other = rf"{what} .*another one when a worker reads it"
    with pytest.raises(f2f.F2FError, match=other):
        f2f.survey(source, masked, executor=Elsewhere(9))
    with pytest.raises(f2f.F2FError, match=other):
        list(f2f.sweep(f"{source}:w0", masked, executor=Elsewhere(9)))
    with pytest.raises(f2f.F2FError, match=other):
        f2f.encode_model(source, "m.f2f", masked, executor=Elsewhere(9))


def test_cancel_calls_off_what_waits(source):
    """Of many tasks on one thread only the one begun ends."""
    cancel, ran, called_off = threading.Event(), [], threading.Event()

    class Counting(ThreadPoolExecutor):
        def submit(self, function, *arguments):
            def run():
                ran.append(1)
                if len(ran) == 2:  # the first has ended; this one until it is called off
                    called_off.wait(30)
                return function(*arguments)

            return super().submit(run)

    def progress(done, total):
        cancel.set()

    with Counting(1) as executor:
        with pytest.raises(f2f.Cancelled):
            f2f.survey(source, SETTINGS, executor=executor, progress=progress, cancel=cancel)
        called_off.set()
    assert len(ran) <= 2
    ran.clear()
    cancel.clear()
    called_off.clear()
    with Counting(1) as executor:
        points = f2f.sweep(f"{source}:w0", GRID, executor=executor, cancel=cancel)
        next(points)
        cancel.set()
        with pytest.raises(f2f.Cancelled):
            next(points)
        called_off.set()
    assert len(ran) <= 2


@pytest.mark.slow
def test_dask_cluster_with_workers_killed(source, run):
    """Survey, sweep and both commands; a worker is killed while it has more to do."""
    distributed = pytest.importorskip("distributed")
    here, layers = f2f.survey(source, SETTINGS, exact=True), [f"{source}:w{i}" for i in range(3)]
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        address = cluster.scheduler_address

        def killer():
            workers = client.run(os.getpid)

            def progress(done, total):
                if done < total and workers:
                    killed.append(workers.popitem()[1])
                    os.kill(killed[-1], signal.SIGKILL)
                    workers.clear()

            return progress

        with dask_executor(address) as executor:
            found = f2f.survey(source, SETTINGS, exact=True, executor=executor, progress=killer())
            client.wait_for_workers(2, timeout=60)
            points = list(f2f.sweep(layers, GRID, executor=executor, progress=killer()))
        assert rows_of(found) == rows_of(here)
        assert told(points) == told(f2f.sweep(layers, GRID))
        assert len(killed) == 2

        common = ("--n-in", 4, "--n-s", 1, "--exact", "--dask", address)
        lines = run("survey", source, *common, "--json").splitlines()
        assert [json.loads(line) for line in lines] == json.loads(json.dumps(rows_of(here)))
        common = ("--tensor", "w0", "--axis", "n_s=0,1", "--set", "n_in=4", "--json")
        lines = run("sweep", source, *common, "--dask", address).splitlines()
        points = [f2f.SweepPoint.from_dict(json.loads(line)) for line in lines]
        assert told(points) == told(f2f.sweep(f"{source}:w0", grid(SETTINGS, n_s=(0, 1))))


@pytest.mark.parametrize("command", [["survey"], ["sweep", "--axis", "n_s=0"]])
def test_no_scheduler_is_said_in_words(source, run, command):
    for address in ("nonsense://x", "ucx://x"):
        said = run(*command, source, "--dask", address, code=1)
        assert f"no Dask scheduler answers at {address}" in said
        assert said.count("\n") == 1
    for address in ("", " "):
        assert "expected an address, got none" in run(*command, source, "--dask", address, code=2)
