"""Any translator over a catalog: the same frames in another look, labels carried along."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.files import write_json
from sim2real_lib.images import RGB, read_rgb, write_rgb
from sim2real_lib.progress import progress_bar

SUFFIX = ".png"  # lossless: what a detector sees is what the translator made


class Translator(Protocol):
    """Images in, images of another look out. It sees images only, never a label.

    Attributes:
        identity: differs whenever the translator would translate differently.
    """

    identity: str

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        ...


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
    """Translate every frame of a catalog into `folder/images/<frame id>.png`, at its exact size.

    An interrupted call is continued: an image that this very translator has made from the
    frame as it is now is kept. Images of another translator are made anew.

    Args:
        catalog: the frames.
        translator: what translates them.
        folder: where the images go.
        variant: the new frames' variant, for example "cyclegan-fog"; also the first part of their
            frame ids, which stay unique beside the originals.
        weather: the new frames' weather, one of the catalog's.
        batch: images of one size translated at once.
        overwrite: translate anew even what is there.
        progress: whether to show a progress bar.

    Returns:
        The same frames (split, sequence and index kept) and boxes, under `<variant>/<frame id>`.

    Raises:
        InputError: for an unreadable image, or a frame id that is no path below the folder.
    """
    targets = [folder / "images" / image_path(frame_id) for frame_id in catalog.frames["frame_id"]]
    marker, identity = folder / "translator.json", {"identity": translator.identity}
    if overwrite or not _holds(marker, identity):
        marker.unlink(missing_ok=True)
        for target in targets:  # so that a call interrupted from here on is continued rightly
            target.unlink(missing_ok=True)
        write_json(marker, identity)

    pairs = zip(map(Path, catalog.frames["image"]), targets, strict=True)
    jobs = [(source, target) for source, target in pairs if not _is_fresh(target, source)]
    with progress_bar(total=len(jobs), desc=variant, unit="image", disable=not progress) as bar:
        for paths, images in _batches(jobs, batch):
            for path, image in zip(paths, _translate_batch(translator, images), strict=True):
                write_rgb(path, image)
            bar.update(len(paths))
    return _relabelled(catalog, targets, variant, weather)


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


def _batches(
    jobs: Sequence[tuple[Path, Path]], size: int
) -> Iterator[tuple[list[Path], list[RGB]]]:
    """Targets and decoded sources in their order, up to `size` at a time, of one image size."""
    targets: list[Path] = []
    images: list[RGB] = []
    for source, target in jobs:
        image = read_rgb(source)
        if images and (len(images) == size or image.shape != images[0].shape):
            yield targets, images
            targets, images = [], []
        targets.append(target)
        images.append(image)
    if images:
        yield targets, images


def _translate_batch(translator: Translator, images: list[RGB]) -> list[RGB]:
    """uint8 images of one size through the translator and back."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    translated = translator.translate(batch)
    if translated.shape != batch.shape:
        raise ValueError(f"translator made {tuple(translated.shape)} of {tuple(batch.shape)}")
    array = translated.clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).contiguous()
    return list(array.cpu().numpy())


def _relabelled(catalog: Catalog, targets: Sequence[Path], variant: str, weather: str) -> Catalog:
    """The catalog with translated images under new frame ids; boxes as they were."""
    frames = catalog.frames.assign(
        frame_id=variant + "/" + catalog.frames["frame_id"],
        image=[str(target.absolute()) for target in targets],
        variant=variant,
        weather=weather,
    )
    boxes = catalog.boxes.assign(frame_id=variant + "/" + catalog.boxes["frame_id"])
    return Catalog(frames, boxes)


def _is_fresh(target: Path, source: Path) -> bool:
    """Whether the target was made of the source as it is now; writing is whole or not at all."""
    if not target.is_file() or not source.is_file():
        return False
    return target.stat().st_mtime_ns >= source.stat().st_mtime_ns


def _holds(marker: Path, identity: dict[str, str]) -> bool:
    try:
        return json.loads(marker.read_text(encoding="utf-8")) == identity
    except (OSError, ValueError):
        return False
