"""stPlus (Chen et al., Bioinformatics 2021), from its facts (methods.md §5).

One auto-encoder reads tissue and reference cells together over the input genes, the genes to impute and the 2,000 most
variable others; what a tissue cell was not measured for is set to zero. A tissue cell then takes the mean of the
reference cells nearest in the embedding, by SpaGE's rule, averaged over the five states of lowest loss.

Free choices, where the facts are silent: dq is the share of the reference's values that are above zero, and the term of
the unshared genes is scaled by the number of shared ones over theirs, so that both count alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, Imputed, log_tissue
from backend.methods.reference.genes.scaled import nearest_weights, reference_columns
from backend.training.batches import Shuffle
from backend.training.device import repeatable

WIDTH, BATCH, OTHERS, KEPT = 1000, 512, 2000, 5
SMALL_REFERENCE, FAST, SLOW, DECAY = 10_000, 4e-3, 8e-5, 2e-4
SETTLED = 0.004  # relative change of an epoch's loss at which training ends
EPOCHS = 200  # at most; the facts name no bound


@dataclass(frozen=True)
class Joint:
    """here: n x genes, zero where not measured. there: m x genes. The first `shared` columns are input genes."""

    here: Tensor
    there: Tensor
    shared: int


def impute(view: FoldView, seed: int, epochs: int = EPOCHS) -> Imputed:
    columns = reference_columns(view)
    taken = {*view.input_genes, *view.target_genes}
    others = columns.most_varied(tuple(gene for gene in view.reference.genes if gene not in taken), OTHERS)
    there = columns.read((*view.input_genes, *view.target_genes, *others))
    here = np.zeros((view.tissue.n_cells, there.shape[1]), dtype=np.float32)
    here[:, : len(view.input_genes)] = log_tissue(view.tissue)
    joint = Joint(torch.from_numpy(here), torch.from_numpy(there), len(view.input_genes))
    with repeatable(seed, torch.get_num_threads()):
        embedded = _train(joint, seed, epochs)
    weights = sum(nearest_weights(a, b) for a, b in embedded)
    return Imputed(
        np.asarray((csr_matrix(weights) / len(embedded)) @ columns.read(view.target_genes)), view.target_genes
    )


def loss_of(told_here: Tensor, told_there: Tensor, here: Tensor, there: Tensor, shared: int) -> Tensor:
    """MSE of the tissue's input genes, and of the reference's other genes: its zeros weigh dq, its values one."""
    known = (told_here[:, :shared] - here[:, :shared]).square().sum()
    truth, error = there[:, shared:], (told_there[:, shared:] - there[:, shared:]).square()
    above = truth > 0
    quality = above.float().mean()
    return known + shared / max(1, truth.shape[1]) * (quality * error[~above].sum() + error[above].sum())


def _train(joint: Joint, seed: int, epochs: int) -> list[tuple[Floats, Floats]]:
    """(tissue cells, reference cells) embedded by each of the states of lowest loss."""
    genes = joint.there.shape[1]
    encoder = nn.Sequential(nn.Linear(genes, WIDTH), nn.ReLU())
    decoder = nn.Sequential(nn.Linear(WIDTH, genes), nn.ReLU())
    rate = FAST if len(joint.there) < SMALL_REFERENCE else SLOW
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=rate, weight_decay=DECAY)
    batches = [
        Shuffle(len(part), min(BATCH, len(part)), seed, name) for name, part in vars(joint).items() if name != "shared"
    ]
    per_epoch = max(batch.per_pass for batch in batches)
    best: list[tuple[float, dict[str, Tensor]]] = []
    before = np.inf
    for epoch in range(epochs):
        total = 0.0
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            here, there = (
                part[torch.from_numpy(batch.at(step))] for part, batch in zip((joint.here, joint.there), batches)
            )
            loss = loss_of(decoder(encoder(here)), decoder(encoder(there)), here, there, joint.shared)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        best = sorted(
            [*best, (total, {k: v.clone() for k, v in encoder.state_dict().items()})], key=lambda one: one[0]
        )[:KEPT]
        if abs(before - total) < SETTLED * before:
            break
        before = total
    found = []
    with torch.inference_mode():
        for _, state in best:
            encoder.load_state_dict(state)
            found.append((encoder(joint.here).numpy(), encoder(joint.there).numpy()))
    return found
