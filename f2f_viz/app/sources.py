"""Where the layer comes from: a sample, a file on this machine, or an upload."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from f2f_viz.app.scratch import own_folder
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.errors import F2FError
from f2f_viz.samples import is_dense, sample_info, sample_layer, sample_names, sample_network
from f2f_viz.samples.networks import NETWORKS
from f2f_viz.tensors.layer import Layer, list_tensors, load_layer
from f2f_viz.tensors.loaders import Entry, files_holding, listed
from f2f_viz.tensors.loaders.base import Fingerprint
from f2f_viz.tensors.objects import object_entries
from f2f_viz.tensors.pruning import METHODS, usual_method
from f2f_viz.tensors.roles import with_company
from f2f_viz.text import shown

__all__ = [
    "Model",
    "Sibling",
    "Uploads",
    "load",
    "model_of",
    "own_method",
    "sample_options",
    "siblings",
    "tensor_options",
]


def sample_options() -> list[list[str]]:
    """Return the samples as [name, text, help, group]; a group is a network, with its accuracy."""
    options = []
    told = {name: sample_info(name)["variants"] for name in NETWORKS}
    for sample in sample_names():
        name, variant, layer = sample.split("/")
        network, accuracy = NETWORKS[name], told[name][variant]["accuracy"]
        text = f"{layer.removesuffix('.weight')} · {network.of}{variant}"
        group = f"{network.label}, {variant}, accuracy {100 * accuracy:.1f} %"
        options.append([sample, text, "", group])
    return options


def own_method(sample: str, method: str) -> str:
    """Return the pruning method that a sample begins with: a pruned one keeps its own zeros."""
    if sample not in sample_names():  # of an address; loading it says so
        return method
    sparse = not is_dense(sample)
    return method if METHODS.pick(method).sparse == sparse else usual_method(sparse)


def tensor_options(path: str | Path, field: str) -> list[dict[str, Any]]:
    """Return the tensors of a file that can be layers; an error names the control `field`."""
    return [
        {"name": t.name, "text": shown(t.name), "shape": list(t.shape), "dtype": t.dtype}
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


@dataclass(frozen=True)
class Sibling:
    """A layer that stands beside the one shown, in the same file or among the samples.

    Attributes
    ----------
    name : str
    label : str
        What it is called wherever layers of the model stand beside each other.
    text : str
        The label, with the shape where that is known.
    choose : dict
        The controls' values that name it.
    load : callable
    """

    name: str
    label: str
    text: str
    choose: dict[str, Any]
    load: Callable[[], Layer]


def siblings(
    values: Mapping[str, Any],
    tensors: Sequence[Mapping[str, Any]],
    uploaded: Path | None,
    shown: Layer,
) -> list[Sibling]:
    """Return the layers that can be swept together, the one shown among them.

    Parameters
    ----------
    values : mapping
        Of the controls.
    tensors : sequence of mapping
        Of the open file (`tensor_options`).
    uploaded : Path or None
    shown : Layer
    """
    source = values["source"]
    if source == "given":
        return [Sibling(shown.name, shown.name, shown.name, {"source": source}, lambda: shown)]
    if source == "sample":
        key, options = "sample", [(name, text, text) for name, text, *_ in sample_options()]
    else:
        key = "tensor"
        options = [
            (t["name"], t["name"], f"{t['name']} · {' × '.join(map(str, t['shape']))}")
            for t in tensors
        ]
    found = []
    for name, label, text in options:
        choose = {"source": source, "path": values["path"], key: name}
        named = partial(load, {**values, **choose}, uploaded)
        read = (lambda: shown) if name == shown.name else named
        found.append(Sibling(name, label, text, choose, read))
    return found


@dataclass(frozen=True, eq=False)
class Model:
    """All tensors of the file, or of the sample network, that the layer shown is of.

    Attributes
    ----------
    name : str
    entries : dict of str to Entry
        With their roles.
    siblings : dict of str to Sibling
        Those that can be opened, by the tensor's name.
    origin : object
        Another one belongs to another model, or to another state of the file.
    """

    name: str
    entries: dict[str, Entry]
    siblings: dict[str, Sibling]
    origin: Any


def model_of(
    values: Mapping[str, Any],
    beside: Sequence[Sibling],
    uploaded: Path | None,
    shown: Layer,
    known: Model | None = None,
) -> Model:
    """Return the model of the layer shown; the one that is known if it still is that.

    Parameters are those of `siblings`, and what it returned.

    Raises
    ------
    F2FError
        If the file cannot be read any more.
    """
    source, prefix = values["source"], ""
    origin: Any
    if source == "sample":
        name = origin = shown.name.rpartition("/")[0]
        prefix = f"{name}/"
        load = partial(object_entries, sample_network(shown.name))
    elif source == "given":
        name, origin, load = shown.name, shown, partial(object_entries, shown)
    else:
        path = Path(values["path"] if source == "path" else str(uploaded))
        found = listed(path)
        name, load = path.name, partial(with_company, found)
        origin = {file: Fingerprint.of(file) for file in files_holding(path, found.values())}
    if known is not None and known.origin == origin:
        return known
    named = {s.name.removeprefix(prefix): s for s in beside if s.name.startswith(prefix)}
    return Model(name, load(), named, origin)


class Uploads:
    """Files that arrive in parts; the last whole one is kept until the next, or the kernel ends.

    One arrives at a time: of one that another has taken the place of, or that was given up, nothing
    is kept.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="upload-", dir=own_folder()))
        self.path: Path | None = None
        self._partial: Path | None = None
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def receive(self, content: Mapping[str, Any], part: bytes | memoryview) -> bool:
        """Store one part; return whether the file is whole."""
        # the name is only a label: it may hold anything, so take its last part and no path
        partial = self._name(content["id"])
        if not content["at"]:
            self._clear()
            self._partial = partial
        elif partial != self._partial:
            return False
        with partial.open("ab" if content["at"] else "wb") as file:
            file.write(part)
        if content["at"] + len(part) < content["size"]:
            return False
        self._partial = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.path = partial.replace(partial.with_name(Path(content["name"]).name or "upload"))
        return True

    def give_up(self, id: str) -> None:
        """Clear what has arrived of a file, if it still arrives."""
        if self._name(id) == self._partial:
            self._clear()

    def _name(self, id: str) -> Path:
        return self._folder / f"{id}.part".replace("/", "_")

    def _clear(self) -> None:
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
        self._partial = None
