"""What is told before a launch on a published backbone: whether it is here, and which genes it cannot read."""

from __future__ import annotations

from collections.abc import Sequence


def about_genes(name: str, genes: Sequence[str]) -> tuple[str, ...]:
    """Sentences. Raises NotFound where the backbone is not here, GeneMismatch where it knows too few of the genes."""
    from backend.methods.scxm.geneformer.shelf import open_backbone  # here, because it brings pandas

    _, layout, vocabulary = open_backbone(name)
    found = vocabulary.require(genes)
    unread = len(genes) - found.n_known
    if not unread:
        return ()
    why = "no human partner" if found.species == "mouse" else "no place"
    count = f"{unread:,} of the {len(genes):,} genes that are read {'has' if unread == 1 else 'have'}"
    return (f"{count} {why} among those that {layout.folder} learnt from.",)
