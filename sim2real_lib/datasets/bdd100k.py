"""BDD100K: the 100K images and their detection labels, as of 2020 (det_20) or 2018.

    root/images/100k/<split>/<name>.jpg
    root/labels/det_20/det_<split>.json  or  root/labels/bdd100k_labels_images_<split>.json

Format: doc.bdd100k.com, "Label format" (Scalabel). Official names and ignored classes:
`bdd100k/configs/det.toml` of github.com/bdd100k/bdd100k.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pandas as pd

from sim2real_lib.catalog.tables import BOXES, FRAMES, TIMES_OF_DAY, WEATHERS, Catalog
from sim2real_lib.datasets._common import assemble, choose, folder
from sim2real_lib.errors import InputError

SPLITS = ("train", "val")  # no labels are published for BDD100K's test images
LABELS = ("labels/det_20/det_{}.json", "labels/bdd100k_labels_images_{}.json")
RENAMED = {
    "bike": "bicycle",
    "motor": "motorcycle",
    "person": "pedestrian",
    "van": "car",
    "caravan": "car",
}
# What is none of the classes, and which class it excuses a detector from
IGNORED = {"other vehicle": "car", "other person": "pedestrian", "trailer": "truck"}
NOT_BOXES = ("lane", "drivable area", "area/")  # drawn as lines and polygons

TREE = (
    "Expected <root>/images/100k/<split>/*.jpg and <root>/labels/det_20/det_<split>.json, "
    "as BDD100K unpacks"
)


class _Box2d(msgspec.Struct, gc=False):
    x1: float
    y1: float
    x2: float
    y2: float


class _Flags(msgspec.Struct, gc=False):
    occluded: bool | None = None
    truncated: bool | None = None
    crowd: bool | None = None
    capital_occluded: bool | None = msgspec.field(name="Occluded", default=None)
    capital_truncated: bool | None = msgspec.field(name="Truncated", default=None)
    capital_crowd: bool | None = msgspec.field(name="Crowd", default=None)


class _Label(msgspec.Struct, gc=False):
    category: str
    box2d: _Box2d | None = None
    attributes: _Flags | None = None


class _Scene(msgspec.Struct, gc=False):
    weather: str | None = None
    timeofday: str | None = None
    scene: str | None = None


class _Frame(msgspec.Struct, gc=False):
    name: str
    video: str | None = msgspec.field(name="videoName", default=None)
    index: Annotated[int, msgspec.Meta(ge=0)] | None = msgspec.field(
        name="frameIndex", default=None
    )
    attributes: _Scene | None = None
    labels: list[_Label] | None = None


class _Wrapped(msgspec.Struct):
    frames: list[msgspec.Raw]


def read(root: Path, *, splits: Sequence[str] = SPLITS) -> Catalog:
    """BDD100K's labelled frames whose image is on disk; those without objects are kept.

    Names follow the official detection classes of 2020 (bike, motor and person are renamed, van and
    caravan are cars); other vehicle, other person, trailer and crowds become ignore areas of the
    official class that they could be taken for. Lanes and drivable areas are passed over. Dropped,
    with the frame's number in the file counted from 1 as its line: frames whose image is not on
    disk, objects without a box, boxes without area.

    Args:
        root: the folder that holds `images` and `labels`.
        splits: "train" and "val", the data set's own.

    Raises:
        InputError: for a missing folder or file, a split without a single labelled image, damaged
            JSON, or a frame that is not as the format has it.
    """
    root = folder(Path(root), TREE)
    frames: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    dropped: list[tuple[str, int, str]] = []
    for split in choose(splits, SPLITS, "labelled split", root):
        images = folder(root / "images" / "100k" / split, TREE)
        there = {path.name for path in images.iterdir()}
        labels = _label_file(root, split)
        seen: set[str] = set()
        for number, frame in _frames(labels):
            stem = _checked_stem(frame, seen, f"{labels}: frame {number}")
            frame_id = f"bdd100k/{split}/{stem}"
            if frame.name not in there:
                dropped.append((str(labels), number, f"{frame_id}: its image is not on disk"))
                continue
            frames.append(
                {
                    "frame_id": frame_id, "source": "bdd100k", "split": split,
                    "sequence": frame.video or stem, "index": frame.index or 0,
                    "variant": "original", "image": str(images / frame.name),
                    **_conditions(frame, f"{labels}: frame {number}"),
                }
            )  # fmt: skip
            for label in frame.labels or ():
                if label.box2d is not None:
                    place = {"frame_id": frame_id, "file": str(labels), "line": number}
                    boxes.append(place | _box(label, label.box2d))
                elif not label.category.startswith(NOT_BOXES):
                    reason = f"{frame_id}: a {label.category} without a box"
                    dropped.append((str(labels), number, reason))
        if not any(frame["split"] == split for frame in frames):
            raise InputError(
                f"none of the {len(seen)} labelled images is there", where=images, remedy=TREE
            )
    columns = [name for name in FRAMES.columns if name not in ("width", "height")]
    return assemble(
        pd.DataFrame(frames, columns=columns),
        pd.DataFrame(boxes, columns=[*BOXES.columns, "file", "line"]),
        dropped,
    )


def _label_file(root: Path, split: str) -> Path:
    candidates = [root / pattern.format(split) for pattern in LABELS]
    for path in candidates:
        if path.is_file():
            return path
    raise InputError("there is no such file", where=candidates[0], remedy=TREE)


def _frames(path: Path) -> Iterator[tuple[int, _Frame]]:
    """The file's frames with their numbers from 1, parsed one at a time."""
    try:
        whole = msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw] | _Wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a list of labelled frames ({error})", where=path) from error
    decoder = msgspec.json.Decoder(_Frame)
    for number, raw in enumerate(whole.frames if isinstance(whole, _Wrapped) else whole, 1):
        try:
            yield number, decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"not a labelled frame ({error})"
            raise InputError(what, where=f"{path}: frame {number}") from error


def _checked_stem(frame: _Frame, seen: set[str], where: str) -> str:
    """The image's name without its suffix; a name must not lead out of the folder of images."""
    if not re.fullmatch(r"[^/\\]+\.\w+", frame.name):
        raise InputError(f"{frame.name!r} is not the plain name of an image", where=where)
    stem = Path(frame.name).stem
    if stem in seen:
        raise InputError(f"{frame.name!r} is labelled a second time", where=where)
    seen.add(stem)
    return stem


def _conditions(frame: _Frame, where: str) -> dict[str, str]:
    given = frame.attributes or _Scene()
    found = {
        "weather": given.weather or "undefined",
        "timeofday": given.timeofday or "undefined",
        "scene": given.scene or "undefined",
    }
    for name, known in (("weather", WEATHERS), ("timeofday", TIMES_OF_DAY)):
        if found[name] not in known:
            remedy = f"There are: {', '.join(known)}"
            raise InputError(f"there is no {name} {found[name]!r}", where=where, remedy=remedy)
    return found


def _box(label: _Label, box: _Box2d) -> dict[str, Any]:
    flags = label.attributes or _Flags()
    crowd = flags.crowd or flags.capital_crowd
    name = label.category.lower()
    return {
        "class": (RENAMED | IGNORED).get(name, name), "raw_class": label.category,
        "left": box.x1, "top": box.y1, "right": box.x2, "bottom": box.y2,
        "occluded": flags.capital_occluded if flags.occluded is None else flags.occluded,
        "truncated": flags.capital_truncated if flags.truncated is None else flags.truncated,
        "ignore": bool(crowd) or name in IGNORED,
    }  # fmt: skip
