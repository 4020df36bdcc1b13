"""The readers against the straightforward way, on label files as large as the real ones.

The files are written anew, in the layouts and at the scale of BDD100K (train, labels of 2018),
Virtual KITTI 2 and KITTI tracking; every image is a hard link to one of the right size. Each
measurement has a process of its own, its imports not counted; short ones are the better of two.
Needs 1.4 GB of disk and 5 GB of memory, nearly all of that for the straightforward way.

Run: .venv/bin/python benchmarks/readers.py [--quick]
"""

import argparse
import datetime
import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from sim2real_lib import catalog, images
from sim2real_lib.datasets import bdd100k, kitti, vkitti2

BDD_FRAMES = 69_863
BDD_LABELS = "labels/bdd100k_labels_images_train.json"
BDD_IMAGES = "images/100k/train"
NAMES = {  # how many of a thousand boxes
    "car": 555, "traffic sign": 186, "traffic light": 145, "person": 71, "truck": 23, "bus": 9,
    "bike": 6, "rider": 3, "motor": 1, "train": 1,
}  # fmt: skip
WEATHERS = ("clear", "overcast", "undefined", "snowy", "rainy", "partly cloudy", "foggy")
VKITTI_FRAMES = {"01": 447, "02": 233, "06": 270, "18": 339, "20": 837}
KITTI_FRAMES = (
    154, 447, 233, 144, 314, 297, 270, 800, 390, 803, 294, 373, 78, 340, 106, 376, 209, 145, 339,
    1059, 837,
)  # fmt: skip
KITTI_FIELDS = ["frame", "track", *kitti.OBJECT_FIELDS]
TEMPLATES, LINKS = 256, 20_000
REPEATS, ENOUGH = 2, 10  # runs, and the seconds of all of them after which there is no other
UNSEEN = bytes(range(128, 138))  # no ASCII: stand for a fraction's digits until these are drawn


def write_bdd100k(root: Path, scale: float) -> None:
    """One list of frames, indented as the original: boxes, lanes and drivable areas."""
    rng = random.Random(0)
    templates = [bdd_template(rng) for _ in range(TEMPLATES)]
    digits = [bytes(rng.sample(b"0123456789", 10)) for _ in range(1000)]
    names = [f"{number:08x}-{rng.getrandbits(32):08x}" for number in range(int(BDD_FRAMES * scale))]
    path = root / BDD_LABELS
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for number, name in enumerate(names):
            text = rng.choice(templates).translate(bytes.maketrans(UNSEEN, rng.choice(digits)))
            file.write(b"[\n" if number == 0 else b",\n")
            file.write(text.replace(b"@", name.encode(), 1))
        file.write(b"\n]\n")
    link_images(root / BDD_IMAGES, [f"{name}.jpg" for name in names], (1280, 720))


def bdd_template(rng: random.Random) -> bytes:
    """A frame whose name is @ and whose fractions are `UNSEEN`, so that no two frames are equal."""
    labels: list[dict[str, Any]] = []
    for name in rng.choices(list(NAMES), list(NAMES.values()), k=max(1, round(rng.gauss(18.4, 9)))):
        x, y = rng.uniform(0, 1200), rng.uniform(0, 650)
        right, bottom = x + rng.uniform(2, 78), y + rng.uniform(2, 68)
        flags = {"occluded": rng.random() < 0.47, "truncated": rng.random() < 0.07}
        box = {"x1": x, "y1": y, "x2": right, "y2": bottom}
        labels.append(bdd_object(name, flags | {"trafficLightColor": "none"}, box2d=box))
    for points, name in [(6, "drivable area")] * 2 + [(2, "lane")] * 5 + [(4, "lane")]:
        vertices = [[rng.uniform(0, 1280), rng.uniform(0, 720)] for _ in range(points)]
        line = {"vertices": vertices, "types": "L" * points, "closed": name != "lane"}
        labels.append(bdd_object(name, {"laneStyle": "solid"}, poly2d=[line]))
    conditions = {"weather": rng.choice(WEATHERS), "scene": "highway", "timeofday": "daytime"}
    frame = {"name": "@.jpg", "attributes": conditions, "timestamp": 10000, "labels": labels}
    text = json.dumps([frame], indent=4)[2:-2].encode()
    unseen = bytes.maketrans(b"0123456789", UNSEEN)
    return re.sub(rb"(?<=\d\.)\d+", lambda found: found[0][:6].translate(unseen), text)


def bdd_object(name: str, attributes: dict[str, Any], **shape: Any) -> dict[str, Any]:
    manual = {"manualShape": True, "manualAttributes": True}
    return {"category": name, "attributes": attributes, **manual, **shape, "id": 0}


def write_vkitti2(root: Path, scale: float) -> None:
    """Five scenes in ten variants, boxes of both cameras; a dozen vehicles in each frame."""
    rng = random.Random(0)
    info = [" ".join(vkitti2.INFO_FIELDS), *(f"{track} Car Sedan Black" for track in range(40))]
    for scene, length in VKITTI_FRAMES.items():
        frames = range(int(length * scale))
        for variant in vkitti2.VARIANTS:
            lines = [" ".join(vkitti2.BBOX_FIELDS)]
            for frame in frames:
                for camera in (0, 1):
                    for track in rng.sample(range(40), 12):
                        x, y = rng.randrange(1100), rng.randrange(250)
                        width, height = rng.randrange(8, 140), rng.randrange(8, 120)
                        box = f"{x} {x + width} {y} {y + height} {width * height // 2}"
                        lines.append(f"{frame} {camera} {track} {box} 0.25 0.5 True")
            text = root / "vkitti_2.0.3_textgt" / f"Scene{scene}" / variant
            text.mkdir(parents=True)
            (text / "bbox.txt").write_text("\n".join(lines))
            (text / "info.txt").write_text("\n".join(info))
            pictures = root / "vkitti_2.0.3_rgb" / f"Scene{scene}" / variant / "frames/rgb/Camera_0"
            link_images(pictures, [f"rgb_{frame:05d}.jpg" for frame in frames], (1242, 375))


def write_kitti(root: Path, scale: float) -> None:
    """The tracking benchmark's 21 training sequences."""
    rng = random.Random(0)
    for sequence, length in enumerate(KITTI_FRAMES):
        lines = []
        for frame in range(int(length * scale)):
            for track, name in enumerate(("Car", "Car", "Van", "Pedestrian", "Car", "DontCare")):
                x, y = rng.uniform(0, 1100), rng.uniform(0, 250)
                box = f"{x:.6f} {y:.6f} {x + 80:.6f} {y + 60:.6f}"
                number = -1 if name == "DontCare" else track
                lines.append(f"{frame} {number} {name} 0 1 -1.5 {box} 1.5 1.6 3.7 1.0 1.5 20.0 0.1")
        path = root / f"training/label_02/{sequence:04d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
        names = [f"{frame:06d}.png" for frame in range(int(length * scale))]
        link_images(root / f"training/image_02/{sequence:04d}", names, (1242, 375))


def link_images(folder: Path, names: list[str], size: tuple[int, int]) -> None:
    """One picture under many names; a file system lets it have only so many."""
    folder.mkdir(parents=True)
    picture = Image.linear_gradient("L").convert("RGB").resize(size)
    for number, name in enumerate(names):
        if number % LINKS == 0:
            first = folder / name
            picture.save(first)
        else:
            os.link(first, folder / name)


Counts = tuple[int, int]  # frames, boxes


def plain_bdd100k(root: Path) -> Counts:
    """`json.load`, a dict for each box, Pillow for the images' sizes."""
    with (root / BDD_LABELS).open() as file:
        records = json.load(file)
    frames, boxes = [], []
    for record in records:
        with Image.open(root / BDD_IMAGES / record["name"]) as picture:
            width, height = picture.size
        frame = {"name": record["name"], "width": width, "height": height}
        frames.append(frame | record["attributes"])
        for label in record["labels"]:
            if "box2d" in label:
                box = {"name": record["name"], "class": label["category"]}
                boxes.append(box | label["box2d"] | label["attributes"])
    return len(pd.DataFrame(frames)), len(pd.DataFrame(boxes))


def ours_bdd100k(root: Path) -> Counts:
    return counts(bdd100k.read(root, splits=["train"]))


def plain_bdd100k_frames(root: Path) -> Counts:
    """The same without the boxes and the sizes."""
    with (root / BDD_LABELS).open() as file:
        records = json.load(file)
    return len(pd.DataFrame([{"name": r["name"]} | r["attributes"] for r in records])), 0


def ours_bdd100k_frames(root: Path) -> Counts:
    return len(bdd100k.frames(root, splits=["train"])), 0


def save_bdd100k(root: Path) -> Counts:
    found = bdd100k.read(root, splits=["train"])
    found.save(root / "catalog")
    return counts(found)


def ours_bdd100k_again(root: Path) -> Counts:
    """From the tables that the first reading left."""
    return counts(catalog.load(root / "catalog"))


def plain_vkitti2(root: Path) -> Counts:
    """`pandas.read_csv` for each file, Pillow for the images' sizes."""
    boxes, sizes = [], []
    for path in sorted((root / "vkitti_2.0.3_textgt").glob("Scene*/*/bbox.txt")):
        table = pd.read_csv(path, sep=" ")
        info = pd.read_csv(path.with_name("info.txt"), sep=" ")
        boxes.append(table[table["cameraID"] == 0].merge(info, on="trackID"))
        place = root / "vkitti_2.0.3_rgb" / path.parent.relative_to(root / "vkitti_2.0.3_textgt")
        sizes += [Image.open(picture).size for picture in sorted(place.rglob("*.jpg"))]
    return len(sizes), len(pd.concat(boxes))


def ours_vkitti2(root: Path) -> Counts:
    return counts(vkitti2.read(root, variants=list(vkitti2.VARIANTS)))


def plain_kitti(root: Path) -> Counts:
    """As for Virtual KITTI 2."""
    boxes, sizes = [], []
    for path in sorted((root / "training/label_02").glob("*.txt")):
        boxes.append(pd.read_csv(path, sep=" ", names=KITTI_FIELDS))
        place = root / "training/image_02" / path.stem
        sizes += [Image.open(picture).size for picture in sorted(place.glob("*.png"))]
    return len(sizes), len(pd.concat(boxes))


def ours_kitti(root: Path) -> Counts:
    return counts(kitti.read(root))


def plain_headers(root: Path) -> Counts:
    """`Image.open(...).size`."""
    return len([Image.open(path).size for path in (root / BDD_IMAGES).iterdir()]), 0


def ours_headers(root: Path) -> Counts:
    return len(images.sizes(list((root / BDD_IMAGES).iterdir()))), 0


def counts(found: catalog.Catalog) -> Counts:
    return len(found.frames), len(found.boxes)


WRITERS = {"bdd100k": write_bdd100k, "vkitti2": write_vkitti2, "kitti": write_kitti}
Way = Callable[[Path], Counts]
TASKS: dict[str, tuple[str, Way, Way]] = {  # the data set, the straightforward way, ours
    "BDD100K": ("bdd100k", plain_bdd100k, ours_bdd100k),
    "BDD100K, frames alone": ("bdd100k", plain_bdd100k_frames, ours_bdd100k_frames),
    "BDD100K, the second time": ("bdd100k", plain_bdd100k, ours_bdd100k_again),
    "BDD100K, image sizes": ("bdd100k", plain_headers, ours_headers),
    "Virtual KITTI 2": ("vkitti2", plain_vkitti2, ours_vkitti2),
    "KITTI tracking": ("kitti", plain_kitti, ours_kitti),
}


def measure(way: str, root: Path) -> None:
    """Print the seconds, the peak of memory in MB, and what was read, for `measured`."""
    started = time.perf_counter()
    found = globals()[way](root)
    seconds = time.perf_counter() - started
    unit = 1e6 if sys.platform == "darwin" else 1e3
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, found]))


@cache
def measured(way: str, root: Path, repeats: int = REPEATS) -> tuple[float, float, Counts]:
    """Seconds, MB and counts of the fastest run."""
    runs: list[tuple[float, float, Counts]] = []
    while len(runs) < repeats and sum(seconds for seconds, *_ in runs) < ENOUGH:
        command = [sys.executable, __file__, "--measure", way, str(root)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, peak, found = json.loads(printed.splitlines()[-1])
        runs.append((seconds, peak, tuple(found)))
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "ROOT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
        return
    scale = 0.1 if asked.quick else 1
    rows = []
    with tempfile.TemporaryDirectory(prefix="readers-") as folder:
        roots = {name: Path(folder) / name for name in WRITERS}
        for name, write in WRITERS.items():
            write(roots[name], scale)
        size = (roots["bdd100k"] / BDD_LABELS).stat().st_size / 1e9
        measured("save_bdd100k", roots["bdd100k"], repeats=1)
        for task, (name, plain, ours) in TASKS.items():
            before, after = (measured(way.__name__, roots[name]) for way in (plain, ours))
            if before[2] != after[2]:
                raise SystemExit(f"{task}: {before[2]} frames and boxes, and {after[2]} of ours")
            rows.append((task, *after[2], before[0], after[0], before[1], after[1]))
    columns = ["reading", "frames", "boxes", "plain s", "ours s", "plain MB", "ours MB"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(5, "times faster", table["plain s"] / table["ours s"])
    table["times less"] = table["plain MB"] / table["ours MB"]
    headers = table.set_index("reading").loc["BDD100K, image sizes"]
    print(f"{datetime.date.today()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    print(table.round(1).to_string(index=False))
    print(
        f"BDD100K's labels: {size:.2f} GB. Headers a second: "
        f"{headers['frames'] / headers['plain s']:,.0f} plain, "
        f"{headers['frames'] / headers['ours s']:,.0f} ours"
    )


if __name__ == "__main__":
    main()
