"""Data sets on disk: one module a format, each with `read(root, …) -> Catalog`."""
