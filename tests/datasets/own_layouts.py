"""Small data sets as people bring them, in COCO's and YOLO's layouts, and ways to damage them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from layouts import image, text

from sim2real_lib.catalog import Catalog
from sim2real_lib.errors import InputError

SIZE = (128, 72)
CATEGORIES = ({"id": 1, "name": "car"}, {"id": 2, "name": "person"})


def pictures(folder: Path, *names: str, size: tuple[int, int] = SIZE) -> None:
    for name in names:
        image(folder / name, size)


def annotation(number: int = 1, *, image_id: Any = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": number, "image_id": image_id, "category_id": 1, "bbox": [10, 5, 20, 15], **fields,
    }  # fmt: skip


def listed(number: int, name: str, **fields: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1], **fields}


def coco(
    path: Path, images: Sequence[Any], annotations: Sequence[Any] = (),
    categories: Sequence[Any] = CATEGORIES,
) -> Path:  # fmt: skip
    content = {
        "info": {"year": 2024}, "licenses": [], "images": list(images),
        "annotations": list(annotations), "categories": list(categories),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def yolo(root: Path, names: Any = ("car", "person"), **keys: Any) -> Path:
    """data.yaml; without keys, for the images in images/train."""
    root.mkdir(parents=True, exist_ok=True)
    names = list(names) if isinstance(names, tuple) else names
    content = {"names": names, **(keys or {"train": "images/train"})}
    (root / "data.yaml").write_text(yaml.safe_dump(content))
    return root / "data.yaml"


def labelled(root: Path, lines: Mapping[str, Sequence[str]], *, split: str = "train") -> None:
    """Images a.jpg, …, with their lines, in images/<split> and labels/<split>."""
    for name, own in lines.items():
        image(root / f"images/{split}/{name}", SIZE)
        text((root / f"labels/{split}/{name}").with_suffix(".txt"), own)


def edges(limit: float) -> st.SearchStrategy[tuple[float, float]]:
    """Two sides of a box that is at least a pixel wide, ascending."""
    place = st.floats(0, limit - 1)
    return place.flatmap(lambda low: st.tuples(st.just(low), st.floats(low + 1, limit)))


def edits(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with a few bytes overwritten, put in or taken out, or cut off."""
    place, byte = st.integers(0, len(data) - 1), st.integers(0, 255)
    few = st.lists(st.tuples(place, st.sampled_from("oid"), byte), min_size=1, max_size=4)
    return st.one_of(few.map(lambda how: _edited(data, how)), place.map(lambda end: data[:end]))


def refused_or_read(read: Callable[[], Catalog], root: Path) -> Catalog | None:
    """The catalog, or None when the reader says what is wrong and where."""
    try:
        return read()
    except InputError as error:
        assert error.what
        assert error.where.startswith(str(root))
        return None


def _edited(data: bytes, how: Iterable[tuple[int, str, int]]) -> bytes:
    edited = bytearray(data)
    for place, kind, byte in how:
        edited[place : place + (kind != "i")] = [byte] if kind != "d" else []
    return bytes(edited)
