"""What is in a catalog: the data table, and images by how much in them is occluded."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import TIMES_OF_DAY, WEATHERS, Catalog, positions
from sim2real_lib.errors import InputError

# Not in any file of the data sets, but in their papers.
MULTIPLE_CITIES = {"kitti": "–", "vkitti1": "–", "vkitti2": "–", "bdd100k": "✓"}
UNKNOWN = "undefined"
NOTHING = "–"


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


def sequence_table(catalog: Catalog, classes: Sequence[str]) -> pd.DataFrame:
    """What each drive holds.

    Args:
        catalog: any catalog.
        classes: which boxes count; ignore areas do not.

    Returns:
        One row a source and sequence (the index), in the catalog's order; sequences of a single
        image, such as BDD100K's, are one row a split. Columns `frames`, `variants` (names), `boxes`
        (count), `boxes a frame`, `occluded %` and `truncated %` (of the boxes of which it is known,
        – where it is of none), `image sizes` ("1242x375", or how many), `weathers`.
    """
    frames = catalog.frames.assign(sequence=_sequence_names(catalog.frames))
    owner = positions(catalog.boxes["frame_id"], frames["frame_id"])
    boxes = catalog.boxes[["class", "occluded", "truncated"]].assign(
        row=frames.groupby(["source", "sequence"], sort=False).ngroup().to_numpy()[owner]
    )
    counts = (boxes["class"].isin(classes) & ~catalog.boxes["ignore"]).to_numpy()
    of_row = dict(list(boxes[counts].groupby("row")))
    rows = {}
    for row, (name, own) in enumerate(frames.groupby(["source", "sequence"], sort=False)):
        its_boxes = of_row.get(row, boxes[:0])
        rows[name] = {
            "frames": len(own),
            "variants": ", ".join(own["variant"].unique()),
            "boxes": len(its_boxes),
            "boxes a frame": round(len(its_boxes) / len(own), 1),
            "occluded %": _percent(its_boxes["occluded"]),
            "truncated %": _percent(its_boxes["truncated"]),
            "image sizes": _sizes(own),
            "weathers": _names(own["weather"], WEATHERS),
        }
    index = pd.MultiIndex.from_tuples(list(rows), names=["source", "sequence"])
    return pd.DataFrame(list(rows.values()), index=index)


def dropped_table(catalog: Catalog) -> pd.DataFrame:
    """The records that the readers refused, by reason.

    Returns:
        One row a source and reason, the most frequent first: columns `source` (the beginning of the
        frame's id), `reason` (what follows the id), `records` (count), and of the first of them
        `example` (the frame's id), `file` and `line`.
    """
    reasons = catalog.dropped["reason"].astype("str")
    parts = reasons.str.extract(r"^(?:(?P<example>(?P<source>[^/\s]+)/.*?): )?(?P<reason>.*)$")
    table = catalog.dropped[["file", "line"]].join(parts.fillna(NOTHING))
    grouped = table.groupby(["source", "reason"], sort=False)
    counted = grouped[["example", "file", "line"]].first().assign(records=grouped.size())
    columns = ["source", "reason", "records", "example", "file", "line"]
    ordered = counted.reset_index()[columns].sort_values("records", ascending=False, kind="stable")
    return ordered.reset_index(drop=True)


def occluded_count(catalog: Catalog, classes: Sequence[str]) -> pd.Series:
    """Occluded objects in each frame.

    Args:
        catalog: any catalog; boxes whose occlusion is unknown, and ignore areas, do not count.
        classes: which classes count.

    Returns:
        Whole numbers by frame id, for all frames in the catalog's order; 0 where there are none.
    """
    boxes = catalog.boxes[catalog.boxes["class"].isin(classes)]
    counts = occluded_per_frame(catalog.frames, boxes)
    return pd.Series(counts, pd.Index(catalog.frames["frame_id"]), name="occluded objects")


def occluded_per_frame(frames: pd.DataFrame, boxes: pd.DataFrame) -> np.ndarray:
    """How many of the boxes are known to be occluded, frame by frame in the order of `frames`.

    Ignore areas, and boxes of other frames, do not count.
    """
    counted = boxes["occluded"].fillna(False).to_numpy(bool) & ~boxes["ignore"].to_numpy(bool)
    owner = positions(boxes.loc[counted, "frame_id"], frames["frame_id"])
    return np.bincount(owner[owner >= 0], minlength=len(frames))


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
    return ", ".join(name for name in order if name in there) or NOTHING


def _sequence_names(frames: pd.DataFrame) -> pd.Series:
    """The frames' sequences, those of a single image under one name a split."""
    alone = ~frames.duplicated(["source", "sequence"], keep=False)
    several = frames[alone].groupby(["source", "split"])["frame_id"].transform("size") > 1
    folded = several.reindex(frames.index, fill_value=False)
    return frames["sequence"].mask(folded, "single images, " + frames["split"])


def _percent(flags: pd.Series) -> str:
    known = flags.dropna()
    return f"{100 * known.mean():.0f}" if len(known) else NOTHING


def _sizes(frames: pd.DataFrame) -> str:
    sizes = frames[["width", "height"]].drop_duplicates().to_numpy()
    return "{}x{}".format(*sizes[0]) if len(sizes) == 1 else f"{len(sizes)} sizes"
