"""SCXM and every comparator on the simulated demo, several seeds, with and without self-loop: a table, and JSON.

    python -m benchmarks.context_demo [--seeds 0 1 2] [--set epochs=60 ...] [--home FOLDER]

The demo's own seed is 0; `--seeds` are those of the runs. Each run is made by the same road as from the pages, twice:
scored on the high-plex validation section, and without it on halves of the tissue. Scores are the median over panel
genes of the Pearson correlation, mean and s.d. over seeds; comparators without randomness have none.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from backend import api
from backend.records import JobState

OUT = Path(__file__).resolve().parent / "out" / "context_demo.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of SCXM")
    parser.add_argument("--home", help="keep the data and the runs here, and use what is there already")
    asked = parser.parse_args()
    config = {key: yaml.safe_load(value) for key, _, value in (part.partition("=") for part in asked.set)}
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["RESITU_HOME"] = asked.home or temporary
        measured = [row for study_id in make_studies() for seed in asked.seeds for row in score(study_id, config, seed)]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"config": config, "seeds": asked.seeds, "rows": measured}, indent=1))
    print(summarise(pd.DataFrame(measured)).to_string())
    print(f"\n{OUT}")


def make_studies() -> tuple[str, str]:
    """The demo's study, and one of the same data without the validation section."""
    made = finish(api.make_demo().id)
    name = "Demo without validation (simulated)"
    known = [study.id for study in api.studies() if study.name == name]
    return made["study"], known[0] if known else api.create_study(name, made["tissue"], made["reference"]).id


def score(study_id: str, config: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """One row per method and self-loop of one run."""
    run = api.start_run(study_id, "scxm", config, seed)
    finish(run.id)
    found = api.summary(run.id)
    about = {"split": run.split, "seed": seed, "seconds": found["seconds"], "ceiling": found["ceiling"]}
    print(f"{run.split}, seed {seed}, {found['seconds']} s: {found['verdict']}", flush=True)
    return [about | row for row in found["medians"]]


def finish(job_id: str) -> dict[str, Any]:
    done = api.wait(job_id)
    if done.state is not JobState.SUCCEEDED:
        raise SystemExit(f"{job_id} ended {done.state}: {done.error}")
    return done.result


def summarise(measured: pd.DataFrame) -> pd.DataFrame:
    """Rows: split, self-loop and method. Columns: mean, s.d. over seeds, interquartile range over genes."""
    groups = measured.groupby(["split", "self_loop", "method"], sort=False)
    return groups.agg(
        median_r=("pcc", "mean"), sd_seeds=("pcc", "std"), low=("pcc_low", "mean"), high=("pcc_high", "mean"),
        srcc=("srcc", "mean"), ceiling=("ceiling", "mean"), constant=("constant", "max"),
    ).round(3)  # fmt: skip


if __name__ == "__main__":
    main()
