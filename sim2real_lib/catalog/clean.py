"""Label faults that mislead a detector: found, reported by rule and source, removed."""

import pandas as pd

from sim2real_lib.catalog.tables import BOXES, Catalog

BOX = ["frame_id", "left", "top", "right", "bottom"]
# In the order of precedence: a box that breaks several rules is counted under the first.
RULES = ("two classes", "exact duplicate", "few visible pixels", "tiny")


def find_faults(
    catalog: Catalog, *, min_visible_pixels: int = 10, min_side: float = 3.0
) -> pd.DataFrame:
    """One row a faulty box, ignore areas exempt.

    Rules: `two classes`, all boxes of a place in a frame that carries more than one class (nobody
    can tell which is right, so none is kept, as in the original experiment); `exact duplicate`, all
    boxes of one place and class but the most visible; `few visible pixels`, an object of which the
    data set counts fewer than `min_visible_pixels`; `tiny`, a box with a side below `min_side`.

    Args:
        catalog: any catalog.
        min_visible_pixels: fewest pixels of an object that must be seen, where they are counted.
        min_side: shortest width and height of a box in pixels.

    Returns:
        Columns `box` (its index in `catalog.boxes`), `rule`, and the columns of `BOXES`.
    """
    boxes = catalog.boxes[~catalog.boxes["ignore"]]
    sides = pd.concat([boxes["right"] - boxes["left"], boxes["bottom"] - boxes["top"]], axis=1)
    most_seen = boxes.sort_values("visible_pixels", ascending=False, kind="stable")
    broken = {
        "two classes": boxes.groupby(BOX)["class"].transform("nunique") > 1,
        "exact duplicate": most_seen.duplicated([*BOX, "class"]),
        "few visible pixels": (boxes["visible_pixels"] < min_visible_pixels).fillna(False),
        "tiny": sides.min(axis=1) < min_side,
    }
    rule = pd.Series(pd.NA, index=boxes.index, dtype="str")
    for name in reversed(RULES):
        rule[broken[name].astype(bool)] = name
    faults = boxes.assign(rule=rule)[rule.notna()].rename_axis("box").reset_index()
    return faults[["box", "rule", *BOXES.columns]]


def clean(
    catalog: Catalog, *, min_visible_pixels: int = 10, min_side: float = 3.0
) -> tuple[Catalog, pd.DataFrame]:
    """The catalog without its faulty boxes, and how many went.

    Every frame stays, with or without boxes. Parameters as in `find_faults`.

    Returns:
        The clean catalog; and a table of counts, one row a rule and one column a source.
    """
    faults = find_faults(catalog, min_visible_pixels=min_visible_pixels, min_side=min_side)
    source = catalog.frames.set_index("frame_id")["source"]
    report = pd.crosstab(faults["rule"], faults["frame_id"].map(source)).reindex(
        index=pd.Index(RULES, name="rule"),
        columns=pd.Index(source.unique(), name="source"),
        fill_value=0,
    )
    kept = catalog.boxes[~catalog.boxes.index.isin(faults["box"])]
    return Catalog(catalog.frames, kept, catalog.dropped), report
