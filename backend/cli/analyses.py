"""`niches`, `enrich`, `attention` and `next-panel`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table, rows
from backend.cli.runs import Run, Wait
from backend.cli.waiting import finish
from backend.records import JobStatus

SHOWN = 15


def niches(
    run: Run,
    dataset: Annotated[str, typer.Option(help="The validation tissue or the reference: id or name.")],
    cell_type: Annotated[str, typer.Option("--type", help="The cell type whose cells are split.")],
    gene: Annotated[str, typer.Option(help="The gene whose predicted context splits them.")],
    threshold: Annotated[float | None, typer.Option(help="0 to 1; Otsu of the predictions otherwise.")] = None,
    wait: Wait = False,
) -> Answer:
    """Split one type's cells into isolated and clustered, and test every gene between them."""
    chosen = api.find_dataset(dataset).id
    if wait and (types := api.types_in_use(run, chosen)) != "column":
        finish(api.job(types))
    job = api.start_niche(run, chosen, cell_type, gene, threshold)
    if not wait:
        return _queued(job)
    found = api.niche(finish(job).id)
    return _tables(job.id, found.facts, found.table)


def enrich(
    source: Annotated[str, typer.Argument(metavar="JOB_OR_RUN", help="A niche job, or a run for its scores.")],
    sets: Annotated[str, typer.Option(help="A library's name, or a GMT file.")],
    min_size: Annotated[int, typer.Option(min=2, help="Smallest gene set.")] = 5,
    wait: Wait = False,
) -> Answer:
    """Prerank enrichment of a niche's statistics, or of a run's per-gene scores."""
    kind: Literal["de", "scores"] = "scores" if api.is_run(source) else "de"
    job = api.start_enrichment(source, kind, sets, min_size, trusted=True)
    if not wait:
        return _queued(job)
    found = api.enrichment(finish(job).id)
    return _tables(job.id, found.facts, found.table)


def attention(
    run: Run,
    cells: Annotated[int | None, typer.Option(help="Of the reference; 600, or 60 for a published backbone.")] = None,
    seed: Annotated[int, typer.Option(help="Draws the cells, the null and the random genes.")] = 0,
    wait: Wait = False,
) -> Answer:
    """Test what a model looks at. More than rank explains, and do predictions hang on it?"""
    job = api.context.start_attention_test(run, cells, seed)
    if not wait:
        return _queued(job)
    found = api.context.attention_test(finish(job).id)
    groups = found.tables["groups"]
    shown = groups[groups["k"] == found.facts["k"]].drop(columns="k")
    columns = ["by", "group", "n", "attended", "random", "first", "ratio", "p", "q"]
    told = "\n".join(found.facts["verdict"])
    head = f"Without {found.facts['k']} genes\n" if len(shown) else ""
    listed = as_table(columns, shown[columns].itertuples(index=False), "Nothing could be tested.")
    whole = {"id": job.id, "facts": found.facts, "groups": rows(groups), "genes": rows(found.tables["genes"])}
    return Answer(whole, f"{job.id}\n{told}\n\n{head}{listed}")


def next_panel(
    study: Annotated[str, typer.Argument(help="An id, or a name that only one has.")],
    count: Annotated[int, typer.Option(min=5, max=100, help="How many genes to propose.")] = 40,
    seed: Annotated[int, typer.Option(help="Draws the halves of the panel that the rule is tested on.")] = 0,
) -> Answer:
    """Say which genes to measure next, and what such a choice was worth where the answer is known."""
    job = finish(api.imputed.start_next_panel(api.find_study(study).id, count, seed))
    found = api.imputed.next_panel(job.id)
    plain = {"id": job.id} | {key: value for key, value in found.facts.items() if not isinstance(value, dict)}
    against = found.facts.get("against", {})
    tests = as_table(
        ("against", "rule", "other", "difference", "genes", "p"),
        [(name, *row.values()) for name, row in against.items()],
        str(found.facts.get("why_not", "")),
    )
    heads = ("rank", "gene", "gain", "open", "detection_reference", "nearest", "nearest_r")
    listed = as_table(heads, found.genes[list(heads)].itertuples(index=False), "No gene.")
    return Answer(
        {"id": job.id, "facts": found.facts, "genes": rows(found.genes)}, f"{as_facts(plain)}\n\n{tests}\n\n{listed}"
    )


def _queued(job: JobStatus) -> Answer:
    return Answer(job, f"{job.id}: {job.state.value}")


def _tables(job_id: str, facts: dict[str, Any], table: Any) -> Answer:
    head = table.head(SHOWN)
    shown = as_table(head.columns, head.itertuples(index=False), "Nothing could be tested.")
    plain_facts = {"id": job_id} | {key: value for key, value in facts.items() if not isinstance(value, list | dict)}
    return Answer({"id": job_id, "facts": facts, "table": rows(table)}, f"{as_facts(plain_facts)}\n\n{shown}")


def register(root: typer.Typer) -> None:
    """The commands that stand at the top."""
    for command in (niches, enrich, attention, next_panel):
        root.command()(command)
