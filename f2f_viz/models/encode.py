"""Whole models: prune and encode every eligible tensor, carry the others, and back again."""

import hashlib
import json
import math
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from f2f_viz.analysis.report import Report
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.decode import decoded
from f2f_viz.codec.encode import Encoded, encode
from f2f_viz.codec.planes import Progress
from f2f_viz.errors import F2FError, stop_if
from f2f_viz.files import layer_file
from f2f_viz.files.atomic import claim, write_atomically
from f2f_viz.files.model_file import ModelFile, Slot, Source, open_model, open_source, pack_model
from f2f_viz.files.onnx_frame import write_onnx
from f2f_viz.models.parts import Parts
from f2f_viz.models.report import ModelReport, account
from f2f_viz.settings import Settings
from f2f_viz.tensors.layer import Layer, list_tensors, load_layer, load_mask
from f2f_viz.tensors.loaders import TensorInfo
from f2f_viz.tensors.pruning import prune
from f2f_viz.tensors.quantize import STORED, in_format

__all__ = ["Rule", "decode_model", "eligible", "encode_layer", "encode_model"]

Rule = tuple[str, float | None]
_ELIGIBLE = ("float64", "float32", "float16", "bfloat16", "int8")
Paths = str | os.PathLike[str]


def eligible(info: TensorInfo | Slot) -> bool:
    """Tell whether a tensor is encoded unless a rule says otherwise: a matrix of weights."""
    return info.dtype in _ELIGIBLE and len(info.shape) >= 2 and math.prod(info.shape) > 0


def encode_layer(
    layer: Layer,
    settings: Settings,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Encoded:
    """Prune and encode one layer; parameters as in `codec.encode`.

    A file of masks or scores that has a tensor of the layer's name gives that one. The layer is
    quantized after pruning, if the settings say so.
    """
    options = settings.pruning_options()
    if "mask" in options:
        options["mask"] = load_mask(options["mask"], _own(options["mask"], layer.name))
    if "scores" in options:
        options["scores"] = load_layer(
            options["scores"], _own(options["scores"], layer.name)
        ).weights
    mask = prune(layer.weights, settings.rate, settings.method, seed=settings.seed, **options)
    coded = in_format(layer, settings.number_format)
    return encode(
        coded.layer.weights, mask, **settings.codec_options(),
        scales=coded.told_scales, threads=threads, progress=progress,
        cancel=cancel,
    )  # fmt: skip


def _own(path: str, name: str) -> str | None:
    """Return the name if the file has such a tensor."""
    return name if any(info.name == name for info in list_tensors(path)) else None


def _plan(source: Source, settings: Settings, rules: Iterable[Rule]) -> dict[str, Settings]:
    """Choose the tensors to encode, each with its own rate."""
    rules = list(rules)
    names = [name for name, slot in source.slots.items() if eligible(slot)]
    for pattern, _ in rules:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise F2FError(
                f"the rule {pattern!r} is for no tensor of {source.path}",
                expected=f"a pattern of names such as {', '.join(names[:3]) or 'none'}",
                got=pattern,
            )
    plan = {}
    for name in names:
        matching = (rate for pattern, rate in rules if fnmatchcase(name, pattern))
        rate = next(matching, settings.rate)
        if rate is not None:
            plan[name] = replace(settings, rate=rate)
    return plan


def encode_part(
    path: str,
    name: str,
    settings: Settings,
    key: str,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Encode one tensor of a file; executors call this where they like.

    Returns
    -------
    data : bytes
        The tensor's one-layer .f2f file, or its pruned weights if those are no larger.
    about : dict
        ``report`` as plain JSON values, None for plain weights.
    """
    layer = load_layer(path, name)
    if part_key(layer.weights, settings) != key:
        raise F2FError(f"tensor {name} of {path} is another one for the worker that read it")
    encoded = encode_layer(layer, settings, threads=threads, progress=progress, cancel=cancel)
    data = layer_file.to_bytes(encoded)
    if len(data) < layer.weights.nbytes:
        return data, {"report": asdict(encoded.report)}
    words = to_words(layer.weights) * encoded.mask.reshape(-1)
    return words.tobytes(), {"report": None}


def part_key(weights: NDArray[Any], settings: Settings) -> str:
    """Name a part after all that it is made of, so that a part is never another's."""
    files = [os.stat(file) for file in (settings.mask, settings.scores) if file]
    recipe = [
        layer_file.VERSION,
        str(weights.dtype),
        weights.shape,
        settings.to_dict(),
        [(file.st_size, file.st_mtime_ns) for file in files],
    ]
    digest = hashlib.sha256(json.dumps(recipe).encode())
    digest.update(to_words(weights).data)
    return digest.hexdigest()


def encode_model(
    path: Paths,
    output: Paths,
    settings: Settings | None = None,
    *,
    rules: Iterable[Rule] = (),
    force: bool = False,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> ModelReport:
    """Prune and encode every eligible tensor of a model file.

    Matrices (two dimensions and more) of floating-point or int8 weights are encoded; everything
    else is carried unchanged. Finished layers are kept in the folder ``OUTPUT.parts`` until the
    whole is written: after an interruption, the same call goes on from there and gives the same
    bytes. Parts of another model or other settings are never taken.

    Parameters
    ----------
    path
        A model file of any known kind, or a folder of shards.
    output
        The .f2f file to write.
    settings : Settings, optional
        Pruning and code of all layers.
    rules : iterable of (str, float or None)
        Glob pattern of tensor names, and their pruning rate; None carries them unchanged. The
        first that fits counts.
    force : bool
        The output may replace the model.
    threads : int, optional
        Of each layer's search; if not given one a core, or one in all with an executor.
    executor : concurrent.futures.Executor, optional
        Encodes layers where it likes; its workers read `path` themselves. Without one, layers
        are encoded one after another.
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
        For a file that cannot be read or written, a rule that fits no tensor, or if another
        process is writing that output. No output is left then.
    """
    if settings is not None and settings.number_format != STORED:
        raise F2FError(
            "tensors of a whole model keep their number format", expected=STORED,
            got=settings.number_format, hint="encode one tensor", field="number_format",
        )  # fmt: skip
    source = open_source(Path(path))
    plan = _plan(source, settings or Settings(), rules)
    with claim(output, *source.files, force=force) as target:
        return _encode(source, plan, Parts(target), threads, executor, progress, cancel)


def _encode(
    source: Source,
    plan: dict[str, Settings],
    parts: Parts,
    threads: int | None,
    executor: Executor | None,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> ModelReport:
    """Encode what `parts` lacks, and put it together."""
    keys, sizes = {}, {}
    for name, own in plan.items():
        weights = source.entries[name].read()
        keys[name], sizes[name] = part_key(weights, own), weights.size
    missing = [name for name in plan if not parts.has(keys[name])]
    total = sum(sizes.values())
    done = total - sum(sizes[name] for name in missing)

    def report(within: int = 0) -> None:
        if progress:
            progress(done + within, total)

    report()
    where = os.path.abspath(source.path)
    if executor is None:
        for name in missing:

            def inner(part: int, whole: int, size: int = sizes[name]) -> None:
                report(size * part // max(whole, 1))

            result = encode_part(where, name, plan[name], keys[name], threads, inner, cancel)
            parts.write(keys[name], *result)
            done += sizes[name]
            report()
    else:
        # the largest first, so that none is left running alone at the end
        missing.sort(key=lambda name: -sizes[name])
        tasks = {
            executor.submit(encode_part, where, name, plan[name], keys[name], threads or 1): name
            for name in missing
        }
        for name, result in _as_completed(tasks, cancel):
            parts.write(keys[name], *result)
            done += sizes[name]
            report()
    return _assemble(source, plan, keys, parts)


def _as_completed(
    tasks: dict["Future[Any]", str], cancel: threading.Event | None
) -> Iterator[tuple[str, Any]]:
    """Yield results as they come, dropping each; whatever goes wrong, cancel those that wait."""
    try:
        while tasks:
            ended, _ = wait(tasks, timeout=0.2 if cancel else None, return_when=FIRST_COMPLETED)
            stop_if(cancel)
            for future in ended:
                yield tasks.pop(future), future.result()
    except BrokenExecutor as problem:
        raise F2FError(
            f"a worker died: {problem}", hint="run again; finished layers are kept"
        ) from None
    finally:
        for future in tasks:
            future.cancel()


def _assemble(
    source: Source, plan: dict[str, Settings], keys: dict[str, str], parts: Parts
) -> ModelReport:
    """Put the parts together, write the file, and remove them."""
    layers, plain, reports = {}, {}, {}
    for name in plan:
        about, read = parts.about(keys[name]), partial(parts.read, keys[name])
        if about["report"] is None:
            plain[name] = read
        else:
            layers[name] = about["size"], read
            reports[name] = Report(**about["report"])
    parts.finish(pack_model(source, layers, plain))
    rest = len(source.header) + len(source.frame or b"")
    return account(reports, source.slots, rest, parts.output)


def _decoded_tensors(
    model: ModelFile, progress: Progress | None, cancel: threading.Event | None
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield every tensor in the order of the model's data, each in pieces."""
    layers, done, total = set(model.layers), 0, sum(s.nbytes for s in model.slots.values())
    for name, slot in model.slots.items():
        stop_if(cancel)
        if name in layers:
            yield name, iter([to_words(decoded(model.layer(name), name)).tobytes()])
        else:
            yield name, model.chunks(name)
        done += slot.nbytes
        if progress:
            progress(done, total)


def decode_model(
    path: Paths,
    output: Paths | None,
    *,
    force: bool = False,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> ModelFile:
    """Decode a model's file; pruned weights are +0, all else bit for bit.

    Parameters
    ----------
    path
        The .f2f file of a model.
    output
        The .safetensors file to write, or .onnx if the model came as one; None only checks that
        everything decodes.
    force : bool
        The output may replace the .f2f file.
    progress : callable, optional
        Called as ``progress(done, total)``, in bytes of the model.
    cancel : threading.Event, optional
        Set it to stop; `Cancelled` is raised.

    Returns
    -------
    ModelFile
        What was decoded.

    Raises
    ------
    F2FError
        If the file is damaged, or a decoded layer differs from its checksum; no output is left
        then.
    """
    model = open_model(Path(path))
    tensors = _decoded_tensors(model, progress, cancel)
    if output is None:
        for _, pieces in tensors:
            for _ in pieces:
                pass
        return model
    with claim(output, path, force=force) as target:
        if Path(output).suffix == ".onnx":
            if model.frame is None:
                known = "a name ending .safetensors"
                raise F2FError(f"{path} holds no ONNX model", expected=known, got=output)
            whole = ((name, b"".join(pieces)) for name, pieces in tensors)
            write_onnx(model.frame, whole, target, str(path))
        else:
            head = [len(model.header).to_bytes(8, "little"), model.header]
            bodies = chain.from_iterable(pieces for _, pieces in tensors)
            write_atomically(target, chain(head, bodies))
    return model
