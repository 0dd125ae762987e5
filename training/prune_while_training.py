"""Training, and the five ways of pruning while training goes on.

- gradual magnitude (Zhu & Gupta 2017, arXiv 1710.01878): cubic schedule;
- one-shot magnitude (Han et al. 2015, arXiv 1506.02626): prune once, then fine-tune;
- random: as one-shot, the kept weights chosen by lot;
- L0 (Louizos et al. 2018, arXiv 1712.01312): a hard-concrete gate on every weight, the penalty's
  multiplier learned so that the expected sparsity meets the rate (Wang et al. 2020, arXiv
  1910.04732, section 3.3); the surviving gates are multiplied into the weights;
- variational dropout (Molchanov et al. 2017, arXiv 1701.05369): Gaussian noise of a learned
  variance on every weight; those with the most noise for their size are dropped.

The first three prune every matrix to the same rate. L0 and variational dropout decide by themselves
where weights go; the rate holds over all matrices together. All train for the same number of steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy, pad

SHIFTS = [(0, 0)] * 4 + [(0, 1), (0, -1), (1, 0), (-1, 0)]
SEARCH = 0.7
"""Share of the steps in which what is kept may change; in the rest it is fine-tuned."""

KL = 0.1
"""Weight of variational dropout's KL term: at 1, of so few digits, it left nothing but the rate's
share unharmed and cost the Transformer seven points on the digits to choose on."""

Weights = dict[str, Tensor]
Data = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """What is pruned, how far, and how it is trained.

    Attributes
    ----------
    data : images (count, 8, 8) and labels (count,)
    pruned : names of the matrices
    rate : sparsity to reach; steps : of training; speed : peak learning rate
    """

    data: Data
    pruned: tuple[str, ...]
    rate: float
    steps: int
    speed: float

    def of(self, model: nn.Module) -> Weights:
        """Return the matrices to prune, detached."""
        return {name: model.get_parameter(name).detach() for name in self.pruned}


def train(
    model: nn.Module,
    data: Data,
    steps: int,
    speed: float,
    *,
    weights: Callable[[int, Weights], Weights] = lambda step, own: own,
    penalty: Callable[[int], Tensor | float] = lambda step: 0.0,
    extra: tuple[dict, ...] = (),
    batch: int = 64,
) -> None:
    """Train with AdamW and a one-cycle rate; half of the batches are shifted by a pixel.

    `weights` gives the weights that the forward pass is to use (masked, gated) from the model's
    own, `penalty` what is added to the loss, `extra` more parameter groups.
    """
    images, labels = data
    own = dict(model.named_parameters())
    groups = [{"params": list(own.values()), "lr": speed}, *extra]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    peaks = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, steps, pct_start=0.1)
    model.train()
    for step in range(steps):
        chosen = torch.randint(len(images), (batch,))
        down, right = SHIFTS[torch.randint(len(SHIFTS), ()).item()]
        shifted = pad(images[chosen], (1, 1, 1, 1))
        seen = shifted[:, 1 + down : 9 + down, 1 + right : 9 + right]
        logits = functional_call(model, weights(step, own), seen)
        loss = cross_entropy(logits, labels[chosen], label_smoothing=0.05) + penalty(step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval()


def top(scores: Tensor, rate: float) -> Tensor:
    """Return a 0/1 mask that keeps the best of `scores`, dropping round(rate·size) of them."""
    order = scores.flatten().argsort(stable=True)
    mask = torch.ones(scores.numel())
    mask[order[: round(rate * scores.numel())]] = 0
    return mask.view_as(scores)


def top_of_all(scores: Weights, rate: float) -> Weights:
    """Return masks that keep the best over all matrices together."""
    keep = top(torch.cat([s.flatten() for s in scores.values()]), rate)
    parts = keep.split([s.numel() for s in scores.values()])
    return {n: k.view_as(scores[n]) for n, k in zip(scores, parts, strict=True)}


def masked(masks: Weights, own: Weights) -> Weights:
    """Return the weights with those of `masks` multiplied in."""
    return {**own, **{name: own[name] * mask for name, mask in masks.items()}}


def apply(masks: Weights, model: nn.Module) -> None:
    """Multiply the masks into the model's own weights."""
    with torch.no_grad():
        for name, mask in masks.items():
            model.get_parameter(name).mul_(mask)


def fine_tune(model: nn.Module, task: Task, masks: Weights, steps: int, speed: float) -> None:
    """Train what the masks keep."""
    apply(masks, model)
    train(model, task.data, steps, speed, weights=lambda step, own: masked(masks, own))
    apply(masks, model)


def gradual(model: nn.Module, task: Task) -> None:
    """Raise the sparsity as s_t = S (1 − (1 − t)³) by magnitude."""
    masks: Weights = {}
    end = round(SEARCH * task.steps)

    def weights(step: int, own: Weights) -> Weights:
        if (step % 10 == 0 and step < end) or step == end:
            now = task.rate * (1 - (1 - step / end) ** 3)
            masks.update({n: top(own[n].detach().abs(), now) for n in task.pruned})
        return masked(masks, own)

    train(model, task.data, task.steps, task.speed, weights=weights)
    apply(masks, model)


def one_shot(model: nn.Module, task: Task) -> None:
    """Prune every matrix by magnitude, then fine-tune."""
    masks = {n: top(w.abs(), task.rate) for n, w in task.of(model).items()}
    fine_tune(model, task, masks, task.steps, task.speed)


def random(model: nn.Module, task: Task) -> None:
    """Prune every matrix by lot, then fine-tune."""
    masks = {n: top(torch.rand_like(w), task.rate) for n, w in task.of(model).items()}
    fine_tune(model, task, masks, task.steps, task.speed)


def l0(model: nn.Module, task: Task) -> None:
    """Learn hard-concrete gates, then fine-tune with the gates fixed."""
    beta, low, high = 2 / 3, -0.1, 1.1
    search = round(SEARCH * task.steps)
    alphas = {n: torch.full_like(w, 2.0).requires_grad_() for n, w in task.of(model).items()}
    multipliers = torch.zeros(2, requires_grad=True)

    def stretch(gate: Tensor) -> Tensor:
        return (gate * (high - low) + low).clamp(0, 1)

    def weights(step: int, own: Weights) -> Weights:
        gates = {}
        for name, alpha in alphas.items():
            noise = torch.rand_like(alpha).clamp(1e-6, 1 - 1e-6)
            gates[name] = stretch(torch.sigmoid((torch.logit(noise) + alpha) / beta))
        return masked(gates, own)

    def penalty(step: int) -> Tensor:
        alpha = torch.cat([a.flatten() for a in alphas.values()])
        sparsity = 1 - torch.sigmoid(alpha - beta * log(-low / high)).mean()
        miss = sparsity - task.rate * min(1, 2 * step / search)
        return multipliers[0] * miss + multipliers[1] * miss**2

    extra = (
        {"params": list(alphas.values()), "lr": 0.05, "weight_decay": 0.0},
        {"params": [multipliers], "lr": 0.05, "weight_decay": 0.0, "maximize": True},
    )
    train(model, task.data, search, task.speed, weights=weights, penalty=penalty, extra=extra)
    learned = {n: a.detach() for n, a in alphas.items()}
    apply({n: stretch(torch.sigmoid(a)) for n, a in learned.items()}, model)
    fine_tune(model, task, top_of_all(learned, task.rate), task.steps - search, task.speed / 2)


def variational(model: nn.Module, task: Task) -> None:
    """Learn each weight's noise, drop those that are mostly noise, then fine-tune."""
    search = round(SEARCH * task.steps)
    logs = {n: torch.full_like(w, -8.0).requires_grad_() for n, w in task.of(model).items()}
    own_now: Weights = {}

    def weights(step: int, own: Weights) -> Weights:
        own_now.update({n: own[n] for n in logs})
        noisy = {n: own[n] + torch.exp(s / 2) * torch.randn_like(s) for n, s in logs.items()}
        return {**own, **noisy}

    def log_alpha(name: str) -> Tensor:
        return (logs[name] - torch.log(own_now[name] ** 2 + 1e-8)).clamp(-10, 10)

    def penalty(step: int) -> Tensor:
        alpha = torch.cat([log_alpha(n).flatten() for n in logs])
        # Molchanov's equation 14, less its constant
        gain = 0.63576 * torch.sigmoid(1.87320 + 1.48695 * alpha) - 0.5 * torch.log1p(
            (-alpha).exp()
        )
        return -KL * min(1, 2 * step / search) * gain.sum() / len(task.data[0])

    extra = ({"params": list(logs.values()), "lr": 0.05, "weight_decay": 0.0},)
    train(model, task.data, search, task.speed, weights=weights, penalty=penalty, extra=extra)
    with torch.no_grad():
        scores = {n: -log_alpha(n) for n in logs}
    fine_tune(model, task, top_of_all(scores, task.rate), task.steps - search, task.speed / 2)


METHODS = {
    "gradual": (gradual, "gradual magnitude, cubic schedule over 70 % of the steps"),
    "one-shot": (one_shot, "magnitude once, then fine-tuned"),
    "random": (random, "random once, then fine-tuned"),
    "l0": (l0, "learned hard-concrete gates for 70 % of the steps, then fine-tuned"),
    "vd": (variational, "variational dropout for 70 % of the steps, then fine-tuned"),
}
