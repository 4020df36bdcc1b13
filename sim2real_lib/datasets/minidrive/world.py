"""What a MiniDrive world is: a handful of numbers from which every byte follows."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from sim2real_lib.errors import InputError

VERSION = 1  # raise it whenever the same World would give other bytes

VKITTI_VARIANTS = ("clone", "fog", "morning", "overcast", "rain", "sunset")
BDD_WEATHERS = ("clear", "overcast", "foggy", "rainy")
BDD_SPLITS = ("train", "val")
SMALLEST_SIZE, LARGEST_SIZE = (64, 32), (4096, 2160)


@dataclass(frozen=True)
class World:
    """The parameters of a world; equal worlds are written as equal bytes.

    Args:
        seed: decides every street, vehicle and noise pixel (0 or more).
        scenes: four-digit names of the KITTI tracking sequences; `0001` is also Virtual KITTI's
            `Scene01`. The real Virtual KITTI 2 clones 0001, 0002, 0006, 0018 and 0020.
        frames_per_scene: frames in each sequence.
        kitti_size: (width, height) in pixels of KITTI and Virtual KITTI images; real: (1242, 375).
        bdd_size: (width, height) in pixels of BDD100K images; real: (1280, 720).
        bdd_train_per_weather: images of each weather in BDD100K's training split.
        bdd_val_per_weather: images of each weather in BDD100K's validation split.
        label_faults: plant the label faults that the real sets have, see `layouts`.

    Raises:
        InputError: for a value that no world can be made of.
    """

    seed: int = 1
    scenes: tuple[str, ...] = ("0001", "0002", "0006", "0018", "0020")
    frames_per_scene: int = 56
    kitti_size: tuple[int, int] = (310, 94)
    bdd_size: tuple[int, int] = (320, 180)
    bdd_train_per_weather: int = 80
    bdd_val_per_weather: int = 60
    label_faults: bool = True

    def __post_init__(self) -> None:
        # A World that comes from YAML or JSON has lists where we have tuples.
        for name in ("scenes", "kitti_size", "bdd_size"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not _whole(self.seed, 0):
            raise InputError("seed must be a whole number from 0", where=f"seed={self.seed!r}")
        bad = [name for name in self.scenes if not re.fullmatch(r"00\d\d", str(name))]
        if bad or not self.scenes or len(set(self.scenes)) < len(self.scenes):
            raise InputError(
                "scenes must be different names of four digits that start with 00",
                where=f"scenes={self.scenes!r}",
                remedy="For example ('0001', '0018')",
            )
        for name in ("frames_per_scene", "bdd_train_per_weather", "bdd_val_per_weather"):
            if not _whole(getattr(self, name), 1):
                raise InputError(
                    "must be a whole number from 1", where=f"{name}={getattr(self, name)!r}"
                )
        for name in ("kitti_size", "bdd_size"):
            size = getattr(self, name)
            if len(size) != 2 or not all(
                _whole(value, low) and value <= high
                for value, low, high in zip(size, SMALLEST_SIZE, LARGEST_SIZE, strict=True)
            ):
                raise InputError(
                    f"must be (width, height) between {SMALLEST_SIZE} and {LARGEST_SIZE}",
                    where=f"{name}={size!r}",
                )

    def as_dict(self) -> dict[str, Any]:
        """The world as JSON-ready values, with the version of the renderer."""
        fields = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {"minidrive": VERSION, **fields}


def _whole(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
