"""The interchange record (frames and boxes), and what is done to it before anything is trained."""

from sim2real_lib.catalog.tables import BOXES, FRAMES, Catalog, concat, load

__all__ = ["BOXES", "FRAMES", "Catalog", "concat", "load"]
