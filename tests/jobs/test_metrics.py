import json

from backend.jobs.metrics import metrics
from backend.store.layout import job_folder


def write(*rows, tail=""):
    folder = job_folder("toy-1")
    folder.mkdir(parents=True)
    lines = [
        json.dumps({"time": "t", "attempt": attempt, "fit": fit, "step": step, "steps": 9, "loss": loss})
        for attempt, fit, step, loss in rows
    ]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n" + tail)


def test_nothing_reported_yet():
    assert metrics("toy-1").empty
    assert list(metrics("toy-1").columns) == ["time", "attempt", "fit", "step", "steps"]


def test_torn_last_line_is_left_out():
    write((1, "", 1, 0.5), (1, "", 2, None), tail='{"time": "t", "att')
    table = metrics("toy-1")
    assert table["step"].tolist() == [1, 2]
    assert table["loss"].isna().tolist() == [False, True]


def test_steps_done_again_replace_the_lost_ones():
    lost = [(1, "left", 1, 0.9), (1, "left", 2, 0.8), (1, "left", 3, 0.7)]
    again = [(2, "left", 2, 0.81), (2, "left", 3, 0.71), (2, "right", 1, 0.9)]
    write(*lost, *again)
    table = metrics("toy-1")
    assert table[["fit", "step", "loss"]].to_numpy().tolist() == [
        ["left", 1, 0.9],
        ["left", 2, 0.81],
        ["left", 3, 0.71],
        ["right", 1, 0.9],
    ]
