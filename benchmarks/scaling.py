"""How the work grows: 1x, 10x and 100x as many frames as the demo has.

Reading the three layouts (1,983 frames and the real data sets' boxes in each), cleaning, splitting,
saving and loading the catalog; translating the training frames (Reinhard); scoring two arms, with
bootstrap and error types. Each step has a process of its own. Time is CPU time, so that other work
on the machine counts little; memory is the step's peak beyond what the process held before.
Images are links to one. At 100x it needs 5 GB of disk and some 10 minutes of a core.

Run: .venv/bin/python benchmarks/scaling.py [factor …]
"""

import argparse
import datetime
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import readers

from sim2real_lib import catalog
from sim2real_lib.catalog import clean, concat, split
from sim2real_lib.datasets import bdd100k, kitti, vkitti2
from sim2real_lib.detection.predict import SIDES
from sim2real_lib.display import result_tables
from sim2real_lib.evaluation import comparison, errors, slices
from sim2real_lib.evaluation.ap import TP
from sim2real_lib.evaluation.stored import Stored
from sim2real_lib.images import write_rgb
from sim2real_lib.translation.apply import translate
from sim2real_lib.translation.reinhard import ReinhardTranslator

SMALLEST = 0.02  # of the real data sets: as many frames as the demo has
TRAINED, TESTED, SIZE = 168, 240, (128, 72)  # frames of the demo; the size is a quarter of its
PER_IMAGE, OBJECTS = 277, 11  # detections and objects of a test frame
CLASSES = ["car", "truck"]
ARMS = ("baseline-seed0", "nst-seed0")
REPEATS = 2
RULES = {"min_visible_pixels": 10, "min_side": 5.0, "near_duplicate_iou": 0.9}


def prepare_labels(folder: Path, factor: float) -> None:
    """The label files of the three data sets."""
    for name, write in readers.WRITERS.items():
        write(folder / name, SMALLEST * factor)


def read(folder: Path) -> Callable[[], int]:
    def step() -> int:
        parts = [
            kitti.read(folder / "kitti"),
            vkitti2.read(folder / "vkitti2"),
            bdd100k.read(folder / "bdd100k", splits=["train"]),
        ]
        return len(kept.setdefault("raw", concat(parts)))

    kept: dict[str, catalog.Catalog] = {}
    step.after = lambda: kept["raw"].save(folder / "raw")  # type: ignore[attr-defined]
    return step


def clean_and_split(folder: Path) -> Callable[[], int]:
    raw = catalog.load(folder / "raw")

    def step() -> int:
        cleaned, _ = clean.clean(raw, **RULES)
        divided = split.by_sequence(cleaned, val_fraction=0.2, seed=0)
        split.check(divided)
        return len(divided)

    return step


def save(folder: Path) -> Callable[[], int]:
    raw = catalog.load(folder / "raw")

    def step() -> int:
        raw.save(folder / "again")
        return len(raw)

    return step


def load(folder: Path) -> Callable[[], int]:
    return lambda: len(catalog.load(folder / "raw"))


def prepare_frames(folder: Path, factor: float) -> None:
    """Frames to translate: one picture."""
    coarse = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)
    write_rgb(folder / "one.jpg", coarse)
    frames = pd.DataFrame({"index": range(int(TRAINED * factor))})
    frames = frames.assign(
        frame_id="vkitti2/0001/clone/" + frames["index"].astype(str), source="vkitti2",
        split="train", sequence="0001", variant="clone", image=str(folder / "one.jpg"),
        width=SIZE[0], height=SIZE[1], weather="clear", timeofday="daytime", scene="undefined",
    )  # fmt: skip
    catalog.Catalog(frames, pd.DataFrame()).save(folder / "frames")


def apply(folder: Path) -> Callable[[], int]:
    frames = catalog.load(folder / "frames")
    translator = ReinhardTranslator([folder / "one.jpg"])

    def step() -> int:
        where = folder / "made"
        options = {"variant": "reinhard-fog", "weather": "foggy", "progress": False}
        return len(translate(frames, translator, where, **options))  # type: ignore[arg-type]

    return step


def prepare_detections(folder: Path, factor: float) -> None:
    """What two arms detected, nearly all of it barely seen, as `predict` stores it."""
    rng, count = np.random.default_rng(0), int(TESTED * factor)
    ids = np.array([f"bdd100k/val/{number:08x}" for number in range(count)])
    weathers = np.array(["clear", "overcast", "foggy", "rainy"])[np.arange(count) % 4]
    frames = pd.DataFrame({
        "frame_id": ids, "source": "bdd100k", "split": "test", "sequence": "val",
        "index": range(count), "variant": "original", "image": "", "width": 1280, "height": 720,
        "weather": weathers, "timeofday": "daytime", "scene": "city street",
    })  # fmt: skip
    objects = boxes(ids, OBJECTS, rng).assign(
        occluded=pd.array(rng.random(count * OBJECTS) < 0.5, "boolean"),
        truncated=pd.array(rng.random(count * OBJECTS) < 0.1, "boolean"), occlusion=np.nan,
    )  # fmt: skip
    (folder / "test").mkdir(parents=True)
    frames.to_parquet(folder / "test" / "frames.parquet")
    for arm in ARMS:
        own = folder / arm
        own.mkdir()
        hits = objects[rng.random(len(objects)) < 0.6].reset_index(drop=True)
        moved = hits[SIDES] + rng.normal(0, 2, (len(hits), 4))
        alarms = boxes(ids, PER_IMAGE - OBJECTS, rng)
        found = pd.concat([hits[["frame_id", "class"]].join(moved), alarms], ignore_index=True)
        right = np.arange(len(found)) < len(hits)
        scores = np.where(right, rng.beta(2, 2, len(found)), 10 ** rng.uniform(-3, -1, len(found)))
        found = found.assign(confidence=scores.astype(np.float32), ignored=False)
        found[SIDES] = found[SIDES].astype(np.float32)
        found[TP] = right[:, None] & (np.arange(len(TP)) < rng.integers(1, 11, len(found))[:, None])
        found.to_parquet(own / "detections.parquet")
        objects.to_parquet(own / "objects.parquet")
        objects.iloc[:0][["frame_id", "class", *SIDES]].to_parquet(own / "areas.parquet")


def boxes(ids: np.ndarray, each: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many boxes in each frame, pixels."""
    left, top = rng.uniform(0, [[1100], [600]], (2, len(ids) * each))
    width, height = rng.uniform(10, 120, (2, len(ids) * each))
    return pd.DataFrame({
        "frame_id": np.repeat(ids, each),
        "class": np.where(rng.random(len(ids) * each) < 0.9, *CLASSES),
        "left": left, "top": top, "right": left + width, "bottom": top + height,
    })  # fmt: skip


def evaluated(folder: Path) -> tuple[Stored, pd.DataFrame, pd.Series]:
    stored = Stored.read({arm: folder / arm for arm in ARMS}, CLASSES)
    frames = pd.read_parquet(folder / "test" / "frames.parquet")
    hidden = stored.objects[stored.objects["occluded"]]["frame_id"].value_counts()
    return stored, frames, hidden.reindex(frames["frame_id"], fill_value=0)


def all_scores(folder: Path) -> Callable[[], int]:
    stored, frames, occluded = evaluated(folder)

    def step() -> int:
        result_tables.all_scores(stored, frames, frames, [5, 10], occluded)
        return len(frames) * PER_IMAGE * len(ARMS)

    return step


def bootstrap(folder: Path) -> Callable[[], int]:
    stored, frames, occluded = evaluated(folder)

    def step() -> int:
        bins = slices.by_occlusion(occluded, [5, 10])
        comparison.compare(stored, stored.objects, bins, CLASSES, resamples=1000)
        return len(frames) * PER_IMAGE * len(ARMS)

    return step


def error_types(folder: Path) -> Callable[[], int]:
    stored, frames, occluded = evaluated(folder)

    def step() -> int:
        parts = slices.by_occlusion(occluded, [5, 10])
        errors.error_table(stored, stored.objects, parts, CLASSES)
        return len(frames) * PER_IMAGE * len(ARMS)

    return step


STEPS = {
    prepare_labels: [read, clean_and_split, save, load],
    prepare_frames: [apply],
    prepare_detections: [all_scores, bootstrap, error_types],
}


def measure(name: str, folder: Path) -> None:
    """Print CPU seconds, peak memory beyond what there was in MB, and how much, for `measured`."""
    step = globals()[name](folder)
    before = psutil.Process().memory_info().rss
    started = time.process_time()
    count = step()
    seconds = time.process_time() - started
    with Path("/proc/self/status").open() as file:
        peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    getattr(step, "after", lambda: None)()
    print(json.dumps([seconds, max(peak - before, 0) / 1e6, count]))


def measured(name: str, folder: Path) -> tuple[float, float, int]:
    """The fastest run, and the leanest: other work on the machine slows CPU time, too."""
    command = [sys.executable, __file__, "--measure", name, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    runs = []
    for _ in range(REPEATS):
        shutil.rmtree(folder / "made", ignore_errors=True)
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=environment
        )  # fmt: skip
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    seconds, peaks, counts = zip(*runs, strict=True)
    return min(seconds), min(peaks), counts[0]


def exponent(few: float, many: float, factor: float) -> float:
    """2 where ten times the work takes a hundred times as much; 1: in proportion."""
    return math.log(max(many, 1e-9) / max(few, 1e-9)) / math.log(factor)


def grown(rows: pd.DataFrame) -> pd.DataFrame:
    """With the exponents of time and memory from each factor to the next."""
    parts = []
    for _, own in rows.groupby("step", sort=False):
        pairs = zip(own.itertuples(), own.iloc[1:].itertuples(), strict=False)
        up = [
            [exponent(a.seconds, b.seconds, b.factor / a.factor),
             exponent(a.megabytes, b.megabytes, b.factor / a.factor)]
            for a, b in pairs
        ]  # fmt: skip
        table = pd.DataFrame([[np.nan, np.nan], *up], own.index, ["of time", "of memory"])
        parts.append(own.join(table))
    return pd.concat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("factors", nargs="*", type=float, default=[1.0, 10.0, 100.0])
    parser.add_argument("--measure", nargs=2, metavar=("STEP", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="a part, such as prepare_labels")
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
        return
    rows = []
    for prepare, steps in STEPS.items():
        if asked.only not in ("", prepare.__name__):
            continue
        for factor in asked.factors:
            with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
                prepare(Path(folder), factor)
                for step in steps:
                    rows.append((step.__name__, factor, *measured(step.__name__, Path(folder))))
                    print(rows[-1], file=sys.stderr, flush=True)
    columns = ["step", "factor", "seconds", "megabytes", "worked on"]
    print(f"{datetime.date.today()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    table = grown(
        pd.DataFrame(rows, columns=columns)[["step", "factor", "worked on", *columns[2:4]]]
    )
    print(table.round(2).to_string(index=False, na_rep=""))


if __name__ == "__main__":
    main()
