"""`python trains.py FOLDER OPTIONS`: one small training on the pictures beside FOLDER, for tests
that start it, kill it or share it among processes. Prints a line a step."""

import json
import sys
from pathlib import Path

import torch

from sim2real_lib.progress import Progress
from sim2real_lib.translation.cyclegan import Settings
from sim2real_lib.translation.training import Result, train

SMALL = {"n_blocks": 1, "ngf": 2, "ndf": 2, "crop": (32, 32), "unit": "steps", "lr": 1e-3}


def told(progress: Progress) -> None:
    print(progress.step, flush=True)


def go(folder: Path, settings: dict, **options: object) -> Result:
    torch.set_num_threads(1)
    pictures = [sorted((folder.parent / name).glob("*.png")) for name in ("source", "target")]
    return train(
        *pictures, folder, settings=Settings(**SMALL, **settings), on_step=told,
        accelerator="cpu", progress=False, **options,
    )  # fmt: skip


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    go(Path(sys.argv[1]), asked.pop("settings"), **asked)
