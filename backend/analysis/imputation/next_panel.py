"""Which genes to measure next: those that tell most about what the panel leaves open (docs/methods.md, "What to measure
next").

The reference is read as a Gaussian over genes (z-scored log expression). What the panel explains of the other genes is
conditioned away; what remains of a gene is what imputation cannot settle. Genes are then taken one by one, each time
the one whose measurement explains most of what remains of all others (greedy Schur complement). A gene that says the
same as one already taken, or as the panel, has nothing left to explain: so redundancy is priced in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

# Of a measurement, in units of a gene's variance in the reference. Heavy on purpose: tissue and reference are measured
# by different machines, and with little noise the choice follows what only the reference has. Of 1, 3, 10, 30 and 100
# it was best on three pairs of real data.
NOISE = 10.0
LEAST_EXPRESSED = 1 / 3  # of the genes, by mean expression, are not proposed: they would be seen too seldom
HALVES = 5
DRAWS = 10
FEWEST_GENES = 24  # shared genes below which halves of the panel are too small to test anything


@dataclass(frozen=True)
class Choice:
    """chosen: columns in the order in which they were taken. gains: how much of the other genes each explains beyond
    those before it, in genes (1: as much as one whole gene). open: per column, the share of its variance that the panel
    leaves open."""

    chosen: list[int]
    gains: list[float]
    open: Floats


def choose(correlation: Floats, panel: Rows, candidates: Rows, targets: Rows, count: int) -> Choice:
    """correlation: genes x genes in the reference. panel: the columns that are measured; targets: those that are not,
    whose rest is to be explained; candidates: those among them that may be taken."""
    rest = given(correlation, panel)
    left, chosen, gains = candidates.tolist(), [], []
    remaining = np.diag(rest).copy()
    for _ in range(min(count, len(left))):
        explained = (rest[np.ix_(targets, left)] ** 2).sum(axis=0)
        explained -= np.diag(rest)[left] ** 2  # of itself: a measured gene needs no imputation, whichever is taken
        worth = explained / (np.diag(rest)[left] + NOISE)
        best = left.pop(int(np.argmax(worth)))
        chosen.append(best)
        gains.append(float(worth.max()))
        rest = rest - np.outer(rest[:, best], rest[best]) / (rest[best, best] + NOISE)
    return Choice(chosen, gains, remaining)


def given(correlation: Floats, panel: Rows) -> Floats:
    """What is left of genes x genes once the panel is measured, with noise."""
    inner = correlation[np.ix_(panel, panel)] + NOISE * np.eye(len(panel))
    return np.asarray(correlation - correlation[:, panel] @ np.linalg.solve(inner, correlation[panel]))


def helped(rest: Floats, chosen: int, targets: Rows, most: int) -> list[int]:
    """The targets of which a gene explains most, the most first."""
    others = targets[targets != chosen]
    return [int(row) for row in others[np.argsort(-(rest[others, chosen] ** 2))[:most]]]


def proposable(mean: Floats, targets: Rows) -> Rows:
    """The targets without the least expressed third."""
    return targets[mean[targets] > np.quantile(mean[targets], LEAST_EXPRESSED)]


@dataclass(frozen=True)
class Measured:
    """What the test knows, all over the shared genes. counts: n cells x genes of the tissue, linear. reference: m x
    genes, log-normalised over all its genes."""

    counts: Floats
    reference: Floats


def simulate(data: Measured, count: int, seed: int, halves: int = HALVES, draws: int = DRAWS) -> pd.DataFrame:
    """The rule tried where the answer is known: half of the shared genes plays the panel, `count` of the other half are
    added to it, and the genes that stay hidden are imputed with and without them.

    One row per half, choice ("rule", "most variable", "random"), draw and gene that stays hidden: base (its held-out r
    from the half alone) and gain (r with the added genes minus base)."""
    rng = np.random.default_rng(seed)
    genes = data.reference.shape[1]
    correlation = _correlation(data.reference, data.reference)
    mean, variance = np.expm1(data.reference).mean(axis=0), data.reference.var(axis=0)
    parts = []
    for half in range(halves):
        order = rng.permutation(genes)
        panel, hidden = np.sort(order[: genes // 2]), np.sort(order[genes // 2 :])
        task = _task(data, correlation, panel, hidden)
        choices = [("rule", 0, choose(correlation, panel, proposable(mean, hidden), hidden, count).chosen)]
        choices.append(("most variable", 0, hidden[np.argsort(-variance[hidden], kind="stable")[:count]].tolist()))
        choices += [("random", draw, rng.choice(hidden, count, replace=False).tolist()) for draw in range(draws)]
        base = task.scores(panel)
        for name, draw, added in choices:
            gain = task.scores(np.sort(np.concatenate([panel, added]).astype(np.intp))) - base
            rows = pd.DataFrame(
                {"half": half, "choice": name, "draw": draw, "gene": hidden, "base": base, "gain": gain}
            )
            parts.append(rows[np.isfinite(base) & ~np.isin(hidden, added)])
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Task:
    """One half. truth: kept cells x hidden genes, log1p at the depth of the half's genes."""

    counts: Floats
    depth: Floats
    correlation: Floats
    hidden: Rows
    truth: Floats

    def scores(self, inputs: Rows) -> Floats:
        """r of each hidden gene; NaN where it is constant in the tissue."""
        total = self.counts[:, inputs].sum(axis=1)
        read = np.log1p(self.counts[:, inputs] * (np.median(total) / total)[:, None])
        imputed = _scaled(_transfer(read, self.correlation[np.ix_(inputs, self.hidden)]))
        return np.asarray(np.where(self.truth.any(axis=0), (imputed * self.truth).mean(axis=0), np.nan))


def _task(data: Measured, correlation: Floats, panel: Rows, hidden: Rows) -> _Task:
    depth = data.counts[:, panel].sum(axis=1)
    kept = depth > 0
    counts, depth = data.counts[kept], depth[kept]
    truth = np.log1p(counts[:, hidden] * (np.median(depth) / depth)[:, None])
    return _Task(counts, depth, correlation, hidden, _scaled(truth))


def _transfer(read: Floats, correlation: Floats) -> Floats:
    """Correlation-weighted transfer (methods.md §9.2): z(X) · sign(C)C². Not the model that chooses, and strong for its
    price: .129 where SpaGE has .120."""
    return np.asarray(_scaled(read) @ (np.sign(correlation) * correlation**2))


def _correlation(left: Floats, right: Floats) -> Floats:
    return np.asarray(_scaled(left).T @ _scaled(right) / len(left))


def _scaled(values: Floats) -> Floats:
    """Mean 0 and variance 1 by column; a constant column is 0."""
    spread = values.std(axis=0)
    centred = values - values.mean(axis=0)
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9))


def compare(tests: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The rule against each other choice, over the genes that both leave hidden, each gene's gains averaged over halves
    and draws: rule, other (mean gains), difference, genes, p (Wilcoxon over genes, two-sided; genes are not
    independent, so it is a guide)."""
    from scipy.stats import wilcoxon

    rule = tests[tests["choice"] == "rule"].set_index(["half", "gene"])["gain"].rename("rule")
    found = {}
    for name in ("most variable", "random"):
        other = tests[tests["choice"] == name]
        both = other.join(rule, on=["half", "gene"], how="inner").groupby("gene")[["rule", "gain"]].mean()
        difference = both["rule"] - both["gain"]
        p = float(wilcoxon(difference).pvalue) if (difference != 0).any() else 1.0
        found[name] = {
            "rule": float(both["rule"].mean()),
            "other": float(both["gain"].mean()),
            "difference": float(difference.mean()),
            "genes": float(len(both)),
            "p": p,
        }
    return found
