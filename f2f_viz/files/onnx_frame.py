"""An ONNX model around its tensors: stripped of them when encoded, filled again when decoded.

The .f2f file of a model that came as ONNX holds, beside its tensors, the rest of it: the protobuf
message as it was, without the data of the tensors that the loader lists. So the decoded model runs
where the original did. Typed fields (``float_data`` and its kin) come back as ``raw_data``;
external data come back in files of the same names, at the same offsets.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically
from f2f_viz.tensors.loaders.base import reading
from f2f_viz.tensors.loaders.onnx_files import graph_tensors, import_onnx

__all__ = ["frame_of", "write_onnx"]

_DATA = ("raw_data", "float_data", "double_data", "int32_data", "int64_data", "uint64_data")
_MOST_PADDING = 1 << 16


def frame_of(path: Path) -> bytes | None:
    """Return an ONNX model without the data of its tensors.

    None if other tensors, those of branches and loops, have their data beside the model: they are
    not encoded, and a frame would lose them.
    """
    onnx = import_onnx(path)
    with reading(path):
        model = onnx.load(path, load_external_data=False)
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
    beside: dict[str, list[tuple[int, bytes]]] = {}
    for name, data in tensors:
        if name not in empty:
            raise F2FError(f"damaged file: the ONNX model of {source} has no tensor {name}")
        tensor = empty.pop(name)
        if _is_external(tensor):
            fields = {entry.key: entry.value for entry in tensor.external_data}
            at, place = fields.get("offset", "0"), fields.get("location", "")
            beside.setdefault(place, []).append((int(at) if at.isdecimal() else 0, data))
        else:
            tensor.raw_data = data
    if empty:
        raise F2FError(f"damaged file: {source} has no data of tensor {next(iter(empty))}")
    folder = path.parent.resolve()
    files = {_free_place(folder, name, path): _laid_out(pieces) for name, pieces in beside.items()}
    written: list[Path] = []
    try:
        for file, content in files.items():
            write_atomically(file, content)
            written.append(file)
        write_atomically(path, model.SerializeToString())
    except BaseException:
        for file in written:
            file.unlink()
        raise


def _free_place(folder: Path, name: str, path: Path) -> Path:
    """Return where external data go: a new file of the model's folder."""
    file = folder / name
    if Path(name).name != name or not name or file == folder / path.name:
        raise F2FError(
            "external data outside the model's folder: refused",
            expected=f"a new file in {folder}",
            got=name,
        )
    if file.exists():
        raise F2FError(
            f"the model's external data would replace {file}",
            expected="no such file",
            got="one",
            hint="decode into another folder",
        )
    return file


def _laid_out(pieces: list[tuple[int, bytes]]) -> bytes:
    """Put data at their offsets, zeros between."""
    content = bytearray()
    for at, data in sorted(pieces, key=lambda piece: piece[0]):
        if not 0 <= at - len(content) <= _MOST_PADDING:
            raise F2FError(
                "damaged file: external data",
                expected=f"an offset in the {_MOST_PADDING} bytes from {len(content)}",
                got=at,
            )
        content += bytes(at - len(content)) + data
    return bytes(content)
