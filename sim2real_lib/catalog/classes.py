"""Counting one class as another, such as vans as cars."""

from collections.abc import Mapping

from sim2real_lib.catalog.tables import Catalog


def merge(catalog: Catalog, classes: Mapping[str, str]) -> Catalog:
    """The catalog with some classes counted as others; `raw_class` keeps the data set's word.

    Args:
        catalog: any catalog.
        classes: class -> what it counts as, {"van": "car"}; classes that do not occur do no harm.
    """
    boxes = catalog.boxes.assign(**{"class": catalog.boxes["class"].replace(dict(classes))})
    return Catalog(catalog.frames, boxes, catalog.dropped)
