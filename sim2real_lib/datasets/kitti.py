"""KITTI: the tracking and the object benchmark's training images and 2D boxes.

    root/training/image_02/<sequence>/<frame>.png   root/training/label_02/<sequence>.txt   tracking
    root/training/image_2/<id>.png                  root/training/label_2/<id>.txt          object

and, where you have them,

    root/ImageSets/{train,val,…}.txt                    lists of sequences or of object images
    root/devkit/mapping/{train_mapping,train_rand}.txt  the drives that object images come from

Formats: the readme.txt of each benchmark's development kit (cvlibs.net/datasets/kitti).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets._common import (
    Dropped,
    assemble,
    choose,
    files,
    folder,
    numbered_images,
    read_table,
    refuse,
    refuse_inverted,
    resolve_classes,
    stay_inside,
    text_lines,
)
from sim2real_lib.errors import InputError

Benchmark = Literal["tracking", "object"]

OBJECT_FIELDS: dict[str, type] = {
    "type": str, "truncated": float, "occluded": int, "alpha": float,
    "left": float, "top": float, "right": float, "bottom": float,
    "h": float, "w": float, "l": float, "x": float, "y": float, "z": float, "ry": float,
}  # fmt: skip
TRACKING_FIELDS = {"frame": int, "trackID": int, **OBJECT_FIELDS, "truncated": int}
UNKNOWN_OCCLUSION = (-1, 3)  # -1: not given; 3: the development kit's own "unknown"

SEQUENCE = r"[0-9]{4}"
IMAGE = r"([0-9]{6})\.png"
PLACES: dict[Benchmark, str] = {"tracking": "image_02", "object": "image_2"}
# A sequence's line may be that of the development kit's evaluate_tracking.seqmap, which goes on
# with the sequence's first frame and the one past its last: "0001 empty 000000 000447".
LISTED: dict[Benchmark, str] = {
    "tracking": rf"({SEQUENCE})(?: empty [0-9]+ [0-9]+)?",
    "object": r"([0-9]{6})",
}
MAPPINGS = ("mapping", "devkit/mapping", "devkit_object/mapping")
RAW_DRIVE = r"[0-9]{4}_[0-9]{2}_[0-9]{2}_drive_[0-9]{4}_sync"
MAPPING_FIELDS: dict[str, type] = {"date": str, "drive": str, "frame": int}

TREE = (
    "Expected <root>/training/image_02/<sequence>/<frame>.png with label_02/<sequence>.txt "
    "(tracking), or training/image_2/<id>.png with label_2/<id>.txt (object), as KITTI unpacks"
)
SETS = "Each line is a sequence's four digits (tracking) or an image's six (object), in one list"
DEVKIT = "Take train_mapping.txt and train_rand.txt from the object development kit, or neither"


def read(
    root: Path,
    *,
    sequences: Sequence[str] | None = None,
    benchmark: Benchmark | None = None,
    image_sets: Sequence[str] | None = None,
) -> Catalog:
    """KITTI's labelled training frames; frames in which nothing is labelled are kept.

    Boxes keep KITTI's fractions of a pixel and are clipped to their image, each of which has its
    own size. `DontCare` becomes an ignore area. Occluded means partly or largely (levels 1 and 2);
    3 and -1 are unknown. Truncated means more than 0; -1 is unknown.

    With the development kit's mapping, the sequence of an object image is its raw drive
    ("2011_09_26_drive_0005") and its index the raw frame's number, so that a split by sequence
    keeps a drive together. Without it each image is a sequence by itself.

    A frame's split is the image set that lists it or its sequence, "train" where there are none.
    Dropped are frames that neither train nor val lists, and listed ones that are not on disk.

    Args:
        root: the folder that holds `training`.
        sequences: names of tracking sequences ("0001") or, with the mapping, of raw drives; all
            when None.
        benchmark: None: tracking where the images of both are there.
        image_sets: the lists of `ImageSets` to read; None: train and val where both are there, else
            every frame.

    Raises:
        InputError: for a missing folder or file, an unknown sequence, benchmark or image set, a
            frame listed twice, or a malformed line of any file.
    """
    root = folder(Path(root), TREE)
    training = folder(root / "training", TREE)
    there = [name for name, place in PLACES.items() if (training / place).is_dir()]
    chosen = there[0] if there and benchmark is None else benchmark
    if chosen not in there:
        which = f"KITTI {benchmark}" if benchmark else "KITTI"
        raise InputError(f"there are no {which} images here", where=training, remedy=TREE)
    lists = _image_sets(root, chosen, image_sets, both=len(there) > 1)
    if chosen == "tracking":
        drives = sorted((training / "image_02").iterdir())
        found = {path.name: path for path in drives if re.fullmatch(SEQUENCE, path.name)}
        splits, dropped = _splits("kitti/", found, lists, unlisted=image_sets is None)
        return _tracking(root, sequences, splits, dropped if sequences is None else [])
    pictures = numbered_images(training / "image_2", root, IMAGE, TREE)
    found = {f"{number:06d}": path for number, path in pictures.items()}
    splits, dropped = _splits("kitti/object/", found, lists, unlisted=image_sets is None)
    return _object(root, sequences, found, splits, dropped if sequences is None else [])


def _tracking(
    root: Path, sequences: Sequence[str] | None, splits: dict[str, str], dropped: list[Dropped]
) -> Catalog:
    drives, texts = root / "training/image_02", root / "training/label_02"
    frames, prefixes = [], {}
    for sequence in choose(sequences, splits, "sequence", drives):
        prefix = f"kitti/{sequence}/"
        table = _frames(prefix, numbered_images(drives / sequence, root, IMAGE, TREE))
        frames.append(table.assign(sequence=sequence, split=splits[sequence]))
        prefixes[str(stay_inside(texts / f"{sequence}.txt", texts, root))] = prefix
    labels = read_table([Path(path) for path in prefixes], TRACKING_FIELDS, remedy=TREE)
    refuse(labels, labels["frame"] < 0, "frame {frame} is negative")
    refuse(labels, labels["trackID"] < -1, "trackID is {trackID}, not -1 or more")
    again = labels.duplicated(["file", "frame", "trackID"]) & (labels["trackID"] >= 0)
    refuse(labels, again, "track {trackID} is in frame {frame} a second time")
    refuse(labels, ~labels["truncated"].between(-1, 2), "truncated is {truncated}, not -1…2")
    frame_id = labels["file"].map(prefixes) + _padded(labels["frame"])
    return assemble(pd.concat(frames), _boxes(labels, frame_id), dropped)


def _object(
    root: Path,
    sequences: Sequence[str] | None,
    found: Mapping[str, Path],
    splits: dict[str, str],
    dropped: list[Dropped],
) -> Catalog:
    images, texts = root / "training/image_2", root / "training/label_2"
    labels = {
        path.stem: path for path in files(texts, root, TREE).values() if path.suffix == ".txt"
    }
    drives = _drives(root, found)
    names = list(splits)
    if sequences is not None:
        if drives is None:
            remedy = "Leave them out, or add the development kit's mapping"
            raise InputError("the object benchmark has no sequences", where=images, remedy=remedy)
        chosen = choose(sequences, {drives[name][0] for name in names}, "drive", images)
        names = [name for name in names if drives[name][0] in chosen]
    else:
        dropped += [
            (str(labels[name]), 0, f"kitti/object/{name}: its image is not on disk")
            for name in sorted(labels.keys() - found.keys())
        ]
    # Such an image is not an empty street: nobody has said what is in it.
    dropped += [
        (str(found[name]), 0, f"kitti/object/{name}: it has no label file")
        for name in names
        if name not in labels
    ]
    names = [name for name in names if name in labels]
    if not names:
        raise InputError("none of the images has labels", where=texts, remedy=TREE)
    frames = _frames("kitti/object/", {int(name): found[name] for name in names})
    frames = frames.assign(sequence=names, split=[splits[name] for name in names])
    if drives is not None:
        frames["sequence"], frames["index"] = zip(*(drives[name] for name in names), strict=True)
    table = read_table([labels[name] for name in names], OBJECT_FIELDS, remedy=TREE)
    share = (table["truncated"] == -1) | table["truncated"].between(0, 1)
    refuse(table, ~share, "truncated is {truncated}, neither 0…1 nor -1")
    ids = {str(labels[name]): f"kitti/object/{name}" for name in names}
    return assemble(frames, _boxes(table, table["file"].map(ids)), dropped)


def _image_sets(
    root: Path, benchmark: Benchmark, asked: Sequence[str] | None, *, both: bool
) -> pd.DataFrame | None:
    """What the lists name, each with its split (the list's name), file and line; None: no lists.

    There are none to follow where none is asked for, and train and val are not both there or are
    lists of the other benchmark's, `both` of which have their images here.
    """
    home = root / "ImageSets"
    there = {
        path.stem: path
        for path in (files(home, root, SETS).values() if home.is_dir() else ())
        if path.suffix == ".txt"
    }
    if asked is None and not {"train", "val"} <= there.keys():
        return None
    names = ("train", "val") if asked is None else asked
    rows = [
        (" ".join(line.split()), split, str(there[split]), number)
        for split in choose(names, there, "image set", home)
        for number, line in enumerate(text_lines(there[split], SETS), 1)
        if line.strip()
    ]
    lists = pd.DataFrame(rows, columns=["name", "split", "file", "line"]).astype({"name": "str"})
    other = LISTED["object" if benchmark == "tracking" else "tracking"]
    if asked is None and both and lists["name"].str.fullmatch(other).all():
        return None
    refuse(lists, ~lists["name"].str.fullmatch(LISTED[benchmark]), "{name!r} is listed", SETS)
    lists["name"] = lists["name"].str.split().str[0]
    refuse(lists, lists["name"].duplicated(), "{name} is listed a second time", SETS)
    return lists


def _splits(
    prefix: str, found: Mapping[str, Path], lists: pd.DataFrame | None, *, unlisted: bool
) -> tuple[dict[str, str], list[Dropped]]:
    """The split of each sequence or image that is here and listed, and what is dropped.

    Args:
        prefix: what a frame_id begins with.
        found: sequence or image -> its folder or file.
        lists: what `_image_sets` returns.
        unlisted: whether to report those that are in none of the lists.
    """
    if lists is None:
        return dict.fromkeys(found, "train"), []
    listed = dict(zip(lists["name"], lists["split"], strict=True))
    splits = {name: listed[name] for name in found if name in listed}
    if found and not splits:
        where = next(iter(found.values())).parent
        raise InputError("the image sets list nothing of what is here", where=where, remedy=SETS)
    lost = lists[~lists["name"].isin(list(found))]
    dropped = [
        (file, line, f"{prefix}{name}: it is listed, but not on disk")
        for name, file, line in zip(lost["name"], lost["file"], lost["line"], strict=True)
    ]
    dropped += [
        (str(path), 0, f"{prefix}{name}: neither train nor val lists it")
        for name, path in found.items()
        if unlisted and name not in listed
    ]
    return splits, dropped


def _drives(root: Path, names: Collection[str]) -> dict[str, tuple[str, int]] | None:
    """Object image -> its raw drive and frame there; None without the development kit's mapping.

    Number n of train_rand.txt, for image n (from 0), is a line (from 1) of train_mapping.txt.
    """
    sources = [root / place / "train_mapping.txt" for place in MAPPINGS]
    source = next((path for path in sources if path.exists()), None)
    if source is None:
        return None
    mapping = read_table([stay_inside(source, source.parent, root)], MAPPING_FIELDS, remedy=DEVKIT)
    known = mapping["drive"].str.fullmatch(RAW_DRIVE) & (mapping["frame"] >= 0)
    known &= mapping["drive"].str[:10] == mapping["date"]
    refuse(mapping, ~known, "{date} {drive} {frame} is no frame of a raw drive", DEVKIT)
    shuffled = stay_inside(source.with_name("train_rand.txt"), source.parent, root)
    rows: dict[int, None] = {}  # in the order of the images
    for number, line in enumerate(text_lines(shuffled, DEVKIT), 1):
        for word in line.replace(",", " ").split():
            row = int(word) - 1 if re.fullmatch("[0-9]{1,9}", word) else -1
            if row in rows or not 0 <= row < len(mapping):
                wrong = "stands here a second time" if row in rows else f"is no line of {source}"
                raise InputError(f"{word!r} {wrong}", where=f"{shuffled}:{number}", remedy=DEVKIT)
            rows[row] = None
    if len(rows) < len(mapping):
        what = f"{len(rows)} numbers for the {len(mapping)} lines of {source}"
        raise InputError(what, where=f"{shuffled}:1", remedy=DEVKIT)
    raw = mapping.iloc[list(rows)]
    places = list(zip(raw["drive"].str.removesuffix("_sync"), raw["frame"], strict=True))
    unknown = [name for name in names if int(name) >= len(places)]
    if unknown:
        what = f"no number here is image {unknown[0]}'s; there are {len(places)}"
        raise InputError(what, where=f"{shuffled}:1", remedy=DEVKIT)
    return {name: places[int(name)] for name in names}


def _frames(prefix: str, pictures: Mapping[int, Path]) -> pd.DataFrame:
    index = pd.Series(pictures.keys(), dtype="int64")
    return pd.DataFrame(
        {
            "frame_id": prefix + _padded(index), "source": "kitti",
            "index": index, "variant": "original", "image": [str(p) for p in pictures.values()],
            "weather": "clear", "timeofday": "daytime", "scene": "undefined",
        }
    )  # fmt: skip


def _boxes(labels: pd.DataFrame, frame_id: pd.Series) -> pd.DataFrame:
    named = resolve_classes(labels, "type", "kitti")
    refuse(labels, ~labels["occluded"].isin([-1, 0, 1, 2, 3]), "occluded is {occluded}, not -1…3")
    refuse_inverted(labels)
    occluded = (labels["occluded"] >= 1).astype("boolean")
    truncated = (labels["truncated"] > 0).astype("boolean")
    return labels[["file", "line", "left", "top", "right", "bottom"]].assign(
        frame_id=frame_id,
        **{"class": named.classes},
        raw_class=labels["type"],
        occluded=occluded.mask(labels["occluded"].isin(UNKNOWN_OCCLUSION)),
        occlusion=float("nan"),
        truncated=truncated.mask(labels["truncated"] < 0),
        visible_pixels=None,
        ignore=named.ignore,
    )


def _padded(number: pd.Series) -> pd.Series:
    return number.astype("str").str.zfill(6)
