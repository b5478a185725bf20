"""What the rows of a matrix are: genes of a species, by symbol or Ensembl id, each once; controls set aside."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.checks import species
from backend.datasets.checks.case import Case, count
from backend.datasets.expression import linear
from backend.datasets.genes import ENSEMBL, ensembl_ids, symbols

# Names that instruments give to what is not a gene. Real genes come close (NEGR1, ERCC1): hence the anchors.
_CONTROLS = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"^neg(ative)?[-_. ]?(prb|prob|control|ctrl)", "negative control"),
        (r"^negative[-_. ]?\d+$", "negative control"),
        (r"^negcontrolcodeword|^(unassigned|deprecated)[-_ ]?codeword", "codeword"),
        (r"^blank([-_. ]?\d+$|[-_])", "blank"),
        (r"^false[-_]?code", "false code"),
        (r"^system[-_]?control", "system control"),
        (r"^(genomic|intergenic)[-_]?(control|region)", "genomic control"),
        (r"^antisense[-_]", "antisense"),
        (r"^ercc-\d{5}", "spike-in"),
        (r"^(control|custom_?blank)[-_ ]?(probe|codeword)", "negative control"),
        (r"^(nan|<na>|none)?$", "unnamed"),
    )
)
_BACKGROUND = re.compile("control|codeword|blank|false|antisense")  # not spike-ins and antibodies: those were added
_GENE_TYPES = ("gene expression", "gene", "genes", "rna", "")
_SYMBOL_COLUMNS = (
    "symbol",
    "gene_symbol",
    "gene_symbols",
    "gene_name",
    "gene_names",
    "feature_name",
    "gene_short_name",
)
_ENSEMBL_COLUMNS = ("ensembl", "ensembl_id", "gene_ids", "gene_id", "ensembl_ids", "feature_id", "id")
_DATE = re.compile(r"^\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)$", re.IGNORECASE)


def control_kind(name: str) -> str | None:
    """What kind of control a feature's name announces; None for a gene."""
    for pattern, kind in _CONTROLS:
        if pattern.search(name):
            # "NegControlCodeword" is both: the later, narrower word wins.
            return "codeword" if "codeword" in name.lower() else kind
    return None


def read_features(case: Case) -> None:
    """Set controls aside, settle ids and species, name genes by symbol where possible, sum duplicates."""
    names = pd.Series(case.features.index.astype(str)).str.strip()
    case.features = case.features.set_axis(pd.Index(names), axis=0)
    _set_aside(case)
    if not len(case.features):
        case.genes = pd.DataFrame({"symbol": [], "ensembl": []}, index=pd.Index([], name="gene"))
        return
    names = pd.Series(case.features.index)
    _settle_ids(case, names)
    _settle_species(case, names)
    _name_genes(case, names)
    dates = [name for name in case.genes.index if _DATE.match(name)]
    if dates:
        what = f"{count(len(dates), 'gene name')} became dates in a spreadsheet ({', '.join(dates[:3])})."
        mend = "Mend them in the file (SEPTIN2, MARCHF1, …)."
        case.say("noted", "dates", what, "They will match no other data set.", mend)


def _set_aside(case: Case) -> None:
    names = list(case.features.index)
    types = case.features.get("feature_types", pd.Series("", index=case.features.index)).astype(str).str.lower()
    kinds = [None if kind in _GENE_TYPES else kind for kind in types]
    kinds = [kind or control_kind(name) for kind, name in zip(kinds, names)]
    genes = np.array([kind is None for kind in kinds], dtype=bool)
    totals = np.asarray(case.values.sum(axis=0), dtype=np.float64).ravel()
    rows = [(name, kind, float(total)) for name, kind, total in zip(names, kinds, totals) if kind]
    rows += [(name, control_kind(name) or "control", float(total)) for name, total in case.raw.excluded.items()]
    case.excluded = pd.DataFrame(rows, columns=["name", "kind", "total"])
    if rows:
        listed = ", ".join(f"{number} {kind}" for kind, number in case.excluded["kind"].value_counts().items())
        what = f"{count(len(rows), 'feature')} set aside that are no genes: {listed}."
        case.say("mended", "controls", what, f"By name or type: {', '.join(name for name, *_ in rows[:4])}.")
    background = np.array([bool(kind and _BACKGROUND.search(kind)) for kind in kinds], dtype=bool)
    if case.raw.controls is not None:
        case.controls = case.raw.controls[case.rows]
    if background.any():
        own = np.asarray(linear(case.values[:, background], case.scale).sum(axis=1), dtype=np.float64).ravel()
        case.controls = own if case.controls is None else case.controls + own
    case.values, case.features = case.values[:, genes], case.features[genes]


def _settle_ids(case: Case, names: pd.Series) -> None:
    share = float(names.str.upper().str.match(ENSEMBL).mean())
    guess = "ensembl" if share > 0.5 else "symbol"
    why = f"{share:.0%} of the names are Ensembl ids, such as {names.iloc[0]}."
    if guess == "symbol":
        why = f"The names look like symbols: {', '.join(names[:3])}."
    case.gene_ids, why = case.settle("gene_ids", guess, why)
    what = "Genes are named by Ensembl ids." if case.gene_ids == "ensembl" else "Genes are named by symbols."
    case.ask("gene_ids", case.gene_ids, what, why, ("symbol", "ensembl"))


def _settle_species(case: Case, names: pd.Series) -> None:
    guess, why = species.guess(names, _column(case.features, _ENSEMBL_COLUMNS, ENSEMBL))
    case.species, why = case.settle("species", guess, why)
    case.ask("species", case.species, f"The species is {case.species}.", why, ("human", "mouse"))


def _name_genes(case: Case, names: pd.Series) -> None:
    """The index becomes symbols where they can be known; an Ensembl id that has none stays."""
    named = _column(case.features, _SYMBOL_COLUMNS)
    ensembl = _column(case.features, _ENSEMBL_COLUMNS, ENSEMBL)
    if case.gene_ids == "ensembl":
        ensembl = names.str.upper().str.split(".").str[0]
        table = symbols(case.species)
        known = ensembl.map(table) if named is None else named.where(named.str.len() > 0, ensembl.map(table))
        index = known.fillna(ensembl)
        _say_translated(case, int(known.notna().sum()), len(names), "GENCODE v44" if named is None else "the file")
    else:
        index = names
        table = ensembl_ids(case.species)
        known_ids = index.map(table)
        ensembl = known_ids if ensembl is None else ensembl.str.split(".").str[0].fillna(known_ids)
    symbol = index.where(~index.str.match(ENSEMBL))
    table_of = {"symbol": symbol.to_numpy(), "ensembl": ensembl.to_numpy()}
    genes = pd.DataFrame(table_of, index=pd.Index(index, name="gene"))
    _sum_duplicates(case, genes)
    if case.gene_ids == "ensembl" and float(genes["symbol"].notna().mean()) > 0.5:
        case.gene_ids = "symbol"  # what the data set is named by from here on


def _say_translated(case: Case, found: int, total: int, source: str) -> None:
    if found:
        what = f"{found:,} of {count(total, 'Ensembl id')} replaced by symbols from {source}."
        case.say("mended", "ensembl", what, "The others keep their id." if found < total else "")
    else:
        why = f"There is no table of {case.species} symbols here, and the file has no column of symbols."
        mend = "They match only data that use Ensembl ids too; a column of symbols in the file would be used."
        case.say("noted", "ensembl", "Genes keep their Ensembl ids.", why, mend)


def _sum_duplicates(case: Case, genes: pd.DataFrame) -> None:
    first = ~genes.index.duplicated()
    case.genes = genes[first]
    if first.all():
        return
    twice = list(dict.fromkeys(genes.index[~first]))
    place = case.genes.index.get_indexer(genes.index)
    case.values = sum_columns(case.values, place, len(case.genes), log=case.scale == "log")
    what = f"{count(len(twice), 'gene name')} found more than once; their values were summed."
    case.say("mended", "duplicate-genes", what, f"{', '.join(twice[:8])}{', …' if len(twice) > 8 else ''}.")


def sum_columns(values: csr_matrix, place: NDArray[np.integer], n_columns: int, *, log: bool) -> csr_matrix:
    """Column j of `values` is added to column place[j] of the result; log1p values as what they stand for."""
    gather = csr_matrix((np.ones(len(place), np.float32), (np.arange(len(place)), place)), (len(place), n_columns))
    total = csr_matrix(linear(values, "log" if log else "counts") @ gather)
    return csr_matrix(total.log1p() if log else total, dtype=np.float32)


def _column(features: pd.DataFrame, names: tuple[str, ...], pattern: str | None = None) -> pd.Series | None:
    """The first column of one of these names (and, if asked, whose entries fit the pattern), as text."""
    by_name = {str(column).lower().replace(".", "_").replace(" ", "_"): column for column in features}
    for name in names:
        if name in by_name:
            text = features[by_name[name]].astype("string").reset_index(drop=True)
            if pattern is None or float(text.str.upper().str.match(pattern).fillna(False).mean()) > 0.5:
                return text.astype(object)
    return None
