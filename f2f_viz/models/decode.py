"""Whole models back again: every tensor of a model's .f2f file, in pieces."""

import threading
from collections.abc import Iterator
from pathlib import Path

from f2f_viz.arguments import checked
from f2f_viz.codec.bitplanes import to_words
from f2f_viz.codec.decode import decode_verified
from f2f_viz.errors import Progress, stop_if
from f2f_viz.files.atomic import claim
from f2f_viz.files.model_file import ModelFile, open_model
from f2f_viz.files.writers import Rest, writer_of
from f2f_viz.models.encode import Paths

__all__ = ["decode_model"]


def _decoded_tensors(
    model: ModelFile, progress: Progress | None, cancel: threading.Event | None
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield every tensor in the order of the model's data, each in pieces."""
    layers, done, total = set(model.layers), 0, sum(s.nbytes for s in model.slots.values())
    for name, slot in model.slots.items():
        stop_if(cancel)
        if name in layers:
            yield name, iter([to_words(decode_verified(model.layer(name), name)).tobytes()])
        else:
            yield name, model.chunks(name)
        done += slot.nbytes
        if progress:
            progress(done, total)


@checked
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
        If the output's name is of no known format, the file is damaged, or a decoded layer
        differs from its checksum; no output is left then.
    """
    model = open_model(Path(path))
    tensors = _decoded_tensors(model, progress, cancel)
    if output is None:
        for _, pieces in tensors:
            for _ in pieces:
                pass
        return model
    with claim(output, path, force=force) as target:
        write = writer_of(Path(output), "model").model
        assert write is not None
        write(Rest(model.header, model.frame, str(path)), tensors, target)
    return model
