"""Any translator over a catalog: the same frames in another look, labels carried along."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, write_rgb
from sim2real_lib.progress import progress_bar
from sim2real_lib.translation.records import Records, Source, source_of

SUFFIX = ".png"  # lossless: what a detector sees is what the translator made
AHEAD = 2  # batches that are decoded before their turn, and that wait to be written

Item = TypeVar("Item")
Result = TypeVar("Result")


class Translator(Protocol):
    """Images in, images of another look out. It sees images only, never a label.

    Attributes:
        identity: differs whenever the translator would translate differently.
    """

    identity: str

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        ...


@dataclass(frozen=True)
class Output:
    """One look that a catalog gets.

    Attributes:
        translator: what translates the frames.
        folder: where images and records go.
        variant: the new frames' variant, for example "cyclegan-fog"; also the first part of their
            frame ids, which stay unique beside the originals.
        weather: the new frames' weather, one of the catalog's.
    """

    translator: Translator
    folder: Path
    variant: str
    weather: str


def translate(
    catalog: Catalog,
    translator: Translator,
    folder: Path,
    *,
    variant: str,
    weather: str,
    batch: int = 8,
    overwrite: bool = False,
    progress: bool = True,
) -> Catalog:
    """Translate every frame of a catalog into one look: `translate_all` of one `Output`."""
    output = Output(translator, folder, variant, weather)
    return translate_all(
        catalog, [output], batch=batch, overwrite=overwrite, progress=progress
    )[0]  # fmt: skip


def translate_all(
    catalog: Catalog,
    outputs: Sequence[Output],
    *,
    batch: int = 8,
    overwrite: bool = False,
    progress: bool = True,
) -> list[Catalog]:
    """Translate every frame into `images/<frame id>.png` of each output's folder, size unchanged.

    Each frame is decoded once for all outputs; threads decode and write while the translators
    work. An interrupted call is continued: an image is kept that this very translator has made
    from the frame as it is now, see `records`. Images of another translator are made anew.

    Args:
        catalog: the frames.
        outputs: what to make of them, each in a folder of its own.
        batch: images of one size translated at once.
        overwrite: translate anew even what is there.
        progress: whether to show a progress bar.

    Returns:
        For each output the same frames (split, sequence and index kept) and boxes, under
        `<variant>/<frame id>`.

    Raises:
        InputError: for an unreadable image or one of another size than the catalog says, a frame
            id that is no path below the folder, outputs that share a folder, or a full disk.
    """
    if len({output.folder.absolute() for output in outputs}) < len(outputs):
        raise InputError("two outputs share a folder", remedy="Give each a folder of its own")
    frames = catalog.frames
    tasks = [_Task(output, frames["frame_id"].tolist()) for output in outputs]
    sources = [source_of(image) for image in frames["image"]]
    for task in tasks:
        task.prepare(sources, overwrite)
    wanted = {number for task in tasks for number in task.missing}
    sizes = list(zip(frames["width"], frames["height"], strict=True))
    batches = _batches(sorted(wanted), sizes, batch)

    def read(number: int) -> np.ndarray:
        return _read(frames["image"][number], sizes[number])

    writing: deque[Future[None]] = deque()
    total = sum(len(task.missing) for task in tasks)
    names = ", ".join(output.variant for output in outputs)
    with (
        progress_bar(total=total, desc=names, unit="image", disable=not progress) as bar,
        ThreadPoolExecutor() as pool,  # left only when what is being written is whole
    ):
        decoded = _ahead(pool, read, chain.from_iterable(batches), AHEAD * batch)
        for numbers in batches:
            stack = np.stack([next(decoded) for _ in numbers])
            images = torch.from_numpy(stack).permute(0, 3, 1, 2)
            for task in tasks:
                for number, image in task.translated(numbers, images):
                    writing.append(pool.submit(task.write, number, sources[number], image))
                while writing and (len(writing) > AHEAD * batch or writing[0].done()):
                    writing.popleft().result()
                    bar.update()
        for future in writing:
            future.result()
            bar.update()
    return [task.relabelled(catalog) for task in tasks]


def image_path(frame_id: str) -> PurePosixPath:
    """Where a frame's image lies below its folder: the frame id as a path.

    Raises:
        InputError: when that would lead out of the folder.
    """
    parts = frame_id.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise InputError(
            f"frame id {frame_id!r} is no path below a folder",
            remedy="The reader that made this catalog must name frames like source/sequence/index",
        )
    return PurePosixPath(frame_id + SUFFIX)


class _Task:
    """One output's images: where they go, and the numbers of the frames that still lack one."""

    def __init__(self, output: Output, frame_ids: list[str]) -> None:
        self.output, self.frame_ids = output, frame_ids
        self.identity = output.translator.identity
        self.targets = [output.folder / "images" / image_path(i) for i in frame_ids]
        self.records = Records(output.folder)
        self.missing: set[int] = set()

    def prepare(self, sources: Sequence[Source], overwrite: bool) -> None:
        """Find what is missing, and clear what stands in its place or was left half-written."""
        described = enumerate(zip(self.frame_ids, sources, self.targets, strict=True))
        self.missing = {
            number
            for number, (frame_id, source, target) in described
            if overwrite or not self.records.hold(frame_id, source, self.identity, target)
        }
        if not self.missing:
            return
        with _clear_errors(self.output.folder):
            self.records.forget([self.frame_ids[number] for number in self.missing])
            for number in self.missing:
                self.targets[number].unlink(missing_ok=True)
            for leftover in self.output.folder.rglob(".*.tmp.*"):  # of a killed `whole_file`
                leftover.unlink()

    def translated(self, numbers: list[int], images: Tensor) -> Iterator[tuple[int, Tensor]]:
        """The numbers and translations (3, H, W) of those frames that lack one here."""
        places = [place for place, number in enumerate(numbers) if number in self.missing]
        if not places:
            return
        part = images if len(places) == len(numbers) else images[places]
        made = self.output.translator.translate(part)
        if made.shape != part.shape:
            raise ValueError(f"translator made {tuple(made.shape)} of {tuple(part.shape)}")
        yield from zip((numbers[place] for place in places), made.detach().cpu(), strict=True)

    def write(self, number: int, source: Source, image: Tensor) -> None:
        """Write a translated image (3, H, W), and then that it is finished."""
        pixels = image.numpy()
        if np.isnan(pixels.min()):
            raise ValueError(f"translator made pixels of {source.image} that are no numbers")
        planes = np.rint(pixels * np.float32(255)).clip(0, 255).astype(np.uint8)
        target = self.targets[number]
        with _clear_errors(target):
            write_rgb(target, cv2.merge(list(planes)))
            self.records.add(self.frame_ids[number], source, self.identity, target)

    def relabelled(self, catalog: Catalog) -> Catalog:
        """The catalog with translated images under new frame ids; boxes as they were."""
        variant = self.output.variant
        frames = catalog.frames.assign(
            frame_id=variant + "/" + catalog.frames["frame_id"],
            image=[str(target.absolute()) for target in self.targets],
            variant=variant,
            weather=self.output.weather,
        )
        boxes = catalog.boxes.assign(frame_id=variant + "/" + catalog.boxes["frame_id"])
        return Catalog(frames, boxes)


def _batches(
    numbers: Iterable[int], sizes: Sequence[tuple[int, int]], most: int
) -> list[list[int]]:
    """Frame numbers by image size, in their order within one, up to `most` at a time."""
    groups: dict[tuple[int, int], list[int]] = {}
    for number in numbers:
        groups.setdefault(sizes[number], []).append(number)
    return [
        group[start : start + most]
        for group in groups.values()
        for start in range(0, len(group), most)
    ]


def _ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterator[Item], most: int
) -> Iterator[Result]:
    """`map` in threads, in order, that is never more than `most` items ahead of its reader."""
    futures = deque(pool.submit(function, item) for item in islice(items, most))
    while futures:
        result = futures.popleft().result()
        futures.extend(pool.submit(function, item) for item in islice(items, 1))
        yield result


def _read(path: str, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) float32 in [0, 1]; an image whose boxes were drawn on another size is refused."""
    image = read_rgb(path)
    height, width = image.shape[:2]
    if (width, height) != size:
        raise InputError(
            f"is {width}x{height} pixels, but the catalog says {size[0]}x{size[1]}",
            where=path,
            remedy="The image was changed since the catalog was made: make the catalog again",
        )
    return np.divide(image, np.float32(255), dtype=np.float32)


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Say where and why a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})",
            where=path,
            remedy="Make room or choose another folder, and run again: what is finished is kept",
        ) from error
