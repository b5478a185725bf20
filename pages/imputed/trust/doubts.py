"""Whether the run's own doubts hold: do intervals cover what they say, is a predicted score worth anything?"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import api
from backend.figures.imputed import quality as figures
from backend.records import RunRecord
from pages.components import cached
from pages.components.figure_card import figure_card

CELLS = {"all": "all cells", "detected": "cells that showed it", "undetected": "cells that did not"}
TERCILES = {"low": "genes seen in few cells", "middle": "in some", "high": "in many"}
READ_COVER = """A 90 % interval should hold the measured value in 90 cells of 100 (dashed line). Each dot is how often
it did, on hidden genes and on parts of the tissue that the interval was not fitted on; the whisker is what other genes
could have given."""
FOOL_COVER = """An interval that always begins at zero covers most undetected cells without knowing anything. The row
of *cells that showed it* is the one to look at: below the line, the intervals are too narrow where it matters."""
READ_FORETOLD = """Each point is a hidden gene. To the right: the score that is foretold for it from how often it is
seen, how specific it is in the reference and how its prediction was made, learnt on other genes. Upwards: the score
that it has. On the dashed line both agree."""
FOOL_FORETOLD = """A gene beyond the panel only has the foretold score, and it is not tested: panels are chosen by
people, so genes beyond them may differ from those that were tested."""


def show(run: RunRecord, where: str) -> None:
    found = cached.left(api.imputed.trust, run.id)
    left, right = st.columns(2)
    with left:
        table = coverage_rows(pd.DataFrame(found["coverage"]))
        draw = partial(figures.coverage, table, "Do 90 % intervals hold the measured value?")
        figure_card(draw, "coverage", where, read=READ_COVER, fool=FOOL_COVER, table=table)
    with right:
        _foretold(found["predicted_score"], where)


def _foretold(found: dict[str, Any], where: str) -> None:
    table = found["pairs"]
    if table.dropna(subset=["predicted", "score"]).empty:
        st.info("Too few genes were hidden to learn how well a score can be foretold.", icon=":material/info:")
        return
    draw = partial(figures.predicted_against_held_out, table, "Is the predicted score worth anything?")
    told = found["spearman"]
    said = f"Spearman {told:.2f} (95 % {found['low']:.2f} to {found['high']:.2f})." if told is not None else ""
    figure_card(draw, "foretold", f"{said} {where}".strip(), read=READ_FORETOLD, fool=FOOL_FORETOLD, table=table)


def coverage_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """name, coverage, low, high, score, n: all cells, detected and undetected apart, then the detected by tercile."""
    over = rows[rows["tercile"] == "all"].set_index("cells").reindex(list(CELLS)).dropna(subset="coverage")
    named = over.assign(name=[CELLS[key] for key in over.index])
    parts = rows[(rows["cells"] == "all") & (rows["tercile"] != "all")]
    by = parts.set_index("tercile").reindex(list(TERCILES)).dropna(subset="coverage")
    named = pd.concat([named, by.assign(name=[TERCILES[key] for key in by.index])], ignore_index=True)
    return named[["name", "coverage", "low", "high", "score", "n"]]
