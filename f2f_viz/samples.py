"""Sample layers: a small Transformer trained on real digits, dense and pruned in four ways.

``training/train_samples.py`` made the data, once; `sample_info` tells how, and what each variant
scores. The network is evaluated here by NumPy alone, so that accuracy can be checked from
decoded weights with no deep-learning library.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file

from f2f_viz.arguments import checked
from f2f_viz.errors import F2FError
from f2f_viz.tensors.layer import Layer, load_layer
from f2f_viz.tensors.loaders import entries

__all__ = [
    "accuracy",
    "is_dense",
    "predict",
    "sample_info",
    "sample_layer",
    "sample_model",
    "sample_names",
    "test_set",
]

MODEL = "digits-transformer"
HEADS = 4
PRUNED_LAYERS = ("qkv.weight", "proj.weight", "ffn1.weight", "ffn2.weight")
"""The matrices that pruning touches; embeddings, norms, biases and the head stay dense."""

_DATA = Path(__file__).with_name("data")
_WEIGHTS = _DATA / "samples.safetensors"
_TEST_SET = _DATA / "digits_test.safetensors"


def sample_names() -> list[str]:
    """Name the sample layers, as ``digits-transformer/VARIANT/LAYER``; the default is first.

    Returns
    -------
    list of str
        Every pruned matrix of every variant: ``dense``, then METHOD-RATE.
    """
    layers = sorted(PRUNED_LAYERS, key=lambda layer: not layer.startswith("ffn"))
    return [
        f"{MODEL}/{variant}/{layer}" for variant in sample_info()["variants"] for layer in layers
    ]


def is_dense(name: str) -> bool:
    """Tell whether a sample layer is of the dense variant; the others are pruned already."""
    return name.split("/")[1] == "dense"


@checked
def sample_layer(name: str | None = None) -> Layer:
    """Load a sample layer.

    Parameters
    ----------
    name
        One of `sample_names`; None takes the first, a dense feed-forward matrix.

    Raises
    ------
    F2FError
        If there is no such sample.
    """
    name = sample_names()[0] if name is None else name
    if name not in sample_names():
        raise F2FError(
            f"no sample layer {name!r}",
            expected=f"a name such as {sample_names()[0]}",
            got=repr(name),
            hint="sample_names() lists them",
        )
    _, variant, tensor = name.split("/")
    layer = load_layer(_WEIGHTS, f"{variant}/{tensor}")
    accuracy = sample_info()["variants"][variant]["accuracy"]
    return Layer(name, layer.weights, layer.dtype, f"sample, test accuracy {100 * accuracy:.1f} %")


@cache
def _metadata() -> str:
    with safe_open(_WEIGHTS, framework="np") as file:
        metadata: str = file.metadata()["f2f_viz"]
    return metadata


def sample_info() -> dict[str, Any]:
    """Tell where the samples come from and what each variant scores.

    Returns
    -------
    dict
        ``variants`` maps a variant to its ``method``, ``rate``, ``sparsity`` (of the pruned
        matrices together, and by layer), ``accuracy`` on the test set and ``recipe``; beside it
        are ``model``, ``dataset``, ``licence``, ``seed``, ``script`` and ``versions``.
    """
    info: dict[str, Any] = json.loads(_metadata())
    return info


def sample_model(variant: str = "dense") -> dict[str, NDArray[Any]]:
    """Load all parameters of a variant, by name.

    Parameters
    ----------
    variant
        A key of ``sample_info()["variants"]``.

    Returns
    -------
    dict of str to ndarray, float32
        What `predict` takes; matrices have the shape (outputs, inputs).

    Raises
    ------
    F2FError
        If there is no such variant.
    """
    variants = list(sample_info()["variants"])
    if variant not in variants:
        raise F2FError(
            "no such sample variant", expected=f"one of {', '.join(variants)}", got=repr(variant)
        )
    prefix = f"{variant}/"
    return {
        name.removeprefix(prefix): entry.read()
        for name, entry in entries(_WEIGHTS).items()
        if name.startswith(prefix)
    }


def test_set() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Load the digits that training never saw.

    Returns
    -------
    images : ndarray of uint8, shape (count, 8, 8), values 0 to 16
    labels : ndarray of uint8, shape (count,)
    """
    data = load_file(_TEST_SET)
    return data["images"], data["labels"]


test_set.__test__ = False  # type: ignore[attr-defined]  # pytest collects it otherwise


def predict(model: Mapping[str, NDArray[Any]], images: NDArray[Any]) -> NDArray[np.int64]:
    """Classify digits with a variant's weights, as they are or decoded.

    A pre-norm Transformer block over 16 patches of 2 × 2 pixels: x += attention(norm(x));
    x += ffn(norm(x)), ReLU inside; then the mean over patches, norm and a linear head.

    Parameters
    ----------
    model : mapping of str to ndarray
        As `sample_model` returns; any dtype, computed in float32.
    images : ndarray, shape (count, 8, 8), values 0 to 16

    Returns
    -------
    ndarray of int64, shape (count,)
        The most likely digit, 0 to 9.
    """
    p = {name: np.asarray(value).astype(np.float32) for name, value in model.items()}

    def linear(x: NDArray[Any], name: str) -> NDArray[Any]:
        y: NDArray[Any] = x @ p[f"{name}.weight"].T + p[f"{name}.bias"]
        return y

    def norm(x: NDArray[Any], name: str) -> NDArray[Any]:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(1e-5))
        y: NDArray[Any] = scaled * p[f"{name}.weight"] + p[f"{name}.bias"]
        return y

    count = len(images)
    pixels = np.asarray(images, np.float32).reshape(count, 4, 2, 4, 2) / np.float32(16)
    patches = pixels.transpose(0, 1, 3, 2, 4).reshape(count, 16, 4)
    x = linear(patches, "embed") + p["position"]
    # (3, count, head, patch, feature)
    qkv = linear(norm(x, "norm1"), "qkv").reshape(count, 16, 3, HEADS, -1).transpose(2, 0, 3, 1, 4)
    q, k, v = qkv
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(np.float32(q.shape[-1]))
    attention = np.exp(scores - scores.max(-1, keepdims=True))
    attention /= attention.sum(-1, keepdims=True)
    mixed = (attention @ v).transpose(0, 2, 1, 3).reshape(count, 16, -1)
    x = x + linear(mixed, "proj")
    x = x + linear(np.maximum(linear(norm(x, "norm2"), "ffn1"), 0), "ffn2")
    labels: NDArray[np.int64] = linear(norm(x.mean(1), "norm3"), "head").argmax(-1)
    return labels


def accuracy(name: str, weights: NDArray[Any]) -> float:
    """Return the share of test digits that a sample's network reads right with other weights.

    Parameters
    ----------
    name : str
        A name of `sample_names`: which layer of which variant has these weights.
    weights : ndarray
        Of the layer's shape, real values.
    """
    _, variant, tensor = name.split("/")
    images, labels = test_set()
    model = _model(variant) | {tensor: weights}
    return float((predict(model, images) == labels).mean())


def sample_network(name: str) -> dict[str, NDArray[Any]]:
    """Return all parameters of the network that a sample layer is of; shared, not to be changed."""
    return _model(name.split("/")[1])


@cache
def _model(variant: str) -> dict[str, NDArray[Any]]:
    return sample_model(variant)
