"""Writes a world in the layouts of KITTI tracking, Virtual KITTI 2.0.3 and BDD100K.

Pictures come first, each whole or not at all, then labels, then `world.json`. A second call after
a kill keeps the pictures that are there; geometry is drawn again, because labels follow from it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sim2real_lib.datasets.minidrive import layouts, scene, weather
from sim2real_lib.datasets.minidrive.geometry import Array
from sim2real_lib.datasets.minidrive.render import Frame, render
from sim2real_lib.datasets.minidrive.world import (
    BDD_SPLITS,
    BDD_WEATHERS,
    VKITTI_VARIANTS,
    World,
)
from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file, write_json, write_text
from sim2real_lib.progress import progress_bar
from sim2real_lib.workers import mapper

WORLD_FILE = "world.json"
_BEGUN_FILE = ".world-begun.json"  # whose pictures a killed call left behind
_CHUNK = 8  # frames a task; a sequence's street is built once for each
_JPEG_QUALITY = 90
_FAULTY_SHARE = 0.04  # of BDD100K images with a box listed twice


@dataclass(frozen=True)
class SequenceTask:
    """Some frames of a sequence, for KITTI and all variants of Virtual KITTI."""

    name: str
    frames: range


@dataclass(frozen=True)
class BddTask:
    """Some images of BDD100K of one split and weather."""

    split: str
    weather: str
    images: range


Task = SequenceTask | BddTask


def write(root: Path, world: World, workers: int | None = None, progress: bool = True) -> None:
    """Write the three datasets of a world under `root`.

    The same world gives the same bytes, whatever the number of workers and however often a call
    was interrupted. A finished root with the same world returns at once.

    Args:
        root: receives `kitti`, `vkitti2`, `bdd100k` and, last of all, `world.json`.
        world: what to write.
        workers: processes; None for one a CPU, 1 for this process alone.
        progress: show a progress bar.

    Raises:
        InputError: when `root` holds another world, or is not a folder.
    """
    root = Path(root)
    if root.exists() and not root.is_dir():
        raise InputError("not a folder", where=root, remedy="Give the folder to write into")
    if _recorded(root / WORLD_FILE, world):
        (root / _BEGUN_FILE).unlink(missing_ok=True)  # of a call killed on its last line
        return
    if not _recorded(root / _BEGUN_FILE, world):
        strangers = [name for name in ("kitti", "vkitti2", "bdd100k") if (root / name).exists()]
        if strangers:  # never mix our pictures into somebody's dataset
            raise InputError(
                "files that MiniDrive did not write lie here",
                where=root / strangers[0],
                remedy="Write into another folder",
            )
        write_json(root / _BEGUN_FILE, world.as_dict())
    tasks = _tasks(world)
    results = []
    images = sum(_images(task) for task in tasks)
    with (
        mapper(min(workers or os.cpu_count() or 1, len(tasks))) as run,
        progress_bar(total=images, unit="image", desc="MiniDrive", disable=not progress) as bar,
    ):
        for task, result in zip(tasks, run(partial(_work, root, world), tasks), strict=True):
            results.append(result)
            bar.update(_images(task))
    _write_labels(root, world, tasks, results)
    write_json(root / WORLD_FILE, world.as_dict())
    (root / _BEGUN_FILE).unlink(missing_ok=True)


def _recorded(path: Path, world: World) -> bool:
    """Is this world recorded there? Refuse another one."""
    if not path.is_file():
        return False
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = {}
    wanted = world.as_dict()
    if found == wanted:
        return True
    names = [k for k in wanted if not isinstance(found, dict) or found.get(k) != wanted[k]]
    raise InputError(
        f"another MiniDrive world lies here; {', '.join(names) or 'its version'} differ",
        where=path,
        remedy="Write into another folder, or remove this one first",
    )


def _tasks(world: World) -> list[Task]:
    tasks: list[Task] = []
    for name in world.scenes:
        for start in range(0, world.frames_per_scene, _CHUNK):
            frames = range(start, min(start + _CHUNK, world.frames_per_scene))
            tasks.append(SequenceTask(name, frames))
    for split, number in zip(
        BDD_SPLITS, (world.bdd_train_per_weather, world.bdd_val_per_weather), strict=True
    ):
        for sky in BDD_WEATHERS:
            for start in range(0, number, _CHUNK):
                tasks.append(BddTask(split, sky, range(start, min(start + _CHUNK, number))))
    return tasks


def _images(task: Task) -> int:
    if isinstance(task, SequenceTask):
        return len(task.frames) * (1 + len(VKITTI_VARIANTS))
    return len(task.images)


def _work(root: Path, world: World, task: Task) -> list[Any]:
    """Write a task's pictures; return what its labels are made of."""
    if isinstance(task, SequenceTask):
        return [_write_frame(root, world, task.name, number) for number in task.frames]
    return [_write_bdd(root, world, task.split, task.weather, index) for index in task.images]


@lru_cache(maxsize=1)
def _sequence(world: World, name: str) -> scene.Scene:
    return scene.sequence(world, name)


def _write_frame(root: Path, world: World, name: str, number: int) -> layouts.View:
    frame = render(_sequence(world, name), number)
    key = (world.seed, 3, int(name))
    real = root / "kitti" / "training" / "image_02" / name / f"{number:06d}.png"

    def photograph() -> Array:
        conditions = weather.draw_conditions("clear", scene.random_for(*key))
        return weather.photograph(frame, conditions, scene.random_for(*key, number, 0))

    _write_image(real, photograph)
    for i, variant in enumerate(VKITTI_VARIANTS, start=1):
        folder = _vkitti(root, "rgb", name, variant) / "frames" / "rgb" / "Camera_0"
        rng = scene.random_for(*key, number, i)
        _write_image(
            folder / f"rgb_{number:05d}.jpg", partial(weather.simulate, frame, variant, rng)
        )
    return layouts.view_of(frame)


def _write_bdd(root: Path, world: World, split: str, sky: str, index: int) -> dict[str, Any]:
    place = scene.single(world, split, sky, index)
    frame: Frame = render(place, 0)
    rng = scene.random_for(world.seed, 4, BDD_SPLITS.index(split), BDD_WEATHERS.index(sky), index)
    first, second = rng.integers(0, 2**32, 2)
    name = f"{first:08x}-{second:08x}.jpg"
    conditions = weather.draw_conditions(sky, rng)
    faulty, which = rng.random(2)
    _write_image(
        root / "bdd100k" / "images" / "100k" / split / name,
        partial(weather.photograph, frame, conditions, rng),
    )
    duplicate = float(which) if world.label_faults and faulty < _FAULTY_SHARE else None
    return layouts.bdd_frame(name, place.street.kind, layouts.view_of(frame), conditions, duplicate)


def _vkitti(root: Path, part: str, name: str, variant: str) -> Path:
    return root / "vkitti2" / f"vkitti_2.0.3_{part}" / f"Scene{name[2:]}" / variant


def _write_image(path: Path, draw: Callable[[], Array]) -> None:
    """Write the picture that `draw` returns, RGB uint8, unless it is there."""
    if path.is_file():
        return
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == ".jpg" else []
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(draw()[..., ::-1]), options)
    if not done:
        raise OSError(f"{path}: OpenCV cannot encode this picture")
    with whole_file(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _write_labels(root: Path, world: World, tasks: list[Task], results: list[list[Any]]) -> None:
    views: dict[str, list[layouts.View]] = {name: [] for name in world.scenes}
    frames: dict[str, list[dict[str, Any]]] = {split: [] for split in BDD_SPLITS}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(task, SequenceTask):
            views[task.name] += result
        else:
            frames[task.split] += result
    for name, seen in views.items():
        lines = [line for view in seen for line in layouts.kitti_lines(view)]
        path = root / "kitti" / "training" / "label_02" / f"{name}.txt"
        write_text(path, "".join(f"{line}\n" for line in lines))
        texts = layouts.vkitti_texts(seen, world.label_faults)
        for variant in VKITTI_VARIANTS:
            for kind, text in texts.items():
                write_text(_vkitti(root, "textgt", name, variant) / f"{kind}.txt", text)
    for split, entries in frames.items():
        entries.sort(key=lambda entry: entry["name"])
        path = root / "bdd100k" / "labels" / "det_20" / f"det_{split}.json"
        write_text(path, json.dumps(entries, indent=2) + "\n")
