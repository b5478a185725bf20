"""Names for cells: transferred, clustered, from marker lists, from a model or a file; and their editing."""
