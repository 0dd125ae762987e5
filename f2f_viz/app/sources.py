"""Where the layer comes from: a sample, a file on this machine, or an upload."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from f2f_viz.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.layers import Layer, list_tensors, load_layer
from f2f_viz.samples import sample_info, sample_layer, sample_names

__all__ = ["Uploads", "load", "sample_options", "tensor_options"]


def sample_options() -> list[list[str]]:
    """Return the samples as [name, text] pairs, with the accuracy of their network."""
    variants = sample_info()["variants"]
    options = []
    for name in sample_names():
        _, variant, layer = name.split("/")
        accuracy = f"{100 * variants[variant]['accuracy']:.1f} %"
        options.append([name, f"{layer.removesuffix('.weight')} · {variant} · accuracy {accuracy}"])
    return options


def tensor_options(path: str | Path, field: str) -> list[dict[str, Any]]:
    """Return the tensors of a file that can be layers; an error names the control `field`."""
    return [
        {"name": t.name, "shape": list(t.shape), "dtype": t.dtype}
        for t in _at(field, list_tensors, str(path))
        if t.dtype in DTYPES
    ]


def load(values: Mapping[str, Any], uploaded: Path | None) -> Layer:
    """Load the layer that the controls name.

    Raises
    ------
    F2FError
        Its `field` names the control at fault.
    """
    source = values["source"]
    if source == "sample":
        layer: Layer = _at("sample", sample_layer, values["sample"])
        return layer
    path = values["path"] if source == "path" else uploaded
    field = "tensor" if values.get("tensor") else source
    layer = _at(field, load_layer, str(path), values.get("tensor"))
    return layer


def _at(field: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (F2FError, OSError) as error:
        raise F2FError(str(error), field=field) from error


class Uploads:
    """Files that arrive in parts; the last whole one is kept until the next, or the kernel ends."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="f2f-upload-"))
        self.path: Path | None = None
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def receive(self, content: Mapping[str, Any], part: bytes | memoryview) -> bool:
        """Store one part; return whether the file is whole."""
        # the name is only a label: it may hold anything, so take its last part and no path
        partial = self._folder / f"{content['id']}.part".replace("/", "_")
        with partial.open("ab" if content["at"] else "wb") as file:
            file.write(part)
        if content["at"] + len(part) < content["size"]:
            return False
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.path = partial.replace(partial.with_name(Path(content["name"]).name or "upload"))
        return True
