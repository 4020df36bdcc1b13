"""What is in a catalog: the data table, and images by how much in them is occluded."""

from collections.abc import Iterable, Sequence

import pandas as pd

from sim2real_lib.catalog.tables import TIMES_OF_DAY, WEATHERS, Catalog
from sim2real_lib.errors import InputError

# Not in any file of the data sets, but in their papers.
MULTIPLE_CITIES = {"kitti": "–", "vkitti2": "–", "bdd100k": "✓"}
UNKNOWN = "undefined"


def data_table(catalog: Catalog) -> pd.DataFrame:
    """The original experiment's table of its data sets.

    Returns:
        One row a source; columns `sequences` and `images` (counts), `multiple cities` (✓, – or ?
        for a source not known), `weathers`, `times of day` and `scene types` (the names that occur,
        – when none is given).
    """
    rows = {}
    for source, frames in catalog.frames.groupby("source", sort=False):
        rows[source] = {
            "sequences": frames["sequence"].nunique(),
            "images": len(frames),
            "multiple cities": MULTIPLE_CITIES.get(str(source), "?"),
            "weathers": _names(frames["weather"], WEATHERS),
            "times of day": _names(frames["timeofday"], TIMES_OF_DAY),
            "scene types": _names(frames["scene"], sorted(frames["scene"].unique())),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def occluded_count(catalog: Catalog, classes: Sequence[str]) -> pd.Series:
    """Occluded objects in each frame.

    Args:
        catalog: any catalog; boxes whose occlusion is unknown, and ignore areas, do not count.
        classes: which classes count.

    Returns:
        Whole numbers by frame id, for all frames in the catalog's order; 0 where there are none.
    """
    boxes = catalog.boxes
    counted = boxes["occluded"].fillna(False) & ~boxes["ignore"] & boxes["class"].isin(classes)
    counts = boxes.loc[counted.astype(bool), "frame_id"].value_counts()
    return counts.reindex(catalog.frames["frame_id"], fill_value=0).rename("occluded objects")


def occlusion_bins(
    catalog: Catalog, thresholds: Sequence[int], classes: Sequence[str]
) -> pd.DataFrame:
    """How many images and occluded objects fall in each bin, cumulative as in the original.

    Args:
        catalog: the frames to divide, for instance those of one split.
        thresholds: most occluded objects in an image of each bin but the last, ascending.
        classes: which classes count.

    Returns:
        Rows "0-5", "0-10", …, "0-all" (index `bin`); columns `images`, `occluded objects`.

    Raises:
        InputError: when the thresholds do not ascend from 0 or more.
    """
    limits = list(thresholds)
    if any(limit < 0 for limit in limits) or limits != sorted(set(limits)):
        raise InputError(
            f"{limits} does not ascend from 0 or more", where="thresholds", remedy="Try [5, 10]"
        )
    counts = occluded_count(catalog, classes)
    members = {f"0-{limit}": counts[counts <= limit] for limit in limits} | {"0-all": counts}
    rows = {name: [len(member), int(member.sum())] for name, member in members.items()}
    columns = ["images", "occluded objects"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("bin")


def automatic_thresholds(counts: pd.Series, parts: int = 3) -> list[int]:
    """Thresholds that divide the occluded objects into about equal parts, the original's rule.

    Args:
        counts: occluded objects in each image, as `occluded_count` gives.
        parts: how many parts, 2 or more.

    Returns:
        `parts - 1` ascending thresholds, fewer where the counts take too few different values, none
        where nothing is occluded. Each is the count at which the objects in images up to it come
        nearest to their share.
    """
    occluded = counts[counts > 0]
    reached = occluded.groupby(occluded).sum().cumsum()
    inner = reached.iloc[:-1]  # a threshold at the largest count would repeat the last bin
    if inner.empty:
        return []
    shares = [part * reached.iloc[-1] / parts for part in range(1, parts)]
    return sorted({int((inner - share).abs().idxmin()) for share in shares})


def _names(values: pd.Series, order: Iterable[str]) -> str:
    there = set(values) - {UNKNOWN}
    return ", ".join(name for name in order if name in there) or "–"
