"""How fast it is: `make bench`. One table, and JSON in benchmarks/out/bench.json. Some minutes on two cores.

    python -m benchmarks [--home FOLDER]

Every job goes the road of the command line in a data root of its own, each in a child process. docs/benchmarks.md says
what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

from backend.records import now
from benchmarks import demo, imputation_speed, large, pages, processes, scxm_backbone
from benchmarks.measured import Row

OUT = Path(__file__).resolve().parent / "out" / "bench.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", help="keep the data here; it must be new, for what is done already takes no time")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    about = {
        "made": now(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": os.getloadavg(),
    }
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["RESITU_HOME"] = asked.home or f"{temporary}/home"
        rows += show(processes.measure()) + show(demo.measure()) + show(imputation_speed.measure(Path(temporary)))
        for some in scxm_backbone.measure():
            rows += show(some)
        made, took = large.make(Path(temporary))
        rows += show(took) + show(large.read(made)) + show(pages.measure(made))
    about["load_after"] = os.getloadavg()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(about | {"rows": [asdict(row) | {"verdict": row.verdict} for row in rows]}, indent=1))
    missed = [row.what for row in rows if row.verdict == "MISSED"]
    before, after = (", ".join(f"{part:.1f}" for part in about[f"load_{when}"]) for when in ("before", "after"))  # type: ignore[union-attr]
    print(f"\n{about['cores']} cores; load (1, 5, 15 min) before {before}, after {after}. Goals missed: {len(missed)}")
    print(OUT)


def show(rows: list[Row]) -> list[Row]:
    """Print as soon as it is known."""
    for row in rows:
        goal = f"< {row.goal:g}" if row.goal is not None else ""
        print(f"{row.what:70s} {row.value:9.2f} {row.unit:3s} {goal:>6s} {row.verdict:7s} {row.note}", flush=True)
    return rows


if __name__ == "__main__":
    main()
