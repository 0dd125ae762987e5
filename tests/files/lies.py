"""Files of layers and models whose numbers lie, under a digest that fits."""

import copy
import hashlib
from types import SimpleNamespace

from f2f_viz.files import layer_file, model_file
from f2f_viz.files.layer_header import pack_scheme
from f2f_viz.files.model_file import open_model
from f2f_viz.files.numbers import number


def taken_apart(encoded):
    """What the file of a layer is made of: dtype, shape, name, scheme, head, strings."""
    strings, head, _ = layer_file.parts(encoded)
    return SimpleNamespace(
        dtype=encoded.dtype,
        shape=list(encoded.shape),
        name=encoded.name.encode(),
        scheme=layer_file.scheme_of(encoded),
        head=head,
        strings=strings,
    )


def put_together(layer):
    """The bytes of the file."""
    body = layer_file.join_body(layer.strings, layer.head)
    return layer_file.seal(layer.dtype, layer.shape, layer.name, layer.scheme, body)


def unchecked(code, **fields):
    """A code with fields that no code may have."""
    code = copy.copy(code)
    for name, value in fields.items():
        object.__setattr__(code, name, value)
    return code


def model_taken_apart(path):
    """What the file of a model is made of: header, frame, schemes, ways (scheme and bytes), data."""
    model = open_model(path)
    content = path.read_bytes()
    numbers = {id(scheme): at for at, scheme in enumerate(model.schemes, 1)}
    return SimpleNamespace(
        header=model.header,
        frame=model.frame or b"",
        schemes=list(model.schemes),
        ways=[(numbers[id(p.scheme)] if p.scheme else 0, p.nbytes) for p in model.places.values()],
        data=[content[p.begin : p.begin + p.nbytes] for p in model.places.values()],
    )


def model_put_together(model):
    """The bytes of the file."""
    header = model_file.without_offsets(model.header)
    index = [number(len(header)), header, number(len(model.schemes))]
    index += [pack_scheme(s, model.schemes[:at]) for at, s in enumerate(model.schemes)]
    for which, size in model.ways:
        index += [number(which), number(size)] if which else [number(0)]
    front = model_file.deflated(b"".join(index)) + model_file.deflated(model.frame)
    start = [model_file.MODEL_MAGIC, number(model_file.VERSION), number(len(front)), front]
    body = b"".join([*start, *model.data])
    return body + hashlib.sha256(body).digest()
