"""A run's score beside those of the simple methods, on the same split."""

from __future__ import annotations

from typing import Any

import pandas as pd

from backend.api._results import scores, summary


def compared(run_id: str) -> pd.DataFrame:
    """One row per method, best first: method, median (of the genes' correlations, the cell itself left out), low and
    high (95 %, genes drawn again), block_low and block_high (blocks of the tissue drawn again; NaN in older runs),
    quarter and three_quarters, with_self (the median with the cell itself in its surroundings), best_gene, best, genes,
    excluded, constant."""
    from backend.evaluation.context.scored import gene_interval
    from backend.evaluation.scores import medians

    table, told = scores(run_id), summary(run_id)
    blocks = told.get("block_intervals", {})
    found = {(row["method"], row["self_loop"]): row for row in medians(table)}
    rows: list[dict[str, Any]] = []
    for (method, loop), row in found.items():
        if loop or row["pcc"] is None:
            continue
        own = table[(table["method"] == method) & ~table["self_loop"]]
        ends = gene_interval(own["pcc"].to_numpy(), int(told.get("seed", 0))) or [float("nan")] * 2
        block = blocks.get(method) or [float("nan")] * 2
        rows.append({
            "method": method, "median": row["pcc"], "low": ends[0], "high": ends[1],
            "block_low": block[0], "block_high": block[1],
            "quarter": row["pcc_low"], "three_quarters": row["pcc_high"],
            "with_self": found[method, True]["pcc"] if (method, True) in found else None,
            "best_gene": row["best_gene"], "best": row["best_pcc"],
            "genes": row["genes"], "excluded": row["excluded"], "constant": row["constant"],
        })  # fmt: skip
    rows.sort(key=lambda row: -float(row["median"]))
    return pd.DataFrame(rows)
