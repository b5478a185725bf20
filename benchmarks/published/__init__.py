"""Published methods, re-implemented from their facts for comparison only (methods.md §5); they are not offered.

A function each: `(view, seed, epochs) -> Imputed`. No code is theirs."""
