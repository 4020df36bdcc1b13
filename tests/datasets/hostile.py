"""Files as a stranger may send them: valid ones of every reader's layout, damaged without end.

`benchmarks/fuzz.py` tries many thousands of what `test_hostile_readers.py` tries a few hundred of.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import layouts
import numpy as np
import own_layouts

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.tables import BOXES, FRAMES, unsound
from sim2real_lib.datasets import bdd100k, coco, kitti, vkitti1, vkitti2, yolo
from sim2real_lib.errors import InputError

WORDS = (
    "nan", "NaN", "inf", "-Infinity", "1e400", "-1e308", "1e-400", "-0", "0x10", "1_000", "０",
    "99999999999999999999", "9" * 5000, "1" + "0" * 400, "", "\x00", "\ufeff", "\u202e", "\x1b[2J",
    "../../etc/passwd", "/etc/passwd", "a" * 300, "C:\\x", "$\\frac{", "<script>x()</script>",
    "=1+1", "{0}", "%s", "null", "true", "''", '"', "#", "\u2028", "e" * 100_000,
)  # fmt: skip
# What no JSON writer makes: placed by hand where such a mark stands in the text.
RAW = {
    "\ue000": "NaN", "\ue001": "-Infinity", "\ue002": "1e400", "\ue003": "9" * 5000,
    "\ue004": "[" * 100_000 + "]" * 100_000, "\ue005": "[" * 100_000, "\ue006": '"\\ud800"',
    "\ue007": '"\\u0000"', "\ue008": '{"a":' * 100_000 + "1" + "}" * 100_000, "\ue009": "-0.0",
    "\ue00a": '{"a":1,"a":2}', "\ue00b": "1" + "0" * 400,
}  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**63), 1.5, 1e308, -1e308, 1e-320, "", "a",
    [], [[]], {}, [1, 2, 3, 4], [1, 2, 3, 4, 5], *WORDS[:-1], *RAW,
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-8-sig", "utf-32", "latin-1")


@dataclass(frozen=True)
class Target:
    """A reader, a data set for it, and the files of that which a stranger may have written.

    Attributes:
        write: writes the data set into a folder.
        files: the files that are damaged, relative to the folder.
        read: reads it.
    """

    write: Callable[[Path], object]
    files: tuple[str, ...]
    read: Callable[[Path], Catalog]


def _kitti_tracking(root: Path) -> None:
    line = layouts.kitti_line(5, 5, 40, 30, occluded=1)
    layouts.kitti_tracking(root, [f"0 0 {line}", f"0 1 {line}", f"1 0 {line}", f"1 -1 {line}"])
    layouts.image_sets(root, train=["0001 empty 000000 000002"], val=[])


def _kitti_object(root: Path) -> None:
    line = layouts.kitti_line(5.25, 5, 40, 30, truncated=0.5)
    layouts.kitti_object(root, {"000000": [line, line], "000001": [line], "000002": []})
    layouts.kitti_mapping(
        root, [f"2011_09_26 2011_09_26_drive_0005_sync {n:010d}" for n in range(3)], "2,1,3"
    )


def _vkitti1(root: Path) -> None:
    row = "0 {} Car 0 0 -1.5 5 5 40 30 1 1 1 1 1 1 0 0 0 0.0 0.5 Car 0 Polo Red"
    layouts.vkitti1(root, [row.format(0), row.format(1), row.format(2).replace("0 2", "1 2", 1)])


def _vkitti2(root: Path) -> None:
    layouts.vkitti2(
        root,
        ["0 0 0 5 40 5 30 300 0.0 0.5 True", "1 0 1 5 40 5 30 300 0.25 0.5 False"],
        info=["0 Car SUV Black", "1 Truck Box Red"],
    )


def _frame(name: str) -> dict[str, Any]:
    conditions = {"weather": "foggy", "timeofday": "daytime", "scene": "city street"}
    labels = [layouts.bdd_label(5, 5, 40, 30, occluded=True, truncated=False)]
    labels.append({"category": "lane", "poly2d": [{"vertices": [[1, 2], [3, 4]]}]})
    return {"name": name, "videoName": "a-b", "frameIndex": 3, "attributes": conditions,
            "labels": labels}  # fmt: skip


def _bdd100k(root: Path) -> None:
    layouts.bdd100k(root, [_frame("a.jpg"), _frame("b.jpg")], pictures=["a.jpg", "b.jpg"])


def _bdd100k_2018(root: Path) -> None:
    _bdd100k(root)
    new = root / "labels/bdd100k_labels_images_train.json"
    (root / "labels/det_20/det_train.json").rename(new)


def _bdd100k_100k(root: Path) -> None:
    _bdd100k(root)
    shutil.rmtree(root / "labels/det_20")
    frame = _frame("a")
    objects = frame.pop("labels")
    path = root / "labels/100k/train/a.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(frame | {"frames": [{"timestamp": 1, "objects": objects}]}))


def _coco(root: Path) -> None:
    own_layouts.pictures(root / "train", "a.jpg", "b.jpg")
    own_layouts.coco(
        root / "annotations/instances_train.json",
        [own_layouts.listed(1, "a.jpg", weather="foggy"), own_layouts.listed(2, "b.jpg")],
        [own_layouts.annotation(1, iscrowd=0), own_layouts.annotation(2, image_id=2)],
    )


def _yolo(root: Path) -> None:
    own_layouts.labelled(root, {"a.jpg": ["0 .5 .5 .2 .2", "1 .1 .1 .3 .1 .3 .4 .1 .4"]})
    layouts.text(root / "list.txt", ["images/train/a.jpg"])
    own_layouts.yolo(root, train="list.txt")


BDD = {"splits": ["train"]}
OWN = {"source": "mine"}
TARGETS: Mapping[str, Target] = {
    "kitti tracking": Target(
        _kitti_tracking, ("training/label_02/0001.txt", "ImageSets/train.txt"), kitti.read
    ),
    "kitti object": Target(
        _kitti_object,
        ("training/label_2/000000.txt", "devkit/mapping/train_mapping.txt",
         "devkit/mapping/train_rand.txt"),
        kitti.read,
    ),
    "vkitti1": Target(
        _vkitti1, ("vkitti_1.3.1_motgt/0001_clone.txt",),
        lambda root: vkitti1.read(root, variants=["clone"]),
    ),
    "vkitti2": Target(
        _vkitti2,
        tuple(f"vkitti_2.0.3_textgt/Scene01/clone/{name}.txt" for name in ("bbox", "info")),
        lambda root: vkitti2.read(root, variants=["clone"]),
    ),
    "bdd100k det_20": Target(
        _bdd100k, ("labels/det_20/det_train.json",), lambda root: bdd100k.read(root, **BDD)
    ),
    "bdd100k 2018": Target(
        _bdd100k_2018, ("labels/bdd100k_labels_images_train.json",),
        lambda root: bdd100k.read(root, **BDD),
    ),
    "bdd100k 100k": Target(
        _bdd100k_100k, ("labels/100k/train/a.json",), lambda root: bdd100k.read(root, **BDD)
    ),
    "coco": Target(
        _coco, ("annotations/instances_train.json",), lambda root: coco.read(root, **OWN)
    ),
    "yolo": Target(
        _yolo, ("data.yaml", "list.txt", "labels/train/a.txt"), lambda root: yolo.read(root, **OWN)
    ),
}  # fmt: skip


def damaged(rng: Random, whole: bytes) -> bytes:
    """A file with one to three things wrong with it."""
    data = whole
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kinds = [_bytes, _lines, _words, _encoding]
        if whole[:1] in (b"{", b"["):
            kinds += [_json] * 6
        data = rng.choice(kinds)(rng, data)
    return data


def attempt(target: Target, root: Path, file: str, data: bytes) -> str:
    """Read the data set with this in place of one of its files.

    Returns:
        "read" or "refused"; whatever else happens is an error.
    """
    path = root / file
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        catalog = target.read(root)
    except InputError as error:
        assert error.what and len(str(error)) < 7000, "one clear error"
        return "refused"
    finally:
        path.write_bytes(whole)
    check(catalog)
    return "read"


def check(catalog: Catalog) -> None:
    """A catalog that everything downstream can believe."""
    assert list(catalog.frames) == list(FRAMES.columns)  # their values a catalog checks itself
    boxes = catalog.boxes[list(BOXES.columns)].merge(catalog.frames, on="frame_id")
    sides = boxes[["left", "top", "right", "bottom"]].to_numpy()
    assert len(boxes) == len(catalog.boxes) and np.isfinite(sides).all()
    assert (boxes["right"] <= boxes["width"]).all() and (boxes["bottom"] <= boxes["height"]).all()
    assert not unsound(catalog.frames["frame_id"]).any()
    for table in (catalog.frames, catalog.boxes, catalog.dropped):
        for column in table.select_dtypes("str"):
            "".join(table[column].astype("str")).encode()  # no half characters


def _bytes(rng: Random, data: bytes) -> bytes:
    edited = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place, kind = rng.randint(0, len(edited)), rng.choice("oidcr")
        length = rng.choice((1, 1, 2, 50))
        if kind == "c":
            del edited[place:]
        elif kind == "r":
            edited[place:place] = edited[place : place + length] * rng.choice((2, 100))
        else:
            new = rng.randbytes(length) if rng.random() < 0.5 else rng.choice(b'{}[]",: \n0-')
            new = new if isinstance(new, bytes) else bytes([new])
            edited[place : place + (0 if kind == "i" else length)] = b"" if kind == "d" else new
    return bytes(edited)


def _lines(rng: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.choice(("twice", "drop", "swap", "join", "many"))
    if kind == "drop":
        del lines[one]
    elif kind == "swap":
        lines[one], lines[two] = lines[two], lines[one]
    elif kind == "join":
        lines[one : one + 2] = [b" ".join(lines[one : one + 2])]
    else:
        lines[one:one] = [lines[two]] * (1 if kind == "twice" else 1000)
    return b"\n".join(lines)


def _words(rng: Random, data: bytes) -> bytes:
    words = data.split(b" ")
    place = rng.randrange(len(words))
    word = rng.choice(WORDS).encode()
    end = b"\n" if words[place].endswith(b"\n") else b""
    words[place] = rng.choice((word + end, words[place] + word, word + words[place]))
    return b" ".join(words)


def _encoding(rng: Random, data: bytes) -> bytes:
    kind = rng.choice((*ENCODINGS, "crlf", "cr", "nothing", "nul"))
    if kind in ENCODINGS:
        return data.decode("latin-1").encode(kind)
    if kind == "nul":
        return data + b"\0" * rng.choice((1, 4096))
    return b"" if kind == "nothing" else data.replace(b"\n", b"\r\n" if kind == "crlf" else b"\r")


def _json(rng: Random, data: bytes) -> bytes:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _bytes(rng, data)
    places: list[tuple[Any, Any]] = []
    waiting = [value] if isinstance(value, dict | list) else []
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        places += [(node, key) for key in keys]
        waiting += [node[key] for key in keys if isinstance(node[key], dict | list)]
    if not places:
        return _bytes(rng, data)
    node, key = rng.choice(places)
    kind = rng.choice(("value", "value", "value", "drop", "wrap", "copy", "other", "key"))
    if kind == "drop":
        del node[key]
    elif kind == "wrap":
        node[key] = [node[key]]
    elif kind == "copy" and isinstance(node, list):
        node += [node[key]] * rng.choice((1, 500))
    elif kind == "other":
        there, name = rng.choice(places)
        if not (isinstance(node, list) or there is node) and isinstance(there[name], int | str):
            node[key] = there[name]
    elif kind == "key" and isinstance(node, dict):
        node[rng.choice(WORDS[:-1])] = node.pop(key)
    else:
        node[key] = rng.choice(VALUES)
    text = json.dumps(value, ensure_ascii=False)
    for mark, raw in RAW.items():
        text = text.replace(f'"{mark}"', raw)
    return text.encode(errors="surrogatepass")
