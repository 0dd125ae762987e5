"""Train and prune the sample networks that f2f_viz/data holds, with seeds.

A Transformer and a ResNet learn scikit-learn's digits; each is pruned at S = 0.7 and 0.9 in the
five ways of `prune_while_training`. Of 1,797 digits, 1,149 are to train on, 288 to choose on, 360
to test on. Every network and variant is trained at each of its speeds, and the one that reads most
of the digits to choose on is kept; the test digits are read once, at the end. A second, smaller
Transformer, dense only, is for the tour and the lesson, which show every weight; nothing is chosen
for it, so it learns from all but the test digits.

The same command gives the same files on the same machine and versions (one thread, deterministic
kernels); it takes some 12 minutes of one core, and does a network at a time if one is named.

Usage: pip install -e ".[train]"; python training/train_samples.py [NETWORK …] [--to FOLDER]
"""

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import ResNet, Transformer
from prune_while_training import METHODS, Data, Task, train
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy

import f2f_viz as f2f
from f2f_viz.samples import predict
from f2f_viz.samples.networks import NETWORKS

SEED = 2022
DATASET = (
    "Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998; UCI, "
    "doi:10.24432/C50P49, CC BY 4.0), as scikit-learn's load_digits ships it"
)
RATES = (0.7, 0.9)
DATA = Path(__file__).parents[1] / "f2f_viz" / "data"


@dataclass(frozen=True)
class Recipe:
    """How a network is made: peak learning rates to choose from, steps dense and pruned."""

    create: Callable[[], nn.Module]
    methods: tuple[str, ...] = tuple(METHODS)
    speeds: tuple[float, ...] = (1e-3, 3e-3)
    dense_steps: int = 1500
    prune_steps: int = 600
    batch: int = 64


RECIPES = {
    "digits-transformer": Recipe(Transformer),
    "digits-resnet": Recipe(ResNet),
    "digits-small": Recipe(
        partial(Transformer, 64, 160), (), speeds=(3e-3,), dense_steps=2000, batch=128
    ),
}


def split_digits(choosing: bool = True) -> tuple[Data, Data, dict[str, np.ndarray]]:
    """Return digits to train on, to choose on and, as uint8 arrays, to test on; stratified.

    Where nothing is chosen, those to choose on are trained on, too.
    """
    digits = load_digits()
    halves = partial(train_test_split, test_size=0.2, random_state=SEED)
    rest, test, rest_labels, labels = halves(digits.images, digits.target, stratify=digits.target)
    parts = halves(rest, rest_labels, stratify=rest_labels)
    if not choosing:
        parts = [rest, rest[:0], rest_labels, rest_labels[:0]]
    learn, choose, learn_labels, choose_labels = parts
    return (
        (torch.tensor(learn, dtype=torch.float32), torch.tensor(learn_labels)),
        (torch.tensor(choose, dtype=torch.float32), torch.tensor(choose_labels)),
        {"images": test.astype(np.uint8), "labels": labels.astype(np.uint8)},
    )


def score(model: nn.Module, data: Data) -> tuple[float, float]:
    """Return the share of images read right, and minus the loss, which breaks a tie."""
    images, labels = data
    with torch.no_grad():
        logits = model(images)
        right = (logits.argmax(1) == labels).float().mean()
        return right.item(), -cross_entropy(logits, labels).item()


def best(
    make: Callable[[float], nn.Module], speeds: tuple[float, ...], choose: Data
) -> tuple[nn.Module, dict[str, Any]]:
    """Train at every speed, from the same seed; keep what is best on the digits to choose on."""
    found = []
    for speed in speeds:
        torch.manual_seed(SEED)
        model = make(speed)
        found.append((score(model, choose), speed, model))
    (right, _), speed, model = max(found, key=lambda one: one[0])
    return model, {"validation": round(right, 4) if len(found) > 1 else None, "speed": speed}


def variants(
    recipe: Recipe, pruned: tuple[str, ...], learn: Data, choose: Data
) -> Iterator[tuple[str, nn.Module, dict[str, Any]]]:
    """Yield the dense network, then every pruned variant: name, network, how it was made."""

    def dense_at(speed: float) -> nn.Module:
        model = recipe.create()
        train(model, learn, recipe.dense_steps, speed, batch=recipe.batch)
        return model

    dense, chosen = best(dense_at, recipe.speeds, choose)
    words = f"trained for {recipe.dense_steps} steps"
    yield "dense", dense, {"method": "none", "rate": 0.0, "recipe": words, **chosen}
    for method in recipe.methods:
        prune, how = METHODS[method]
        for rate in RATES:

            def pruned_at(speed: float, prune: Any = prune, rate: float = rate) -> nn.Module:
                model = copy.deepcopy(dense)
                prune(model, Task(learn, pruned, rate, recipe.prune_steps, speed))
                return model

            model, chosen = best(pruned_at, recipe.speeds, choose)
            words = f"dense, then {how}; {recipe.prune_steps} steps in all"
            about = {"method": method, "rate": rate, "recipe": words, **chosen}
            yield f"{method}-{rate}", model, about


def make(name: str, recipe: Recipe, folder: Path) -> None:
    """Train a network and its variants, and write FOLDER/NAME.f2f and the test digits."""
    began = time.perf_counter()
    learn, choose, test = split_digits(choosing=len(recipe.speeds) > 1)
    pruned = NETWORKS[name].pruned
    tensors: dict[str, np.ndarray] = {}
    told: dict[str, dict] = {}
    for variant, model, about in variants(recipe, pruned, learn, choose):
        # + 0 turns the −0 of a pruned negative weight into the +0 that decoding gives
        arrays = {
            n: value.numpy() + np.float32(0)
            for n, value in model.state_dict().items()
            if value.is_floating_point()  # a batch norm counts its batches, too
        }
        zeros = {n: round(float((arrays[n] == 0).mean()), 4) for n in pruned}
        together = np.concatenate([arrays[n].ravel() for n in pruned])
        right = predict(arrays, test["images"], name) == test["labels"]
        told[variant] = about | {
            "sparsity": round(float((together == 0).mean()), 4),
            "sparsity_by_layer": zeros,
            "accuracy": round(float(right.mean()), 4),
        }
        tensors.update({f"{variant}/{n}": a for n, a in arrays.items()})
        took = time.perf_counter() - began
        print(f"{took:6.1f} s  {name}/{variant}  {told[variant]}", flush=True)

    counts = f"{len(learn[0])} to train on, {len(choose[0])} to choose on, {len(test['labels'])}"
    info = {
        "model": NETWORKS[name].about,
        "pruned": pruned,
        "variants": told,
        "dataset": f"{DATASET}; {counts} to test on, stratified",
        "licence": "weights Apache-2.0; digits CC BY 4.0",
        "seed": SEED,
        "script": "training/train_samples.py",
        "versions": {of: version(of) for of in ("torch", "scikit-learn", "numpy")},
    }
    folder.mkdir(exist_ok=True, parents=True)
    # One entry of metadata: safetensors writes several in an order that differs from run to run.
    save_file(test, folder / "digits_test.safetensors", {"dataset": DATASET})
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.safetensors"
        save_file(tensors, whole, {"f2f_viz": json.dumps(info)})
        shown = [(f"*/{layer}", 0.0) for layer in pruned]
        f2f.encode_model(
            whole, folder / f"{name}.f2f", f2f.Settings(method="zeros"), rules=[*shown, ("*", None)]
        )


def main() -> None:
    """Train what is asked for and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="*", choices=[*RECIPES, []], help="all if none is named")
    parser.add_argument(
        "--to", type=Path, default=DATA, help="folder to write (default: %(default)s)"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_flush_denormal(True)
    for name in asked.network or RECIPES:
        make(name, RECIPES[name], asked.to)
    for file in sorted(asked.to.iterdir()):
        print(f"{file.stat().st_size:9,} bytes  {file.name}")


if __name__ == "__main__":
    main()
