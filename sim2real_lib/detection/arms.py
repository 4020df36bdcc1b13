"""What the arms of a run are made of, and which of them are finished."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from sim2real_lib import catalog
from sim2real_lib.catalog import Catalog
from sim2real_lib.detection import compose
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import preservation
from sim2real_lib.evaluation.arm_names import BASELINE, arm_of, seed_of
from sim2real_lib.files import read_manifest
from sim2real_lib.params import Variant, YOLOTraining
from sim2real_lib.translation import rejections, structure

ALL_OF_THEM = "or `make demo` for all of them"


def gather(p: YOLOTraining) -> Catalog:
    """The catalog of 01 and the translated frames that the arm asks for.

    Raises:
        InputError: naming the notebook that has to run first.
    """
    folders = {"01_data_analysis": p.data_folder / "01_data_analysis"}
    for folder in p.translations:
        made = Variant.of(folder.name)
        folders[f"{made.notebook} with {made.request}"] = folder
    parts = []
    for name, folder in folders.items():
        remedy = f"Run notebook {name} first, {ALL_OF_THEM}"
        read_manifest(folder, remedy)
        parts.append(catalog.load(folder / "catalog", remedy))
    return catalog.concat(parts)


def build(data: Catalog, p: YOLOTraining, rejected: Collection[str] = ()) -> Catalog:
    """The arm's training frames: the mix with its replacements, or as many target frames.

    Args:
        data: from `gather`.
        p: the notebook's parameters.
        rejected: ids of translated frames to do without, from `rejected`.
    """
    if p.made_of == "target":
        count = len(compose.compose(data))
        return compose.oracle(data, count=count, weathers=p.target_weathers, seed=p.seed)
    return compose.compose(data, replace=p.replaced, add=p.added, rejected=rejected)


def rejected(data: Catalog, p: YOLOTraining) -> pd.DataFrame:
    """The translated frames that the arm does without: rejected by hand, or by their edges.

    In the mix the frame that was to be replaced stays in their places; added ones are left out.

    Args:
        data, p: as in `build`.

    Returns:
        A row a frame: frame_id, variant, reason: "by hand" (see `translation.rejections`) or
        "edges", where a frame's objects agree less than `min_agreement`; for these score, boxes
        and worst, as in `structure.frame_scores`, the lowest score first.

    Raises:
        InputError: when a line of the rejected frames' file names no frame or variant.
    """
    parts = [pd.DataFrame(columns=["frame_id", "variant", "score", "boxes", "worst", "reason"])]
    for folder in p.translations if p.min_agreement else ():
        frames = data.frames[data.frames["variant"] == folder.name]
        scores = structure.frame_scores(structure.load(folder), frames)
        low = scores.drop(preservation.kept(scores, p.min_agreement)).reset_index()
        parts.append(low.assign(variant=folder.name, reason="edges"))
    if p.translations:
        by_hand = rejections.read(p.data_folder / rejections.FILE, data.frames)
        by_hand = by_hand[by_hand["variant"].isin([folder.name for folder in p.translations])]
        ids = by_hand["variant"] + "/" + by_hand["frame_id"]
        parts.append(by_hand.assign(frame_id=ids, reason="by hand"))
    found = pd.concat([part for part in parts if len(part)] or parts)
    if found.empty:
        return found
    found = found.reindex(columns=parts[0].columns).drop_duplicates("frame_id")
    wanted = compose.compose(data, replace=p.replaced, add=p.added).frames["frame_id"]
    return found[found["frame_id"].isin(wanted)].sort_values("score", ignore_index=True)


def translated(folders: Mapping[str, Path]) -> list[str]:
    """The arms among those of `finished` that translations are part of, each once."""
    again = "Run notebook 04_yolo_training again"
    made = (n for n, path in folders.items() if read_manifest(path, again).get("translated"))
    return list(dict.fromkeys(map(arm_of, made)))


def finished(
    run: Path,
    arms: Sequence[str] = (),
    seeds: Sequence[int] = (),
    classes: Collection[str] = (),
) -> dict[str, Path]:
    """ "<arm>-seed<n>" -> its folder; every finished one of the run where none are named.

    Args:
        run: the run's folder.
        arms, seeds: which; empty: all.
        classes: those that are asked about: a misspelt one would change the mean in silence.

    Raises:
        InputError: when a named one is not finished, there is no baseline, or a detector was not
            trained on all the classes.
    """
    home = run / "04_yolo_training"
    done = sorted(path.parent.name for path in home.glob("*-seed*/manifest.json"))
    if arms and seeds:
        names = [f"{arm}-seed{seed}" for arm in arms for seed in seeds]
    else:
        names = [
            name
            for name in done
            if not arms or arm_of(name) in arms
            if not seeds or seed_of(name) in map(str, seeds)
        ]
    for name in names:
        asked = f"arm {arm_of(name)}, seed {seed_of(name)}"
        made = read_manifest(home / name, f"Run notebook 04_yolo_training with {asked}")
        unknown = [one for one in classes if one not in made["params"]["classes"]]
        if unknown:
            known = ", ".join(made["params"]["classes"])
            raise InputError(
                f"{name} was not trained on {', '.join(unknown)}",
                where="classes",
                remedy=f"Choose of: {known}",
            )
    if BASELINE not in map(arm_of, names):
        remedy = f"Run notebook 04_yolo_training with arm baseline first, {ALL_OF_THEM}"
        raise InputError("there is no finished baseline to compare with", where=home, remedy=remedy)
    named = [*(("arm", arm) for arm in arms), *(("seed", str(seed)) for seed in seeds)]
    there = {*(("arm", arm_of(name)) for name in names), *(("seed", seed_of(n)) for n in names)}
    for what, which in named:
        if (what, which) not in there:
            lacking = f"no detector of {what} {which} is finished"
            raise InputError(lacking, where=home, remedy=f"Finished: {', '.join(done)}")
    return {name: home / name for name in names}
