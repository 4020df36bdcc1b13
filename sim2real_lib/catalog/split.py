"""Which frames train, which choose the weights, which are tested: without a drive on two sides."""

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog, positions
from sim2real_lib.errors import InputError

DIVIDED = ("kitti", "vkitti1", "vkitti2")  # one drive has one name in all of them
# BDD100K publishes no labels for its test images, so its val is what everything is tested on.
TARGETS = ("bdd100k",)
LEFT_OUT = "left out"  # neither trained nor tested on
MOST_TOO_MUCH = 1.25  # else one long drive, taken first, could double a small val

Drive = tuple[str, str]  # source and sequence


def by_sequence(
    catalog: Catalog,
    *,
    val_fraction: float,
    seed: int,
    targets: Collection[str] = TARGETS,
    together: Iterable[tuple[Drive, Drive]] = (),
) -> Catalog:
    """Assign `split` so that a drive and all its clones lie on one side.

    KITTI's and Virtual KITTI's sequences go to train or val, as near to the fraction of frames as
    whole sequences allow, at least one to each side. A target's train stays train and its val
    becomes test. Frames of other sources keep their split.

    Args:
        catalog: frames with the splits that their data sets give.
        val_fraction: share of the frames of KITTI and Virtual KITTI for val, between 0 and 1.
        seed: decides which sequences; the same seed gives the same split.
        targets: sources that are tested on; KITTI or Virtual KITTI among them is not divided.
        together: pairs of drives, each a source and a sequence, that must lie on one side, such as
            `duplicates.linked` gives of drives that share pictures; pairs may form chains.

    Raises:
        InputError: for a fraction out of range, a drive in `together` that there is not, or fewer
            than two groups of sequences to divide.
    """
    divided = _divided(catalog, val_fraction, targets)
    group = drives(catalog.frames)
    group = group.map(_leaders(group.unique(), together))
    sizes = group[divided].value_counts().sort_index()
    if len(sizes) == 1:
        names = sorted(catalog.frames.loc[divided, "sequence"].unique())
        bound = f" (it must stay with {', '.join(names[1:])})" if len(names) > 1 else ""
        raise InputError(
            f"sequence {names[0]!r}{bound} cannot be both train and val",
            where="sequences",
            remedy="Name at least two sequences",
        )
    in_val = group.isin(_nearest(sizes, val_fraction, seed))
    return _assigned(catalog, divided, in_val, targets)


def by_frame(
    catalog: Catalog, *, val_fraction: float, seed: int, targets: Collection[str] = TARGETS
) -> Catalog:
    """Assign `split` frame by frame at random, as the original experiment did.

    It leaks: the frames before and after a frame of val, and its clones under other weathers, are
    likely to be in train, so a score on val says little about new streets. For comparison only;
    `leaks` shows the damage. Parameters, targets and other sources as in `by_sequence`.

    Raises:
        InputError: for a fraction out of range, or fewer than two frames to divide.
    """
    divided = _divided(catalog, val_fraction, targets)
    places = np.flatnonzero(divided)
    if len(places) == 1:
        raise InputError("one frame cannot be both train and val", where="val_fraction")
    count = int(np.clip(round(val_fraction * len(places)), 1, max(1, len(places) - 1)))
    in_val = np.zeros(len(catalog), dtype=bool)
    in_val[np.random.default_rng(seed).permutation(places)[:count]] = True
    return _assigned(catalog, divided, pd.Series(in_val), targets)


def drives(frames: pd.DataFrame) -> pd.Series:
    """The drive of each frame: a name that a KITTI sequence shares with its virtual clones alone.

    Elsewhere equal sequence names mean nothing: another data set may have an "0001" too.
    """
    own = frames["source"] + "/" + frames["sequence"]
    return frames["sequence"].where(frames["source"].isin(DIVIDED), own)


def leaks(catalog: Catalog) -> pd.DataFrame:
    """Moments of a drive that more than one side has seen; empty when the split is safe.

    A moment counts as seen by a side that holds it, or the moment just before or after it, in
    whatever source and variant: neighbouring frames of a drive are nearly the same picture. So a
    test frame leaks also when a clone of it, or a neighbour's clone, is trained on. Frames that
    are left out count on no side.

    Returns:
        Columns `sequence`, `index` and `splits` ("train, val"), ordered.
    """
    used = catalog.frames.loc[catalog.frames["split"] != LEFT_OUT]
    used = used[["sequence", "index", "split"]].assign(drive=drives(used))
    sides = used[["drive", "split"]].drop_duplicates()
    shared = sides.loc[sides.duplicated("drive"), "drive"]  # a few, of 80,000
    held = used[used["drive"].isin(shared)].drop_duplicates()
    seen = pd.concat([held.assign(index=held["index"] + step) for step in (-1, 0, 1)])
    key = ["drive", "sequence", "index"]
    seen = seen.drop_duplicates().sort_values([*key, "split"])
    several = seen[seen.duplicated(key, keep=False)].rename(columns={"split": "splits"})
    splits = several.groupby(key)["splits"].agg(", ".join).reset_index()
    found = splits.merge(held[key].drop_duplicates(), on=key)
    return found.drop(columns="drive").sort_values(["sequence", "index"], ignore_index=True)


def named_leaks(catalog: Catalog, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of images showing one picture that lie on two sides of the catalog's split.

    Args:
        catalog: with its split assigned.
        pairs: as `duplicates.duplicate_images` gives for these frames. Found before the split was
            assigned, they may lack leaks of pictures that occur more than three times.

    Returns:
        Columns of `pairs`, with the splits that the frames have now, and `splits` ("test, train").
    """
    frames = catalog.frames
    places = [positions(pairs[f"frame_id_{end}"], frames["frame_id"]) for end in "ab"]
    here = (places[0] >= 0) & (places[1] >= 0)
    names = frames["split"].to_numpy(dtype=object)
    a, b = (names[place[here]] for place in places)
    crossing = (a != b) & (a != LEFT_OUT) & (b != LEFT_OUT)
    sides = [", ".join(sorted(both)) for both in zip(a, b, strict=True)]
    found = pairs[here].assign(split_a=a, split_b=b, splits=pd.Series(sides, pairs[here].index))
    return found[crossing].reset_index(drop=True)


def without_leaks(catalog: Catalog, pairs: pd.DataFrame) -> tuple[Catalog, pd.DataFrame]:
    """Leave out of train and val what shows the same picture as a test frame.

    With such a frame go the frames of its moment and of those just before and after it, in whatever
    source and variant, by the rule of `leaks`; so every remaining moment keeps all its variants.

    Args:
        catalog: with its split assigned.
        pairs: as in `named_leaks`.

    Returns:
        The catalog in which those frames' split is "left out"; and a table of them with columns
        `frame_id`, `split` (that it had), `kind` ("same file", "same picture", or "neighbour" of
        such a frame) and `test_frame` (whose picture it is).
    """
    frames = catalog.frames
    ends = ["frame_id_a", "split_a", "frame_id_b", "split_b", "kind"]
    one_way = named_leaks(catalog, pairs)[ends]
    other_way = one_way[[*ends[2:4], *ends[:2], "kind"]].set_axis(ends, axis=1)
    shown = pd.concat([one_way, other_way]).sort_values("kind", kind="stable")  # the file first
    shown = shown[shown["split_b"] == "test"].drop_duplicates("frame_id_a")
    shown = shown.rename(columns={"frame_id_a": "frame_id", "frame_id_b": "test_frame"})
    shown = shown[["frame_id", "kind", "test_frame"]]
    moment = ["drive", "index"]
    held = frames[["frame_id", "index"]].assign(drive=drives(frames))
    moments = shown.merge(held, on="frame_id").assign(kind="neighbour")
    around = [moments.assign(index=moments["index"] + step) for step in (0, -1, 1)]
    beside = held.merge(pd.concat(around)[[*moment, "kind", "test_frame"]], on=moment)
    gone = pd.concat([shown, beside[shown.columns]]).drop_duplicates("frame_id")
    gone = frames[["frame_id", "split"]].merge(gone, on="frame_id")
    gone = gone[~gone["split"].isin(["test", LEFT_OUT])].reset_index(drop=True)
    split = frames["split"].mask(frames["frame_id"].isin(gone["frame_id"]), LEFT_OUT)
    return Catalog(frames.assign(split=split), catalog.boxes, catalog.dropped), gone


def check(catalog: Catalog) -> None:
    """Refuse a split that tests on what train or val has seen; what that means, `leaks` says.

    Raises:
        InputError: naming the first such moment.
    """
    found = leaks(catalog)
    tested = found[found["splits"].str.split(", ").map(lambda names: "test" in names)]
    if len(tested):
        first = tested.iloc[0]
        raise InputError(
            f"{len(tested)} moments are seen on both sides of the test (splits {first['splits']})",
            where=f"sequence {first['sequence']}, index {first['index']}",
            remedy="Split by sequence, and test on drives that are not trained on",
        )


def _divided(catalog: Catalog, val_fraction: float, targets: Collection[str]) -> pd.Series:
    if not 0 < val_fraction < 1:
        raise InputError(
            f"{val_fraction} does not lie between 0 and 1", where="val_fraction", remedy="Try 0.2"
        )
    return catalog.frames["source"].isin(set(DIVIDED) - set(targets))


def _leaders(names: Iterable[str], together: Iterable[tuple[Drive, Drive]]) -> dict[str, str]:
    """Drive -> the first by name of all drives that must stay with it (union-find)."""
    leader = {name: name for name in names}

    def leader_of(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for pair in together:
        labels = []
        for source, sequence in pair:
            labels.append(sequence if source in DIVIDED else f"{source}/{sequence}")
            if labels[-1] not in leader:
                what = f"there is no sequence {sequence!r} of {source}"
                raise InputError(what, where="together")
        low, high = sorted(map(leader_of, labels))
        leader[high] = low
    return {name: leader_of(name) for name in leader}


def _nearest(sizes: pd.Series, fraction: float, seed: int) -> list[str]:
    """In random order, take each sequence that brings the share nearer without passing it far."""
    wanted = fraction * sizes.sum()
    chosen: list[str] = []
    now = 0
    for name in np.random.default_rng(seed).permutation(sizes.index.to_numpy(object)):
        then = now + sizes[name]
        nearer = abs(then - wanted) < abs(now - wanted) and then <= MOST_TOO_MUCH * wanted
        if nearer and len(chosen) < len(sizes) - 1:
            chosen.append(name)
            now = then
    # Every sequence is too long for a small fraction: the shortest comes nearest.
    return chosen or list(sizes.nsmallest(1).index)


def _assigned(
    catalog: Catalog, divided: pd.Series, in_val: pd.Series, targets: Collection[str]
) -> Catalog:
    frames = catalog.frames.copy()
    tested = frames["source"].isin(set(targets)) & (frames["split"] == "val")
    frames.loc[tested, "split"] = "test"
    frames.loc[divided, "split"] = np.where(in_val[divided], "val", "train")
    return Catalog(frames, catalog.boxes, catalog.dropped)
