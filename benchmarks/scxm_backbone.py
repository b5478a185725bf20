"""SCXM on a backbone of Geneformer's size: what each trick brings, over a plain loop in the same run.

    python -m benchmarks.scxm_backbone [--backbone geneformer-v2-104m] [--cells 3000] [--sample 192] [--rounds 2]

Random weights of the published shape; a simulated tissue and reference whose cells show as many genes as CosMx cells do
in a panel of 900 (median 50, some 150 at most). Plain: transformers' own model, SDPA, single precision, the same
threads, batches of 64 in file order, padded to their longest cell; in fine-tuning the frozen blocks under no_grad.
Best wall time of the rounds; beside it the ratio of processor seconds, which other programs do not stretch. On a GPU:
cells/s, memory, and the share of what its largest matrix product reaches.
"""

from __future__ import annotations

import argparse
import copy
import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from backend.methods.contract import Cells, PairedData
from backend.methods.scxm.backbone import blocks, encoder, linear
from backend.methods.scxm.backbone.encoder import BackboneEncoder, pack_tokens
from backend.methods.scxm.backbone.memory import Memory
from backend.methods.scxm.backbone.pool import Pool
from backend.methods.scxm.backbone.source import Source
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.encoders import BACKBONE_LR_SHARE
from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout, bert_config
from backend.methods.scxm.geneformer.tokens import Ragged
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from backend.methods.scxm.problem import build_problem
from backend.methods.scxm.train import Training
from backend.settings import load
from backend.training.device import choose_device, repeatable
from benchmarks.measured import Row

GENES, PANEL, TISSUE_CELLS, BATCH, BLOCKS = 900, 300, 1000, 64, 4


@dataclass(frozen=True)
class Took:
    wall_s: float
    cpu_s: float


def simulated(n_reference: int, seed: int = 0) -> PairedData:
    """Gamma rates per gene, a depth per cell with an s.d. of .6 of its logarithm; the reference four times as deep."""
    random = np.random.default_rng(seed)
    genes = tuple(f"G{number:05d}" for number in range(GENES))
    share = random.gamma(0.5, size=GENES)
    share /= share.sum()

    def cells(n: int, deeper: float) -> csr_matrix:
        depth = deeper * 75 * random.lognormal(0, 0.6, (n, 1))
        return csr_matrix(random.poisson(depth * share), dtype=np.float32)

    place = random.uniform(0, 1000, (TISSUE_CELLS, 2)).astype(np.float32)
    tissue = Cells(cells(TISSUE_CELLS, 1), genes, "counts", place, np.zeros(TISSUE_CELLS, dtype=np.int32))
    return PairedData(tissue, Cells(cells(n_reference, 4), genes, "counts"), genes, genes[:PANEL])


def random_source(layout: Layout) -> Source:
    from transformers import BertModel

    torch.manual_seed(0)
    bert = BertModel(bert_config(layout), add_pooling_layer=False).eval()
    genes = tuple(f"G{number:05d}" for number in range(layout.vocab - 4))
    medians = np.random.default_rng(0).uniform(0.5, 2.0, len(genes))
    names = {gene: place for place, gene in enumerate(genes)}
    return Source(bert, layout, Vocabulary("V2", genes, np.arange(len(genes)) + 4, medians, names), "random")


def timed(act: Callable[[], Any], device: str, rounds: int = 1) -> Took:
    """The best round."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(Took(time.perf_counter() - wall, time.process_time() - cpu))
    return min(found, key=lambda took: took.wall_s)


def padded(sentences: list[np.ndarray]) -> Tensor:
    tokens = np.zeros((len(sentences), max(map(len, sentences))), dtype=np.int64)
    for cell, sentence in enumerate(sentences):
        tokens[cell, : len(sentence)] = sentence
    return torch.from_numpy(tokens)


@torch.no_grad()
def plain_pass(bert: Any, sentences: list[np.ndarray], device: str) -> None:
    for start in range(0, len(sentences), BATCH):
        tokens = padded(sentences[start : start + BATCH]).to(device)
        bert(tokens, attention_mask=(tokens != 0).long())


def passes(source: Source, sentences: list[np.ndarray], device: str, rounds: int) -> list[Row]:
    """Embedding: each trick on top of those before it."""
    own = BackboneEncoder(source.bert, PANEL, 256, 0, has_cls=True).to(device)
    ordered = sorted(sentences, key=len)
    tokens = padded(sentences).to(device)
    flat, packed, _ = pack_tokens(tokens)

    def ours(onednn: bool, first_only: bool) -> Callable[[], None]:
        def act() -> None:
            swapped = [(linear, "usable", linear.usable if onednn else lambda x: False)]
            if not first_only:
                swapped.append((encoder, "last", lambda block, x, part, has_cls: blocks.whole(block, x, part)))
            before = [getattr(module, name) for module, name, _ in swapped]
            for module, name, value in swapped:
                setattr(module, name, value)
            own.frozen.read(flat, packed)
            for (module, name, _), value in zip(swapped, before, strict=True):
                setattr(module, name, value)

        return act

    ways = {
        "plain: file order, padded": lambda: plain_pass(source.bert, sentences, device),
        "sorted by length": lambda: plain_pass(source.bert, ordered, device),
        "no padding": ours(onednn=False, first_only=False),
        "only <cls> asked in the last block": ours(onednn=False, first_only=True),
        "oneDNN's products": ours(onednn=True, first_only=True),
    }
    took = {name: timed(act, device, rounds) for name, act in ways.items()}
    base, rows = took["plain: file order, padded"], []
    for name, one in took.items():
        note = f"x {base.wall_s / one.wall_s:.2f} plain (processor x {base.cpu_s / one.cpu_s:.2f})"
        rows.append(Row(f"embedding, {name}", len(sentences) / one.wall_s, "/s", note=note))
    ratio = base.wall_s / took["oneDNN's products"].wall_s
    return [*rows, Row("embedding: plain time / ours (wanted: 3 or more)", 1 / ratio, "", 1 / 3, f"x {ratio:.2f}")]


def plain_step(bert: Any, head: Any, optimiser: Any, tokens: Tensor) -> None:
    """One step of fine-tuning as one would write it."""
    seen = (tokens != 0)[:, None, None, :]
    with torch.no_grad():
        x = bert.embeddings(tokens)
        for block in bert.encoder.layer[:-BLOCKS]:
            x = block(x, seen)
    for block in bert.encoder.layer[-BLOCKS:]:
        x = block(x, seen)
    descend(torch.sigmoid(head(x[:, 0])), optimiser)


def descend(z: Tensor, optimiser: Any) -> None:
    optimiser.zero_grad(set_to_none=True)
    z.square().mean().backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def tuning(source: Source, pool: Pool, device: str, batches: int) -> list[Row]:
    """Fine-tuning of the last blocks, a step on 64 cells each."""
    bert = copy.deepcopy(source.bert).to(device)
    own = BackboneEncoder(copy.deepcopy(source.bert), PANEL, 256, BLOCKS, has_cls=True).to(device)
    head = copy.deepcopy(own.head)
    members = np.arange(batches * BATCH)
    offsets = pool.tokens.offsets[: len(members) + 1]
    few = replace(pool, tokens=Ragged(pool.tokens.flat[: offsets[-1]], offsets), own=pool.own[: len(members)])
    full, none = (Memory(own, few, budget) for budget in (64.0, 0.0))
    for part in range(len(full.parts)):
        full.fill(part)
    groups = [{"params": head.parameters()}, {"params": bert.encoder.layer[-BLOCKS:].parameters(), "lr": 5e-5}]
    plain_adam = torch.optim.Adam(groups, lr=3e-4)
    own_groups = [
        {"params": own.head.parameters()},
        {"params": own.blocks.parameters(), "lr": 3e-4 * BACKBONE_LR_SHARE},
    ]
    own_adam = torch.optim.Adam(own_groups, lr=3e-4)
    cut = [members[start : start + BATCH] for start in range(0, len(members), BATCH)]
    sentences = [padded([pool.tokens.sentence(member) for member in part]).to(device) for part in cut]
    sorted_cut = [part[np.argsort(few.tokens.lengths[part], kind="stable")] for part in cut]

    def plain() -> None:
        with torch.autocast("cuda", torch.bfloat16) if device == "cuda" else nullcontext():
            for tokens in sentences:
                plain_step(bert, head, plain_adam, tokens)

    def ours(memory: Memory) -> Callable[[], None]:
        return lambda: [descend(own(memory.of(part)), own_adam) for part in sorted_cut] and None

    base, again, kept = (timed(act, device) for act in (plain, ours(none), ours(full)))
    rows = [
        Row("fine-tuning 4 blocks, plain loop", len(members) / base.wall_s, "/s"),
        Row("fine-tuning, ours, nothing cached", len(members) / again.wall_s, "/s", note=_times(base, again)),
        Row("fine-tuning, ours, prefix cached", len(members) / kept.wall_s, "/s", note=_times(base, kept)),
    ]
    ratio = base.wall_s / kept.wall_s
    return [*rows, Row("fine-tuning: plain time / ours (wanted: 2 or more)", 1 / ratio, "", 1 / 2, f"x {ratio:.2f}")]


def _times(base: Took, other: Took) -> str:
    return f"x {base.wall_s / other.wall_s:.2f} plain (processor x {base.cpu_s / other.cpu_s:.2f})"


def whole_training(training: Training, device: str) -> list[Row]:
    """All that `fit` does: the embedding once, then decoder, critic and encoder."""

    def steps(first: int, last: int) -> Callable[[], None]:
        return lambda: [training.step(step) for step in range(first, last)] and None

    embedded = timed(steps(0, training.frozen_steps), device)
    trained = timed(steps(training.frozen_steps, training.steps), device)
    assert training.memory is not None
    draws, cells = training.memory.pool.n_members, training.problem.n_reference
    note = f"{draws:,} draws of {cells:,} cells, {draws / embedded.wall_s:.1f}/s, processor {embedded.cpu_s:.0f} s"
    return [
        Row("frozen backbone: the one embedding", embedded.wall_s, "s", note=note),
        Row(f"frozen backbone: SCXM trained on {cells:,} cells", trained.wall_s, "s", 600, f"{training.steps:,} steps"),
    ]


def on_gpu(layout: Layout, rows: list[Row], mean_tokens: float) -> list[Row]:
    """Memory, and which share of the largest matrix product's speed the embedding reaches."""
    one = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    took = timed(lambda: [one @ one for _ in range(20)], "cuda", 3)
    peak = 20 * 2 * 8192**3 / took.wall_s
    per_token = 2 * layout.layers * (4 * layout.hidden**2 + 2 * layout.hidden * layout.ffn)
    cells_s = next(row.value for row in reversed(rows) if row.unit == "/s")
    return [
        Row("GPU memory at most", torch.cuda.max_memory_allocated() / 1e9, "GB"),
        Row("GPU share of its largest product", 100 * cells_s * mean_tokens * per_token / peak, "%"),
    ]


def measure(
    name: str = "geneformer-v2-104m", cells: int = 3000, sample: int = 192, rounds: int = 2
) -> Iterator[list[Row]]:
    """As they come: the tricks, a step of fine-tuning, a whole training."""
    settings, layout = load(), LAYOUTS[name]
    device = choose_device(settings.device)
    with repeatable(0, settings.threads):
        source = random_source(layout)
        config = ScxmConfig(encoder=name, trainable_blocks=0)  # type: ignore[arg-type]
        problem = build_problem(simulated(cells), config, 0, source.vocabulary)
        training = Training(problem, config, 0, device, source)
        assert training.memory is not None
        pool = training.memory.pool
        sentences = [pool.tokens.sentence(member).astype(np.int64) for member in range(sample)]
        rows = passes(source, sentences, device, rounds)
        yield rows
        if device == "cuda":
            yield on_gpu(layout, rows, float(np.mean([len(one) for one in sentences])))
        yield tuning(source, pool, device, max(1, sample // BATCH))
        yield whole_training(training, device)


def main() -> None:
    from benchmarks.__main__ import show

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--backbone", choices=[name for name, one in LAYOUTS.items() if one.has_cls], default="geneformer-v2-104m"
    )
    for flag, value in (("--cells", 3000), ("--sample", 192), ("--rounds", 2)):
        parser.add_argument(flag, type=int, default=value)
    given = parser.parse_args()
    print(f"load before {os.getloadavg()}, {load().threads} threads")
    for rows in measure(given.backbone, given.cells, given.sample, given.rounds):
        show(rows)
    print(f"load after {os.getloadavg()}")


if __name__ == "__main__":
    main()
