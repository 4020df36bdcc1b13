"""An arm is a list of frames: the original mix, with some of its weathers replaced, or the target.

Every arm has the same frames in the same order, so that two arms differ in their images alone.
"""

import difflib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real_lib.catalog.mix import MIX
from sim2real_lib.catalog.split import DIVIDED
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.params import Variant

KEY = ["sequence", "index"]


def compose(
    catalog: Catalog,
    *,
    mix: Sequence[str] = MIX,
    replace: Mapping[str, str | Sequence[str]] | None = None,
    add: Sequence[str] = (),
    rejected: Collection[str] = (),
    split: str = "train",
) -> Catalog:
    """One frame for every position of the KITTI and Virtual KITTI sequences, and what is added.

    Sequences that only one of the two sources has (most of KITTI's) are left out: the mix could
    not be filled there.

    Args:
        catalog: frames of KITTI and Virtual KITTI, and the translations of the latter.
        mix: frame index mod `len(mix)` chooses the variant; "original" is the KITTI frame.
        replace: variant in the mix -> variant to take in its place, {"fog": "cyclegan-fog"}; of
            several, {"fog": ["cyclegan-fog", "nst-fog"]}, each place takes the next (domain
            randomization).
        add: variants that join the arm in every place, after the mix. The arm is then larger than
            others; its training is not longer.
        rejected: ids of translated frames that must not be used; the frame that they replace stays,
            so that the arm is as large as the others.
        split: the split to compose, as in `frames.split`.

    Raises:
        InputError: when `replace` names nothing in the mix, or a frame is missing.
    """
    replace = {slot: [v] if isinstance(v, str) else list(v) for slot, v in (replace or {}).items()}
    for variant in replace:
        if variant not in mix:
            near = difflib.get_close_matches(variant, mix, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the mix has {', '.join(mix)}"
            raise InputError(f"there is no {variant!r} in the mix to replace, {hint}")
    frames = catalog.frames
    frames = frames[frames["source"].isin(DIVIDED) & (frames["split"] == split)]
    positions = _positions(frames, mix, split)
    bad = frames.loc[frames["frame_id"].isin(rejected), [*KEY, "variant"]]
    unusable = set(bad.itertuples(index=False, name=None))
    positions["variant"] = [
        _chosen(sequence, index, mix, replace, unusable)
        for sequence, index in positions[KEY].itertuples(index=False)
    ]
    twice = frames.duplicated([*KEY, "variant"])
    if twice.any():
        raise InputError(
            "two frames claim the same place in a sequence", where=frames[twice]["frame_id"].iloc[0]
        )
    chosen = positions.merge(frames, how="left", on=[*KEY, "variant"])
    _refuse_gaps(chosen)
    added = _added(positions, frames, add, set(rejected))
    ids = pd.concat([chosen["frame_id"], added], ignore_index=True)
    return _in_order(catalog, ids, ids.groupby(ids).cumcount().to_numpy() + 1)


def oracle(catalog: Catalog, *, count: int, weathers: Sequence[str], seed: int = 0) -> Catalog:
    """What training on labelled target images would give: the most a translation can hope for.

    Daytime frames of the target's training split (BDD100K's, and those of your own data sets that
    have that role), as many from each weather as there are, at random.
    Every frame is taken once before any is repeated; `composition` shows how many repeats there
    are. A repeated frame's id ends in "#2", "#3", …

    Args:
        catalog: holds training frames of the target.
        count: how many frames, the same as in the other arms.
        weathers: which weathers to take.
        seed: decides the choice and its order.

    Raises:
        InputError: when no such frame exists.
    """
    frames = catalog.frames
    target = frames[
        ~frames["source"].isin(DIVIDED)
        & (frames["split"] == "train")
        & (frames["timeofday"] == "daytime")
        & frames["weather"].isin(weathers)
    ]
    if target.empty:
        raise InputError(
            f"no labelled daytime BDD100K training frame is {' or '.join(weathers)}",
            remedy="Take other weathers, or add BDD100K's training split to the data",
        )
    rng = np.random.default_rng(seed)
    shuffled = target.iloc[rng.permutation(len(target))]
    rounds, left = [], count
    while left:
        # Ranked within its weather, the first n frames are balanced for as long as a weather lasts.
        rank = shuffled.groupby("weather").cumcount()
        taken = shuffled.loc[rank.sort_values(kind="stable").index[:left], "frame_id"]
        rounds.append(taken)
        left -= len(taken)
    copies = [1 + number for number, taken in enumerate(rounds) for _ in taken]
    chosen = pd.concat(rounds).to_numpy()
    order = rng.permutation(count)  # else each round would be sorted by its weathers' ranks
    return _in_order(catalog, pd.Series(chosen[order]), np.array(copies)[order])


def composition(arm: Catalog) -> pd.DataFrame:
    """What an arm is made of: frames and different images by source, variant and weather."""
    groups = arm.frames.groupby(["source", "variant", "weather"], sort=True)
    table = groups.agg(frames=("image", "size"), different_images=("image", "nunique"))
    return table.reset_index()


def fairness(arm: Catalog, baseline: Catalog, *, adds: bool = False) -> pd.DataFrame:
    """What an arm shares with the baseline: frames, places in the sequences, boxes.

    The oracle shares the number of frames alone; every other arm should share all three, but for
    what it adds.

    Args:
        arm, baseline: from `compose` or `oracle`.
        adds: whether the arm may be the larger one, as its `add` says.

    Raises:
        InputError: when the numbers of frames differ otherwise: no comparison would then be fair.
    """
    if len(arm) != len(baseline) and not (adds and len(arm) > len(baseline)):
        raise InputError(
            f"the arm has {len(arm)} frames and the baseline {len(baseline)}",
            remedy="Give both the same number of frames",
        )
    rows = []
    for name, table in (("frames", _places), ("boxes", _placed_boxes)):
        ours, theirs = table(arm), table(baseline)
        shared = len(theirs.merge(ours.drop_duplicates(), on=list(ours.columns)))
        rows.append((name, len(ours), len(theirs), shared))
    report = pd.DataFrame(rows, columns=["", "arm", "baseline", "shared"])
    report["identical"] = (report["arm"] == report["shared"]) & (
        report["baseline"] == report["shared"]
    )
    return report.set_index("")


def _positions(frames: pd.DataFrame, mix: Sequence[str], split: str) -> pd.DataFrame:
    """The (sequence, index) pairs to fill, in order."""
    real = frames["source"] == "kitti"
    needed = {"KITTI": real} if "original" in mix else {}
    needed |= {"Virtual KITTI": ~real} if set(mix) - {"original"} else {}
    sequences = set.intersection(*(set(frames.loc[own, "sequence"]) for own in needed.values()))
    if not sequences:
        raise InputError(
            f"no sequence in split {split!r} has frames of {' and '.join(needed)}",
            remedy="Run 01_data_analysis on data sets that share sequences",
        )
    positions = frames.loc[frames["sequence"].isin(sequences), KEY].drop_duplicates()
    return positions.sort_values(KEY, ignore_index=True)


def _chosen(
    sequence: str,
    index: int,
    mix: Sequence[str],
    replace: Mapping[str, Sequence[str]],
    unusable: Collection[tuple[str, int, str]],
) -> str:
    """The variant of a place: the next of its slot's replacements, or the slot's own."""
    turn, slot = divmod(index, len(mix))
    choices = replace.get(mix[slot], [mix[slot]])
    variant = choices[turn % len(choices)]
    return mix[slot] if (sequence, index, variant) in unusable else variant


def _added(
    positions: pd.DataFrame,
    frames: pd.DataFrame,
    variants: Sequence[str],
    rejected: Collection[str],
) -> pd.Series:
    """The frame ids of variants in every place of the mix, in order, without the rejected."""
    parts = [pd.Series(dtype="str")]
    for variant in variants:
        own = positions[KEY].assign(variant=variant).merge(frames, "left", [*KEY, "variant"])
        _refuse_gaps(own)
        parts.append(own.loc[~own["frame_id"].isin(rejected), "frame_id"])
    return pd.concat(parts)


def _refuse_gaps(chosen: pd.DataFrame) -> None:
    """Refuse an arm with a place for which there is no frame, its `frame_id` missing."""
    missing = chosen[chosen["frame_id"].isna()]
    if len(missing):
        first = missing.iloc[0]
        raise InputError(
            f"frame {first['index']} of sequence {first['sequence']} is missing as "
            f"{first['variant']!r} ({len(missing)} of {len(chosen)} frames are missing)",
            remedy=_remedy(first["variant"]),
        )


def _remedy(variant: str) -> str:
    made = Variant.parse(variant)
    if made:
        return (
            f"Run {made.notebook} with {made.request} first; "
            f"with places all where the arm replaces more than {made.style}"
        )
    return "Complete the data set's download, or run 01_data_analysis again"


def _in_order(catalog: Catalog, chosen: pd.Series, copies: np.ndarray | None = None) -> Catalog:
    """The chosen frames in the order given; the second copy of a frame gets the id `id#2`."""
    copies = np.ones(len(chosen), int) if copies is None else copies
    wanted = pd.DataFrame({"frame_id": chosen.to_numpy(), "copy": copies})
    wanted["new"] = [f if c == 1 else f"{f}#{c}" for f, c in wanted.to_numpy()]

    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        joined = wanted.merge(table, on="frame_id")
        return joined.assign(frame_id=joined["new"]).drop(columns=["copy", "new"])

    return Catalog(renamed(catalog.frames), renamed(catalog.boxes))


def _places(arm: Catalog) -> pd.DataFrame:
    return arm.frames[KEY]


def _placed_boxes(arm: Catalog) -> pd.DataFrame:
    boxes = arm.boxes.merge(arm.frames[["frame_id", *KEY]], on="frame_id")
    return boxes[[*KEY, "class", "left", "top", "right", "bottom", "ignore"]]
