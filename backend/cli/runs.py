"""`runs ...`, `predict`, `export`, `demo`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from backend import api
from backend.cli.answer import Answer, as_facts, as_table, plain
from backend.cli.waiting import finish, settle_types
from backend.methods.contract import Track
from backend.records import JobState, JobStatus, Recipe, RunRecord, StudyRecord

app = typer.Typer(help="Training.", no_args_is_help=True)

Wait = Annotated[bool, typer.Option("--wait", help="Until it is done; works without workers too.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, as `runs list` shows it.")]
Job = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run or of another job.")]


@app.command()
def start(
    study: Annotated[str, typer.Option(help="A study's id or name.")],
    method: Annotated[str, typer.Option(help="Which method.")] = "scxm",
    preset: Annotated[str | None, typer.Option(help="'Quick look', 'Standard' or 'Thorough'.")] = None,
    given: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    region: Annotated[
        bool, typer.Option("--region", help="On a contiguous region chosen for coverage, or the one in use.")
    ] = False,
    track: Annotated[
        Track | None, typer.Option(help="Of an imputation: what is hidden when it is scored; else its usual one.")
    ] = None,
    gene: Annotated[
        list[str] | None, typer.Option(help="Of an imputation: a gene to impute even where not all can be; repeat.")
    ] = None,
    wait: Wait = False,
) -> Answer:
    """Train; what was already trained opens at once."""
    said = _settings(given or [])
    found = api.find_study(study)
    if region and not found.quick:
        found = _with_region(found)
    config = {**(api.preset(method, preset) if preset else {}), **said}
    run = api.start_run(found.id, method, config, seed, quick=region, track=track, genes=tuple(gene or ()))
    if wait:
        settle_types(found.id)
        finish(api.job(run.id))
    return _one(run)


def _with_region(study: StudyRecord) -> StudyRecord:
    """The study with a region of its tissue for a quick look; a small tissue is taken whole."""
    tissue = api.dataset(study.tissue)
    cells = api.quick_look_cells(tissue)
    if cells == tissue.n_cells:
        return study
    types = api.cell_types(study.id, tissue.id).table["type"].astype(str)
    area = api.suggested_region(tissue.id, cells, types.tolist() if len(types) == tissue.n_cells else None)
    made = finish(api.start_version(tissue.id, Recipe(regions=(area,))))
    return api.use_quick_look(study.id, made.result["dataset"])


def _settings(pairs: list[str]) -> dict[str, Any]:
    """KEY=VALUE pairs; a value is read as JSON where it is JSON (numbers, true, lists), as text otherwise."""
    config: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise typer.BadParameter(f"--set takes KEY=VALUE, not {pair!r}")
        try:
            config[key] = json.loads(value)
        except ValueError:
            config[key] = value
    return config


@app.command("list")
def list_all(study: Annotated[str | None, typer.Option(help="Of one study only.")] = None) -> Answer:
    """All runs."""
    found = api.runs(api.find_study(study).id if study else None)
    states = {run.id: api.job(run.id) for run in found}
    lines = [(run.id, run.method, states[run.id].state.value, run.seed, run.split, run.created) for run in found]
    values = [{**run.model_dump(mode="json"), "state": states[run.id].state.value} for run in found]
    return Answer(values, as_table(("id", "method", "state", "seed", "split", "created"), lines, "No run yet."))


@app.command()
def show(run: Job) -> Answer:
    """One run or job: its state, its progress, its scores in words, its error."""
    status = api.job(run)
    return _one(api.run(run)) if api.is_run(run) else _job(status)


@app.command()
def cancel(
    run: Job, keep: Annotated[bool, typer.Option("--keep", help="Stop, and keep what was learnt so far.")] = False
) -> Answer:
    """Stop a run or job."""
    if keep:
        api.stop_run(run)
    else:
        api.cancel_job(run)
    return _job(api.job(run))


@app.command()
def resume(run: Job, wait: Wait = False) -> Answer:
    """Go on from the last checkpoint."""
    status = api.resume_run(run)
    return _job(finish(status) if wait else status)


def _one(run: RunRecord) -> Answer:
    status = api.job(run.id)
    summary = api.summary(run.id) if api.has_result(run.id) else {}
    facts = {"id": run.id, **_progress(status), "seed": run.seed, "split": run.split}
    facts |= {key: value for key, value in summary.items() if isinstance(value, str | int | float)}
    value = {**run.model_dump(mode="json"), **plain(_progress(status)), "error": status.error, "summary": summary}
    return Answer(value, as_facts(facts))


def _job(status: JobStatus) -> Answer:
    return Answer(status, as_facts({"id": status.id, "kind": status.kind, **_progress(status)}))


def _progress(status: JobStatus) -> dict[str, Any]:
    share = status.step / status.steps if status.steps else 0.0
    done = 100 if status.state is JobState.SUCCEEDED else math.floor(100 * share)
    facts = {"state": status.state.value, "stage": status.stage, "done_percent": done, "attempt": status.attempt}
    if place := api.queue_place(status.id):
        facts["queue_place"] = place
    return {**facts, **({"why": status.error.get("what", "")} if status.error else {})}


def predict(
    run: Run, dataset: Annotated[str, typer.Option(help="A data set's id or name.")], wait: Wait = False
) -> Answer:
    """Apply a trained model to another data set."""
    status = api.predict(api.run(run).id, api.find_dataset(dataset).id)
    return _job(finish(status) if wait else status)


def export(
    run: Run,
    out: Annotated[Path, typer.Argument(metavar="OUT.h5ad|OUT.csv|OUT.zarr", help="Written whole, or not at all.")],
) -> Answer:
    """Write the predicted contexts of the reference's cells (h5ad, csv), or the tissue with its imputed genes, their
    intervals and verdicts (h5ad, zarr)."""
    written = api.export_run(run, out)
    return Answer({"id": run, "path": str(written)}, f"Wrote {written}.")


def demo() -> Answer:
    """Make the simulated study."""
    job = finish(api.make_demo())
    study = api.study(job.result["study"])
    return Answer(study, f"The simulated study is {study.name} ({study.id}).")


def register(root: typer.Typer) -> None:
    """The commands that stand at the top."""
    for command in (predict, export, demo):
        root.command()(command)
