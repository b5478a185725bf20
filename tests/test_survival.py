"""A real training killed in the middle goes on above step 0, and ends with the weights of an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.records import JobStatus
from backend.settings import PROJECT
from backend.store import index
from tests.cli.test_road import GENES, made_up

STEPS = ("--set", "epochs=20", "--set", "decoder_epochs=2", "--set", "sigma_um=30", "--set", "hidden=64")


def call(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ, "RESITU_HOME": str(home), "RESITU_THREADS": "1", "RESITU_CHECKPOINT_SECONDS": "0.2"
    }  # fmt: skip
    command = [sys.executable, "-m", "backend", *arguments, "--json"]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    return json.loads(out)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    tissue, reference = made_up(500, GENES, 0), made_up(300, GENES, 1)
    tissue.obsm["spatial"] = rng.uniform(0, (900, 300), (500, 2))
    paths = {"tissue": str(folder / "tissue.h5ad"), "reference": str(folder / "reference.h5ad")}
    tissue.write_h5ad(paths["tissue"])
    reference.write_h5ad(paths["reference"])
    return paths


def study(home: Path, files: dict[str, str]) -> None:
    for role, path in files.items():
        unit = ("--unit", "um") if role == "tissue" else ()
        answer(call(home, "datasets", "add", path, "--role", role, "--species", "human", *unit))
    answer(call(home, "studies", "create", "--name", "s", "--tissue", "tissue", "--reference", "reference"))


def train(home: Path) -> subprocess.Popen[str]:
    return call(home, "runs", "start", "--study", "s", "--method", "scxm", "--seed", "1", *STEPS, "--wait")


def weights(home: Path, run: str) -> dict[str, bytes]:
    folder = home / "jobs" / run / "result" / "fits"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("weights.safetensors")}


def metrics(home: Path) -> list[dict[str, Any]]:
    found = [line for path in home.glob("jobs/scxm-*/metrics.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in found if line.endswith("}")]


def job(home: Path, job_id: str, monkeypatch: pytest.MonkeyPatch) -> JobStatus:
    monkeypatch.setenv("RESITU_HOME", str(home))
    return index.get(JobStatus, job_id)


def saved_while_the_encoder_learns(home: Path) -> bool:
    saved = list(home.glob("jobs/scxm-*/checkpoint/*/checkpoint.safetensors"))
    return bool(saved) and any("consistency" in line for line in metrics(home))


@pytest.mark.slow
def test_kill_9_in_mid_training(files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for home in (calm, killed):
        study(home, files)
    whole = answer(train(calm))

    process = train(killed)
    deadline = time.monotonic() + 120
    while not saved_while_the_encoder_learns(killed):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (lease,) = killed.glob("jobs/scxm-*/lease.json")
    os.kill(json.loads(lease.read_text())["pid"], signal.SIGKILL)
    resumed = answer(process)

    assert resumed["id"] == whole["id"]
    assert resumed["state"] == "succeeded"
    assert (whole["attempt"], resumed["attempt"]) == (1, 2)
    undisturbed, second = job(calm, whole["id"], monkeypatch), job(killed, whole["id"], monkeypatch)
    assert undisturbed.first_step == 0
    assert 0 < second.first_step < second.steps == undisturbed.steps
    assert min(line["step"] for line in metrics(killed) if line["attempt"] == 2) >= second.first_step
    assert len(weights(calm, whole["id"])) >= 1
    assert weights(killed, resumed["id"]) == weights(calm, whole["id"])


@pytest.mark.slow
def test_the_same_run_started_twice_at_once_trains_once(files: dict[str, str], tmp_path: Path) -> None:
    study(tmp_path, files)
    one, two = train(tmp_path), train(tmp_path)
    first, second = answer(one), answer(two)
    assert first["id"] == second["id"]
    assert {first["state"], second["state"]} == {"succeeded"}
    assert (first["attempt"], second["attempt"]) == (1, 1)
    assert {line["attempt"] for line in metrics(tmp_path)} == {1}
