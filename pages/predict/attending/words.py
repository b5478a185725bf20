"""What is said about attention wherever it is drawn."""

from __future__ import annotations

from backend.records import RunRecord

FOOL = """Attention says where the model looked, not why. Genes of high expression come first in what the model reads,
and may be looked at for that alone; the test says which have more than that."""
CURVE_FOOL = """Deleting is not switching a gene off in the tissue: it says what this model's prediction hangs on, not
what makes cells gather. Genes that tell the same story can stand in for each other: a prediction may then stay, though
the model used the gene."""
CURVE = """How far the predicted surroundings move when genes are taken out of what the model read of a cell. 1: as far
as a cell usually is from the mean cell. *Most attended* should lie above *random, detected alike*, or attention
does not show what the prediction hangs on. *First by rank* is what one would guess without any attention. Bars: one
standard error."""
RATIO = """A row is a group of cells. Right of 1, predictions move further without the most attended genes than without
as many others that are detected alike. Orange: q below 0.05 (Benjamini–Hochberg over the groups)."""


def token(run: RunRecord) -> str:
    """What it is whose attention is drawn."""
    if run.config.get("encoder") == "geneformer-v1-10m":
        return "the mean of all genes (this backbone has no summary token)"
    return "the summary token"


def read_bars(who: str) -> str:
    return f"""The longer the bar, the more weight the model gave to the gene, asked from {who}, last layer, mean over
its heads. For a group it is the mean over its cells. The genes are those *in* the cell that the model read, not those
around it."""


def read_chance(who: str) -> str:
    return f"""{read_bars(who)} The tick is what the gene's places alone would give it: weights dealt out anew among
genes of about the same rank in the same cell. Orange: more than that (p below 0.05, corrected for all genes of the
group)."""


def read_heat(kept: int) -> str:
    return f"""A row is a group of cells, a column a gene *in* the cell; the lighter, the more the model looked at it,
on average over the group's cells. Only each group's {kept} strongest genes are kept; the others are drawn as zero."""
