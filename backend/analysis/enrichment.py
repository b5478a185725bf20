"""Prerank gene-set enrichment (Subramanian 2005) as gseapy computes it, and what its background was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
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
    sizes = {name: len(known.intersection(genes)) for name, genes in sets.items()}
    tested = {name: list(sets[name]) for name, size in sizes.items() if min_size <= size <= MOST_IN_SET}
    if not tested:
        raise UserError(
            f"No gene set has {min_size} to {MOST_IN_SET} of the {len(ranked):,} ranked genes.",
            f"The largest overlap is {max(sizes.values(), default=0)} genes.",
            "Lower the smallest size, choose other gene sets, or check that both use the same gene names.",
        )
    permutations = int(np.clip(_WORK // (len(tested) * len(ranked)), FEWEST_PERMUTATIONS, PERMUTATIONS))
    found = _run(ranked, tested, min_size, permutations, seed, threads)
    table = _table(found, sizes, sets, permutations)
    facts = _facts(ranked, sizes, min_size, permutations, seed)
    return Enrichment(table, _curves(found, table["set"].head(CURVES), ranked), facts)


def _run(  # type: ignore[no-untyped-def]  # gseapy is imported lazily
    ranked: pd.Series, sets: dict[str, list[str]], min_size: int, permutations: int, seed: int, threads: int
):
    import gseapy

    return gseapy.prerank(
        ranked, sets, min_size=min_size, max_size=MOST_IN_SET, permutation_num=permutations, seed=seed, threads=threads,
        outdir=None, no_plot=True,
    ).results  # fmt: skip


def _table(
    found: dict[str, dict[str, object]], sizes: dict[str, int], sets: dict[str, tuple[str, ...]], permutations: int
) -> pd.DataFrame:
    rows = [
        {
            "set": name,
            "nes": row["nes"],
            "es": row["es"],
            "p": row["pval"],
            "fdr": row["fdr"],
            "size": sizes[name],
            "set_size": len(sets[name]),
            "leading_edge": row["lead_genes"],
        }
        for name, row in found.items()
    ]
    table = pd.DataFrame(rows).astype({"nes": float, "es": float, "p": float, "fdr": float})
    # No p that permutation can show is smaller than one in their number; gseapy says 0.
    floor = table["p"].clip(lower=1.0 / (permutations + 1)).fillna(1.0)
    table.insert(5, "fdr_bh", false_discovery_control(floor))
    order = table.assign(size_of=-table["nes"].abs()).sort_values(["fdr", "p", "size_of", "set"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _curves(found: dict[str, dict[str, object]], names: pd.Series, ranked: pd.Series) -> pd.DataFrame:
    parts = []
    for name in names:
        hit = np.zeros(len(ranked), dtype=bool)
        hit[np.asarray(found[name]["hits"], dtype=np.intp)] = True
        part = {"set": name, "rank": np.arange(len(ranked), dtype=np.int32), "gene": ranked.index}
        score = np.asarray(found[name]["RES"], dtype=np.float32)
        parts.append(pd.DataFrame(part | {"metric": ranked.to_numpy(dtype=np.float32), "score": score, "hit": hit}))
    return pd.concat(parts, ignore_index=True).astype({"set": "category", "gene": "category"})


def _facts(ranked: pd.Series, sizes: dict[str, int], min_size: int, permutations: int, seed: int) -> dict[str, object]:
    small = sum(size < min_size for size in sizes.values())
    large = sum(size > MOST_IN_SET for size in sizes.values())
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
            f"{large:,} more than {MOST_IN_SET}. {permutations:,} permutations of the genes, so no "
            f"nominal p below {1 / permutations:.2g} can be told from 0."
        ),
    }
