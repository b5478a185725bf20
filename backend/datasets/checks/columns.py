"""Which columns of the cells say what: type, section, sample, patient, condition."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from backend.datasets.checks.case import Case, count
from backend.datasets.naming.labels import MOST_TYPES

ONE_SECTION = "section 1"
UNKNOWN = "unknown"
_KEPT_COLUMNS = 30

# Normalised names (lower case, letters and digits only), best first. Sections come last: samples may stand in for them.
_NAMES = {
    "type": (
        "celltype", "celltypes", "cellannotation", "annotation", "annotations", "celltypemajor", "majorcelltype",
        "clustername", "cellontologyclass", "celltypeminor", "subclass", "class", "cellclass", "type", "types",
    ),
    "sample": ("sample", "sampleid", "samplename", "libraryid", "library", "origident", "batch"),
    "patient": ("patient", "patientid", "donor", "donorid", "individual", "subject", "subjectid", "mouseid", "animal"),
    "condition": ("condition", "disease", "treatment", "diagnosis", "group", "status", "genotype", "timepoint"),
    "section": ("section", "sectionid", "slice", "sliceid", "tissuesection", "samplesection", "slide", "slideid"),
}  # fmt: skip
_LIKE_TYPES = ("celltype", "annotation", "cellclass", "cellontology")  # somewhere in the name
_CLUSTERS = ("cluster", "clusters", "leiden", "louvain", "seuratclusters", "graphclust")
_LABELS = {name: f"{name.capitalize()}s" for name in _NAMES} | {"type": "Cell types"}
# What an atlas is narrowed down by, in CELLxGENE's words and others': kept before any other column. Normalised names.
_NARROWING = (
    "tissue", "tissuegeneral", "organ", "organism", "disease", "donorid", "donor", "assay", "technology", "platform",
    "developmentstage", "sex", "suspensiontype", "region", "site", "dataset",
)  # fmt: skip
_TAKEN = (*_NAMES, "cell", "_index")  # names with a meaning of their own in our tables
_FIELDS_OF_VIEW = ("fov", "fieldofview", "tile")


def read_columns(case: Case) -> None:
    """Settle the five columns; obs becomes the canonical ones first, then other small columns of the file."""
    found: dict[str, pd.Series] = {}
    wanted = list(_NAMES) if case.role != "reference" else [name for name in _NAMES if name != "section"]
    for name in wanted:
        guess, why = _guess(case, name)
        if name == "section" and not guess:
            guess, why = _guess_section(case, found.get("sample"))
        column, why = case.settle(f"{name}_column", guess, why)
        if column and column not in case.obs:
            listed = ", ".join(map(str, case.obs.columns[:20])) or "none"
            mend = f"Choose one of these with --{name}-column, or leave it out."
            case.refuse(f"{name}-column", f"{column!r} is no column of the cells.", f"There are: {listed}.", mend)
            column = ""
        if column and name == "type" and groups(case.obs[column]) > MOST_TYPES:
            _refuse_type(case, str(column))
            column = ""
        if column:
            found[name], case.columns[name] = _text(case, name, str(column)), str(column)
        if column or name == "type" or (name == "section" and why):
            _ask(case, name, str(column), why, found.get(name))
    if case.role != "reference":
        found["section"] = sections_of(found, case.obs.index)
    case.obs = pd.concat([pd.DataFrame(found, index=case.obs.index), _others(case, found)], axis=1)


def candidates(obs: pd.DataFrame, most: int = MOST_TYPES) -> list[str]:
    """Columns that divide the cells into groups: 1 to `most` values, not measurements."""
    return [str(column) for column in obs if groups(obs[column]) <= min(most, max(1, len(obs) // 2))]


def _guess(case: Case, name: str) -> tuple[str, str]:
    usable = {_plain(column): column for column in reversed(candidates(case.obs))}
    if name != "type":
        return next(((usable[plain], "By its name.") for plain in _NAMES[name] if plain in usable), ("", ""))
    usable = {plain: column for plain, column in usable.items() if groups(case.obs[column]) > 1}
    alike = sorted(plain for plain in usable if any(part in plain for part in _LIKE_TYPES))
    for plain in (*_NAMES[name], *alike, *_CLUSTERS):
        if plain in usable:
            numbered = pd.to_numeric(case.obs[usable[plain]], errors="coerce").notna().all()
            return usable[plain], "By its name." + (" It holds numbers of clusters, not names." if numbered else "")
    return "", ""


def _guess_section(case: Case, sample: pd.Series | None) -> tuple[str, str]:
    """No column is called a section: samples never share one, and fields of view only look like sections."""
    if sample is not None and sample.nunique() > 1:
        return case.columns["sample"], "No column names sections, and two samples never share one."
    views = [column for column in candidates(case.obs, 5000) if _plain(column) in _FIELDS_OF_VIEW]
    if not views or case.coordinates is None:
        return "", ""
    view = views[0]
    labels = np.asarray(case.obs[view], dtype=str)
    n_views = len(np.unique(labels))
    if n_views > 1 and _overlap(case.coordinates, labels):
        return view, f"The fields of view in {view!r} lie on top of each other, each with coordinates of its own."
    fields = count(n_views, "field of view", "fields of view")
    return "", f"{view!r} names {fields} of one slide, not sections: neighbours across a border are neighbours."


def _overlap(coordinates: NDArray[np.float64], labels: NDArray[np.str_]) -> bool:
    """Whether groups occupy the same ground: most cells are about as near to another group as to their own."""
    finite = np.isfinite(coordinates).all(axis=1)
    places, groups = coordinates[finite], labels[finite]
    rows = np.random.default_rng(0).permutation(len(places))[:2000]
    k = min(6, len(places))
    if k < 2:
        return False
    _, near = cKDTree(places).query(places[rows], k=k)
    return float(np.mean(groups[near[:, 1:]] != groups[rows][:, None])) > 0.3


def _text(case: Case, name: str, column: str) -> pd.Series:
    text, missing = tidy_text(case.obs[column])
    if missing:
        what = f"{count(missing, 'cell')} without a {name} in {column!r} are called {UNKNOWN!r}."
        case.say("noted", f"{name}-missing", what)
    return text


def tidy_text(values: pd.Series) -> tuple[pd.Series, int]:
    """Names as text without outer spaces, and how many cells had none: those are called unknown."""
    text = values.astype("string").str.strip()
    missing = text.isna() | text.str.lower().isin(["", "nan", "none", "na"])
    return text.mask(missing, UNKNOWN).astype(object), int(missing.sum())


def _refuse_type(case: Case, column: str) -> None:
    why = f"It holds fractions or more than {MOST_TYPES} different values; a type is a name that many cells share."
    likely = ", ".join(candidates(case.obs)[:10]) or "none here"
    mend = f"--type-column with one of: {likely}."
    case.refuse("type-column", f"{column!r} does not look like cell types.", why, mend)


def _ask(case: Case, name: str, column: str, why: str, values: pd.Series | None) -> None:
    label, options = _LABELS[name], ("", *candidates(case.obs)[:50])
    if values is None and name == "type":
        what = "No column with cell types was found."
        why = why or "Later, types can be transferred from a reference, or cells grouped by expression."
    elif values is None:
        what = "All cells belong to one section."
    else:
        number = values.nunique()
        shown = ", ".join(map(str, values.unique()[:4])) + (", …" if number > 4 else "")
        what = f"{label} are read from {column!r}: {number:,} ({shown})."
    case.ask(f"{name}_column", column, what, why, options)


def sections_of(found: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    """One label per section; a section's name that returns in another sample is another section."""
    if "section" not in found:
        return pd.Series(ONE_SECTION, index=index, dtype=object)
    section, sample = found["section"], found.get("sample")
    if sample is None:
        return section
    if pd.DataFrame({"a": sample, "b": section}).groupby("b")["a"].nunique().max() > 1:
        return sample + " / " + section
    return section


def _others(case: Case, found: dict[str, pd.Series]) -> pd.DataFrame:
    """Up to 30 further columns worth having: numbers, and text with few values; first what narrows an atlas down."""
    used = set(case.columns.values())
    grouping = set(candidates(case.obs))
    kept: dict[str, pd.Series] = {}
    for column in sorted(case.obs, key=lambda name: _plain(name) not in _NARROWING):
        values = case.obs[column]
        numeric = pd.api.types.is_numeric_dtype(values) and values.dtype.kind in "biuf"
        if column in used or len(kept) >= _KEPT_COLUMNS or not (numeric or column in grouping):
            continue
        name = f"file_{column}" if column in _TAKEN else str(column)
        kept[name] = _plain_numbers(values) if numeric else values.astype("string").astype("category")
    return pd.DataFrame(kept, index=case.obs.index)


def _plain_numbers(values: pd.Series) -> pd.Series:
    """Numbers as every table format knows them: no half precision, and fractions where some are missing."""
    wide = {"b": np.bool_, "i": np.int64, "u": np.uint64, "f": np.float64}
    return values.astype(np.float64 if values.isna().any() else wide[values.dtype.kind])


def groups(values: pd.Series) -> float:
    """The number of different values; infinite for measurements (fractions) and what cannot be compared."""
    try:
        if pd.api.types.is_float_dtype(values):
            known = values.dropna().to_numpy()
            if not np.isfinite(known).all() or not np.array_equal(known, np.rint(known)):
                return float("inf")
        return float(values.nunique()) or float("inf")
    except TypeError:
        return float("inf")


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())
