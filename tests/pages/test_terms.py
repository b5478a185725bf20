from __future__ import annotations

import re

from pages.words.terms import TERMS

# Words of the pages that a newcomer cannot be expected to know.
NEEDED = (
    "panel", "section", "context", "niche", "imputed", "held out", "comparator", "self-loop", "seed", "epoch",
    "mad",
    "control probe",
    "mitochondrial", "leiden", "transfer", "unsure", "calibrated", "confusion", "marker", "orthologues",
    "counterpart", "log2 fold change", "nes", "leading edge", "umap", "spot", "version", "attention", "atlas", "study",
)  # fmt: skip


def test_each_term_has_one_plain_sentence() -> None:
    for terms in TERMS.values():
        for term, says in terms.items():
            assert re.search(r"[.]$", says), term
            assert len(re.findall(r"[.!?](?: |$)", says)) <= 2, term
            assert len(says) < 130, term


def test_no_term_is_explained_twice() -> None:
    every = [term.casefold() for terms in TERMS.values() for term in terms]
    assert len(every) == len(set(every))


def test_the_words_that_a_newcomer_cannot_know_are_there() -> None:
    every = " ".join(term.casefold() for terms in TERMS.values() for term in terms)
    assert [word for word in NEEDED if word not in every] == []
