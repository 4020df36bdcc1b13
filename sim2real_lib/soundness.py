"""Whether finished artifacts are still what their manifests say: nothing cut short or lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sim2real_lib.files import MANIFEST, resolve
from sim2real_lib.translation import records


def refuse_damaged(run: Path) -> Iterator[Path]:
    """Take the manifest of each damaged artifact of a run: it is unfinished from then on.

    Yields:
        the damaged file, one an artifact.
    """
    for manifest in sorted([*run.glob(f"*/{MANIFEST}"), *run.glob(f"*/*/{MANIFEST}")]):
        found = next(damaged(manifest.parent), None)
        if found is not None:
            manifest.unlink()
            yield found


def damaged(folder: Path) -> Iterator[Path]:
    """The files of a finished artifact that are gone, or not as large as they were when sealed.

    Looked at are the manifest itself, the files that it lists, and translated images.
    """
    manifest = folder / MANIFEST
    try:
        sizes = json.loads(manifest.read_text(encoding="utf-8")).get("files", {})
    except (ValueError, AttributeError):
        yield manifest
        return
    yield from (folder / name for name, size in sizes.items() if not _has(folder / name, size))
    made = {f"{folder.name}/{r.frame_id}": r.bytes for r in records.read(folder)}
    if made:
        frames = pd.read_parquet(folder / "catalog" / "frames.parquet")
        for frame_id, image in zip(frames["frame_id"], frames["image"], strict=True):
            if frame_id in made and not _has(resolve(image), made[frame_id]):
                yield resolve(image)


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size
