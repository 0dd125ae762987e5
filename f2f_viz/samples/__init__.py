"""Sample layers: small networks trained on real digits, dense and pruned in five ways.

``training/train_samples.py`` made the files, once; `sample_info` tells how, and what each variant
scores. They are .f2f files of our own. The networks are evaluated here by NumPy alone, so that
accuracy can be checked from decoded weights with no deep-learning library.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from f2f_viz.arguments import checked
from f2f_viz.codec.decode import decode_verified
from f2f_viz.errors import F2FError
from f2f_viz.files.model_file import ModelFile, open_model
from f2f_viz.samples.networks import NETWORKS
from f2f_viz.tensors.layer import Layer

__all__ = [
    "SMALL",
    "accuracy",
    "is_dense",
    "predict",
    "sample_info",
    "sample_layer",
    "sample_model",
    "sample_names",
    "sample_network",
    "test_set",
]

SMALL = "digits-small/dense/ffn1.weight"
"""The small sample layer, of the tour and the lesson: 160 × 64, to see every weight."""

_FIRST = next(iter(NETWORKS))
_DATA = Path(__file__).parents[1] / "data"
_TEST_SET = _DATA / "digits_test.safetensors"


def sample_names() -> list[str]:
    """Name the sample layers, as ``NETWORK/VARIANT/LAYER``; the default is first.

    Returns
    -------
    list of str
        Every pruned matrix of every variant of every network: ``dense``, then METHOD-RATE.
    """
    return list(_names())


@cache
def _names() -> tuple[str, ...]:
    return tuple(
        f"{name}/{variant}/{layer}"
        for name, network in NETWORKS.items()
        for variant in sample_info(name)["variants"]
        for layer in network.pruned
    )


def is_dense(name: str) -> bool:
    """Tell whether a sample layer is of a dense variant; the others are pruned already."""
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
    name = _names()[0] if name is None else name
    if name not in _names():
        raise F2FError(
            f"no sample layer {name!r}",
            expected=f"a name such as {_names()[0]}",
            got=repr(name),
            hint="sample_names() lists them",
        )
    network, variant, tensor = name.split("/")
    weights = _read(_file(network), f"{variant}/{tensor}")
    accuracy = sample_info(network)["variants"][variant]["accuracy"]
    return Layer(name, weights, "float32", f"sample, test accuracy {100 * accuracy:.1f} %")


@cache
def _file(network: str) -> ModelFile:
    if network not in NETWORKS:
        raise F2FError(
            "no such sample network", expected=f"one of {', '.join(NETWORKS)}", got=repr(network)
        )
    return open_model(_DATA / f"{network}.f2f")


def _read(file: ModelFile, name: str) -> NDArray[Any]:
    if name in file.layers:
        return decode_verified(file.layer(name), name)
    data = b"".join(file.chunks(name))
    return np.frombuffer(data, np.float32).reshape(file.slots[name].shape).copy()


def sample_info(network: str = _FIRST) -> dict[str, Any]:
    """Tell where a sample network comes from and what each variant scores.

    Parameters
    ----------
    network
        The first part of a sample layer's name.

    Returns
    -------
    dict
        ``variants`` maps a variant to its ``method``, ``rate``, ``sparsity`` (of the pruned
        matrices together, and by layer), ``accuracy`` on the test set, ``validation`` and
        ``speed`` (the accuracy by which it was chosen, and the peak learning rate that was) and
        ``recipe``; beside it are ``model``, ``dataset``, ``licence``, ``seed``, ``script`` and
        ``versions``.

    Raises
    ------
    F2FError
        If there is no such network.
    """
    header = json.loads(_file(network).header)
    info: dict[str, Any] = json.loads(header["__metadata__"]["f2f_viz"])
    return info


def sample_model(variant: str = "dense", network: str = _FIRST) -> dict[str, NDArray[Any]]:
    """Load all parameters of a variant, by name.

    Parameters
    ----------
    variant
        A key of ``sample_info(network)["variants"]``.
    network

    Returns
    -------
    dict of str to ndarray, float32
        What `predict` takes; matrices have the shape (outputs, inputs), kernels (outputs, inputs,
        3, 3).

    Raises
    ------
    F2FError
        If there is no such variant or network.
    """
    variants = list(sample_info(network)["variants"])
    if variant not in variants:
        raise F2FError(
            "no such sample variant", expected=f"one of {', '.join(variants)}", got=repr(variant)
        )
    prefix, file = f"{variant}/", _file(network)
    return {
        name.removeprefix(prefix): _read(file, name)
        for name in file.slots
        if name.startswith(prefix)
    }


def test_set() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Load the digits that neither training nor any choice has seen.

    Returns
    -------
    images : ndarray of uint8, shape (count, 8, 8), values 0 to 16
    labels : ndarray of uint8, shape (count,)
    """
    data = load_file(_TEST_SET)
    return data["images"], data["labels"]


test_set.__test__ = False  # type: ignore[attr-defined]  # pytest collects it otherwise


def predict(
    model: Mapping[str, NDArray[Any]], images: NDArray[Any], network: str = _FIRST
) -> NDArray[np.int64]:
    """Classify digits with a variant's weights, as they are or decoded.

    Parameters
    ----------
    model : mapping of str to ndarray
        As `sample_model` returns; any dtype, computed in float32.
    images : ndarray, shape (count, 8, 8), values 0 to 16
    network : str
        Which the weights are of.

    Returns
    -------
    ndarray of int64, shape (count,)
        The most likely digit, 0 to 9.
    """
    weights = {
        name: np.asarray(value).astype(np.float32, copy=False) for name, value in model.items()
    }
    logits = NETWORKS[network].logits(weights, np.asarray(images, np.float32) / np.float32(16))
    labels: NDArray[np.int64] = logits.argmax(-1)
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
    network, variant, tensor = name.split("/")
    images, labels = test_set()
    model = _model(variant, network) | {tensor: weights}
    return float((predict(model, images, network) == labels).mean())


def sample_network(name: str) -> dict[str, NDArray[Any]]:
    """Return all parameters of the network that a sample layer is of; shared, not to be changed."""
    network, variant, _ = name.split("/")
    return _model(variant, network)


@cache
def _model(variant: str, network: str) -> dict[str, NDArray[Any]]:
    return sample_model(variant, network)
