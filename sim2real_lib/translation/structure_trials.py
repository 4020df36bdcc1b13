"""Trying `structure.agreement`: honest weather must not lower it, deliberate damage must."""

from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.images import RGB, read_rgb
from sim2real_lib.translation.structure import (
    COLUMNS,
    THRESHOLD,
    TRUSTED,
    agreements,
    run,
    side_of,
    sides_of,
    wanted,
)

# (image RGB, (n, 4) box sides in pixels, generator) -> image
Change = Callable[[RGB, np.ndarray, np.random.Generator], RGB]


def _fog(density: float, image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """Koschmieder's law on a flat road: sight is longest just below the middle of the image."""
    rows = np.arange(len(image)) / len(image)
    depth = 1 / np.clip(rows - 0.42, 0.06, None)
    seen = np.exp(-density * depth)[:, None, None]
    return _noisy(image * seen + 205 * (1 - seen), 2, random)


def _rain(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """Dark, with short bright streaks and a noisy sensor."""
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), np.float32)
    length = max(3, height // 12)
    for x, y in random.integers(0, (width, height), (height * width // (5 * length**2) + 9, 2)):
        cv2.line(streaks, (x, y), (x + length // 5, y + length), 0.22, 1, cv2.LINE_AA)
    darkened = (image / 255) ** 1.4 * 190
    return _noisy(darkened + streaks[..., None] * (220 - darkened), 3, random)


def _night(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    return _noisy((image / 255) ** 2 * 150, 3, random)


def _colours(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """Each colour partly made of the others, and a bluish cast."""
    mix = np.array([[0.6, 0.2, 0.1], [0.3, 0.6, 0.3], [0.1, 0.2, 0.6]])
    return _noisy(image @ mix * (0.8, 0.9, 1.05), 0, random)


def _grain(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    return _noisy(image, 8, random)


def _jpeg(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]


def _painted_over(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """Every object gone, its surroundings drawn into its place (Telea 2004)."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for left, top, right, bottom in _pixels(sides):
        mask[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = 1
    return cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA)


def _shifted(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    return cv2.copyMakeBorder(image, 0, 0, 8, 0, cv2.BORDER_REFLECT)[:, : image.shape[1]]


def _mirrored(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    return _in_boxes(image, sides, lambda number, own: own[:, ::-1])


def _replaced(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """The next box's object in each box; a patch from elsewhere where there is only one box."""
    places = _pixels(sides)
    if len(places) == 1:
        height, width = image.shape[:2]
        places = [*places, [width // 3, height // 3, width, height]]

    def other(number: int, own: RGB) -> RGB:
        left, top, right, bottom = places[(number + 1) % len(places)]
        size = own.shape[1::-1]
        return cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)

    return _in_boxes(image, sides, other)


def _blurred(image: RGB, sides: np.ndarray, random: np.random.Generator) -> RGB:
    """Sigma is a quarter of the box's side."""

    def smear(number: int, own: RGB) -> RGB:
        return cv2.GaussianBlur(own, (0, 0), (own.shape[0] * own.shape[1]) ** 0.5 / 4)

    return _in_boxes(image, sides, smear)


weather: Mapping[str, Change] = {
    "light fog": partial(_fog, 0.1),
    "fog": partial(_fog, 0.2),
    "rain": _rain,
    "night": _night,
    "other colours": _colours,
    "noise": _grain,
    "JPEG": _jpeg,
}
damage: Mapping[str, Change] = {
    "painted over": _painted_over,
    "shifted 8 px": _shifted,
    "mirrored": _mirrored,
    "replaced": _replaced,
    "blurred away": _blurred,
}


def references(
    originals: Catalog, *, seed: int = 0, workers: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """What `agreement` says of honest weather and of damage, for it to be judged by.

    Damage is seen through light fog: a translator that breaks a box changes the weather as well.

    Args:
        originals: training frames, a few dozen.
        seed: of noise and streaks.
        workers, progress: as in `agreement`.

    Returns:
        The columns of `agreement`, where variant is the name of a `weather` or a `damage`, and
        damaged (bool).
    """
    frames, boxes = originals.frames, wanted(originals)
    sides = sides_of(frames["frame_id"], boxes)
    jobs = [(*job, seed) for job in zip(frames["image"], sides, strict=True)]
    scores = run(_try, jobs, workers, progress, "trying the measure")
    table = frames[["frame_id"]].merge(boxes, on="frame_id", how="inner", sort=False)
    nothing = np.zeros((len(weather) + len(damage), 0))  # so that no frame at all is no error
    parts = [
        table.assign(variant=name, agreement=own, damaged=name in damage)
        for name, own in zip([*weather, *damage], np.hstack([nothing, *scores]), strict=True)
    ]
    return pd.concat(parts, ignore_index=True)[[*COLUMNS, "damaged"]]


def validate(references: pd.DataFrame, *, threshold: float = THRESHOLD) -> pd.DataFrame:
    """How well `agreement` tells honest weather from damage: a row for each.

    Args:
        references: from the function of this name.
        threshold: below it a box counts as lost.

    Returns:
        Index change; damaged (bool), median agreement, below (the share of boxes under the
        threshold) and auc: how often a random box of this damage scores lower than one of honest
        weather (of this weather, higher than a damaged one), 0 to 1, .5 is chance. All of boxes of
        `TRUSTED` pixels or more; auc_small of smaller ones.
    """
    known = references[references["agreement"].notna()]
    large = side_of(known) >= TRUSTED
    rows = {}
    for change, own in known.groupby("variant", sort=False):
        damaged = bool(own["damaged"].iloc[0])
        trusted = own.loc[large, "agreement"]
        rows[change] = {
            "damaged": damaged,
            "median": trusted.median(),
            "below": (trusted < threshold).mean(),
        }
        for name, size in (("auc", large), ("auc_small", ~large)):
            mine = own.loc[size, "agreement"]
            others = known.loc[size & (known["damaged"] != damaged), "agreement"]
            rows[change][name] = _auc(others, mine) if damaged else _auc(mine, others)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("change")


def _try(path: str, sides: np.ndarray, seed: int) -> np.ndarray:
    """(changes, n) agreement of one frame's boxes with every change of it."""
    if not len(sides):
        return np.zeros((len(weather) + len(damage), 0))
    image, random = read_rgb(path), np.random.default_rng(seed)
    changed = [change(image, sides, random) for change in weather.values()]
    broken = [change(image, sides, random) for change in damage.values()]
    haze = weather["light fog"]
    changed += [haze(one, sides, random) for one in broken]
    return np.stack([agreements(image, one, sides) for one in changed])


def _auc(higher: pd.Series, lower: pd.Series) -> float:
    """How often one of the first is above one of the second, ties counted half."""
    if higher.empty or lower.empty:
        return np.nan
    ranks = rankdata(np.concatenate([higher, lower]))[: len(higher)].sum()
    return float((ranks / len(higher) - (len(higher) + 1) / 2) / len(lower))


def _noisy(image: np.ndarray, deviation: float, random: np.random.Generator) -> RGB:
    noise = deviation * random.standard_normal(image.shape, np.float32)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def _pixels(sides: np.ndarray) -> list[list[int]]:
    """Whole pixels that cover each box."""
    return np.hstack([np.floor(sides[:, :2]), np.ceil(sides[:, 2:])]).astype(int).tolist()


def _in_boxes(image: RGB, sides: np.ndarray, change: Callable[[int, RGB], RGB]) -> RGB:
    """The image with the pixels of each box, by its number, changed."""
    result = image.copy()
    for number, (left, top, right, bottom) in enumerate(_pixels(sides)):
        result[top:bottom, left:right] = change(number, image[top:bottom, left:right])
    return result
