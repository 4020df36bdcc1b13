"""What is promised of the domains: translators never meet a test frame or a held-out drive."""

import pandas as pd
import pytest

from sim2real_lib.catalog import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.translation import domains


def catalog() -> Catalog:
    rows = [
        (f"vkitti2/{drive}/clone/{n}", "vkitti2", split, drive, n, "clone", "clear")
        for drive, split in (("0001", "train"), ("0002", "val"))
        for n in range(14)
    ]
    rows += [
        (f"bdd100k/{split}/{weather}{n}", "bdd100k", split, f"{weather}{n}", 0, "original", weather)
        for split in ("train", "test")
        for weather in ("foggy", "rainy")
        for n in range(5)
    ]
    columns = ["frame_id", "source", "split", "sequence", "index", "variant", "weather"]
    frames = pd.DataFrame(rows, columns=columns).assign(
        image=[f"/data/{row[0]}.png" for row in rows],
        width=64, height=32, timeofday="daytime", scene="undefined",
    )  # fmt: skip
    return Catalog(frames, pd.DataFrame(columns=["frame_id"]))


def test_the_source_is_the_clones_of_the_training_drives() -> None:
    assert domains.source(catalog()) == [f"/data/vkitti2/0001/clone/{n}.png" for n in range(14)]


def test_the_target_is_training_frames_of_the_weather_alone() -> None:
    chosen = domains.target(catalog(), "rain", most=100, seed=0)
    assert sorted(chosen) == [f"/data/bdd100k/train/rainy{n}.png" for n in range(5)]


def test_the_target_can_be_bounded_and_is_the_same_for_a_seed() -> None:
    chosen = domains.target(catalog(), "fog", most=2, seed=3)
    assert len(chosen) == 2
    assert chosen == domains.target(catalog(), "fog", most=2, seed=3)


def test_a_weather_without_frames_is_named() -> None:
    with pytest.raises(InputError, match="no overcast frame"):
        domains.target(catalog(), "overcast", most=5, seed=0)


def test_the_frames_to_translate_are_those_that_the_mix_takes_in_that_weather() -> None:
    assert domains.to_translate(catalog(), "fog").frames["index"].tolist() == [2, 9]
    assert domains.to_translate(catalog(), "rain").frames["index"].tolist() == [5, 12]


def test_another_rendering_than_the_clone_can_be_translated_at_all_places() -> None:
    data = catalog()
    foggy = data.frames[data.frames["variant"] == "clone"].assign(variant="fog")
    foggy["frame_id"] += "/fog"
    both = Catalog(pd.concat([data.frames, foggy]), data.boxes)
    chosen = domains.to_translate(both, "rain", variant="fog", places="all").frames
    assert set(chosen["variant"]) == {"fog"} and set(chosen["split"]) == {"train"}
    assert sorted(chosen["index"]) == list(range(14))
    assert domains.to_translate(both, "rain", variant="fog").frames["index"].tolist() == [5, 12]
    assert len(domains.source(both, "fog")) == 14


def test_a_translated_frame_is_paired_with_its_original() -> None:
    data = catalog()
    chosen = domains.to_translate(data, "fog")
    made = Catalog(
        chosen.frames.assign(
            frame_id="nst-fog/" + chosen.frames["frame_id"], variant="nst-fog", image="/out/x.png"
        ),
        chosen.boxes,
    )
    first = domains.pairs(data, made).iloc[0]
    assert (first["style"], first["translator"]) == ("fog", "nst")
    assert first["original"] == "/data/vkitti2/0001/clone/2.png"
    assert first["place"] == "0001/00002"
    assert first["translated"] == "/out/x.png"
