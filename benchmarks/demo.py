"""The demo on its way through: made, trained, split into niches, tested for gene sets."""

from __future__ import annotations

from typing import Literal

from backend import api
from benchmarks.measured import Row, do_job

TYPE, GENE = "Tumour", "EPCAM"


def measure() -> list[Row]:
    """Times are wall, with process start; the notes tell them apart. Goals are the issue's."""
    made = do_job(api.make_demo)
    demo, rows = made.status.result, [made.row("Demo made", 20)]
    run = do_job(lambda: api.job(api.start_run(demo["study"], "scxm", {}).id))
    rows.append(run.row("SCXM on the demo, Standard, comparators included", 120))
    rows.append(Row("SCXM on the demo, peak memory", run.peak_gb, "GB"))
    for part in ("reference", "validation"):
        niche = do_job(lambda where=demo[part]: api.start_niche(run.status.id, where, TYPE, GENE))  # type: ignore[misc]
        rows.append(niche.row(f"DE between niches of the demo’s {part} ({niche.status.result['cells']:,} cells)", 5))
    for kind, source in (("de", niche.status.id), ("scores", run.status.id)):
        rows.append(_gene_sets(source, kind))  # type: ignore[arg-type]
    return rows


def _gene_sets(source: str, kind: Literal["de", "scores"]) -> Row:
    found = do_job(lambda: api.start_enrichment(source, kind, api.gene_set_libraries()[0]))
    facts = found.status.result
    return found.row(f"GSEA over {kind} ({facts['ranked']:,} genes, {facts['sets']:,} sets)", 5)
