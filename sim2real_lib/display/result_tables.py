"""A run's results as tables: in the original's form, and as the charts want them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from sim2real_lib.display.style import ordered
from sim2real_lib.evaluation import slices
from sim2real_lib.evaluation.ap import Convention, curve
from sim2real_lib.evaluation.arm_names import BASELINE, ORACLE, arm_of, seed_of
from sim2real_lib.evaluation.comparison import Comparison
from sim2real_lib.evaluation.frame_changes import changes
from sim2real_lib.evaluation.scores import ALL, KINDS, scores
from sim2real_lib.evaluation.stored import Stored
from sim2real_lib.files import read_manifest
from sim2real_lib.params import translation_folder

# mAP@0.5 on BDD100K as the original team published it (Phot0Synthesis/sim2real, June 2022).
PUBLISHED = pd.DataFrame(
    {"0-5": [0.379, 0.413, 0.376], "0-10": [0.358, 0.387, 0.355], "0-all": [0.342, 0.365, 0.336]},
    index=["baseline", "cyclegan", "nst"],
)
# Of its classes it gave those of the baseline in one bin; BDD100K has no van.
PUBLISHED_CLASSES = {("baseline", "car", "0-5"): 0.629, ("baseline", "truck", "0-5"): 0.129}
CLASSES = ("car", "van", "truck")  # that the original detected
MARK = "published: "  # before the arms of the original, which was tested on other data
SEQUENCES, IMAGES = "sequences", "images"


def quantity(convention: Convention) -> str:
    """What the charts show, by name."""
    return f"mAP@0.5 ({convention})"


def results_table(compared: Comparison) -> pd.DataFrame:
    """The original's table: a row an arm, a column a bin, ours above what the original published.

    The rows of the original begin with `MARK`; bins that it did not have are unknown there.
    """
    ours = compared.results.loc[ordered(compared.results.index, "arm")]
    published = PUBLISHED.reindex(columns=ours.columns).rename(index=lambda arm: f"{MARK}{arm}")
    return pd.concat([ours, published.dropna(how="all")]).rename_axis("arm")


def class_table(compared: Comparison) -> pd.DataFrame:
    """AP@0.5 of each class: a row an arm, columns such as "car 0-5", ours above the original's.

    Columns are the original's three classes, then ours that it had not; what the test frames do
    not have is unknown, as the van is in BDD100K.
    """
    bins = list(compared.results.columns)
    wide: pd.DataFrame = compared.by_class.unstack("class")  # type: ignore[assignment]
    ours = wide.swaplevel(axis=1)
    names = dict.fromkeys([*CLASSES, *ours.columns.get_level_values(0)])
    columns = pd.MultiIndex.from_product([list(names), bins])
    ours = ours.loc[ordered(ours.index, "arm")].reindex(columns=columns)
    for (arm, name, bin_), value in PUBLISHED_CLASSES.items():
        if bin_ in bins:
            ours.loc[f"{MARK}{arm}", (name, bin_)] = value
    ours.columns = [f"{name} {bin_}" for name, bin_ in columns]
    return ours.astype(float).rename_axis("arm")


def aside(table: pd.DataFrame) -> list[str]:
    """The rows that do not compete for the best: the oracle's, and those of the original."""
    return [arm for arm in table.index if arm == ORACLE or arm.startswith(MARK)]


def elsewhere(table: pd.DataFrame) -> list[str]:
    """The rows of the original alone, which was tested on other data."""
    return [arm for arm in table.index if arm.startswith(MARK)]


def styled(table: pd.DataFrame) -> Styler:
    """The table for a notebook: the best of each column bold, what does not compete in italics."""
    apart = aside(table)
    style = table.style.format("{:.3f}", na_rep="–")
    style = style.highlight_max(subset=(table.index.difference(apart), slice(None)),
                                props="font-weight: bold")  # fmt: skip
    muted = {"font-style": "italic", "opacity": ".65"}
    style = style.set_properties(subset=(apart, slice(None)), **muted)
    return style.apply_index(lambda names: ["font-style: italic" * (n in apart) for n in names])


def intervals(compared: Comparison) -> pd.DataFrame:
    """Columns bin, arm, map50, low, high: for `result_plots.map_by_bin`."""
    return compared.intervals.reset_index().rename(columns={"slice": "bin"})


def differences(compared: Comparison) -> pd.DataFrame:
    """Columns bin, arm, difference, low, high over images, and low_all, high_all over images and
    seeds where there are several: for `difference_plots.difference_forest`."""
    wide = compared.seeds[["low", "high"]].add_suffix("_all")
    gains = compared.gains.rename(columns={"gain": "difference"}).join(wide).reset_index()
    return gains.rename(columns={"slice": "bin"})


def shares(compared: Comparison) -> pd.DataFrame:
    """Columns bin, arm, share, low, high: for `difference_plots.gap_closed`."""
    return compared.gaps.reset_index().rename(columns={"slice": "bin"})


def in_numbers(compared: Comparison) -> pd.DataFrame:
    """The last bin's gains, as text: a row an arm with its mAP@0.5, its difference from the
    baseline and the share of the gap that it closes, both with their intervals over images."""
    last = compared.results.columns[-1]
    gains = compared.gains.rename(columns={"gain": "value"})
    table = pd.DataFrame({"mAP@0.5": gains["mean_ap"]})
    table["difference (95%)"] = with_interval(gains, "{:+.3f}".format)
    if len(compared.gaps):
        shares = compared.gaps.rename(columns={"share": "value"})
        table["gap closed (95%)"] = with_interval(shares, "{:.0%}".format)
    arms = [arm for arm in compared.results.index if arm != BASELINE]
    return table.reindex([(last, arm) for arm in ordered(arms, "arm")]).reset_index("arm")


def with_interval(table: pd.DataFrame, written: Callable[[float], str]) -> pd.Series:
    """Columns value, low and high as text such as "+0.031 (+0.018 to +0.046)", which breaks nowhere
    in the brackets; None where there is no value, and no brackets where there is no interval."""

    def text(value: float, low: float, high: float) -> str | None:
        if pd.isna(value):
            return None
        ends = "" if pd.isna(low) else f" ({written(low)}\u00a0to\u00a0{written(high)})"
        return f"{written(value)}{ends}".replace("-", "−")

    rows = table[["value", "low", "high"]].itertuples(index=False, name=None)
    return pd.Series([text(*row) for row in rows], table.index, dtype=object)


def of_slices(mistakes: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The errors of some slices, in the order that the table has them."""
    return mistakes[mistakes.index.get_level_values("slice").isin(set(names))]


def seed_differences(scored: pd.DataFrame) -> pd.DataFrame:
    """Each seed's difference from the baseline of the same seed.

    Args:
        scored: from `all_scores`.

    Returns:
        columns bin, arm, seed, difference; none where no arm has several seeds.
    """
    own = scored[(scored["kind"] == "occlusion") & (scored["class"] == ALL)]
    runs = own.set_index(["slice", "seed", "arm"])["map50"].unstack("arm")
    apart: Any = runs.drop(columns=BASELINE).sub(runs[BASELINE], axis=0).stack().dropna()
    table = apart.reset_index(name="difference").rename(columns={"slice": "bin"})
    several = table.groupby(["bin", "arm"])["seed"].transform("size") > 1
    return table.loc[several, ["bin", "arm", "seed", "difference"]].reset_index(drop=True)


def all_scores(
    stored: Stored,
    asked: pd.DataFrame,
    test: pd.DataFrame,
    thresholds: Sequence[int],
    occluded: pd.Series,
) -> pd.DataFrame:
    """Every score of every arm and seed in every slice.

    Args:
        stored: the arms.
        asked: the test frames that the answer is about.
        test: all test frames: these are sliced by weather.
        thresholds, occluded: as in `scores.scores`.

    Returns:
        the columns of `scores.scores`, arm without its seed, and seed.
    """

    others = [kind for kind in KINDS if kind != "weather"]
    parts: list[list[pd.DataFrame]] = [[], []]
    for name in stored:
        one = {name: stored[name]}  # read once for both
        for part, frames, kinds in zip(parts, (asked, test), (others, ["weather"]), strict=True):
            part.append(scores(
                one, stored.objects, stored.areas, frames, stored.classes, thresholds=thresholds,
                occluded=occluded, sides=slices.sides_for(frames), kinds=kinds,
                convention=stored.convention,
            ))  # fmt: skip
    table = pd.concat([*parts[0], *parts[1]], ignore_index=True)
    names = table["arm"]
    table.insert(1, "seed", names.map(seed_of))
    return table.assign(arm=names.map(arm_of))


def slice_table(scored: pd.DataFrame) -> pd.DataFrame:
    """Columns kind, slice, arm, objects, map50, the mean over seeds: for `result_plots.heat_table`.

    Kinds whose slices are all the same frames are left out, and so is each kind's "all".
    """
    own = scored[(scored["class"] == ALL) & (scored["slice"] != ALL)]
    several = own.groupby("kind")["slice"].transform("nunique") > 1
    means = own[several].groupby(["kind", "slice", "arm"], sort=False)[["objects", "map50"]].mean()
    table = means.reset_index()
    return table.sort_values("kind", key=lambda kind: kind.map(KINDS.index), kind="stable")


def curves(stored: Stored, frame_ids: pd.Index) -> pd.DataFrame:
    """The precision-recall curves of every arm, the mean over seeds at each recall.

    Returns:
        columns class ("all" and each that the frames have), arm, recall, precision.
    """
    objects = stored.objects[stored.objects["frame_id"].isin(frame_ids)]
    parts = []
    for name in stored:
        found = stored[name]
        here = found[found["frame_id"].isin(frame_ids)]
        line = curve(here, objects, stored.classes, convention=stored.convention)
        parts.append(line.assign(arm=arm_of(name)))
    keys = ["class", "arm", "recall"]
    return pd.concat(parts).groupby(keys, sort=False)["precision"].mean().reset_index()


def moved(stored: Stored, compared: Comparison, frame_ids: pd.Index) -> pd.DataFrame | None:
    """What each frame adds to the gain of the best translated arm, as `frame_changes.changes` says;
    None where nothing was translated, or no frame changed."""
    best = compared.best
    if best is None:
        return None
    table = changes(stored, stored.objects, frame_ids, stored.classes, arm=best)
    return table if table["change"].any() else None


def first_seed(stored: Stored, arm: str) -> pd.DataFrame:
    """The detections of an arm's first seed."""
    return stored[next(name for name in stored if arm_of(name) == arm)]


def groups(frames: pd.DataFrame) -> tuple[pd.Series, str]:
    """What the bootstrap draws.

    Returns:
        frame id -> its sequence; and `SEQUENCES`, or `IMAGES` where every frame is alone in its
        own, as BDD100K's are.
    """
    names = (frames["source"] + "/" + frames["sequence"]).set_axis(frames["frame_id"])
    return names, IMAGES if names.is_unique else SEQUENCES


def seconds(run: Path, folders: Mapping[str, Path]) -> pd.DataFrame:
    """What each arm cost: columns `translate s` (networks trained and frames translated),
    `train s` and `test s`, in seconds of wall time, the mean over seeds."""
    rows = []
    for name, folder in folders.items():
        manifest = read_manifest(folder, "Run notebook 04_yolo_training again")
        variants = manifest.get("translated", [])
        made = [read_manifest(translation_folder(run, v), "Run it again") for v in variants]
        spent = sum(sum(each["timings"].values()) for each in made)
        took = manifest["timings"]
        rows.append((arm_of(name), spent, took["train"], took["test"]))
    table = pd.DataFrame(rows, columns=["arm", "translate s", "train s", "test s"])
    return table.groupby("arm", sort=False).mean().round().astype(int)


def in_short(
    compared: Comparison, frames: int, weathers: Sequence[str], drawn: str, convention: Convention
) -> str:
    """How much the answer stands on: frames, seeds, what was drawn."""
    counts = compared.seeds["seeds"].astype(int)
    least, most = counts.min(), counts.max()
    many = f"{most}" if least == most else f"{least} to {most}"
    seeds = "seed" if most == 1 else "seeds"
    return (
        f"{frames:,} test frames ({', '.join(weathers)}) · {many} {seeds} an arm · "
        f"{quantity(convention)}, the mean over the classes that the test frames have · "
        f"95% intervals: paired bootstrap over {drawn}"
    )
