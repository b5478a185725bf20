"""May an imputed gene be printed? The rules, each with its reason (docs/imputation/verdict.md).

Plain numbers in, words out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["figure", "supplement", "no"]
ORDER: tuple[Verdict, ...] = ("figure", "supplement", "no")
HEADLINES: Mapping[str, str] = {
    "figure": "Figure",
    "supplement": "Supplement, labelled",
    "no": "Do not show",
}

# Below an r of .1 a map of imputed values ranks cells hardly better than chance: of the cells shown
# as the top tenth some 13 % are truly in it, where chance gives 10 %.
SUPPLEMENT_SCORE = 0.10
# At an r of .3 per cell, and .6 over 50 um bins, a reader sees in the imputed map what the measured one shows.
FIGURE_SCORE, FIGURE_BIN = 0.30, 0.60
# A score that vanishes once the cell's depth is taken out of both sides tells of depth, not of the gene.
SUPPLEMENT_PARTIAL, FIGURE_PARTIAL = 0.05, 0.20
BEYOND_TYPE_P = 0.05  # false discovery rate of saying more than the cell's type does
INFLATION = 0.10  # Moran's I above the measured one, at equal noise: structure that the method has put there
FIGURE_COVERAGE = 0.80  # of intervals meant to cover 90 %
FEWEST_CELLS = 20  # cells that show a gene; below, its score is the luck of a few cells
TRUSTED_PREDICTION = (
    0.30  # Spearman of predicted with true scores, its lower 95 % limit: below, nothing off-panel is shown
)


# A gene that was not tested has the verdict that four fifths of the measured genes like it have, or better: it is never
# trusted more than a tested one.
ALIKE, ALIKE_SHARE = 30, 0.8
LEVEL = 0.9  # of the interval around a predicted score


@dataclass(frozen=True)
class Alike:
    """What measured genes with nearly the same predicted score earned when they were hidden."""

    genes: int
    figure: int
    supplement: int


@dataclass(frozen=True)
class Judged:
    verdict: Verdict
    reasons: tuple[str, ...]


def judge_measured(numbers: Mapping[str, float | None]) -> Judged:
    """numbers: `score`, `score_partial`, `score_bin`, `beyond_type`, `beyond_type_p`, `moran_measured`, `moran_noised`,
    `coverage`, `cells`; None: unknown. A gene that could not be scored is not shown."""
    score, partial = numbers["score"], numbers["score_partial"]
    if score is None or partial is None:
        return Judged("no", ("It could not be scored: the gene, or what is imputed, does not vary.",))
    against = [*_too_low(numbers, score, partial)]
    if against:
        return Judged("no", tuple(against))
    doubts = [*_short_of_figure(numbers, score, partial)]
    if doubts:
        return Judged("supplement", (_scored(score, partial), *doubts))
    return Judged("figure", (_scored(score, partial), "It says more than the average of the cell's type."))


def judge_predicted(numbers: Mapping[str, float | None], like: Alike | None, spearman_low: float | None) -> Judged:
    """A gene off the panel: `predicted_score`, `predicted_low`, `predicted_high`. like: what became of the measured
    genes with the nearest predicted scores; None where there are too few. spearman_low: the lower 95 % limit of how
    well predicted scores rank the true ones in this run."""
    score, low, high = (numbers[f"predicted_{name}"] for name in ("score", "low", "high"))
    if score is None or low is None or high is None or like is None:
        return Judged("no", (f"Its score cannot be predicted: that takes {ALIKE} measured genes with a score.",))
    said = f"Predicted r {score:.2f} ({LEVEL:.0%} interval {low:.2f} to {high:.2f}); not tested."
    if spearman_low is None or spearman_low < TRUSTED_PREDICTION:
        return Judged("no", (said, "In this run predicted scores do not rank the true ones well enough to rely on."))
    shown = like.figure + like.supplement
    others = (
        f"Of the {like.genes} measured genes predicted to score like it, {like.figure} earned a figure and "
        f"{like.supplement} the supplement."
    )
    if like.figure >= ALIKE_SHARE * like.genes:
        return Judged("figure", (said, others))
    return Judged("supplement" if shown >= ALIKE_SHARE * like.genes else "no", (said, others))


def alike(scores: Sequence[float], verdicts: Sequence[Verdict], asked: float) -> Alike | None:
    """The measured genes whose predicted scores (by genes of other folds) are nearest to `asked`."""
    if len(scores) < ALIKE:
        return None
    nearest = np.argsort(np.abs(np.asarray(scores) - asked), kind="stable")[:ALIKE]
    found = [verdicts[at] for at in nearest]
    return Alike(ALIKE, found.count("figure"), found.count("supplement"))


def inflated(numbers: Mapping[str, float | None]) -> bool:
    """Whether what is imputed is more spatially ordered than what was measured, noise apart."""
    measured, noised = numbers["moran_measured"], numbers["moran_noised"]
    return measured is not None and noised is not None and noised - measured > INFLATION


def legend(
    gene: str, measured: bool, verdict: Verdict, numbers: Mapping[str, float | None], told: Mapping[str, str]
) -> str:
    """A sentence to print below the figure. told: method, tissue, reference, cells, seed, split."""
    if verdict == "no":
        return f"{gene}: not for print (imputed by {told['method']}; do not show)."
    by = f"imputed by {told['method']} from {told['reference']} (seed {told['seed']})"
    if not measured:
        return (
            f"{gene} was not measured in {told['tissue']}; values in its {told['cells']} cells are {by}. Their "
            f"correlation with a measurement is predicted to be {_number(numbers, 'predicted_score')} (90 % interval "
            f"{_number(numbers, 'predicted_low')} to {_number(numbers, 'predicted_high')}); it was not tested."
        )
    how = "from the other genes alone" if told["split"] == "genes" else "in regions that were not trained on"
    return (
        f"{gene} in {told['cells']} cells of {told['tissue']}, {by} {how}. Imputed and measured values correlate with "
        f"r = {_number(numbers, 'score')} per cell ({_number(numbers, 'score_partial')} with the cell's depth taken "
        f"out) and r = {_number(numbers, 'score_bin')} over 50 µm bins."
    )


def _too_low(numbers: Mapping[str, float | None], score: float, partial: float) -> list[str]:
    cells = numbers["cells"]
    if cells is not None and cells < FEWEST_CELLS:
        return [f"Only {cells:.0f} cells show it: too few to score it."]
    if score < SUPPLEMENT_SCORE:
        return [
            f"When it was hidden, r was {score:.2f} per cell; below {SUPPLEMENT_SCORE:.2f} a map hardly ranks cells "
            "better than chance."
        ]
    if partial < SUPPLEMENT_PARTIAL:
        return [f"Of r {score:.2f} per cell, {partial:.2f} is left once the cell's depth is taken out."]
    return []


def _short_of_figure(numbers: Mapping[str, float | None], score: float, partial: float) -> list[str]:
    said = []
    bins = numbers["score_bin"]
    if score < FIGURE_SCORE and (bins is None or bins < FIGURE_BIN):
        over = "" if bins is None else f" ({bins:.2f} over 50 µm bins; below {FIGURE_BIN:.2f})"
        said.append(f"Below r {FIGURE_SCORE:.2f} per cell{over} a map shows tendencies, not cells.")
    if partial < FIGURE_PARTIAL:
        said.append(f"With the cell's depth taken out, r is {partial:.2f}, below {FIGURE_PARTIAL:.2f}.")
    beyond, p = numbers["beyond_type"], numbers["beyond_type_p"]
    if beyond is None or p is None or beyond <= 0 or p >= BEYOND_TYPE_P:
        said.append("It says no more than the average of the cell's type: show that instead.")
    if inflated(numbers):
        said.append(
            f"Imputing makes it more ordered in space than it is (Moran's I {numbers['moran_noised']:.2f} at the noise "
            f"of the measurement, {numbers['moran_measured']:.2f} measured)."
        )
    coverage = numbers["coverage"]
    if coverage is not None and coverage < FIGURE_COVERAGE:
        said.append(f"Its 90 % intervals hold {coverage:.0%} of the measured values.")
    return said


def _scored(score: float, partial: float) -> str:
    return f"When it was hidden, r was {score:.2f} per cell ({partial:.2f} with the cell's depth taken out)."


def _number(numbers: Mapping[str, float | None], name: str) -> str:
    value = numbers.get(name)
    return "unknown" if value is None else f"{value:.2f}"
