"""How many frames a run works on, and how large they are: counted, or as published."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pandas as pd

from sim2real_lib.catalog import Catalog, concat
from sim2real_lib.catalog import split as splitting
from sim2real_lib.catalog.mix import MIX, slots
from sim2real_lib.datasets import sources
from sim2real_lib.errors import InputError
from sim2real_lib.params import DataAnalysis
from sim2real_lib.plan import ANALYSIS

# KITTI's tracking drives that Virtual KITTI clones, and BDD100K, as published.
DRIVES = {"0001": 447, "0002": 233, "0006": 270, "0018": 339, "0020": 837}
OTHER_DRIVE = 425  # frames: the mean of those
KITTI_SIZE, BDD_SIZE = (1242, 375), (1280, 720)
BDD_TRAIN, BDD_VAL = 69_863, 10_000
MINIDRIVE_WEATHERS = 4  # of its target frames

Size = tuple[int, int]  # width and height, pixels


@dataclass(frozen=True)
class Frames:
    """What there is to work on.

    Attributes:
        origin: where the numbers come from.
        images: all that 01 reads.
        train: places in the training drives: the frames of an arm.
        mix: variant of the mix -> how many of these places are its own.
        test: frames that each detector is tested on.
        size, test_size: of the drives' frames and of the target's.
    """

    origin: str
    images: int
    train: int
    mix: Mapping[str, int]
    test: int
    size: Size
    test_size: Size

    @classmethod
    def of(cls, p: DataAnalysis) -> Self:
        """Of 01's catalog where it is finished, of the data sets where they are there, of the world
        that MiniDrive would draw; else as published.

        Raises:
            InputError: when the data sets hold a record that cannot be read.
        """
        catalog = p.folder / ANALYSIS / "catalog" / "frames.parquet"
        if catalog.is_file():
            return cls._counted(_read(catalog), f"counted in {p.run}/{ANALYSIS}")
        if p.data == "minidrive":
            return cls._minidrive(p)
        roots = sources.roots(p)
        if all(root.is_dir() for root in roots.values()):
            raw = concat([reader() for reader in sources.quick_readers(p).values()])
            frames = _divided(raw, p).frames
            return cls._counted(frames, "counted in the data sets")
        drives = {name: DRIVES.get(name, OTHER_DRIVE) for name in p.sequences}
        absent = ", ".join(name for name, root in roots.items() if not root.is_dir())
        origin = f"as published, since there is no {absent}"
        images = len(MIX) * sum(drives.values()) + BDD_TRAIN + BDD_VAL
        return cls._of_drives(p, drives, origin, images, BDD_VAL, KITTI_SIZE, BDD_SIZE)

    def scaled(self, train: int) -> Self:
        """The same with so many training frames, and as many more of all that is made of drives."""
        factor = train / max(self.train, 1)
        mix = {variant: round(count * factor) for variant, count in self.mix.items()}
        images = self.images + len(MIX) * (train - self.train)
        origin = f"{self.origin}, then {train:,} instead of {self.train:,} training frames"
        return replace(self, origin=origin, images=images, train=train, mix=mix)

    def translated(self, style: str, places: str) -> int:
        """How many frames a translator makes: those of the mix, or all."""
        return self.train if places == "all" else self.mix[style]

    @property
    def pixels(self) -> int:
        """Of a frame of the drives."""
        return self.size[0] * self.size[1]

    @property
    def test_pixels(self) -> int:
        """Of a frame of the target."""
        return self.test_size[0] * self.test_size[1]

    @classmethod
    def _minidrive(cls, p: DataAnalysis) -> Self:
        drives = dict.fromkeys(p.sequences, p.frames_per_scene)
        test = MINIDRIVE_WEATHERS * p.bdd_val_per_weather
        images = len(MIX) * sum(drives.values()) + test
        images += MINIDRIVE_WEATHERS * p.bdd_train_per_weather
        origin = "MiniDrive's, which 01 draws"
        return cls._of_drives(p, drives, origin, images, test, p.kitti_size, p.bdd_size)

    @classmethod
    def _of_drives(
        cls,
        p: DataAnalysis,
        drives: Mapping[str, int],
        origin: str,
        images: int,
        test: int,
        size: Size,
        test_size: Size,
    ) -> Self:
        """Of drives of such lengths, divided as 01 would."""
        places = [(name, index) for name, count in drives.items() for index in range(count)]
        frames = pd.DataFrame(places, columns=["sequence", "index"])
        frames = frames.assign(
            frame_id=frames.index.astype(str), source="kitti", split="train", variant="original",
            image="", width=size[0], height=size[1], weather="clear", timeofday="daytime",
            scene="undefined",
        )  # fmt: skip
        train, mix = _places(_divided(Catalog(frames, pd.DataFrame()), p).frames)
        return cls(origin, images, train, mix, test, size, test_size)

    @classmethod
    def _counted(cls, frames: pd.DataFrame, origin: str) -> Self:
        train, mix = _places(frames)
        test = frames[frames["split"] == "test"]
        drives = frames[frames["source"].isin(splitting.DIVIDED)]
        sizes = [
            (int(table["width"].median()), int(table["height"].median())) if len(table) else (0, 0)
            for table in (drives, test)
        ]
        if sizes[1] == (1, 1):  # a quick reader has not looked
            sizes[1] = BDD_SIZE
        return cls(origin, len(frames), train, mix, len(test), *sizes)


def _read(path: Path) -> pd.DataFrame:
    columns = ["source", "split", "sequence", "index", "width", "height"]
    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError) as error:
        remedy = "Run notebook 01_data_analysis again"
        raise InputError(f"damaged table ({error})", where=path, remedy=remedy) from error


def _divided(raw: Catalog, p: DataAnalysis) -> Catalog:
    divide = splitting.by_sequence if p.split == "sequence" else splitting.by_frame
    return divide(raw, val_fraction=p.val_fraction, seed=p.seed, targets=sources.targets(p))


def _places(frames: pd.DataFrame) -> tuple[int, dict[str, int]]:
    """The places of the training drives, and those of each variant of the mix."""
    own = frames["source"].isin(splitting.DIVIDED) & (frames["split"] == "train")
    places = frames.loc[own, ["sequence", "index"]].drop_duplicates()
    counts = slots(places).value_counts()
    return len(places), {variant: int(counts.get(variant, 0)) for variant in MIX}
