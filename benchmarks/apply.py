"""Translating a catalog against a plain loop: images a second, and the same pixels.

The loop decodes with Pillow, translates one image, and saves a PNG with Pillow's own settings.

Run: .venv/bin/python benchmarks/apply.py
"""

import datetime
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from PIL import Image

from sim2real_lib.catalog import Catalog
from sim2real_lib.images import read_rgb, write_rgb
from sim2real_lib.translation.apply import Output, translate_all
from sim2real_lib.translation.reinhard import ReinhardTranslator

FRAMES, PICTURES, ROUNDS = 24, 6, 2
COLUMNS = ("plain loop", "here", "once more")
SIZES = ((1242, 375), (1280, 720))
WEATHERS = ("foggy", "overcast", "rainy")


def straightforward(catalog: Catalog, outputs: Sequence[Output]) -> None:
    """One image after the other, once an output."""
    for output in outputs:
        for number, path in enumerate(catalog.frames["image"]):
            array = np.asarray(Image.open(path).convert("RGB"))
            images = torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 255
            translated = output.translator.translate(images)[0].permute(1, 2, 0)
            target = output.folder / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(translated.mul(255).round().byte().numpy()).save(target)


def made_catalog(folder: Path, size: tuple[int, int], rng: np.random.Generator) -> Catalog:
    """Frames of a few pictures, about as rough as Virtual KITTI's."""
    paths = [folder / f"{number}.jpg" for number in range(PICTURES)]
    for path in paths:
        coarse = cv2.resize(rng.integers(0, 256, (30, 60, 3), dtype=np.uint8), size)
        rough = coarse + rng.normal(0, 4, (size[1], size[0], 1))
        write_rgb(path, rough.clip(0, 255).astype(np.uint8))
    frames = pd.DataFrame(
        {
            "frame_id": [str(number) for number in range(FRAMES)],
            "source": "vkitti2", "split": "train", "sequence": "0001", "index": range(FRAMES),
            "variant": "clone", "image": [str(paths[n % PICTURES]) for n in range(FRAMES)],
            "width": size[0], "height": size[1], "weather": "clear", "timeofday": "daytime",
            "scene": "city street",
        }
    )  # fmt: skip
    return Catalog(frames, pd.DataFrame())


def here(catalog: Catalog, outputs: Sequence[Output]) -> None:
    translate_all(catalog, outputs, progress=False)


def compare(folder: Path, size: tuple[int, int], weathers: Sequence[str]) -> dict[str, float]:
    """Images a second of both ways, each at its best of several rounds that take turns."""
    catalog = made_catalog(folder, size, np.random.default_rng(0))
    translator = ReinhardTranslator(sorted(folder.glob("*.jpg"))[:2])
    best: dict[str, float] = {}
    for turn in range(ROUNDS):
        plain, ours = (
            [Output(translator, folder / f"{way} {turn}" / name, name, name) for name in weathers]
            for way in ("plain", "here")
        )
        works = (straightforward, plain), (here, ours), (here, ours)
        for column, (work, outputs) in zip(COLUMNS, works, strict=True):
            started = time.perf_counter()
            work(catalog, outputs)
            rate = FRAMES * len(weathers) / (time.perf_counter() - started)
            best[column] = max(rate, best.get(column, 0))
        for theirs, output in zip(plain, ours, strict=True):
            made = read_rgb(output.folder / "images" / "0.png").astype(int)
            # Pillow and OpenCV decode a JPEG's colours with different rounding.
            assert np.abs(made - read_rgb(theirs.folder / "0.png")).mean() < 1
    return best


def main() -> None:
    rows = []
    for size in SIZES:
        for weathers in (WEATHERS[:1], WEATHERS):
            with tempfile.TemporaryDirectory() as folder:
                best = compare(Path(folder), size, weathers)
            rows.append({"image": "x".join(map(str, size)), "looks": len(weathers), **best})
    table = pd.DataFrame(rows)
    table["times faster"] = table["here"] / table["plain loop"]
    print("images a second, Reinhard on the CPU; once more: nothing left to do")
    print(table.round(1).to_string(index=False))
    print(
        f"{datetime.date.today()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} torch threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
