"""SpaGene: two auto-encoders, two translators and two critics (docs/methods.md)."""
