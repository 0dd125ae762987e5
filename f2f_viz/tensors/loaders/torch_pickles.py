"""What the pickle of a PyTorch checkpoint asks for, told before torch does any of it.

torch's restricted unpickler calls nothing that is not known, but believes sizes: a storage may
reach into its neighbours, and a few bytes ask for any memory. So the pickle is read first with
nothing behind its names, by the same few operations.
"""

import pickle
from collections.abc import Callable, Iterable
from typing import IO, Any, ClassVar, NamedTuple

from f2f_viz.errors import named

__all__ = ["Storage", "storages_of"]

_OPERATIONS = [
    pickle.GLOBAL, pickle.NEWOBJ, pickle.REDUCE, pickle.BUILD, pickle.APPEND, pickle.APPENDS,
    pickle.MARK, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.NONE,
    pickle.NEWFALSE, pickle.NEWTRUE, pickle.EMPTY_TUPLE, pickle.EMPTY_LIST, pickle.EMPTY_DICT,
    pickle.EMPTY_SET, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.BINFLOAT,
    pickle.BINUNICODE, pickle.SHORT_BINSTRING, pickle.BINPERSID, pickle.BINGET,
    pickle.LONG_BINGET, pickle.BINPUT, pickle.LONG_BINPUT, pickle.LONG1, pickle.PROTO, pickle.STOP,
]  # fmt: skip
"""What torch's unpickler knows, save what puts items into dicts."""
_ITEM_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1,
    "Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "QInt8": 1, "QUInt8": 1,
    "QInt32": 4, "QUInt4x2": 1, "QUInt2x4": 1, "Untyped": 1,
}  # fmt: skip
"""Bytes of an element, by the name of a class of storages."""
_ENCODINGS = ("latin1", "latin-1", "ascii", "utf-8")


class Storage(NamedTuple):
    """Numbers that a checkpoint says it has.

    Attributes
    ----------
    key : str
        The member of the archive that holds them.
    nbytes : int
    """

    key: str
    nbytes: int


class _Named:
    """What a pickle names: it is called and built, and does nothing."""

    name = ""

    def __new__(cls, *args: Any) -> "_Named":
        # a pickle gives one of these in place of the class
        return cls(*args) if isinstance(cls, _Named) else object.__new__(_Named)

    def __call__(self, *args: Any) -> "_Named":
        """Refuse what few bytes ask for much memory or time by."""
        if self.name.endswith(("bytearray", "Tensor", "Storage")) and args:
            raise ValueError(f"its pickle calls {self.name}, which may take any memory")
        if self.name == "_codecs.encode" and not {*args[1:]} <= {*_ENCODINGS}:
            raise ValueError(f"its pickle encodes text as {args[1:]}")
        for items in args if self.name.endswith((".set", ".Counter")) else ():
            _check_keys(items)
        for pairs in args if self.name.endswith(".OrderedDict") else ():
            _check_keys(key for key, _ in pairs)
        return _Named()

    def __setstate__(self, state: Any) -> None:
        pass


def _check_keys(keys: Iterable[Any]) -> None:
    """Refuse tuples within tuples, which may take for ever to hash."""
    for key in keys:
        for one in key if isinstance(key, tuple) else (key,):
            if not isinstance(one, str | int | float | bytes | _Named | None):
                raise ValueError(f"its pickle has a {type(one).__name__} in a key")


def _set_item(reader: Any) -> None:
    reader.stack.pop()  # what is in a dict is looked at no more
    _check_keys([reader.stack.pop()])


def _set_items(reader: Any) -> None:
    _check_keys(reader.pop_mark()[::2])


class _Reader(pickle._Unpickler):
    """Reads one pickle; nothing that it names is looked up."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **{code[0]: pickle._Unpickler.dispatch[code[0]] for code in _OPERATIONS},
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")
        self.asked: list[Storage] = []

    def find_class(self, module: str, name: str) -> Any:
        found = _Named()
        found.name = f"{module}.{name}"
        return found

    def persistent_load(self, asked: Any) -> Any:
        _, kind, key, _, count = asked[:5]
        _, _, name = kind.name.rpartition(".")
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"it has a storage of {named(count)} numbers")
        self.asked.append(Storage(str(key), count * _ITEM_BYTES[name.removesuffix("Storage")]))
        return _Named()


def storages_of(file: IO[bytes]) -> tuple[Any, list[Storage]]:
    """Read a pickle; return what it holds, with nothing behind its names, and what it asks for.

    Raises
    ------
    Exception
        Of any kind, if torch would not read it, or it asks for more than it could mean.
    """
    reader = _Reader(file)
    try:
        content = reader.load()
    except (EOFError, IndexError, KeyError, TypeError):
        raise ValueError(
            "its pickle is damaged, or of a kind that torch.save does not write"
        ) from None
    return content, reader.asked
