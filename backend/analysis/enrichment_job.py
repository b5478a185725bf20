"""Job handler: gene-set enrichment of a niche's statistics, or of a run's per-gene scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend.analysis import gene_sets
from backend.analysis.enrichment import prerank
from backend.datasets.orthologues import kept, map_species
from backend.errors import UserError
from backend.records import DatasetRecord, JobStatus, RunRecord
from backend.store import index, layout, matrix
from backend.training.job import Job

RANKED_BY = {
    "de": "Wilcoxon’s z, clustered against isolated: positive sets are higher in clustered cells",
    "scores": "Pearson’s r per gene: what the model predicts well, not what is up",
}


def enrich(params: dict[str, Any], job: Job) -> dict[str, Any]:
    """params: source (a niche job for kind "de", a run for "scores"), kind, gene_sets (library or path), min_size.

    Writes `table.parquet`, `curves.parquet` and `facts.json` and returns those facts."""
    job.stage("ranking the genes")
    sets = gene_sets.load(params["gene_sets"])
    table, record, orthologues = _source(params["source"], params["kind"])
    names, words = _names(table["gene"].astype(str).tolist(), record, sets, kept(orthologues))
    column = "z" if params["kind"] == "de" else "pcc"
    metric, merged = _by_name(table[column], names)
    job.report(1, 3)
    job.stage("testing gene sets")
    seed, min_size = int(params.get("seed", 0)), int(params["min_size"])
    found = prerank(metric, sets.sets, min_size=min_size, seed=seed, threads=job.threads)
    job.report(2, 3)
    facts: dict[str, Any] = {
        "ranked_by": RANKED_BY[params["kind"]],
        "names": words,
        "library": sets.name,
        **found.facts,
    }
    warnings, told = list(sets.notes), found.table
    if merged:
        warnings.append(f"{merged:,} genes share a name with another; the one with the larger statistic was ranked.")
    if params["kind"] == "scores":
        left, explained = without_trend(table)
        metric, _ = _by_name(left, names)
        adjusted = prerank(metric, sets.sets, min_size=min_size, seed=seed, threads=job.threads)
        again = adjusted.table.set_index("set")[list(ADJUSTED)].add_suffix("_adjusted")
        told = told.join(again, on="set")
        adjusted.curves.to_parquet(job.result / "curves_adjusted.parquet", index=False)
        facts["explained"] = explained
        warnings.append(SCORES_WARNING.format(explained=explained))
    facts["warnings"] = warnings
    told.to_parquet(job.result / "table.parquet", index=False)
    found.curves.to_parquet(job.result / "curves.parquet", index=False)
    layout.write_json(job.result / "facts.json", facts)
    job.report(3, 3)
    return facts


ADJUSTED = ("nes", "p", "fdr", "fdr_bh", "leading_edge")
SCORES_WARNING = (
    "Scores follow how much a gene's context varies, and sets of variable genes rise for that alone: spread of the "
    "context and detection explain {explained:.0%} of the differences between genes. The adjusted columns rank what is "
    "left of each score."
)


def _source(source: str, kind: str) -> tuple[pd.DataFrame, DatasetRecord, str | None]:
    """The table to rank (a row per gene), the data set whose gene names it uses, and the study's orthologues."""
    folder = layout.result_folder(source)
    if kind == "de":
        niche = index.get(JobStatus, source).params
        table, record = pd.read_parquet(folder / "table.parquet"), index.get(DatasetRecord, niche["dataset"])
        return table, record, index.get(RunRecord, niche["run"]).orthologues
    run = index.get(RunRecord, source)
    scores = pd.read_parquet(folder / "scores.parquet")
    own = scores[(scores["method"] == run.method) & ~scores["self_loop"].astype(bool)]
    record = index.get(DatasetRecord, run.tissue)
    return own.dropna(subset=["pcc"]).reset_index(drop=True), record, run.orthologues


def _names(
    genes: list[str], record: DatasetRecord, sets: gene_sets.GeneSets, orthologues: Path | None = None
) -> tuple[list[str], str]:
    """Each gene's name as the sets spell it, and how it was found, in words.

    Symbols as the data have them, or those of the one-to-one orthologues, whichever the sets know more of; case does
    not count."""
    table = matrix.var(record.id)
    symbol = table["symbol"].fillna("").astype(str) if "symbol" in table else pd.Series("", index=table.index)
    known = dict(zip(table.index.astype(str), symbol))
    plain = [known.get(gene) or gene for gene in genes]
    spelled = {gene.casefold(): gene for members in sets.sets.values() for gene in members}
    other = "human" if record.species == "mouse" else "mouse"
    partner = map_species(plain, record.species, other, orthologues)  # type: ignore[arg-type]
    crossed = [partner.get(name, "") for name in plain]
    direct = sum(name.casefold() in spelled for name in plain)
    through = sum(name.casefold() in spelled for name in crossed)
    if not direct and not through:
        raise UserError(
            "None of the ranked genes is in these gene sets.",
            f"Genes here: {_some(plain)}; in the sets: {_some(list(spelled.values()))}.",
            "Choose gene sets with symbols of the same species.",
        )
    # Matching a mouse symbol to a human one by its letters guesses; the orthologue is known, so it wins a near tie.
    if through > direct or (record.species == "mouse" and _capitals(spelled) and through >= 0.8 * direct):
        found = f"{through:,} of {len(genes):,} in the sets"
        words = f"{record.species} symbols through their one-to-one {other} orthologues ({found})"
        return [spelled.get(name.casefold(), name) or gene for name, gene in zip(crossed, genes)], words
    words = f"symbols as the data have them, whatever their case ({direct:,} of {len(genes):,} in the sets)"
    return [spelled.get(name.casefold(), name) for name in plain], words


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + " …"


def _capitals(spelled: dict[str, str]) -> bool:
    """Whether the sets are written as human symbols are."""
    return sum(name.isupper() for name in spelled.values()) > len(spelled) / 2


def _by_name(values: pd.Series, names: list[str]) -> tuple[pd.Series, int]:
    """One number per name: the one of largest size, where several genes share it; and how many were so set aside."""
    named = pd.Series(values.to_numpy(dtype=float), index=names).dropna()
    kept = named.iloc[np.argsort(-named.abs().to_numpy(), kind="stable")]
    kept = kept[~kept.index.duplicated()]
    return kept, len(named) - len(kept)


def without_trend(scores: pd.DataFrame) -> tuple[pd.Series, float]:
    """scores: pcc, context_sd and detection, a row per gene. What is left of pcc after a linear trend with the ranks of
    the other two, and the share of its variance that the trend explains."""
    ranks = scores[["context_sd", "detection"]].rank(pct=True).fillna(0.5).to_numpy()
    design = np.column_stack([np.ones(len(scores)), ranks])
    values = scores["pcc"].to_numpy(dtype=float)
    left = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    spread = float(values.var())
    return pd.Series(left), 1.0 - float(left.var()) / spread if spread > 0 else 0.0
