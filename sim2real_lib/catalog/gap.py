"""How far the data sets lie apart: what their boxes and images measure, and distances between."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from sim2real_lib.catalog import appearance
from sim2real_lib.catalog.tables import Catalog, positions
from sim2real_lib.errors import InputError

BOX_MEASURES = ("box size", "box size, share of image height", "aspect")
FRAME_MEASURES = ("boxes an image", *appearance.MEASURES)
MEASURES = (*BOX_MEASURES, *FRAME_MEASURES)

SAMPLE = 100_000  # values of a group; more would not move a distance in its third digit
MOST_BINS = 50


def measures(catalog: Catalog, survey: pd.DataFrame) -> pd.DataFrame:
    """What is measured of every box and every image, ignore areas left out.

    `box size` is the square root of a box's area in pixels, `box size, share of image height` that
    over the height of its image (what a detector that scales its images to one size sees), `aspect`
    its width over its height, `boxes an image` a count; brightness, contrast, saturation and
    sharpness are those of `appearance.survey`.

    Args:
        catalog: with the boxes that count, such as those of the classes detected.
        survey: what `appearance.survey` gave for these frames, or more of them.

    Returns:
        Long table: `source`, `variant`, `measure` (categories; the measures in the order of
        `MEASURES`), `value`; a row for each box and box measure, image and image measure.

    Raises:
        InputError: for a frame that the survey does not know.
    """
    frames = catalog.frames
    place = positions(frames["frame_id"], survey["frame_id"])
    if (place < 0).any():
        first = frames["frame_id"].to_numpy()[place < 0][0]
        raise InputError("this frame was not surveyed", where=first, remedy="Survey all frames")
    boxes = catalog.boxes[~catalog.boxes["ignore"]]
    owner = positions(boxes["frame_id"], frames["frame_id"])
    width = (boxes["right"] - boxes["left"]).to_numpy()
    height = (boxes["bottom"] - boxes["top"]).to_numpy()
    size = np.sqrt(width * height)
    values = {
        "box size": size,
        "box size, share of image height": size / frames["height"].to_numpy()[owner],
        "aspect": width / height,
        "boxes an image": np.bincount(owner, minlength=len(frames)),
        **{name: survey[name].to_numpy()[place] for name in appearance.MEASURES},
    }
    rows = [owner if name in BOX_MEASURES else np.arange(len(frames)) for name in MEASURES]
    of = np.concatenate(rows)
    kinds = np.repeat(range(len(MEASURES)), [len(row) for row in rows])
    table = frames[["source", "variant"]].astype("category").take(of).reset_index(drop=True)
    table["measure"] = pd.Categorical.from_codes(kinds, pd.Index(MEASURES))
    table["value"] = np.concatenate([values[name] for name in MEASURES])
    return table


def distances(measures: pd.DataFrame, by: str = "source", *, seed: int = 0) -> pd.DataFrame:
    """How far apart two groups lie in each measure.

    `distance` is the Wasserstein-1 distance of the two distributions (Villani 2009; Ramdas, García
    Trillos and Cuturi 2017), how far their values must be moved on average to agree, in units of
    the groups' pooled standard deviation: 0 for equal distributions, 1 for such that are shifted by
    one standard deviation. Both groups weigh the same in the pooled deviation, or the largest data
    set would be the measure of all. Infinite when both are constant and differ. `overlap` is the
    area that their histograms share (Inman and Bradley 1989), 0-1, in bins that hold equally many
    of both groups' values; few values give few bins, since empty ones would look like a difference.

    Args:
        measures: as `measures` gives.
        by: its column that makes the groups, `source` or `variant`.
        seed: of the sample that is taken of a group with more than 100,000 values.

    Returns:
        One row a measure and pair of groups that have values, measures as ordered, groups by name:
        columns `measure`, `a`, `b`, `distance`, `overlap`. Without a second group there are none.
    """
    rows = []
    for measure, own in measures.dropna(subset="value").groupby("measure", observed=True):
        groups = {
            str(name): _sample(group.to_numpy(float), seed)
            for name, group in own.groupby(by, observed=True)["value"]
        }
        for a, b in combinations(sorted(groups), 2):
            rows.append((str(measure), a, b, *_apart(groups[a], groups[b])))
    return pd.DataFrame(rows, columns=["measure", "a", "b", "distance", "overlap"])


def _sample(values: np.ndarray, seed: int) -> np.ndarray:
    if len(values) <= SAMPLE:
        return values
    return np.random.default_rng(seed).choice(values, SAMPLE, replace=False)


def _apart(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The two groups' distance and overlap."""
    moved = float(wasserstein_distance(a, b))
    deviation = np.sqrt((a.var() + b.var()) / 2)
    constant = np.ptp(a) == np.ptp(b) == 0  # their computed deviation need not be exactly 0
    distance = (float("inf") if moved else 0.0) if constant else float(moved / deviation)
    bins = np.clip(int(np.sqrt(min(len(a), len(b)))), 2, MOST_BINS)
    edges = np.unique(np.quantile(np.concatenate([a, b]), np.linspace(0, 1, bins + 1)))
    shares = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        / len(values)
        for values in (a, b)
    ]
    return distance, float(np.minimum(*shares).sum())
