"""The data sets of a run, read into one catalog: the three of the experiment, and your own."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pandas as pd

from sim2real_lib.catalog import Catalog, concat
from sim2real_lib.catalog.split import LEFT_OUT
from sim2real_lib.datasets import bdd100k, coco, kitti, minidrive, vkitti1, vkitti2, yolo
from sim2real_lib.files import key
from sim2real_lib.params import DataAnalysis, Own
from sim2real_lib.s3 import fetch_data, local


def roots(p: DataAnalysis) -> dict[str, Path]:
    """Data set -> its root folder; MiniDrive's lie in the run, a folder for each world."""
    if p.data == "minidrive":
        home = p.folder / "minidrive" / key(asdict(world(p)), minidrive.VERSION)
        return {name: home / name for name in ("kitti", "vkitti2", "bdd100k")}
    return {
        "kitti": local(p.kitti_root),
        "vkitti2": local(p.vkitti2_root),
        "bdd100k": local(p.bdd100k_root),
    }


def world(p: DataAnalysis) -> minidrive.World:
    """The MiniDrive world that the parameters ask for."""
    return minidrive.World(
        seed=p.world_seed,
        scenes=tuple(p.sequences),
        frames_per_scene=p.frames_per_scene,
        kitti_size=p.kitti_size,
        bdd_size=p.bdd_size,
        bdd_train_per_weather=p.bdd_train_per_weather,
        bdd_val_per_weather=p.bdd_val_per_weather,
    )


def prepare(p: DataAnalysis) -> None:
    """Draw MiniDrive and fetch data sets from the storage, where the run uses them and they are not
    here yet; else do nothing.

    Raises:
        InputError: a data set cannot be fetched.
    """
    if p.data == "minidrive":
        minidrive.write(roots(p)["kitti"].parent, world(p))
    else:
        for root in (p.kitti_root, p.vkitti2_root, p.bdd100k_root):
            fetch_data(root)
    for own in p.own.values():
        fetch_data(own.root)


def first_look(p: DataAnalysis) -> dict[str, list[Path]]:
    """Data set -> a few images, in seconds: something to look at while `prepare` draws the rest.

    A MiniDrive of the same seed with one frame of each kind; only for `data: minidrive`.
    """
    small = replace(
        world(p), scenes=tuple(p.sequences[:1]), frames_per_scene=1,
        bdd_train_per_weather=1, bdd_val_per_weather=1,
    )  # fmt: skip
    home = p.folder / "first_look" / key(asdict(small), minidrive.VERSION)
    minidrive.write(home, small, workers=1, progress=False)  # starting workers would take longer
    return {
        "Virtual KITTI": sorted((home / "vkitti2").rglob("*.jpg")),
        "BDD100K": sorted((home / "bdd100k" / "images" / "100k" / "val").glob("*.jpg")),
    }


def readers(p: DataAnalysis) -> dict[str, Callable[[], Catalog]]:
    """Data set -> what reads it; the order is the catalog's."""
    root = roots(p)
    virtual = vkitti1 if (root["vkitti2"] / "vkitti_1.3.1_rgb").is_dir() else vkitti2
    return {
        "kitti": partial(kitti.read, root["kitti"], sequences=p.sequences),
        "vkitti2": partial(virtual.read, root["vkitti2"], scenes=p.sequences),
        "bdd100k": partial(bdd100k.read, root["bdd100k"]),
        **{name: partial(_read_own, name, own) for name, own in p.own.items()},
    }


def quick_readers(p: DataAnalysis) -> dict[str, Callable[[], Catalog]]:
    """The same, but of BDD100K the frames alone, without their sizes: a few seconds for all."""
    return readers(p) | {"bdd100k": partial(_without_boxes, roots(p)["bdd100k"])}


def read(p: DataAnalysis) -> Catalog:
    """All the data sets as they are: nothing cleaned, nothing split.

    Raises:
        InputError: when a root is missing, empty, or holds a record that cannot be read.
    """
    return concat([reader() for reader in readers(p).values()])


def targets(p: DataAnalysis) -> tuple[str, ...]:
    """The sources that are learnt from as targets and tested on."""
    return ("bdd100k", *(name for name, own in p.own.items() if own.role == "target"))


def _without_boxes(root: Path) -> Catalog:
    return Catalog(bdd100k.frames(root).assign(width=1, height=1), pd.DataFrame())


def _read_own(name: str, own: Own) -> Catalog:
    root, conditions = local(own.root), own.model_dump(include={"weather", "timeofday", "scene"})
    common = {"source": name, "sequence_pattern": own.sequence_pattern, **conditions}
    if own.format == "yolo":
        catalog = yolo.read(root, data=own.data or None, **common)
    else:
        catalog = coco.read(root, labels=own.labels or None, images=own.images or None, **common)
    if own.role == "target":
        return catalog
    frames = catalog.frames.assign(split=LEFT_OUT)
    return Catalog(frames, catalog.boxes, catalog.dropped)
