"""Cell groups as Xenium Explorer reads and writes them: a CSV with the columns cell_id, group and perhaps color."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from backend.datasets.naming.found import UNSURE, Found
from backend.datasets.naming.labels import MOST_TYPES, clean, fault, guarded, unguarded
from backend.datasets.safety.streams import open_bytes
from backend.errors import DataError
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from backend.training.job import Job

MOST_MB = 256
MOST_COLUMNS = 1000
_IDS = ("cell_id", "cellid", "cell", "barcode")
_GROUPS = ("group", "cluster", "cell_type", "celltype", "type", "annotation", "cell_group")
_COLOURS = ("color", "colour")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_EXAMPLES = 3


def by_groups(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: path, and a stamp of the file. Cells that the file does not name are "unsure"."""
    path = Path(params["path"])
    job.stage(f"reading {path.name}")
    table = read_groups(path)
    cells = matrix.obs(record.id, []).index.astype(str)
    known = table[table.index.isin(cells)]
    if known.empty:
        raise DataError(
            f"No cell of {path.name} is in {record.name!r}.",
            f"{len(table):,} ids of the file look like {_listed(table.index)}; {len(cells):,} of the data like "
            f"{_listed(cells)}.",
            "Export the groups for the same run of the instrument, or write the ids as the data have them.",
        )
    groups = known["group"].reindex(cells)
    types = groups.fillna(UNSURE).to_numpy(dtype=object)
    facts: dict[str, Any] = {
        "types": int(known["group"].nunique()), "matched": len(known),
        "in_file_only": len(table) - len(known), "in_data_only": len(cells) - len(known),
    }  # fmt: skip
    if "colour" in known:
        facts["colours"] = known.drop_duplicates("group").set_index("group")["colour"].dropna().to_dict()
    source = (
        f"Read from {path.name}: {facts['matched']:,} cells matched, {facts['in_file_only']:,} only in the file, "
        f"{facts['in_data_only']:,} only in the data (unsure)."
    )
    return Found(types, np.full(len(types), np.nan, dtype=np.float32), source, facts)


def read_groups(path: Path) -> pd.DataFrame:
    """The groups by cell id: group and, where the file has colours, colour (None where it is no "#rrggbb"). Lines that
    begin with "#" above the heading are skipped. Raises `DataError` with everything that is wrong."""
    table = _table(path)
    ids, groups, colours = (_column(table, names) for names in (_IDS, _GROUPS, _COLOURS))
    if ids is None or groups is None:
        raise DataError(
            f"{path.name} is no file of cell groups.",
            f"Its columns: {', '.join(map(str, table.columns[:8])) or 'none'}.",
            "Give it the columns cell_id and group, as Xenium Explorer writes them.",
        )
    found = pd.DataFrame({"group": table[groups].map(lambda name: unguarded(clean(name)))})
    if colours is not None:
        found["colour"] = table[colours].str.strip().where(lambda hexes: hexes.str.fullmatch(_HEX), None)
    found.index = pd.Index(table[ids].str.strip(), name="cell")
    found = found[(found["group"] != "") & (found.index != "")]
    faults = _faults(found) if len(found) else ["It names no cell."]
    if faults:
        raise DataError(f"{path.name} cannot be used.", " ".join(faults), "Mend the file and import it again.")
    return found[~found.index.duplicated()]


def _table(path: Path) -> pd.DataFrame:
    """All columns as text: an id 007 and a group "NA" stay what they are."""
    try:
        with open_bytes(path, MOST_MB) as stream:
            text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text in UTF-8.", mend="Save it as CSV in UTF-8.") from error
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be unpacked.", f"{error}", "Copy it again, or unpack it first.") from error
    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.strip() and line[0] != "#"), len(lines))
    body = "".join(lines[start:])
    if not body:
        raise DataError(f"{path.name} is empty.", mend="Export the cell groups again.")
    if "\0" in body:
        raise DataError(f"{path.name} is no text: it holds NUL characters.", mend="Save it as CSV in UTF-8.")
    heading = body.split("\n", 1)[0]
    separator = max(",\t;", key=heading.count)
    columns = heading.count(separator) + 1
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{path.name} is no file of cell groups: it has {columns:,} columns.",
            mend="Give it the columns cell_id and group, as Xenium Explorer writes them.",
        )
    try:
        return pd.read_csv(io.StringIO(body), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path.name} is not one table.", f"{error}".strip(), "Save it as CSV.") from error


def _column(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    plain = {str(column).strip().lower().replace(" ", "_"): str(column) for column in reversed(list(table.columns))}
    return next((plain[name] for name in names if name in plain), None)


def _faults(found: pd.DataFrame) -> list[str]:
    names = found["group"].unique()
    faults = [told for name in names[: MOST_TYPES + 1] if (told := fault(name))]
    if len(names) > MOST_TYPES:
        faults.append(f"It holds {len(names):,} groups; {MOST_TYPES} are the most that names can be.")
    once = found[~found.reset_index().duplicated(["cell", "group"]).to_numpy()]
    twice = once.index[once.index.duplicated()].unique()
    if len(twice):
        faults.append(f"{len(twice):,} cells stand in two groups, such as {_listed(twice)}.")
    return faults


def _listed(ids: pd.Index) -> str:
    return ", ".join(repr(str(name)) for name in ids[:_EXAMPLES])


def write_groups(cells: pd.Series, colours: Mapping[str, str]) -> bytes:
    """cells: the type by cell id. The CSV, with colours where every type has one. What a spreadsheet would take for a
    formula begins with an apostrophe, which `read_groups` takes away again."""
    names = cells.astype(str)
    coloured = bool(len(names)) and set(names.unique()) <= set(colours)
    told = {name: [guarded(name), *([colours[name]] if coloured else [])] for name in names.unique()}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["cell_id", "group", *(["color"] if coloured else [])])
    writer.writerows([cell, *told[name]] for cell, name in zip(names.index, names))
    return out.getvalue().encode()
