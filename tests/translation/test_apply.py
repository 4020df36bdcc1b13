"""Translated frames have the size, the place and the labels of their originals."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, size
from sim2real_lib.translation import apply
from sim2real_lib.translation.apply import Output, image_path, translate, translate_all
from sim2real_lib.translation.networks import ResnetGenerator, at_any_size


class Darker:
    """Multiplies every pixel, a half unless told, and counts the images and batches it saw."""

    def __init__(self, identity: str = "darker", factor: float = 0.5) -> None:
        self.identity, self.factor = identity, factor
        self.seen, self.batches = 0, []

    def translate(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        self.batches.append(tuple(images.shape))
        return images * self.factor


def run(catalog: Catalog, folder: Path, translator: object = None, **options: object) -> Catalog:
    options = {"variant": "dark-rain", "weather": "rainy", "progress": False, **options}
    return translate(catalog, translator or Darker(), folder, **options)


def three(folder: Path) -> list[Output]:
    """Three looks of one catalog."""
    weathers = {"fog": "foggy", "overcast": "overcast", "rain": "rainy"}
    return [
        Output(Darker(style, factor), folder / style, f"dark-{style}", weather)
        for factor, (style, weather) in zip((0.25, 0.5, 0.75), weathers.items(), strict=True)
    ]


def records(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "records.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def files(folder: Path) -> dict[str, bytes]:
    """All files but the records: name -> content."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_labels_are_carried_along_unchanged(catalog: Catalog, tmp_path: Path) -> None:
    translated = run(catalog, tmp_path)
    labels = [column for column in catalog.boxes.columns if column != "frame_id"]
    pd.testing.assert_frame_equal(translated.boxes[labels], catalog.boxes[labels])
    assert translated.boxes["frame_id"].tolist() == [
        f"dark-rain/{frame_id}" for frame_id in catalog.boxes["frame_id"]
    ]
    kept = ["source", "split", "sequence", "index", "width", "height", "timeofday", "scene"]
    pd.testing.assert_frame_equal(translated.frames[kept], catalog.frames[kept])
    assert set(translated.frames["variant"]) == {"dark-rain"}
    assert set(translated.frames["weather"]) == {"rainy"}


def test_every_image_has_exactly_its_originals_size_and_content(
    catalog: Catalog, tmp_path: Path
) -> None:
    translated = run(catalog, tmp_path, batch=2)
    for before, after in zip(
        catalog.frames.itertuples(), translated.frames.itertuples(), strict=True
    ):
        assert size(after.image) == (before.width, before.height)
        difference = read_rgb(after.image).astype(float) - read_rgb(before.image) / 2
        assert abs(difference).max() <= 1  # each frame got its own picture, pixel by pixel


def test_a_real_generator_gives_odd_sizes_back(catalog: Catalog, tmp_path: Path) -> None:
    class Generator:
        identity = "generator"
        network = ResnetGenerator(1, 2).eval()

        def translate(self, images: Tensor) -> Tensor:
            with torch.no_grad():
                return (at_any_size(self.network, images) + 1) / 2

    translated = run(catalog, tmp_path, Generator())
    for row in translated.frames.itertuples():
        assert size(row.image) == (row.width, row.height)


def test_the_tree_is_mirrored_so_that_equal_names_never_collide(
    catalog: Catalog, tmp_path: Path
) -> None:
    translated = run(catalog, tmp_path)
    assert translated.frames["image"].is_unique
    expected = [str(tmp_path / "images" / f"{i}.png") for i in catalog.frames["frame_id"]]
    assert translated.frames["image"].tolist() == expected


def test_a_second_call_makes_only_what_is_missing(catalog: Catalog, tmp_path: Path) -> None:
    translated = run(catalog, tmp_path)
    Path(translated.frames["image"][2]).unlink()
    again = Darker()
    repeated = run(catalog, tmp_path, again)
    assert again.seen == 1
    pd.testing.assert_frame_equal(repeated.frames, translated.frames)


def test_a_changed_frame_is_translated_anew(catalog: Catalog, tmp_path: Path) -> None:
    run(catalog, tmp_path)
    original = Path(catalog.frames["image"][1])
    original.write_bytes(original.read_bytes())
    again = Darker()
    run(catalog, tmp_path, again)
    assert again.seen == 1


def test_overwriting_makes_everything_anew(catalog: Catalog, tmp_path: Path) -> None:
    run(catalog, tmp_path)
    again = Darker()
    run(catalog, tmp_path, again, overwrite=True)
    assert again.seen == len(catalog)


def test_another_translators_images_are_not_taken_for_ones_own(
    catalog: Catalog, tmp_path: Path
) -> None:
    class Stops(Darker):
        def translate(self, images: Tensor) -> Tensor:
            if self.seen:
                raise KeyboardInterrupt
            return super().translate(images)

    run(catalog, tmp_path, Darker("first"))
    with pytest.raises(KeyboardInterrupt):
        run(catalog, tmp_path, Stops("second"), batch=1)
    rest = Darker("second")
    run(catalog, tmp_path, rest)
    assert rest.seen == len(catalog) - 1


@pytest.mark.parametrize(
    "frame_id", ["../up", "a/../../up", "/etc/name", "a//b", "a/./b", "", "a\\..\\b", "a\0b"]
)
def test_no_frame_id_leads_out_of_the_folder(frame_id: str) -> None:
    with pytest.raises(InputError, match="no path below"):
        image_path(frame_id)


def test_nothing_is_written_for_a_catalog_with_a_bad_frame_id(
    catalog: Catalog, tmp_path: Path
) -> None:
    frames = catalog.frames.assign(frame_id=["../a", "b", "c", "d"])
    bad = Catalog(frames, catalog.boxes.iloc[:0])
    with pytest.raises(InputError):
        run(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unreadable_image_is_named_and_leaves_no_picture(
    catalog: Catalog, tmp_path: Path
) -> None:
    broken = Path(catalog.frames["image"][3])
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.raises(InputError, match=broken.name):
        run(catalog, tmp_path / "out")
    assert not (tmp_path / "out" / "images" / f"{catalog.frames['frame_id'][3]}.png").exists()


def test_a_translator_that_changes_the_size_is_caught(catalog: Catalog, tmp_path: Path) -> None:
    class Shrinks:
        identity = "shrinks"

        def translate(self, images: Tensor) -> Tensor:
            return images[:, :, ::2]

    with pytest.raises(ValueError, match="translator made"):
        run(catalog, tmp_path, Shrinks())


def test_an_empty_catalog_stays_empty(catalog: Catalog, tmp_path: Path) -> None:
    assert len(run(catalog.where(catalog.frames["weather"] == "foggy"), tmp_path)) == 0


def test_one_pass_decodes_each_frame_once_for_all_outputs(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    monkeypatch.setattr(apply, "read_rgb", lambda path: decoded.append(path) or read_rgb(path))
    outputs = three(tmp_path)
    fog, overcast, rain = translate_all(catalog, outputs, progress=False)
    assert sorted(decoded) == sorted(catalog.frames["image"])
    for translated, output in zip((fog, overcast, rain), outputs, strict=True):
        assert set(translated.frames["weather"]) == {output.weather}
        for before, after in zip(catalog.frames["image"], translated.frames["image"], strict=True):
            difference = read_rgb(after) - output.translator.factor * read_rgb(before)
            assert abs(difference).max() <= 0.5


def test_outputs_of_one_pass_are_those_of_separate_calls(catalog: Catalog, tmp_path: Path) -> None:
    translate_all(catalog, three(tmp_path / "together"), progress=False)
    for output in three(tmp_path / "apart"):
        folder, name = output.folder, output.folder.name
        run(catalog, folder, output.translator, variant=output.variant, batch=1)
        assert files(folder) == files(tmp_path / "together" / name)


def test_what_one_output_lacks_is_made_for_it_alone(catalog: Catalog, tmp_path: Path) -> None:
    fog, *_ = translate_all(catalog, three(tmp_path), progress=False)
    Path(fog.frames["image"][0]).unlink()
    again = three(tmp_path)
    translate_all(catalog, again[:2], progress=False)
    assert [output.translator.seen for output in again[:2]] == [1, 0]


def test_outputs_that_share_a_folder_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    output = three(tmp_path)[0]
    with pytest.raises(InputError, match="share a folder"):
        translate_all(catalog, [output, output], progress=False)
    assert translate_all(catalog, [], progress=False) == []


def test_frames_of_one_size_share_a_batch_though_sizes_alternate(
    catalog: Catalog, tmp_path: Path
) -> None:
    translator = Darker()
    translated = run(catalog, tmp_path, translator)
    assert translator.batches == [(2, 3, 37, 61), (1, 3, 94, 310), (1, 3, 40, 64)]
    kept = [name.removeprefix("dark-rain/") for name in translated.frames["frame_id"]]
    assert kept == catalog.frames["frame_id"].tolist()


def test_every_finished_image_has_one_record(catalog: Catalog, tmp_path: Path) -> None:
    translated = run(catalog, tmp_path)
    images = dict(zip(catalog.frames["frame_id"], translated.frames["image"], strict=True))
    sources = dict(zip(catalog.frames["frame_id"], catalog.frames["image"], strict=True))
    assert sorted(record["frame_id"] for record in records(tmp_path)) == sorted(images)
    for record in records(tmp_path):
        source = os.stat(sources[record["frame_id"]])  # noqa: PTH116
        assert record["bytes"] == Path(images[record["frame_id"]]).stat().st_size
        assert record["source"]["bytes"] == source.st_size
        assert record["source"]["mtime_ns"] == source.st_mtime_ns
        assert record["translator"] == "darker"


def test_a_torn_record_is_mended_and_its_image_made_anew(catalog: Catalog, tmp_path: Path) -> None:
    run(catalog, tmp_path)
    before, file = files(tmp_path), tmp_path / "records.jsonl"
    file.write_bytes(file.read_bytes()[:-25])
    again = Darker()
    run(catalog, tmp_path, again)
    assert again.seen == 1
    assert len(records(tmp_path)) == len(catalog)
    assert files(tmp_path) == before


@pytest.mark.parametrize("damage", [b"", b"\0" * 50, b"not an image at all"])
def test_an_image_that_is_not_as_large_as_it_was_made_is_made_anew(
    catalog: Catalog, tmp_path: Path, damage: bytes
) -> None:
    translated = run(catalog, tmp_path)
    before = files(tmp_path)
    Path(translated.frames["image"][1]).write_bytes(damage)
    run(catalog, tmp_path)
    assert files(tmp_path) == before


def test_an_image_without_a_record_counts_as_missing(catalog: Catalog, tmp_path: Path) -> None:
    run(catalog, tmp_path)
    (tmp_path / "records.jsonl").unlink()
    again = Darker()
    run(catalog, tmp_path, again)
    assert again.seen == len(records(tmp_path)) == len(catalog)


def test_frames_outside_a_later_catalog_keep_their_records(
    catalog: Catalog, tmp_path: Path
) -> None:
    run(catalog, tmp_path)
    run(catalog.where(catalog.frames["split"] == "val"), tmp_path, Darker("other"))
    assert len(records(tmp_path)) == len(catalog)
    again = Darker()
    run(catalog.where(catalog.frames["split"] == "train"), tmp_path, again)
    assert again.seen == 0


def test_a_missing_image_is_named_before_anything_is_translated(
    catalog: Catalog, tmp_path: Path
) -> None:
    Path(catalog.frames["image"][3]).unlink()
    translator = Darker()
    with pytest.raises(InputError, match="there is no such image"):
        run(catalog, tmp_path / "out", translator)
    assert translator.seen == 0
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_size_than_its_labels_is_refused(
    catalog: Catalog, tmp_path: Path
) -> None:
    wrong = Catalog(catalog.frames.assign(width=catalog.frames["width"] + 1), catalog.boxes)
    with pytest.raises(InputError, match="61x37 pixels, but the catalog says 62x37"):
        run(wrong, tmp_path)


def test_pixels_that_are_no_numbers_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no numbers"):
        run(catalog, tmp_path, Darker(factor=float("nan")))
    assert not files(tmp_path / "images")


def test_a_full_disk_stops_the_run_with_one_clear_error(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_write = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        if path.suffix != ".png":
            return whole_write(path, data)
        whole_write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_half)
        with pytest.raises(InputError, match=r"png: cannot be written \(No space left on device"):
            run(catalog, tmp_path / "out", batch=1)
    assert files(tmp_path / "out") == {}  # nothing half-written
    assert len(run(catalog, tmp_path / "out")) == len(records(tmp_path / "out"))


def test_a_folder_that_cannot_be_written_to_is_named(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="file/out: cannot be written"):
        run(catalog, tmp_path / "file" / "out")


@pytest.fixture
def many(catalog: Catalog, pictures: Callable[..., list[Path]]) -> Catalog:
    """A hundred frames of one picture."""
    picture = str(pictures("many", 1, (16, 12))[0])
    frames = pd.concat([catalog.frames.iloc[:1]] * 100, ignore_index=True).assign(
        frame_id=[f"many/{number:03d}" for number in range(100)],
        index=range(100), image=picture, width=16, height=12,
    )  # fmt: skip
    return Catalog(frames, catalog.boxes.iloc[:0])


def test_only_a_few_batches_are_in_memory_at_once(
    many: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, alive, most = threading.Lock(), 0, 0

    def count(change: int) -> None:
        nonlocal alive, most
        with lock:
            alive += change
            most = max(most, alive)

    def read(path: str) -> np.ndarray:
        count(1)
        return read_rgb(path)

    def write(path: Path, image: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        count(-1)

    monkeypatch.setattr(apply, "read_rgb", read)
    monkeypatch.setattr(apply, "write_rgb", write)
    run(many, tmp_path, batch=3)
    assert 3 <= most <= 3 * (2 * apply.AHEAD + 1) + 1


def test_an_error_while_reading_stops_the_run_within_the_batches_begun(
    many: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def read(path: str) -> np.ndarray:
        seen.append(path)
        if len(seen) == 20:
            raise InputError("not a readable image", where=path)
        return read_rgb(path)

    monkeypatch.setattr(apply, "read_rgb", read)
    with pytest.raises(InputError, match="not a readable image"):
        run(many, tmp_path / "out", batch=4)
    assert len(seen) <= 20 + 4 * (apply.AHEAD + 1)
    kept = len(files(tmp_path / "out"))
    assert kept == len(records(tmp_path / "out")) == 16  # the whole batches before it
