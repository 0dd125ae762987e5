"""Whole models: prune and encode every eligible tensor, carry the others, and back again."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from f2f_viz.analysis.executor import on_executor
from f2f_viz.analysis.plan import Plan, Rule, plan_of, read_plan
from f2f_viz.analysis.prepare import prepare
from f2f_viz.analysis.report import Report, report
from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.decode import verified_sha256
from f2f_viz.codec.encode import encode
from f2f_viz.codec.parallel import as_finished, workers
from f2f_viz.errors import F2FError, Progress, stop_if
from f2f_viz.files import layer_file
from f2f_viz.files.atomic import claim, path_of
from f2f_viz.files.model_file import Source, open_model, open_source, pack_model
from f2f_viz.models.number_format import converted
from f2f_viz.models.parts import Parts
from f2f_viz.models.report import ModelReport, account
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, files_of, layer_of
from f2f_viz.tensors.loaders.base import file_sha256

__all__ = ["encode_model"]

Paths = str | os.PathLike[str]


def encode_part(
    layer: Layer,
    settings: Settings,
    key: str,
    threads: int | None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Encode one tensor, which must still be that of the key when it is read; in any process.

    Returns
    -------
    data : bytes
        The tensor's one-layer .f2f file, or its pruned weights if those are no larger.
    about : dict
        ``report`` as JSON values, None for weights that are only pruned.
    """
    if part_key(layer.weights, settings) != key:
        raise F2FError(
            f"tensor {layer.name} of {layer.source} is another one when it is read again"
        )
    ready = prepare(layer, settings)
    weights = ready.layer.weights  # their scales are a tensor of the model
    encoded = encode(
        weights, ready.mask, settings.code, threads=threads, progress=progress, cancel=cancel
    )
    data, bits = layer_file.itemised(encoded, alone=False)
    if sum(bits.values()) < 8 * weights.nbytes:
        return data, {"report": vars(report(encoded, bits))}
    words = to_words(weights) * encoded.mask.reshape(-1)
    return words.tobytes(), {"report": None}


def part_key(weights: NDArray[Any], settings: Settings) -> str:
    """Name a part after all that it is made of, so that a part is never another's."""
    recipe = [
        layer_file.VERSION,
        str(weights.dtype),
        weights.shape,
        settings.to_dict(),
        sorted(file_sha256(path) for path in files_of(*settings.files)),
    ]
    digest = hashlib.sha256(json.dumps(recipe).encode())
    digest.update(to_words(weights).data)
    return digest.hexdigest()


@checked
def encode_model(
    model: Any,
    output: Paths,
    settings: Settings | None = None,
    *,
    rules: Iterable[Rule] = (),
    plan: Plan | Paths | None = None,
    force: bool = False,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> ModelReport:
    """Prune and encode the weights of a model.

    What is no weight by its role (`f2f_viz.tensors.roles.ROLES`: scales, masks, norms, biases and
    so on) is carried unchanged. A weight beside its own mask, as ``torch.nn.utils.prune`` leaves
    them, is pruned by that. Finished layers are kept in the folder ``OUTPUT.parts`` until the
    whole is written: after an interruption, the same call goes on from there and gives the same
    bytes. Parts of another model or other settings are never taken.

    Parameters
    ----------
    model
        A model file of any known kind or a folder of shards; or a module, a state dict or another
        object of `f2f_viz.tensors.objects.KINDS`.
    output
        The .f2f file to write.
    settings : Settings, optional
        Pruning and code of all layers. Its number format is for those of floats; scales of whole
        steps are carried as ``NAME_scale``, and an ONNX model comes back as safetensors.
    rules : iterable of (str, float or None)
        Glob pattern of tensor names or ``role:`` and a role, and their pruning rate; None carries
        them unchanged. The first that fits counts. A pattern that fits weights is for these alone;
        a whole name, or a pattern that fits none, is for what else it fits.
    plan : Plan or path, optional
        In place of settings and rules: what becomes of each tensor, as ``survey(…).plan`` has it
        or its file (`Plan.save`).
    force : bool
        The output may replace the model.
    threads : int, optional
        How many in all: layers are encoded side by side, a large one by several. If not given one
        per core; with an executor, of each layer, and one.
    executor : concurrent.futures.Executor, optional
        Encodes layers where it likes; its workers read a file themselves.
    progress : callable, optional
        Called as ``progress(done, total)``, in weights; at first with those found finished.
    cancel : threading.Event, optional
        Set it to stop; `Cancelled` is raised. Layers that an executor has begun still end.

    Returns
    -------
    ModelReport

    Raises
    ------
    F2FError
        For a file that cannot be read or written, a rule that fits no tensor, a plan of another
        model, or if another process is writing that output. No output is left then.
    """
    source = open_source(model)
    chosen = _plan(source, settings, list(rules), plan)
    layers = chosen.layers
    coded = converted(source, layers)
    inputs = files_of(*{file for own in layers.values() for file in own.files})
    if plan is not None and not isinstance(plan, Plan):
        inputs.add(Path(plan))
    with claim(output, *source.files, *inputs, force=force) as target:
        parts = Parts(target, source.fingerprints)
        account = _encode(source, coded, layers, parts, threads, executor, progress, cancel)
    return replace(account, reasons=account.reasons | chosen.carried)


def _plan(
    source: Source, settings: Settings | None, rules: list[Rule], plan: Plan | Paths | None
) -> Plan:
    entries = {name: source.entries[name] for name in source.slots}
    if plan is None:
        return plan_of(entries, settings or Settings(), rules, origin=source.origin)
    if settings is not None or rules:
        raise F2FError(
            "a plan has settings and rates of its own", expected="no others beside it",
            got="settings" if settings else "rules", field="plan",
        )  # fmt: skip
    chosen = plan if isinstance(plan, Plan) else read_plan(plan)
    chosen.check_model(entries, source.origin)
    return chosen


def _encode(
    source: Source,
    coded: Source,
    plan: dict[str, Settings],
    parts: Parts,
    threads: int | None,
    executor: Executor | None,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> ModelReport:
    """Encode what `parts` lacks, and put it together as the model that is coded."""
    plan = {name: own.anywhere() for name, own in plan.items()}
    keys, sizes = {}, {}
    for name, own in plan.items():
        weights = layer_of(source.entries[name]).weights
        keys[name], sizes[name] = part_key(weights, own), weights.size
    missing = [name for name in plan if not parts.has(keys[name])]
    total = sum(sizes.values())
    done = total - sum(sizes[name] for name in missing)

    within = dict.fromkeys(missing, 0)  # weights done of layers that are not

    def report() -> None:
        if progress:
            progress(done + sum(within.values()), total)

    report()
    # the largest first, so that none is left running alone at the end
    missing.sort(key=lambda name: -sizes[name])
    if executor is None:
        left = {name: sizes[name] for name in missing}
        results = _side_by_side(source, plan, keys, left, within, workers(threads), report, cancel)
    else:
        tasks = (
            (
                name, source.path, source.entries[name], plan[name],
                partial(encode_part, key=keys[name], threads=threads or 1),
            )
            for name in missing
        )  # fmt: skip
        results = on_executor(executor, tasks, cancel)
    with closing(results):
        for name, result in results:
            parts.write(keys[name], *result)
            done += sizes[name]
            del within[name]
            report()
    return _assemble(coded, plan, keys, parts, workers(threads))


def _side_by_side(
    source: Source,
    plan: dict[str, Settings],
    keys: dict[str, str],
    sizes: dict[str, int],
    within: dict[str, int],
    threads: int,
    report: Callable[[], None],
    cancel: threading.Event | None,
) -> Generator[tuple[str, Any], None, None]:
    """Encode layers in threads of this process; a large one has several of them."""
    stop, total = threading.Event(), sum(sizes.values())

    def run(name: str) -> tuple[bytes, dict[str, Any]]:
        def inner(part: int, whole: int) -> None:
            within[name] = sizes[name] * part // max(whole, 1)

        own = max(round(threads * sizes[name] / total), 1)
        return encode_part(layer_of(source.entries[name]), plan[name], keys[name], own, inner, stop)

    def poll() -> None:
        stop_if(cancel)
        report()

    yield from as_finished(run, list(sizes), threads, poll=poll, stop=stop)


def _assemble(
    source: Source,
    plan: dict[str, Settings],
    keys: dict[str, str],
    parts: Parts,
    threads: int,
) -> ModelReport:
    """Put the parts together, write the file, and remove them."""
    layers, pruned, reports = {}, {}, {}
    for name in plan:
        about, read = parts.about(keys[name]), partial(parts.read, keys[name])
        if about["report"] is None:
            pruned[name] = read
        else:
            layers[name] = read
            reports[name] = Report(**about["report"])
    opened = []

    def read_back(file: IO[bytes]) -> None:
        """Check all bytes of the new file, and that every layer decodes to what was pruned."""
        model = open_model(path_of(file))

        def check(name: str) -> None:
            verified_sha256(model.layer(name), name)

        for _ in as_finished(check, model.layers, threads, stop=threading.Event()):
            pass
        opened.append(model)

    parts.finish(pack_model(source, layers, pruned), read_back)
    return account(reports, opened[0])
