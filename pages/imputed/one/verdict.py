"""The verdict on one gene: may I print it, why, and the sentence to print below it."""

from __future__ import annotations

import streamlit as st

from backend import api
from backend.records import RunRecord
from pages.components import cached
from pages.components.trust_badge import VERDICTS
from pages.components.words import plain

MEASURED = "On your panel. To test the method, the gene was hidden from it and imputed from the other genes."
OFF_PANEL = "Not on your panel: it was never measured here, so its score is predicted from genes like it, not tested."
INFLATED = """Imputing this gene makes it look more ordered in space than it was measured to be. Neighbouring cells are
more alike in the imputed map than in the tissue: do not read patches, borders or gradients from it alone."""
PARTIAL = """The same, once each cell's total count is taken out of both sides. A large fall says that the map shows
which cells are rich in RNA, not which express the gene."""
BINS = "Over the means of 50 µm squares, where single cells' noise averages out."
BEYOND = "Correlation of what is left after the mean of the cell's type is taken away, imputed with measured."
MORAN = """How much neighbouring cells are alike, from 0 (not at all) to 1: measured → imputed. Imputing takes noise
away, which alone makes neighbours more alike"""
COVERAGE = "Share of measured values that lie in their 90 % interval. It should be near 90 %."
ATLAS = "Share of the atlas's cells in which the gene was detected. Rarely seen genes are imputed poorly."


def show(run: RunRecord, card: api.imputed.GeneCard) -> None:
    color, word, icon = VERDICTS[card.verdict]
    with st.container(border=True, key="verdict"):
        with st.grid(2, min_column_width=320, gap="large"):
            with st.container():
                st.caption(f"May I print **{plain(card.gene)}**?")
                st.markdown(f"## :{color}[{icon} {word}]")
                st.markdown("\n".join(f"- {plain(reason)}" for reason in card.reasons))
                st.caption(MEASURED if card.measured else f"{OFF_PANEL} {_calibration(run)}")
            with st.grid(3, min_column_width=120):
                for name, (value, about) in _numbers(card).items():
                    st.metric(name, value, help=about)
        if card.inflated:
            st.warning(INFLATED, icon=":material/blur_on:")
        st.caption("To print below the figure:")
        st.code(card.legend, language=None, wrap_lines=True)


def _calibration(run: RunRecord) -> str:
    """How well scores are predicted in this run, where they are known."""
    said = cached.left(api.imputed.trust, run.id)["predicted_score"]
    if said["spearman"] is None:
        return ""
    reach = "" if said["low"] is None else f" (95 % {said['low']:.2f} to {said['high']:.2f})"
    return f"Of its {said['n']} tested genes, predicted and true r agree with Spearman’s {said['spearman']:.2f}{reach}."


def _numbers(card: api.imputed.GeneCard) -> dict[str, tuple[str, str]]:
    """What stands beside the verdict: name -> value, help."""
    if not card.measured:
        between = f"{_two(card, 'predicted_low')} to {_two(card, 'predicted_high')}"
        return {
            "r, predicted": (_two(card, "predicted_score"), "What the correlation with a measurement would be."),
            "90 % interval": (between, "Of the predicted r: nine in ten genes like it score in between."),
            "In the atlas": (_share(card, "detection_reference"), ATLAS),
            "Type-specific": (_two(card, "specificity"), "In the atlas, 0 (all types alike) to 1 (one type only)."),
            "Moran’s I, imputed": (_two(card, "moran_imputed"), f"{MORAN}."),
        }
    return {
        "r per cell": (_two(card, "score"), "Pearson's correlation of imputed and measured values, gene hidden."),
        "r without depth": (_two(card, "score_partial"), PARTIAL),
        "r over bins": (_two(card, "score_bin"), BINS),
        "r beyond type": (_two(card, "beyond_type"), BEYOND),
        "Moran’s I": (
            f"{_two(card, 'moran_measured')} → {_two(card, 'moran_imputed')}",
            f"{MORAN}: with the measurement's noise put back it is {_two(card, 'moran_noised')}.",
        ),
        "Coverage": (_share(card, "coverage"), COVERAGE),
    }


def _two(card: api.imputed.GeneCard, name: str) -> str:
    value = card.numbers.get(name)
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _share(card: api.imputed.GeneCard, name: str) -> str:
    value = card.numbers.get(name)
    return "–" if value is None else f"{value:.0%}"
