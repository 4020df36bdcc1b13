"""Translated frames have the size, the place and the labels of their originals."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, size
from sim2real_lib.translation.apply import image_path, translate
from sim2real_lib.translation.networks import ResnetGenerator, at_any_size


class Darker:
    """Halves every pixel, and counts the images it saw."""

    def __init__(self, identity: str = "darker") -> None:
        self.identity, self.seen = identity, 0

    def translate(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return images / 2


def run(catalog: Catalog, folder: Path, translator: object = None, **options: object) -> Catalog:
    options = {"variant": "dark-rain", "weather": "rainy", "progress": False, **options}
    return translate(catalog, translator or Darker(), folder, **options)


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
