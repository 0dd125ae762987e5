"""Train and prune the sample network that f2f_viz/data holds; run once, with seeds.

A one-block Transformer learns scikit-learn's digits to at least 96 % on a test set it never sees,
then is pruned at S = 0.7 and 0.9 by

- gradual magnitude (Zhu & Gupta 2017, arXiv 1710.01878): cubic schedule while training goes on;
- one-shot magnitude (Han et al. 2015, arXiv 1506.02626): prune once, then fine-tune;
- random: as one-shot, the kept weights chosen by lot;
- L0 (Louizos et al. 2018, arXiv 1712.01312): a hard-concrete gate on every weight, the penalty's
  multiplier learned so that the expected sparsity meets the rate (Wang et al. 2020, arXiv
  1910.04732, section 3.3); the surviving gates are multiplied into the weights.

The first three prune every matrix to the same rate; L0 decides by itself where weights go, the
rate holds over all matrices together. Each variant trains for the same number of steps.

Usage: pip install -e ".[train]"; python training/train_samples.py
"""

import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from f2f_viz.samples import HEADS, MODEL, PRUNED_LAYERS, predict

SEED = 2022
WIDTH, HIDDEN = 64, 160
BATCH = 128
DENSE_STEPS, PRUNE_STEPS = 2000, 1500
RATES = (0.7, 0.9)
SHIFTS = [(0, 0)] * 4 + [(0, 1), (0, -1), (1, 0), (-1, 0)]
DATA = Path(__file__).parents[1] / "f2f_viz" / "data"

Weights = dict[str, Tensor]


class Transformer(nn.Module):
    """The network of `f2f_viz.samples.predict`, which see."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, WIDTH)
        self.position = nn.Parameter(0.1 * torch.randn(16, WIDTH))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH) for _ in range(3))
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)
        self.ffn1 = nn.Linear(WIDTH, HIDDEN)
        self.ffn2 = nn.Linear(HIDDEN, WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (count, 10) of images (count, 8, 8), values 0 to 16."""
        patches = images.view(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4) / 16
        x = self.embed(patches) + self.position
        qkv = self.qkv(self.norm1(x)).view(-1, 16, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(*qkv)
        x = x + self.proj(mixed.transpose(1, 2).reshape(-1, 16, WIDTH))
        x = x + self.ffn2(torch.relu(self.ffn1(self.norm2(x))))
        return self.head(self.norm3(x.mean(1)))


def train(
    model: Transformer,
    data: tuple[Tensor, Tensor],
    steps: int,
    *,
    rate: float = 1e-3,
    weights: Callable[[int, Weights], Weights] = lambda step, own: own,
    penalty: Callable[[int], Tensor | float] = lambda step: 0.0,
    extra: tuple[dict, ...] = (),
) -> None:
    """Train with AdamW and a one-cycle rate; half of the batches are shifted by a pixel.

    `weights` gives the weights that the forward pass is to use (masked, gated) from the model's
    own, `penalty` what is added to the loss, `extra` more parameter groups.
    """
    images, labels = data
    own = dict(model.named_parameters())
    groups = [{"params": list(own.values()), "lr": rate}, *extra]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    peaks = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, steps, pct_start=0.1)
    for step in range(steps):
        chosen = torch.randint(len(images), (BATCH,))
        down, right = SHIFTS[torch.randint(len(SHIFTS), ()).item()]
        shifted = nn.functional.pad(images[chosen], (1, 1, 1, 1))
        batch = shifted[:, 1 + down : 9 + down, 1 + right : 9 + right]
        logits = functional_call(model, weights(step, own), batch)
        loss = cross_entropy(logits, labels[chosen], label_smoothing=0.05) + penalty(step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def top(scores: Tensor, rate: float) -> Tensor:
    """Return a 0/1 mask that keeps the best of `scores`, dropping round(rate·size) of them."""
    order = scores.flatten().argsort(stable=True)
    mask = torch.ones(scores.numel())
    mask[order[: round(rate * scores.numel())]] = 0
    return mask.view_as(scores)


def masked(masks: Weights, own: Weights) -> Weights:
    """Return the weights with those of `masks` multiplied in."""
    return {**own, **{name: own[name] * mask for name, mask in masks.items()}}


def apply(masks: Weights, model: Transformer) -> None:
    """Multiply the masks into the model's own weights."""
    with torch.no_grad():
        for name, mask in masks.items():
            model.get_parameter(name).mul_(mask)


def gradual(model: Transformer, data: tuple[Tensor, Tensor], rate: float) -> None:
    """Gradual magnitude pruning: s_t = S (1 − (1 − t)³) over the first 70 % of the steps."""
    masks: Weights = {}

    def weights(step: int, own: Weights) -> Weights:
        progress = min(1, step / (0.7 * PRUNE_STEPS))
        if step % 10 == 0 and step <= 0.7 * PRUNE_STEPS + 10:
            now = rate * (1 - (1 - progress) ** 3)
            masks.update({n: top(own[n].detach().abs(), now) for n in PRUNED_LAYERS})
        return masked(masks, own)

    train(model, data, PRUNE_STEPS, weights=weights)
    apply(masks, model)


def one_shot(model: Transformer, data: tuple[Tensor, Tensor], rate: float) -> None:
    """One-shot magnitude pruning of every matrix, then fine-tuning."""
    masks = {n: top(model.get_parameter(n).detach().abs(), rate) for n in PRUNED_LAYERS}
    apply(masks, model)
    train(model, data, PRUNE_STEPS, weights=lambda step, own: masked(masks, own))
    apply(masks, model)


def random(model: Transformer, data: tuple[Tensor, Tensor], rate: float) -> None:
    """Random pruning of every matrix, then fine-tuning."""
    masks = {n: top(torch.rand_like(model.get_parameter(n)), rate) for n in PRUNED_LAYERS}
    apply(masks, model)
    train(model, data, PRUNE_STEPS, weights=lambda step, own: masked(masks, own))
    apply(masks, model)


def l0(model: Transformer, data: tuple[Tensor, Tensor], rate: float) -> None:
    """L0 regularisation: learned hard-concrete gates, then fine-tuning with the gates fixed."""
    beta, low, high = 2 / 3, -0.1, 1.1
    searching = int(0.7 * PRUNE_STEPS)
    alphas = {
        n: torch.full_like(model.get_parameter(n), 2.0).requires_grad_() for n in PRUNED_LAYERS
    }
    multipliers = torch.zeros(2, requires_grad=True)

    def stretch(gate: Tensor) -> Tensor:
        return (gate * (high - low) + low).clamp(0, 1)

    def weights(step: int, own: Weights) -> Weights:
        noise = {n: torch.rand_like(a).clamp(1e-6, 1 - 1e-6) for n, a in alphas.items()}
        gates = {
            n: stretch(torch.sigmoid((torch.logit(noise[n]) + a) / beta)) for n, a in alphas.items()
        }
        return masked(gates, own)

    def penalty(step: int) -> Tensor:
        alpha = torch.cat([a.flatten() for a in alphas.values()])
        sparsity = 1 - torch.sigmoid(alpha - beta * np.log(-low / high)).mean()
        miss = sparsity - rate * min(1, 2 * step / searching)
        return multipliers[0] * miss + multipliers[1] * miss**2

    extra = (
        {"params": list(alphas.values()), "lr": 0.05, "weight_decay": 0.0},
        {"params": [multipliers], "lr": 0.05, "weight_decay": 0.0, "maximize": True},
    )
    train(model, data, searching, weights=weights, penalty=penalty, extra=extra)

    alpha = torch.cat([a.detach().flatten() for a in alphas.values()])
    keep = top(alpha, rate).split([a.numel() for a in alphas.values()])
    masks = {n: k.view_as(alphas[n]) for n, k in zip(alphas, keep, strict=True)}
    apply({n: stretch(torch.sigmoid(a.detach())) for n, a in alphas.items()}, model)
    apply(masks, model)
    rest = PRUNE_STEPS - searching
    train(model, data, rest, rate=5e-4, weights=lambda step, own: masked(masks, own))
    apply(masks, model)


METHODS = {
    "gradual": (gradual, "gradual magnitude, cubic schedule over 70 % of the steps"),
    "one-shot": (one_shot, "magnitude once, then fine-tuned"),
    "random": (random, "random once, then fine-tuned"),
    "l0": (l0, "learned hard-concrete gates for 70 % of the steps, then fine-tuned"),
}


def main() -> None:
    """Train everything and write f2f_viz/data."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    began = time.perf_counter()
    digits = load_digits()
    parts = train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=SEED
    )
    data = torch.tensor(parts[0], dtype=torch.float32), torch.tensor(parts[2])
    test = {"images": parts[1].astype(np.uint8), "labels": parts[3].astype(np.uint8)}

    tensors: dict[str, np.ndarray] = {}
    variants: dict[str, dict] = {}

    def keep(variant: str, method: str, rate: float, recipe: str, model: Transformer) -> None:
        # + 0 turns the −0 of a pruned negative weight into the +0 that decoding gives
        arrays = {n: p.detach().numpy() + np.float32(0) for n, p in model.named_parameters()}
        zeros = {n: round(float((arrays[n] == 0).mean()), 4) for n in PRUNED_LAYERS}
        pruned = np.concatenate([arrays[n].ravel() for n in PRUNED_LAYERS])
        accuracy = float((predict(arrays, test["images"]) == test["labels"]).mean())
        variants[variant] = {
            "method": method,
            "rate": rate,
            "sparsity": round(float((pruned == 0).mean()), 4),
            "sparsity_by_layer": zeros,
            "accuracy": round(accuracy, 4),
            "recipe": recipe,
        }
        tensors.update({f"{variant}/{n}": a for n, a in arrays.items()})
        print(f"{time.perf_counter() - began:6.1f} s  {variant:14} {accuracy:.4f}  {zeros}")

    torch.manual_seed(SEED)
    dense = Transformer()
    train(dense, data, DENSE_STEPS, rate=3e-3)
    keep("dense", "none", 0.0, f"trained for {DENSE_STEPS} steps", dense)
    for method, (prune, recipe) in METHODS.items():
        for rate in RATES:
            torch.manual_seed(SEED)
            model = Transformer()
            model.load_state_dict(dense.state_dict())
            prune(model, data, rate)
            recipe_text = f"dense, then {recipe}; {PRUNE_STEPS} steps in all"
            keep(f"{method}-{rate}", method, rate, recipe_text, model)

    info = {
        "model": f"{MODEL}: one pre-norm block, width {WIDTH}, {HEADS} heads, hidden {HIDDEN}, "
        "16 patches of 2 x 2 pixels",
        "pruned": PRUNED_LAYERS,
        "variants": variants,
        "dataset": "Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998; UCI, "
        "doi:10.24432/C50P49, CC BY 4.0), as scikit-learn's load_digits ships it; "
        f"{len(parts[0])} to train on, {len(parts[1])} to test on, stratified",
        "licence": "weights Apache-2.0; digits CC BY 4.0",
        "seed": SEED,
        "script": "training/train_samples.py",
        "versions": {name: version(name) for name in ("torch", "scikit-learn", "numpy")},
    }
    DATA.mkdir(exist_ok=True)
    save_file(tensors, DATA / "samples.safetensors", {"f2f_viz": json.dumps(info)})
    origin = {"dataset": info["dataset"], "licence": "CC BY 4.0"}
    save_file(test, DATA / "digits_test.safetensors", origin)
    for file in DATA.iterdir():
        print(f"{file.stat().st_size:9,} bytes  {file.name}")


if __name__ == "__main__":
    main()
