"""An ONNX model around its tensors: stripped of them when encoded, filled again when decoded.

The .f2f file of a model that came as ONNX holds, beside its tensors, the rest of it: the protobuf
message as it was, without the data of the tensors that the loader lists. So the decoded model runs
where the original did. Typed fields (``float_data`` and its kin) come back as ``raw_data``;
external data come back in files of the same names, at the same offsets where these leave no large
gap and no overlap.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically
from f2f_viz.tensors.loaders.base import open_regular, reading
from f2f_viz.tensors.loaders.onnx_files import graph_tensors, import_onnx

__all__ = ["frame_of", "write_onnx"]

_DATA = ("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data")
_MOST_PADDING = 1 << 16
_ALIGNMENT = 64


def frame_of(path: Path) -> bytes | None:
    """Return an ONNX model without the data of its tensors.

    None if other tensors, those of branches and loops, have their data beside the model: they are
    not encoded, and a frame would lose them.
    """
    onnx = import_onnx(path)
    with reading(path), open_regular(path) as file:
        model = onnx.load_from_string(file.read())
        own = [tensor for _, tensor in graph_tensors(model.graph)]
        everywhere = [*_all_tensors(model.graph.node), *model.graph.initializer]
        for function in model.functions:
            everywhere += _all_tensors(function.node)
        if sum(map(_is_external, everywhere)) > sum(map(_is_external, own)):
            return None
        for tensor in own:
            for field in _DATA:
                tensor.ClearField(field)
        frame: bytes = model.SerializeToString()
    return frame


def _all_tensors(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from graph.initializer
                yield from _all_tensors(graph.node)


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == tensor.EXTERNAL)


def write_onnx(frame: bytes, tensors: Iterable[tuple[str, bytes]], path: Path, source: str) -> None:
    """Fill a frame with tensors and write the model, and its external data beside it.

    Parameters
    ----------
    frame : bytes
        Of `frame_of`.
    tensors : iterable of (str, bytes)
        Names, and data as little-endian numbers in C order; all that the frame has.
    path : Path
        The .onnx file to write.
    source : str
        What the frame is of, for errors.

    Raises
    ------
    F2FError
        If the frame is damaged, or external data would replace a file or lie outside the
        model's folder. Nothing is left of the model then.
    """
    onnx = import_onnx(path)
    with reading(Path(source)):
        model = onnx.ModelProto.FromString(frame)
        empty = dict(graph_tensors(model.graph))
    beside: dict[str, list[tuple[int, Any, bytes]]] = {}
    for name, data in tensors:
        if name not in empty:
            raise F2FError(f"damaged file: the ONNX model of {source} has no tensor {name}")
        tensor = empty.pop(name)
        if _is_external(tensor):
            fields = {entry.key: entry.value for entry in tensor.external_data}
            at = fields.get("offset", "0")
            place = str(PurePosixPath(fields.get("location", "")))
            beside.setdefault(place, []).append((int(at) if at.isdecimal() else 0, tensor, data))
        else:
            tensor.raw_data = data
    if empty:
        raise F2FError(f"damaged file: {source} has no data of tensor {next(iter(empty))}")
    folder = path.parent.resolve()
    files = {_free_place(folder, name, path): _laid_out(pieces) for name, pieces in beside.items()}
    with ExitStack() as undo:  # all of it, or nothing
        for file, content in files.items():
            for above in reversed([p for p in file.parents if folder in p.parents]):
                if not above.exists():
                    above.mkdir()
                    undo.callback(above.rmdir)
            write_atomically(file, content)
            undo.callback(file.unlink)
        write_atomically(path, model.SerializeToString())
        undo.pop_all()


def _free_place(folder: Path, name: str, path: Path) -> Path:
    """Return where external data go: a new file of the model's folder, or below it."""
    place = PurePosixPath(name)
    file = folder / place
    inside = place.parts and not place.is_absolute() and ".." not in place.parts
    if not inside or "\0" in name or file == folder / path.name or not _stays(file, folder):
        raise F2FError(
            "external data outside the model's folder: refused",
            expected=f"a new file in {folder}",
            got=repr(name),
        )
    if file.exists():
        raise F2FError(
            f"the model's external data would replace {file}",
            expected="no such file",
            got="one",
            hint="decode into another folder",
        )
    return file


def _stays(file: Path, folder: Path) -> bool:
    """Tell whether no link leads out."""
    return folder in file.resolve().parents


def _laid_out(pieces: list[tuple[int, Any, bytes]]) -> bytes:
    """Put data at their offsets, zeros between.

    Where they lie over one another or far apart, as after saving twice into one file, they move
    up; tensors of one place with the same data share it.
    """
    content = bytearray()
    last: tuple[int, bytes, int] | None = None
    for at, tensor, data in sorted(pieces, key=lambda piece: piece[0]):
        if last and last[:2] == (at, data):
            place = last[2]
        else:
            near = 0 <= at - len(content) <= _MOST_PADDING
            place = at if near else -(-len(content) // _ALIGNMENT) * _ALIGNMENT
            content += bytes(place - len(content)) + data
            last = at, data, place
        _say(tensor, at, place, len(data))
    return bytes(content)


def _say(tensor: Any, at: int, place: int, count: int) -> None:
    """Write down where a tensor's data lie now; a checksum of the old file is none of the new."""
    for index in reversed(range(len(tensor.external_data))):
        if tensor.external_data[index].key in ("checksum", *["offset"] * (place != at)):
            del tensor.external_data[index]
    if place != at:
        tensor.external_data.add(key="offset", value=str(place))
    if not any(entry.key == "length" for entry in tensor.external_data):
        tensor.external_data.add(key="length", value=str(count))  # or it reaches to the end
