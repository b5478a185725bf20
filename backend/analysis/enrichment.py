"""Prerank gene-set enrichment (Subramanian 2005) as gseapy computes it, and what its background was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from backend.errors import UserError

FEWEST_GENES = 15
MOST_IN_SET = 500
PERMUTATIONS = 1000
FEWEST_PERMUTATIONS = 200
# Permutations x sets x ranked genes: two seconds of one core. Larger questions get fewer permutations, and say so.
_WORK = 700_000_000
CURVES = 40  # sets whose running score is kept


@dataclass(frozen=True)
class Enrichment:
    """table: one row per set tested, lowest FDR first: set, nes, es, p (nominal), fdr (gseapy's, from the null of all
    sets' NES), fdr_bh (Benjamini–Hochberg of the nominal p), size (ranked genes in the set), set_size, leading_edge.
    curves: set, rank, gene, metric, score, hit, of the first sets of the table. facts: the background, in words too.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    facts: dict[str, object]


def prerank(
    metric: pd.Series, sets: dict[str, tuple[str, ...]], *, min_size: int = 5, seed: int = 0, threads: int = 1
) -> Enrichment:
    """metric: one number per gene (its index), higher first. The same seed gives the same numbers, whatever `threads`.

    Raises UserError where fewer than 15 genes are ranked, or no set has `min_size` to 500 genes among them."""
    ranked = metric[np.isfinite(metric)].sort_index().sort_values(ascending=False, kind="stable")
    if len(ranked) < FEWEST_GENES:
        raise UserError(
            f"Only {len(ranked)} genes are ranked.",
            f"Enrichment needs at least {FEWEST_GENES}: with fewer, every set looks like the list itself.",
            "Choose a comparison, or a run, with more genes.",
        )
    known = set(ranked.index)
    held = {name: [gene for gene in dict.fromkeys(genes) if gene in known] for name, genes in sets.items()}
    sizes = {name: len(genes) for name, genes in held.items()}
    # A set of all the ranked genes has no others to be compared with.
    most = min(MOST_IN_SET, len(ranked) - 1)
    tested = {name: genes for name, genes in held.items() if min_size <= len(genes) <= most}
    if not tested:
        raise UserError(
            f"No gene set has {min_size} to {MOST_IN_SET} of the {len(ranked):,} ranked genes.",
            f"The largest overlap is {max(sizes.values(), default=0)} genes.",
            "Lower the smallest size, choose other gene sets, or check that both use the same gene names.",
        )
    permutations = int(np.clip(_WORK // (len(tested) * len(ranked)), FEWEST_PERMUTATIONS, PERMUTATIONS))
    found = _run(ranked, tested, min_size, permutations, seed, threads)
    table = _table(found, ranked, sizes, sets, permutations)
    facts = _facts(ranked, sizes, (min_size, most), permutations, seed)
    return Enrichment(table, _curves(found, table["set"].head(CURVES), ranked), facts)


class _Summary(Protocol):
    """What gseapy's own code found for one set. hits: ranks of the set's genes."""

    term: str
    es: float
    nes: float
    pval: float
    fdr: float
    hits: list[int]


def _run(
    ranked: pd.Series, sets: dict[str, list[str]], min_size: int, permutations: int, seed: int, threads: int
) -> list[_Summary]:
    # What gseapy.prerank itself calls. Its own table holds the running score of every set as a Python list: 7 GB for a
    # whole transcriptome and the GO sets.
    from gseapy.gse import prerank_rs

    genes, values = ranked.index.to_list(), ranked.to_list()
    weight = 1.0  # Subramanian's p
    found = prerank_rs(genes, values, sets, weight, min_size, MOST_IN_SET, permutations, threads, seed)
    return list(found.summaries)


def _table(
    found: list[_Summary],
    ranked: pd.Series,
    sizes: dict[str, int],
    sets: dict[str, tuple[str, ...]],
    permutations: int,
) -> pd.DataFrame:
    metric, genes = np.abs(ranked.to_numpy(dtype=float)), ranked.index.to_numpy(dtype=object)
    rows = [
        {
            "set": row.term,
            "nes": row.nes,
            "es": row.es,
            "p": row.pval,
            "fdr": row.fdr,
            "size": sizes[row.term],
            "set_size": len(sets[row.term]),
            "leading_edge": ";".join(genes[_leading_edge(metric, np.asarray(row.hits, dtype=np.intp), row.es)]),
        }
        for row in found
    ]
    table = pd.DataFrame(rows).astype({"nes": float, "es": float, "p": float, "fdr": float})
    # No p that permutation can show is smaller than one in their number; gseapy says 0.
    floor = table["p"].clip(lower=1.0 / (permutations + 1)).fillna(1.0)
    table.insert(5, "fdr_bh", false_discovery_control(floor))
    order = table.assign(size_of=-table["nes"].abs()).sort_values(["fdr", "p", "size_of", "set"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _running_score(metric: NDArray[np.float64], hits: NDArray[np.intp]) -> NDArray[np.float64]:
    """The score after each of the ranked genes (Subramanian 2005, appendix). metric: sizes of the ranked statistic."""
    total = metric[hits].sum()
    steps = np.full(len(metric), -1.0 / (len(metric) - len(hits)))
    steps[hits] = metric[hits] / total if total > 0 else 1.0 / len(hits)
    return np.cumsum(steps)


def _leading_edge(metric: NDArray[np.float64], hits: NDArray[np.intp], es: float) -> NDArray[np.intp]:
    """The hits up to the peak of the running score, or from its trough on, the last first."""
    score = _running_score(metric, hits)
    return hits[hits <= score.argmax()] if es >= 0 else hits[hits >= score.argmin()][::-1]


def _curves(found: list[_Summary], names: pd.Series, ranked: pd.Series) -> pd.DataFrame:
    metric, hits_of = ranked.to_numpy(dtype=float), {row.term: row.hits for row in found}
    parts = []
    for name in names:
        hits, hit = np.asarray(hits_of[name], dtype=np.intp), np.zeros(len(ranked), dtype=bool)
        hit[hits] = True
        score = _running_score(np.abs(metric), hits).astype(np.float32)
        part = {"set": name, "rank": np.arange(len(ranked), dtype=np.int32), "gene": ranked.index}
        parts.append(pd.DataFrame(part | {"metric": metric.astype(np.float32), "score": score, "hit": hit}))
    return pd.concat(parts, ignore_index=True).astype({"set": "category", "gene": "category"})


def _facts(
    ranked: pd.Series, sizes: dict[str, int], limits: tuple[int, int], permutations: int, seed: int
) -> dict[str, object]:
    min_size, most = limits
    small = sum(size < min_size for size in sizes.values())
    large = sum(size > most for size in sizes.values())
    tied = float(ranked.duplicated(keep=False).mean())
    return {
        "ranked": len(ranked),
        "sets": len(sizes) - small - large,
        "too_small": small,
        "too_large": large,
        "permutations": permutations,
        "seed": seed,
        "tied": round(tied, 4),
        "background": (
            f"Background: the {len(ranked):,} ranked genes, not the genome. Of {len(sizes):,} sets "
            f"{len(sizes) - small - large:,} were tested; {small:,} have fewer than {min_size} of these genes, "
            f"{large:,} more than {most}. {permutations:,} permutations of the genes, so no "
            f"nominal p below {1 / permutations:.2g} can be told from 0."
        ),
    }
