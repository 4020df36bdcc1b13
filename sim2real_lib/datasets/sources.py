"""The three data sets of a run, read into one catalog."""

from dataclasses import asdict, replace
from pathlib import Path

from sim2real_lib.catalog import Catalog, concat
from sim2real_lib.datasets import bdd100k, kitti, minidrive, vkitti2
from sim2real_lib.files import key, resolve
from sim2real_lib.params import DataAnalysis


def roots(p: DataAnalysis) -> dict[str, Path]:
    """Data set -> its root folder; MiniDrive's lie in the run, a folder for each world."""
    if p.data == "minidrive":
        home = p.folder / "minidrive" / key(asdict(world(p)), minidrive.VERSION)
        return {name: home / name for name in ("kitti", "vkitti2", "bdd100k")}
    return {
        "kitti": resolve(p.kitti_root),
        "vkitti2": resolve(p.vkitti2_root),
        "bdd100k": resolve(p.bdd100k_root),
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
    """Draw MiniDrive where the run uses it and it is not there yet; else do nothing."""
    if p.data == "minidrive":
        minidrive.write(roots(p)["kitti"].parent, world(p))


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


def read(p: DataAnalysis) -> Catalog:
    """All three data sets, as they are: nothing cleaned, nothing split.

    Raises:
        InputError: when a root is missing, empty, or holds a record that cannot be read.
    """
    root = roots(p)
    return concat(
        [
            kitti.read(root["kitti"], sequences=p.sequences),
            vkitti2.read(root["vkitti2"], scenes=p.sequences),
            bdd100k.read(root["bdd100k"]),
        ]
    )
