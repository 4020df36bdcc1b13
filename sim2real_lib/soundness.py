"""Whether finished artifacts are still what their manifests say: nothing cut short or lost."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real_lib.files import MANIFEST, resolve
from sim2real_lib.profiles import ANALYSIS, DETECTORS, RESULTS
from sim2real_lib.translation import records


def refuse_damaged(*runs: Path) -> list[Path]:
    """Take the manifests of damaged artifacts, and of all that was made of these.

    They are unfinished from then on. Snakemake alone would not make again what is missing in the
    midst of a finished run.

    Args:
        runs: a run, and the one that it shares the data of.

    Returns:
        a damaged file of each damaged artifact.
    """
    folders = {
        manifest.parent: manifest.relative_to(run).parts[0]
        for run in runs
        for depth in ("*", "*/*")
        for manifest in sorted(run.glob(f"{depth}/{MANIFEST}"))
    }
    found = {folder: next(damaged(folder), None) for folder in folders}
    bad = [folder for folder, file in found.items() if file is not None]
    stages, names = {folders[folder] for folder in bad}, {folder.name for folder in bad}
    for folder, stage in folders.items():
        of_damaged = ANALYSIS in stages or (stage == RESULTS and bool(bad))
        if stage == DETECTORS:
            of_damaged |= not names.isdisjoint(_read(folder).get("translated", []))
        if folder in bad or of_damaged:
            (folder / MANIFEST).unlink()
    return [file for file in found.values() if file is not None]


def damaged(folder: Path) -> Iterator[Path]:
    """The files of a finished artifact that are gone, or not as large as they were when sealed.

    Looked at are the manifest itself, the files that it lists, and translated images.
    """
    manifest = _read(folder)
    if not manifest:
        yield folder / MANIFEST
        return
    sizes = manifest.get("files", {})
    yield from (folder / name for name, size in sizes.items() if not _has(folder / name, size))
    made = {f"{folder.name}/{r.frame_id}": r.bytes for r in records.read(folder)}
    if made:
        frames = pd.read_parquet(folder / "catalog" / "frames.parquet")
        for frame_id, image in zip(frames["frame_id"], frames["image"], strict=True):
            if frame_id in made and not _has(resolve(image), made[frame_id]):
                yield resolve(image)


def _read(folder: Path) -> dict[str, Any]:
    """A folder's manifest; an empty one where it is damaged."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
