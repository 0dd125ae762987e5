"""What each tensor of a model is for, so that only weights are pruned: one entry per role.

A role is told by the name (``running_mean``), the shape (a vector) or the company (``w_scale``
beside an int8 ``w``); of ONNX also by the operation that takes the tensor.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from f2f_viz.choices import Choice, Choices
from f2f_viz.codec.bitplanes import DTYPES
from f2f_viz.tensors.loaders.base import Entry, TensorInfo
from f2f_viz.tensors.loaders.safetensors_files import CODES

__all__ = ["CODED", "ROLES", "Role", "why_carried", "with_company", "with_roles"]

CODED = DTYPES.keys() & CODES.keys()
"""Number formats that are coded in whole models; those smaller than a byte are coded alone."""

_QUANTIZED = [name for name, dtype in DTYPES.items() if dtype.itemsize == 1]
_ORIGINAL, _MASK = "_orig", "_mask"


def _word(pattern: str) -> Callable[[str], bool]:
    """Tell words by a pattern; the tensors of a model share most of their words."""
    known = re.compile(pattern)
    return lru_cache(maxsize=1024)(lambda word: known.fullmatch(word) is not None)


@lru_cache(maxsize=1)  # each role asks again
def _words(name: str) -> list[str]:
    return _BETWEEN.split(name.lower())


def _ends(*words: str) -> Callable[[TensorInfo], bool]:
    """Tell names that end with one of some words; ``_`` may stand before it, too."""
    fits = _word(rf"(?s:.*_)?(?:{'|'.join(words)})")
    return lambda info: fits(_words(info.name)[-1])


_BETWEEN = re.compile(r"[./:]")
_norm = _word(r"\w*norm\w*|(?:\w+_)?(?:ln|bn)_?\w{0,2}|norm\d*")
_of_norm = _word(r"weight|bias|scale|gamma|beta|running_\w+|num_batches_tracked")
_is_mask = _ends("masks?")
_bias = _word(r"(?:\w+_)?bias(?:_\w+)?")
_optimizer = _word(
    r"(?:\w+_)?optimizers?(?:_\w+)?|optim|opt_state|"
    r"(?:max_)?exp_avg(?:_sq)?|exp_inf|momentum_buffer|square_avg|grad_avg|acc_delta"
)
_embedding = _word(r"\w*embed\w*|(?:\w+_)?emb|wte|wpe")


_codes = _ends("codes")  # of a codebook's entries


def _is_vector(info: TensorInfo) -> bool:
    return sum(size > 1 for size in info.shape) < 2 or len(info.shape) < 2


def _is_norm(info: TensorInfo) -> bool:
    *above, last = _words(info.name)
    beside = bool(above) and _norm(above[-1]) and _of_norm(last)
    return beside or (_norm(last) and _is_vector(info))


def _is_bias(info: TensorInfo) -> bool:
    return any(map(_bias, _words(info.name)[-2:]))


@dataclass(frozen=True, kw_only=True)
class Role(Choice):
    """What a tensor is for.

    Attributes
    ----------
    fits : callable
        ``fits(info)`` tells whether a tensor has the role, if none before it fits.
    pruned : bool
        Tensors of this role are pruned and encoded, where no rule says otherwise.
    """

    fits: Callable[[TensorInfo], bool]
    pruned: bool = False


ROLES = Choices(
    "role",
    [
        Role(
            name="mask",
            label="Mask",
            help="a pruning or attention mask",
            fits=lambda info: info.dtype == "bool" or _is_mask(info),
        ),
        Role(
            name="scale",
            label="Scale",
            help="scales of a quantized tensor",
            fits=_ends("scales?", "scale_inv", "absmax", "quant_map", "amax", "scb", "codebooks?"),
        ),
        Role(
            name="zero point",
            label="Zero point",
            help="zero points of a quantized tensor",
            fits=_ends("zero_?points?", "q?zeros?", "zp"),
        ),
        Role(
            name="companion",
            label="Companion",
            help="it belongs to the quantized tensor that it is named after",
            fits=lambda info: False,  # told by its company alone
        ),
        Role(
            name="other",
            label="Not coded",
            help="its number format is not coded",
            fits=lambda info: info.dtype not in DTYPES,
        ),
        Role(
            name="optimizer",
            label="Optimizer",
            help="the state of an optimizer",
            fits=lambda info: any(map(_optimizer, _words(info.name))),
        ),
        Role(
            name="norm",
            label="Norm",
            help="of a normalisation",
            fits=_is_norm,
        ),
        Role(
            name="bias",
            label="Bias",
            help="a bias",
            fits=_is_bias,
        ),
        Role(
            name="vector",
            label="Vector",
            help="fewer than two axes longer than 1",
            fits=_is_vector,
        ),
        Role(
            name="empty",
            label="Empty",
            help="it holds nothing",
            fits=lambda info: 0 in info.shape,
        ),
        Role(
            name="packed",
            label="Bytes",
            help="bytes: packed, codes, or with a zero point that is no 0",
            fits=lambda info: info.dtype.startswith("uint") or _codes(info),
        ),
        Role(
            name="embedding",
            label="Embedding",
            help="an embedding",
            fits=lambda info: any(map(_embedding, _words(info.name))),
            pruned=True,
        ),
        Role(
            name="weight",
            label="Weights",
            help="a matrix of weights",
            fits=lambda info: True,
            pruned=True,
        ),
    ],
)
"""The known roles, the first that fits."""


def why_carried(info: TensorInfo) -> str:
    """Say why a tensor of a model is carried unchanged if no rule takes it; empty if it is not."""
    if not ROLES[info.role].pruned:
        return ROLES[info.role].help
    return "" if info.dtype in CODED else "numbers smaller than a byte are coded alone"


_WORD_END = re.compile(r"[./:_]")


def _role(info: TensorInfo, quantized: set[str]) -> str:
    role = next(role for role in ROLES.values() if role.fits(info))
    if not role.pruned:
        return role.name
    if info.role:  # the file says it
        return info.role
    if not quantized:
        return role.name
    ends = (found.start() for found in _WORD_END.finditer(info.name))
    return "companion" if any(info.name[:end] in quantized for end in ends) else role.name


def with_roles(infos: Iterable[TensorInfo]) -> list[TensorInfo]:
    """Return the tensors of a model with their roles."""
    infos = list(infos)
    quantized = {info.name for info in infos if info.dtype in _QUANTIZED and len(info.shape) > 1}
    return [
        TensorInfo(info.name, info.shape, info.dtype, info.nbytes, _role(info, quantized))
        for info in infos
    ]


def with_company(found: dict[str, Entry]) -> dict[str, Entry]:
    """Return the entries of a model with their roles, and with the masks that stand beside them.

    ``torch.nn.utils.prune`` keeps a pruned `weight` as ``weight_orig`` and ``weight_mask``.
    """
    infos = with_roles(entry.info for entry in found.values())
    company = {
        info.name: entry.told(info) for info, entry in zip(infos, found.values(), strict=True)
    }
    return {name: with_mask(company, name) for name in company}


def with_mask(found: dict[str, Entry], name: str) -> Entry:
    """Return an entry, with the mask that stands beside it."""
    entry, mask = found[name], found.get(name.removesuffix(_ORIGINAL) + _MASK)
    if name.endswith(_ORIGINAL) and mask and mask.info.shape == entry.info.shape:
        return replace(entry, mask=mask)
    return entry
