"""The genes that a published Geneformer knows: token, median, and every name that leads to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.datasets.genes import ensembl_ids
from backend.datasets.orthologues import map_species
from backend.errors import GeneMismatch
from backend.methods.scxm.geneformer.dictionaries import Published
from backend.methods.scxm.geneformer.layout import Version
from backend.records import Species
from backend.store import layout as store

PAD, MASK, CLS, EOS = 0, 1, 2, 3  # V1 has the first two only; its genes begin at 2
FEWEST_GENES = 20
EXAMPLES = 4


@dataclass(frozen=True)
class GeneMap:
    """places: (G,) int64, where each gene stands in the vocabulary, -1 for those it does not hold. species: whose names
    they were read as."""

    places: NDArray[np.int64]
    species: Species

    @property
    def n_known(self) -> int:
        return int((self.places >= 0).sum())


@dataclass(frozen=True)
class Vocabulary:
    """ids: Ensembl ids in the order of their tokens. tokens: (N,) int64. medians: (N,) float64, of each gene's non-zero
    counts per 10,000 in the cells that Geneformer learnt from. names: symbols, and ids that were retired or renamed
    -> place among `ids`."""

    version: Version
    ids: tuple[str, ...]
    tokens: NDArray[np.int64]
    medians: NDArray[np.float64]
    names: dict[str, int]

    def map_genes(self, genes: Sequence[str], species: Species | None = None) -> GeneMap:
        """Symbols or Ensembl ids, with or without a version. Mouse symbols go through their one human orthologue.
        `species` None: the one by whose names more genes are known."""
        if species is None:
            human, mouse = self.map_genes(genes, "human"), self.map_genes(genes, "mouse")
            return human if human.n_known >= mouse.n_known else mouse
        human_name = map_species(genes, species, "human")
        places = [self._place(human_name[gene]) if gene in human_name else -1 for gene in genes]
        return GeneMap(np.array(places, dtype=np.int64), species)

    def require(self, genes: Sequence[str], species: Species | None = None) -> GeneMap:
        """`map_genes`, or GeneMismatch when fewer than `FEWEST_GENES` are known."""
        found = self.map_genes(genes, species)
        if found.n_known < FEWEST_GENES:
            unknown = [gene for gene, place in zip(genes, found.places) if place < 0]
            raise GeneMismatch(
                f"Geneformer knows {found.n_known:,} of these {len(genes):,} genes and needs {FEWEST_GENES} at least.",
                f"It knows human genes by symbol or Ensembl id, and mouse symbols that have one human partner. "
                f"Unknown are, for example: {', '.join(unknown[:EXAMPLES])}.",
                "Check the species and the gene names of the data set, or choose the encoder 'mlp', which reads any "
                "genes.",
            )
        return found

    def _place(self, name: str) -> int:
        if name in self.names:
            return self.names[name]
        bare = name.upper().split(".")[0]  # ids carry a version; of symbols only clone names have a dot
        if bare.startswith("ENSG"):
            return self.names.get(bare, -1)
        return self.names.get(ensembl_ids("human").get(name, ""), -1)

    def save(self, path: Path) -> None:
        content = {
            "version": self.version,
            "ids": list(self.ids),
            "tokens": self.tokens.tolist(),
            "medians": self.medians.tolist(),
            "names": self.names,
        }
        store.write_json(path, content)

    @staticmethod
    def load(path: Path) -> Vocabulary:
        content = store.read_json(path)
        return Vocabulary(
            content["version"],
            tuple(content["ids"]),
            np.array(content["tokens"], dtype=np.int64),
            np.array(content["medians"], dtype=np.float64),
            content["names"],
        )

    @staticmethod
    def from_published(published: Published) -> Vocabulary:
        """Only names that lead to a token are kept, as the published tokenizer keeps only those."""
        known = sorted((token, gene) for gene, token in published.tokens.items() if not gene.startswith("<"))
        ids = tuple(gene for _, gene in known)
        place = {gene: number for number, gene in enumerate(ids)}
        names = {name: place[gene] for name, gene in published.names.items() if gene in place}
        names |= {name: place[gene] for name, gene in published.mapping.items() if gene in place}
        return Vocabulary(
            published.version,
            ids,
            np.array([token for token, _ in known], dtype=np.int64),
            np.array([published.medians[gene] for gene in ids], dtype=np.float64),
            names,
        )
