import pandas as pd
import pytest
from catalogs import catalog, drives, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.split import (
    LEFT_OUT,
    by_frame,
    by_sequence,
    check,
    leaks,
    named_leaks,
    without_leaks,
)
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


def test_targets_are_tested_on_and_not_divided() -> None:
    frames = [
        frame(f"{source}/{split}/{n}", source=source, split=split, sequence=f"{n}")
        for source in ("kitti", "own", "bdd100k")
        for split in ("train", "val")
        for n in range(4)
    ]
    split = by_sequence(catalog(frames), val_fraction=0.2, seed=0, targets=("own",))
    found = split.frames.groupby("source")["split"].agg(lambda s: "+".join(sorted(set(s))))
    assert dict(found) == {"bdd100k": "train+val", "kitti": "train+val", "own": "test+train"}
    only_kitti = catalog([frame("a", split="val"), frame("b", split="train")])
    split = by_frame(only_kitti, val_fraction=0.5, seed=0, targets=("kitti", "own"))
    assert list(split.frames["split"]) == ["test", "train"]


def test_virtual_kitti_1_is_divided_with_its_drive() -> None:
    drive = [frame(s, source=s, split="train") for s in ("kitti", "vkitti1", "vkitti2")]
    other = frame("other", sequence="0002")
    split = by_sequence(catalog([*drive, other]), val_fraction=0.5, seed=0)
    assert set(sides(split)) == {"train", "val"}


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(sorted(REAL))] * 2), max_size=3), st.integers(0, 99))
def test_drives_that_share_pictures_lie_on_one_side(
    links: list[tuple[str, str]], seed: int
) -> None:
    together = [(("kitti", one), ("vkitti2", other)) for one, other in links]
    split = by_sequence(
        drives(dict.fromkeys(REAL, 2)), val_fraction=0.3, seed=seed, together=together
    )
    assert set(sides(split)) == {"train", "val"}
    assert all(sides(split)[one] == sides(split)[other] for one, other in links)


def test_without_links_the_split_is_that_of_single_drives() -> None:
    whole = drives(dict.fromkeys(REAL, 3))
    pair = (("kitti", "0001"), ("kitti", "0001"))
    plain = by_sequence(whole, val_fraction=0.4, seed=3)
    linked = by_sequence(whole, val_fraction=0.4, seed=3, together=[pair])
    assert list(plain.frames["split"]) == list(linked.frames["split"])


def test_drives_are_linked_through_a_picture_of_another_data_set() -> None:
    own = [frame(f"own{n}", source="own", sequence="0001") for n in range(2)]
    kitti = [frame(f"k{n}", sequence=f"000{n}") for n in range(3)]
    links = [(("kitti", f"000{n}"), ("own", "0001")) for n in (0, 2)]
    for seed in range(4):
        split = by_sequence(catalog([*own, *kitti]), val_fraction=0.4, seed=seed, together=links)
        assert sides(split)["0000"] == sides(split)["0002"]


def test_drives_that_all_hang_together_cannot_be_divided() -> None:
    links = [(("kitti", "0001"), ("kitti", "0002"))]
    with pytest.raises(InputError, match="must stay with 0002"):
        by_sequence(drives({"0001": 2, "0002": 2}), val_fraction=0.5, seed=0, together=links)


def test_a_link_to_an_unknown_drive_is_refused() -> None:
    links = [(("kitti", "0001"), ("own", "0001"))]
    with pytest.raises(InputError, match="no sequence '0001' of own"):
        by_sequence(drives({"0001": 2, "0002": 2}), val_fraction=0.5, seed=0, together=links)


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


def test_equal_sequence_names_in_other_data_sets_are_no_leak() -> None:
    pair = [frame("a", split="train"), frame("b", source="own", split="test")]
    assert leaks(catalog(pair)).empty
    pair = [frame("a", source="own", split="train"), frame("b", source="own", split="test")]
    assert list(leaks(catalog(pair))["splits"]) == ["test, train"]


def test_frames_that_are_left_out_leak_nowhere() -> None:
    pair = [frame("a", split="train"), frame("b", source="vkitti2", split=LEFT_OUT)]
    assert leaks(catalog(pair)).empty


@pytest.mark.parametrize("variant", ["original", "clone"])
def test_a_test_whose_moment_was_trained_on_is_refused(variant: str) -> None:
    frames = [
        frame("a", split="train", variant=variant, index=4),
        frame("b", split="test", index=5),
    ]
    with pytest.raises(InputError, match="sequence 0001, index 4: 2 moments") as error:
        check(catalog(frames))
    assert "test, train" in str(error.value)


def test_a_safe_test_is_accepted_even_where_val_leaks() -> None:
    frames = [
        frame("a", split="train", index=4), frame("b", split="val", index=4),
        frame("c", split="test", index=6), frame("d", split=LEFT_OUT, index=6),
    ]  # fmt: skip
    check(catalog(frames))


def pair(a: str, b: str, kind: str = "same picture") -> dict[str, str]:
    ends = {"frame_id_a": a, "frame_id_b": b, "split_a": "before", "split_b": "before"}
    return {"kind": kind} | ends


def test_pairs_on_two_sides_are_named_with_the_splits_that_they_have_now() -> None:
    splits = {"a": "train", "b": "test", "c": "val", "d": "train", "e": LEFT_OUT}
    whole = catalog([frame(name, split=split) for name, split in splits.items()])
    pairs = pd.DataFrame([pair(*ends) for ends in ("ab", "ad", "cd", "be", "bx")])
    found = named_leaks(whole, pairs)
    columns = ["frame_id_a", "frame_id_b", "split_a", "split_b", "splits"]
    assert found[columns].to_numpy().tolist() == [
        ["a", "b", "train", "test", "test, train"],
        ["c", "d", "val", "train", "train, val"],
    ]
    assert named_leaks(whole, pairs[:0]).empty


def test_what_shows_a_test_picture_is_left_out_of_train_and_val() -> None:
    splits = {"a": "train", "b": "test", "c": "val", "d": "test", "e": "train"}
    whole = catalog([frame(n, source="bdd100k", split=s, sequence=n) for n, s in splits.items()])
    pairs = pd.DataFrame([pair("a", "b"), pair("d", "a", "same file"), pair("b", "c")])
    found, gone = without_leaks(whole, pairs)
    assert list(found.frames["split"]) == [LEFT_OUT, "test", LEFT_OUT, "test", "train"]
    assert gone.to_numpy().tolist() == [
        ["a", "train", "same file", "d"], ["c", "val", "same picture", "b"],
    ]  # fmt: skip
    assert list(gone.columns) == ["frame_id", "split", "kind", "test_frame"]
    again, nothing = without_leaks(found, pairs)
    assert (list(again.frames["split"]), len(nothing)) == (list(found.frames["split"]), 0)


def test_the_clones_and_neighbours_of_what_is_left_out_go_with_it() -> None:
    whole = drives({"0001": 6, "0002": 3})
    shown = frame("t", source="bdd100k", split="test", sequence="t")
    whole = catalog([*whole.frames.to_dict("records"), shown])
    found, gone = without_leaks(whole, pd.DataFrame([pair("kitti/0001/original/4", "t")]))
    left = found.frames[found.frames["split"] == LEFT_OUT]
    assert set(left["index"]) == {3, 4, 5}
    assert set(left["sequence"]) == {"0001"}
    assert len(left) == len(gone) == 3 * 3
    assert dict(gone["kind"].value_counts()) == {"neighbour": 8, "same picture": 1}
    assert set(gone["test_frame"]) == {"t"}


def test_without_pairs_nothing_is_left_out() -> None:
    whole = drives({"0001": 2})
    found, gone = without_leaks(whole, pd.DataFrame([pair("a", "b")])[:0])
    assert gone.empty
    assert list(found.frames["split"]) == ["train"] * 6
