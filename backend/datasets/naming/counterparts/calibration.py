"""How sure a transferred type is: measured on held-out reference cells that were made like the tissue's.

Each held-out cell is thinned to the depth of a random cell of the tissue (binomially, where it has counts enough), its
genes favoured and disfavoured as the platforms do, with the spread that the estimate of that leaves, and the tissue's
background is added. What such a cell is called, and how surely, is what a cell of the tissue can hope for. A small
reference is drawn from several times: all numbers count draws, not cells. What the platforms favour was estimated from
all reference cells, those held out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, vstack

from backend.datasets.naming.counterparts.groups import Floats, softmax
from backend.datasets.naming.counterparts.matching import Match
from backend.datasets.naming.found import UNSURE

BINS = 15
WITHIN_LIMIT = 0.99  # of held-out cells
FOLDS = 3  # a type of fewer cells is learnt, and left out of the calibration
_MOST_HELD_OUT = 500  # cells of a type
_FEWEST_DRAWS = 1000
_TEMPERATURES = np.geomspace(0.01, 2.0, 60)

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Scorer:
    """Scores cells by the log likelihood of their counts under each type's expected profile (multinomial, as
    InSituType: Danaher et al. 2022), tempered. expected: types x genes. excess: variance of a cell's mean log
    probability beyond that of drawing. limit: of `surprise`. stated, found: knots of the isotonic map from the tempered
    probability of the likeliest type to how often that was right (Zadrozny and Elkan 2002)."""

    expected: Floats
    temperature: float = 1.0
    excess: float = 0.0
    limit: float = np.inf
    stated: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))
    found: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))

    def score(self, counts: csr_matrix) -> Floats:
        """cells x types."""
        return np.asarray(counts @ np.log(self.expected).T)

    def probabilities(self, scores: Floats) -> Floats:
        return softmax(self.temperature * scores)

    def sureness(self, scores: Floats) -> Floats:
        """Calibrated probability that the likeliest type is right: n values."""
        return np.asarray(np.interp(self.probabilities(scores).max(axis=1), self.stated, self.found))

    def surprise(self, counts: csr_matrix, scores: Floats) -> Floats:
        """How improbable each cell's counts are for its likeliest type: (expected - found) / sd of its mean log
        probability. 0 for an empty cell."""
        total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1e-9)
        type_, log_expected = scores.argmax(axis=1), np.log(self.expected)
        usual = (self.expected * log_expected).sum(axis=1)
        variance = (self.expected * log_expected**2).sum(axis=1) - usual**2
        short = usual[type_] - scores.max(axis=1) / total
        found = short / np.sqrt(variance[type_] / total + self.excess)
        return np.where(total >= 1, found, 0.0)


@dataclass(frozen=True)
class HeldOut:
    """What held-out cells were called, one entry per draw. truth, likeliest: codes of types. spared: types with too few
    cells."""

    truth: Codes
    likeliest: Codes
    probability: Floats
    surprise: Floats
    spared: Codes

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.likeliest == self.truth)) if len(self.truth) else float("nan")

    @property
    def macro_f1(self) -> float:
        return macro_f1(self.truth, self.likeliest)

    def confusion(self, names: NDArray[np.object_], sure: NDArray[np.bool_]) -> pd.DataFrame:
        """truth, predicted ("unsure" too), n."""
        predicted = np.where(sure, names[self.likeliest], UNSURE)
        pairs = pd.DataFrame({"truth": names[self.truth].astype(str), "predicted": predicted.astype(str)})
        return pairs.value_counts().rename("n").sort_index().reset_index()


def calibrate(
    match: Match, values: csr_matrix, code: Codes, tissue: csr_matrix, rng: np.random.Generator
) -> tuple[Scorer, HeldOut]:
    """values: reference cells x genes, not logged. The scorer knows all of them; it was calibrated with each cell
    scored by profiles of the other folds."""
    n_types = int(code.max()) + 1
    scorer = Scorer(match.expected(mean_shares(values, code, n_types)))
    fold = _folds(code, rng)
    depths = np.asarray(tissue.sum(axis=1)).ravel()
    depths = depths[depths > 0]
    repeats = int(np.clip(_FEWEST_DRAWS // max((fold >= 0).sum(), 1), 1, 10))
    truth, scores, drawn, parts = [], [], [], []
    for part in range(FOLDS):
        rows = np.repeat(np.flatnonzero(fold == part), repeats)
        others = Scorer(match.expected(mean_shares(values[fold != part], code[fold != part], n_types)))
        drawn.append(draw_alike(values[rows], match, rng.choice(depths, len(rows)), rng))
        truth.append(code[rows])
        parts.append(np.full(len(rows), part))
        scores.append(others.score(drawn[-1]))
    spared = np.setdiff1d(np.arange(n_types), code[fold >= 0])
    tried = _Draws(np.concatenate(truth), np.concatenate(parts), np.concatenate(scores), csr_matrix(vstack(drawn)))
    return _settle(scorer, tried, spared)


@dataclass(frozen=True)
class _Draws:
    """What was drawn from held-out cells. truth, fold: n codes. scores: n x types. counts: n x genes."""

    truth: Codes
    fold: Codes
    scores: Floats
    counts: csr_matrix


def _settle(scorer: Scorer, draws: _Draws, spared: Codes) -> tuple[Scorer, HeldOut]:
    """Temperature by maximum likelihood, then the isotonic map; excess variance by moments; the limit by its quantile.
    What is told of held-out cells is mapped by the other folds."""
    truth, scores, drawn = draws.truth, draws.scores, draws.counts
    if not len(truth):
        nobody = np.zeros(0)
        return scorer, HeldOut(truth, truth, nobody, nobody, spared)
    log_loss = [_log_loss(softmax(t * scores), truth) for t in _TEMPERATURES]
    scorer = replace(scorer, temperature=float(_TEMPERATURES[int(np.argmin(log_loss))]))
    total = np.maximum(np.asarray(drawn.sum(axis=1)).ravel(), 1.0)
    plain = scorer.surprise(drawn, scores)
    usual = np.log(scorer.expected)
    variance = (scorer.expected * usual**2).sum(axis=1) - (scorer.expected * usual).sum(axis=1) ** 2
    per_count = variance[scores.argmax(axis=1)] / total
    scorer = replace(scorer, excess=float(max(np.mean((plain**2 - 1) * per_count), 0.0)))
    surprise = scorer.surprise(drawn, scores)
    scorer = replace(scorer, limit=max(float(np.quantile(surprise, WITHIN_LIMIT)), 1.0))
    likeliest = scores.argmax(axis=1)
    raw, right = scorer.probabilities(scores).max(axis=1), likeliest == truth
    told = np.zeros(len(truth))
    for part in np.unique(draws.fold):
        mine = draws.fold == part
        told[mine] = np.interp(raw[mine], *_isotonic(raw[~mine], right[~mine]))
    stated, found = _isotonic(raw, right)
    return replace(scorer, stated=stated, found=found), HeldOut(truth, likeliest, told, surprise, spared)


def _isotonic(stated: Floats, right: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Knots of the rising step line that fits best; itself where nothing was held out."""
    from sklearn.isotonic import IsotonicRegression

    if not len(stated):
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    # So many draws cannot say that a name is never, or always, right.
    least = 1 / (len(stated) + 2)
    fitted = IsotonicRegression(y_min=least, y_max=1 - least).fit(stated, right)
    return np.asarray(fitted.X_thresholds_), np.asarray(fitted.y_thresholds_)


def _log_loss(shares: Floats, truth: Codes) -> float:
    return float(-np.mean(np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12))))


def _folds(code: Codes, rng: np.random.Generator) -> Codes:
    """0 to 2 within each type; -1: learnt only (of small types all cells, of large ones those beyond 500)."""
    fold = np.full(len(code), -1, dtype=np.int64)
    for type_ in np.unique(code):
        rows = rng.permutation(np.flatnonzero(code == type_))
        if len(rows) >= FOLDS:
            rows = rows[:_MOST_HELD_OUT]
            fold[rows] = np.arange(len(rows)) % FOLDS
    return fold


def draw_alike(values: csr_matrix, match: Match, depth: Floats, rng: np.random.Generator) -> csr_matrix:
    """Reference cells as the tissue's instrument might have seen them, each at its own depth: counts, cells x genes."""
    drawn = csr_matrix(values, dtype=np.float64, copy=True)
    row = np.repeat(np.arange(drawn.shape[0]), np.diff(drawn.indptr))
    favour = np.exp(match.efficiency[drawn.indices] + rng.normal(0.0, match.spread, drawn.nnz))
    amount = np.bincount(row, weights=drawn.data * favour, minlength=drawn.shape[0])
    chance = favour * ((1 - match.background) * depth / np.maximum(amount, 1e-12))[row]
    whole = bool(np.all(drawn.data == np.rint(drawn.data)))
    thin = (chance <= 1) & whole
    data = rng.poisson(drawn.data * chance).astype(np.float64)
    data[thin] = rng.binomial(drawn.data[thin].astype(np.int64), chance[thin])
    drawn.data = data
    drawn.eliminate_zeros()
    return csr_matrix(drawn + _background(match, depth, rng), dtype=np.float32)


def _background(match: Match, depth: Floats, rng: np.random.Generator) -> csr_matrix:
    number = rng.poisson(match.background * depth)
    genes = rng.choice(len(match.middle), int(number.sum()), p=match.middle)
    cells = np.repeat(np.arange(len(depth)), number)
    return csr_matrix(coo_matrix((np.ones(len(genes)), (cells, genes)), shape=(len(depth), len(match.middle))))


def mean_shares(values: csr_matrix, code: Codes, n_types: int) -> Floats:
    """Mean share of each gene in the cells of each type: types x genes. Empty cells do not count."""
    total = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    weight = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    sums = csr_matrix((weight, (code, np.arange(len(code)))), shape=(n_types, len(code))) @ values
    number = np.bincount(code, weights=total > 0, minlength=n_types)
    return np.asarray(sums.toarray() / np.maximum(number, 1)[:, None], dtype=np.float64)


def calibration(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> tuple[float, list[Sequence[float]]]:
    """Expected calibration error (Guo et al. 2017), and per bin of equal width that holds any cell: mean confidence,
    share that was right, cells."""
    if not len(confidence):
        return float("nan"), []
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [
        (float(confidence[place == b].mean()), float(right[place == b].mean()), int((place == b).sum()))
        for b in np.unique(place)
    ]
    error = sum(n * abs(sure - good) for sure, good, n in rows) / len(confidence)
    return float(error), [[round(sure, 4), round(good, 4), n] for sure, good, n in rows]


def macro_f1(truth: NDArray, predicted: NDArray) -> float:  # type: ignore[type-arg]  # codes or names
    """Mean F1 over the types that are there in truth; any other prediction is simply wrong."""
    from sklearn.metrics import f1_score

    if not len(truth):
        return float("nan")
    return float(f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0.0))
