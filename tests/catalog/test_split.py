import pandas as pd
import pytest
from catalogs import catalog, drives, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.split import by_frame, by_sequence, leaks
from sim2real_lib.errors import InputError

REAL = {"0001": 447, "0002": 233, "0006": 270, "0018": 339, "0020": 837}


def sides(split: Catalog) -> pd.Series:
    return split.frames.groupby("sequence")["split"].agg(lambda s: "+".join(sorted(set(s))))


@settings(max_examples=12, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(REAL)), st.integers(1, 9), min_size=2),
    st.floats(0.01, 0.99),
    st.integers(0, 99),
)
def test_a_drive_and_all_its_clones_lie_on_one_side(
    lengths: dict[str, int], fraction: float, seed: int
) -> None:
    split = by_sequence(drives(lengths), val_fraction=fraction, seed=seed)
    assert set(sides(split)) == {"train", "val"}
    assert leaks(split).empty


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_the_share_of_val_is_near_the_fraction_asked_for(fraction: float) -> None:
    lengths = {name: length // 20 for name, length in REAL.items()}
    for seed in range(3):
        split = by_sequence(drives(lengths), val_fraction=fraction, seed=seed).frames["split"]
        assert (split == "val").mean() == pytest.approx(fraction, abs=0.06)


def test_equal_seeds_split_alike_and_others_differ() -> None:
    whole = drives(dict.fromkeys(REAL, 4))
    splits = [tuple(sides(by_sequence(whole, val_fraction=0.4, seed=s))) for s in (1, 1, 2, 3, 4)]
    assert splits[0] == splits[1]
    assert len(set(splits)) > 1


def test_bdd100k_train_trains_and_its_val_is_the_test_set() -> None:
    frames = [
        frame(split, source="bdd100k", split=split, sequence=split) for split in ("train", "val")
    ]
    once = by_sequence(catalog(frames), val_fraction=0.2, seed=0)
    assert list(once.frames["split"]) == ["train", "test"]
    assert list(by_sequence(once, val_fraction=0.2, seed=0).frames["split"]) == ["train", "test"]


def test_a_source_that_nobody_divides_keeps_its_split() -> None:
    one = catalog([frame("a", source="own", split="holdout")])
    assert list(by_sequence(one, val_fraction=0.2, seed=0).frames["split"]) == ["holdout"]


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5, float("nan")])
@pytest.mark.parametrize("way", [by_sequence, by_frame])
def test_a_fraction_out_of_range_is_refused(way, fraction: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        way(drives({"0001": 1, "0002": 1}), val_fraction=fraction, seed=0)


def test_a_single_sequence_cannot_be_divided() -> None:
    with pytest.raises(InputError, match="'0001' cannot be both"):
        by_sequence(drives({"0001": 5}), val_fraction=0.2, seed=0)


def test_a_single_frame_cannot_be_divided() -> None:
    with pytest.raises(InputError, match="one frame"):
        by_frame(catalog([frame()]), val_fraction=0.2, seed=0)


def test_the_original_split_by_frame_leaks() -> None:
    split = by_frame(drives({"0001": 10, "0002": 10}), val_fraction=0.2, seed=0)
    assert (split.frames["split"] == "val").sum() == 12
    found = leaks(split)
    assert set(found["splits"]) == {"train, val"}
    assert len(found) > 10


def test_neighbouring_frames_on_two_sides_are_a_leak() -> None:
    cut = [frame(str(n), index=n, split="train" if n < 3 else "val") for n in range(6)]
    found = leaks(catalog(cut))
    assert found.to_numpy().tolist() == [["0001", 2, "train, val"], ["0001", 3, "train, val"]]


def test_a_clone_on_the_other_side_is_a_leak() -> None:
    pair = [frame("a", split="train"), frame("b", source="vkitti2", split="val")]
    assert list(leaks(catalog(pair))["index"]) == [0]


def test_equal_places_in_different_drives_are_no_leak() -> None:
    pair = [frame("a", split="train"), frame("b", sequence="0002", split="val")]
    assert leaks(catalog(pair)).empty
