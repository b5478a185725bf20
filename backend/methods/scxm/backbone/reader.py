"""How a cell is read for a published backbone, from what a saved model holds of its vocabulary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.methods.scxm.geneformer.layout import Version
from backend.methods.scxm.geneformer.tokens import Ragged, RankTokens
from backend.methods.scxm.geneformer.vocabulary import PAD, Vocabulary


class Sentences:
    """Rows (B, G) of any linear scale -> the genes' tokens in the published order. tokens, medians: (G,), of each input
    gene, token -1 where the vocabulary does not hold it; two genes may have one token."""

    def __init__(self, tokens: NDArray[np.int64], medians: NDArray[np.float64], version: Version) -> None:
        self.tokens, self.medians = tokens, medians
        known, where = np.unique(tokens[tokens >= 0], return_inverse=True)
        genes = [str(place) for place in range(len(tokens))]
        names = {genes[place]: int(which) for place, which in zip(np.flatnonzero(tokens >= 0), where, strict=True)}
        median = np.ones(len(known))
        median[where] = medians[tokens >= 0]
        read = Vocabulary(version, tuple(map(str, known)), known, median, names)
        self._rank = RankTokens(read, genes, species="human")

    @property
    def n_known(self) -> int:
        return self._rank.known

    def ragged(self, rows: csr_matrix) -> Ragged:
        return self._rank(rows)

    def __call__(self, rows: csr_matrix) -> NDArray[np.int64]:
        """(B, G) -> (B, longest), padded with 0."""
        flat, offsets = self.ragged(rows)
        lengths = np.diff(offsets)
        tokens = np.full((len(lengths), int(lengths.max(initial=1))), PAD, dtype=np.int64)
        tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = flat
        return tokens

    def genes_of(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The (first) input gene that each token stands for; -1: none."""
        return self._rank.column[tokens]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"tokens": self.tokens, "token_medians": self.medians}

    @staticmethod
    def of(vocabulary: Vocabulary, genes: tuple[str, ...]) -> Sentences:
        """Raises GeneMismatch where the vocabulary holds too few of the genes."""
        places = vocabulary.require(genes).places
        tokens = np.where(places >= 0, vocabulary.tokens[places], -1)
        return Sentences(tokens, vocabulary.medians[places], vocabulary.version)
