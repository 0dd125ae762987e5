"""The sample networks in NumPy: logits of images from weights, as they are or decoded.

`training/networks.py` has the same in PyTorch, to train them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NETWORKS", "Network"]

Weights = Mapping[str, NDArray[Any]]
HEADS = 4
_TINY = np.float32(1e-5)  # beside a variance, as in PyTorch's norms


def _linear(p: Weights, x: NDArray[Any], name: str) -> NDArray[Any]:
    weight = p[f"{name}.weight"]
    rows = x.reshape(-1, weight.shape[1]) @ weight.T  # one product, not one for each image
    rows += p[f"{name}.bias"]
    return rows.reshape(*x.shape[:-1], len(weight))


def _layer_norm(p: Weights, x: NDArray[Any], name: str) -> NDArray[Any]:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _TINY)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def _batch_norm(p: Weights, x: NDArray[Any], name: str) -> NDArray[Any]:
    scale = p[f"{name}.weight"] / np.sqrt(p[f"{name}.running_var"] + _TINY)
    return x * scale + (p[f"{name}.bias"] - p[f"{name}.running_mean"] * scale)


def _conv(p: Weights, x: NDArray[Any], name: str, stride: int = 1) -> NDArray[Any]:
    """Convolve (count, height, width, channels) with a 3 × 3 kernel, zeros around."""
    kernel = p[f"{name}.weight"].transpose(2, 3, 1, 0)  # (3, 3, inputs, outputs)
    around = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), (1, 2))
    chosen = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    outputs = kernel.shape[-1]
    columns = chosen.reshape(-1, kernel.size // outputs) @ kernel.reshape(-1, outputs)
    y: NDArray[Any] = columns.reshape(*chosen.shape[:3], outputs)
    return y


def transformer(p: Weights, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """One pre-norm block over 16 patches of 2 × 2 pixels, their mean, norm and a linear head.

    x += attention(norm(x)); x += ffn(norm(x)), ReLU inside.
    """
    count = len(images)
    patches = images.reshape(count, 4, 2, 4, 2).transpose(0, 1, 3, 2, 4).reshape(count, 16, 4)
    x = _linear(p, patches, "embed") + p["position"]
    qkv = _linear(p, _layer_norm(p, x, "norm1"), "qkv").reshape(count, 16, 3, HEADS, -1)
    q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # each (count, head, patch, feature)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(np.float32(q.shape[-1]))
    attention = np.exp(scores - scores.max(-1, keepdims=True))
    attention /= attention.sum(-1, keepdims=True)
    mixed = (attention @ v).transpose(0, 2, 1, 3).reshape(count, 16, -1)
    x = x + _linear(p, mixed, "proj")
    inner = np.maximum(_linear(p, _layer_norm(p, x, "norm2"), "ffn1"), 0)
    x = x + _linear(p, inner, "ffn2")
    return _linear(p, _layer_norm(p, x.mean(1), "norm3"), "head")


def resnet(p: Weights, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """A convolution, two residual blocks, the mean over pixels and a linear head.

    Each block is two 3 × 3 convolutions beside a shortcut (He et al. 2016, arXiv 1512.03385): of
    32 channels at 8 × 8 pixels, then of 64 at 4 × 4.
    """
    x = np.maximum(_batch_norm(p, _conv(p, images[..., None], "stem"), "norm"), 0)
    for name, stride in (("block1", 1), ("block2", 2)):
        inner = _batch_norm(p, _conv(p, x, f"{name}.conv1", stride), f"{name}.norm1")
        y = _batch_norm(p, _conv(p, np.maximum(inner, 0), f"{name}.conv2"), f"{name}.norm2")
        short = x[:, ::stride, ::stride]  # new channels have none
        y[..., : short.shape[-1]] += short
        x = np.maximum(y, 0)
    return _linear(p, x.mean((1, 2)), "head")


@dataclass(frozen=True)
class Network:
    """A sample network.

    Attributes
    ----------
    label, about : str
        What it is, in a word or two and in a line.
    of : str
        What stands before a variant's name, where that of another network is the same.
    pruned : tuple of str
        The matrices and kernels that pruning touches, the one shown first in front; embeddings,
        norms, biases, the first and the last layer stay dense.
    logits : callable
        From float32 weights by name and images (count, 8, 8) of values 0 to 1: (count, 10).
    """

    label: str
    about: str
    pruned: tuple[str, ...]
    logits: Callable[[Weights, NDArray[np.float32]], NDArray[np.float32]]
    of: str = ""


_TRANSFORMER = ("ffn1.weight", "ffn2.weight", "qkv.weight", "proj.weight")
_BLOCKS = "one pre-norm block, width {}, 4 heads, hidden {}, 16 patches of 2 × 2 pixels"
NETWORKS = {
    "digits-transformer": Network(
        "Transformer", _BLOCKS.format(128, 512), _TRANSFORMER, transformer
    ),
    "digits-resnet": Network(
        "ResNet",
        "a 3 × 3 convolution, a residual block of 32 channels at 8 × 8, one of 64 at 4 × 4",
        tuple(f"block{block}.conv{conv}.weight" for block in (2, 1) for conv in (2, 1)),
        resnet,
    ),
    "digits-small": Network(
        "Small Transformer", _BLOCKS.format(64, 160), _TRANSFORMER, transformer, of="small "
    ),
}
"""By the first part of a sample layer's name; the analyzer starts on the first one's first."""
