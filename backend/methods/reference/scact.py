"""Comparator *scact*: unpaired translation through cycles, as the paper adapts it (SCXM §4.4; scACT, Xu et al. 2024).

Written anew from what is published of it (the repository has no licence): two variational autoencoders, one of
dissociated cells (zero-inflated negative binomial) and one of contexts in the place of accessibility (Bernoulli);
translators between their latent spaces; discriminators with one head per cell type; a cycle loss. What the facts leave
open: the discriminators judge latent codes with the least-squares loss, and types are clusters of the training cells,
since CellTypist's models cannot be had without a network (methods.md §5).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask
from backend.methods.reference.type_mean import CLUSTERS, types_of

LATENT, WIDTHS, TRANSLATOR = 20, (64, 32), 128
EPOCHS, WARM_UP, BATCH = 200, 10, 128
CRITIC_EVERY = 5
RATE, BETAS = 1e-4, (0.5, 0.999)
_FINAL_LOG_VARIANCE = 6.0


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, in [0, 1]: a cell's code, translated and decoded. No pair of cell and context is used."""
    loose = task.unpaired
    assert loose is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        types, loose_types = types_of(task.inputs, loose.inputs, task.seed)
        sides = _Side(task.contexts, task.contexts, types), _Side(loose.inputs, loose.amounts, loose_types)
        model = _Model(loose.inputs.shape[1], task.contexts)
        _train(model, *sides)
        model.eval()
        with torch.no_grad():
            code, _ = model.cells.code(torch.from_numpy(task.queries))
            return np.asarray(torch.sigmoid(model.contexts.back(model.over(code))).numpy(), dtype=np.float32)


class _Side:
    """What one autoencoder reads (n x genes), what it is held against, and each row's type."""

    def __init__(self, inputs: Floats, goals: Floats, types: Any) -> None:
        self.inputs, self.goals, self.types = (
            torch.from_numpy(np.ascontiguousarray(x)) for x in (inputs, goals, types)
        )

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        rows = torch.randint(len(self.inputs), (BATCH,))
        return self.inputs[rows], self.goals[rows], self.types[rows]


def _layers(sizes: tuple[int, ...]) -> nn.Sequential:
    parts = [
        part for n_in, n_out in pairwise(sizes) for part in (nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.PReLU())
    ]
    return nn.Sequential(*parts)


class _Autoencoder(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.read = _layers((n_in, *WIDTHS))
        self.mean, self.log_variance = nn.Linear(WIDTHS[-1], LATENT), nn.Linear(WIDTHS[-1], LATENT)
        self.back = nn.Sequential(_layers((LATENT, *WIDTHS[::-1])), nn.Linear(WIDTHS[0], n_out))

    def code(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        found = self.read(inputs)
        return self.mean(found), self.log_variance(found).clamp(-_FINAL_LOG_VARIANCE, _FINAL_LOG_VARIANCE)

    def draw(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """A code of each row, and how far its distribution is from the standard one."""
        mean, log_variance = self.code(inputs)
        distance = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp(), distance


class _Model(nn.Module):
    def __init__(self, n_genes: int, contexts: Floats) -> None:
        super().__init__()
        self.cells = _Autoencoder(n_genes, 2 * n_genes)  # logits of the shares, and of a dropped value
        self.contexts = _Autoencoder(contexts.shape[1], contexts.shape[1])
        self.dispersion = nn.Parameter(torch.zeros(n_genes))
        self.over, self.under = (
            nn.Sequential(_layers((LATENT, TRANSLATOR)), nn.Linear(TRANSLATOR, LATENT)) for _ in "ab"
        )
        self.judges = nn.ModuleList(
            nn.Sequential(nn.Linear(LATENT, TRANSLATOR), nn.PReLU(), nn.Linear(TRANSLATOR, CLUSTERS)) for _ in "ab"
        )

    def likelihood(self, code: Tensor, amounts: Tensor) -> Tensor:
        """Mean log-likelihood of a cell's amounts, zero-inflated negative binomial, summed over genes."""
        shares, dropped = self.cells.back(code).chunk(2, dim=1)
        mean = torch.softmax(shares, dim=1) * amounts.sum(dim=1, keepdim=True) + 1e-8
        size = self.dispersion.exp()
        zero = size * (torch.log(size + 1e-8) - torch.log(size + mean))
        seen = (
            zero + amounts * (torch.log(mean) - torch.log(size + mean))
            + torch.lgamma(amounts + size) - torch.lgamma(size) - torch.lgamma(amounts + 1)
        )  # fmt: skip
        kept, lost = functional.logsigmoid(-dropped), functional.logsigmoid(dropped)
        return torch.where(amounts < 1e-8, torch.logaddexp(lost, kept + zero), kept + seen).sum(dim=1).mean()


def _train(model: _Model, contexts: _Side, cells: _Side) -> None:
    model.train()
    judged = list(model.judges.parameters())
    others = [part for name, part in model.named_parameters() if not name.startswith("judges")]
    makers, judges = (torch.optim.Adam(parts, lr=RATE, betas=BETAS) for parts in (others, judged))
    per_epoch = -(-max(len(contexts.inputs), len(cells.inputs)) // BATCH)
    for step in range(EPOCHS * per_epoch):
        drawn = _Drawn(*contexts.draw(), *cells.draw())
        turns = step >= WARM_UP * per_epoch
        loss, codes = _makers_loss(model, drawn, translate=turns)
        _descend(makers, loss)
        if turns and step % CRITIC_EVERY == 0:
            _descend(judges, _judges_loss(model, drawn, codes))


@dataclass(frozen=True)
class _Drawn:
    context: Tensor
    goal: Tensor
    type: Tensor
    cell: Tensor
    amounts: Tensor
    cell_type: Tensor


def _makers_loss(model: _Model, drawn: _Drawn, *, translate: bool) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    (code, far), (cell_code, cell_far) = model.contexts.draw(drawn.context), model.cells.draw(drawn.cell)
    explained = functional.binary_cross_entropy_with_logits(model.contexts.back(code), drawn.goal, reduction="none")
    loss = explained.sum(dim=1).mean() - model.likelihood(cell_code, drawn.amounts) + far + cell_far
    if translate:
        fake, cell_fake = model.over(cell_code), model.under(code)
        loss = (
            loss + functional.mse_loss(model.under(fake), cell_code) + functional.mse_loss(model.over(cell_fake), code)
        )
        loss = loss + _judged(model.judges[0], fake, drawn.cell_type, 1.0)
        loss = loss + _judged(model.judges[1], cell_fake, drawn.type, 1.0)
    return loss, (code.detach(), cell_code.detach())


def _judges_loss(model: _Model, drawn: _Drawn, codes: tuple[Tensor, Tensor]) -> Tensor:
    code, cell_code = codes
    with torch.no_grad():
        fake, cell_fake = model.over(cell_code), model.under(code)
    real = _judged(model.judges[0], code, drawn.type, 1.0) + _judged(model.judges[1], cell_code, drawn.cell_type, 1.0)
    made = _judged(model.judges[0], fake, drawn.cell_type, 0.0) + _judged(model.judges[1], cell_fake, drawn.type, 0.0)
    return real + made


def _judged(judge: nn.Module, code: Tensor, types: Tensor, wanted: float) -> Tensor:
    """Only the head of a cell's own type judges it."""
    own = judge(code).gather(1, types[:, None]).squeeze(1)
    return functional.mse_loss(own, torch.full_like(own, wanted))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()
