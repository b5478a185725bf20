"""What goes with a high score: detection, spread, spatial order of what was measured around the cells."""

from __future__ import annotations

from functools import partial

import pandas as pd

from backend.figures.context import explained
from pages.components import session
from pages.components.choice import segments
from pages.components.figure_card import figure_card

CHOICES = {"moran": "Spatial order", "context_sd": "Spread", "detection": "Detection"}
READ = """A dot is one gene. To the right: genes whose measured surroundings are ordered in space (Moran's I of nearest
neighbours), differ much from cell to cell, or that are seen in many cells."""
FOOL = """Part of every score is a property of the gene and not of the method: a gene whose surroundings hardly differ
cannot be predicted by anyone. Compare methods on the same genes, and gene sets only after this has been taken out."""


def what_goes_with_it(own: pd.DataFrame, caption: str) -> None:
    """own: the run's scores, a row per gene."""
    offered = {name: words for name, words in CHOICES.items() if name in own and own[name].notna().any()}
    if not offered:
        return
    chosen = session.one_of("against", list(offered), next(iter(offered))) or next(iter(offered))
    segments("Score against", offered, "against", chosen)
    draw = partial(explained.score_against, own, chosen, f"Score against {offered[chosen].lower()}")
    figure_card(draw, "against", caption, read=READ, fool=FOOL, table=own[["gene", "pcc", *offered]])
