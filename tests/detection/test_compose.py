"""Arms: the original mix, replacements, the oracle, and that they are fair to each other."""

import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection.compose import MIX, compose, composition, fairness, oracle
from sim2real_lib.errors import InputError


def test_the_index_mod_7_chooses_the_variant(streets):
    arm = compose(streets)
    assert len(arm) == 14
    assert arm.frames["index"].tolist() == list(range(14))
    assert arm.frames["variant"].tolist() == list(MIX) * 2
    assert set(arm.boxes["frame_id"]) == set(arm.frames["frame_id"])


def test_a_replacement_changes_its_own_frames_and_no_other(streets):
    base, arm = compose(streets), compose(streets, replace={"fog": "cyclegan-fog"})
    changed = base.frames["frame_id"] != arm.frames["frame_id"]
    assert arm.frames.loc[changed, "variant"].tolist() == ["cyclegan-fog"] * 2
    assert base.frames.loc[changed, "variant"].tolist() == ["fog"] * 2


def test_of_several_replacements_each_place_takes_the_next(streets):
    arm = compose(streets, replace={"fog": ["cyclegan-fog", "clone"], "rain": ["rain", "overcast"]})
    variants = arm.frames["variant"].tolist()
    assert [variants[2], variants[9]] == ["cyclegan-fog", "clone"]
    assert [variants[5], variants[12]] == ["rain", "overcast"]
    assert fairness(arm, compose(streets))["identical"].all()


def test_added_variants_follow_the_mix_in_order(streets):
    base, arm = compose(streets), compose(streets, add=["cyclegan-fog", "rain"])
    assert arm.frames["frame_id"].tolist()[:14] == base.frames["frame_id"].tolist()
    assert arm.frames["variant"].tolist()[14:] == ["cyclegan-fog"] * 14 + ["rain"] * 13 + ["rain"]
    # The mix has two of these rain frames already: a second copy is a frame of its own.
    assert arm.frames["frame_id"].is_unique and arm.frames["frame_id"].str.endswith("#2").sum() == 2
    assert set(arm.boxes["frame_id"]) <= set(arm.frames["frame_id"])


def test_an_arm_that_adds_shares_all_that_the_baseline_has(streets):
    base, arm = compose(streets), compose(streets, add=["cyclegan-fog"])
    with pytest.raises(InputError, match="28 frames and the baseline 14"):
        fairness(arm, base)
    report = fairness(arm, base, adds=True)
    assert report.loc["frames", ["arm", "baseline", "shared"]].tolist() == [28, 14, 14]


def test_a_rejected_frame_is_not_added(streets):
    bad = "vkitti2/0001/cyclegan-fog/00003"
    arm = compose(streets, add=["cyclegan-fog"], rejected={bad})
    assert len(arm) == 27 and bad not in set(arm.frames["frame_id"])


def test_a_variant_without_frames_cannot_be_added(streets):
    with pytest.raises(InputError, match=r"missing as 'nst-rain' .14 of 14"):
        compose(streets, add=["nst-rain"])


def test_a_translation_of_the_mixs_places_alone_is_not_added_in_part(streets):
    frames = streets.frames
    elsewhere = (frames["variant"] == "cyclegan-fog") & (frames["index"] % 7 != 2)
    with pytest.raises(InputError, match=r"missing as 'cyclegan-fog' .12 of 14") as caught:
        compose(streets.where(~elsewhere), add=["cyclegan-fog"])
    assert "with places all" in str(caught.value)


def test_the_split_and_the_mix_are_free(streets):
    arm = compose(streets, mix=("clone", "fog"), split="val")
    assert set(arm.frames["sequence"]) == {"0002"}
    assert arm.frames["variant"].tolist() == ["clone", "fog"] * 7


def test_a_missing_translation_names_frame_variant_and_notebook(streets):
    with pytest.raises(InputError) as caught:
        compose(streets, replace={"rain": "nst-rain"})
    message = str(caught.value)
    assert "frame 5 of sequence 0001" in message and "nst-rain" in message
    assert "Run 03_nst_generation with translator nst, style rain" in message


def test_a_missing_frame_of_the_data_set_is_named(streets):
    lacking = streets.where(streets.frames["frame_id"] != "vkitti2/0001/sunset/00006")
    with pytest.raises(InputError, match="frame 6 of sequence 0001 is missing as 'sunset'"):
        compose(lacking)


def test_a_misspelt_replacement_is_refused_with_the_nearest(streets):
    with pytest.raises(InputError, match="did you mean 'fog'"):
        compose(streets, replace={"fogg": "cyclegan-fog"})


def test_drives_without_a_clone_are_left_out(streets):
    frames = streets.frames.copy()
    alone = frames["sequence"].eq("0002") & frames["source"].eq("kitti")
    frames.loc[alone, ["sequence", "split"]] = ["0003", "train"]
    assert set(compose(Catalog(frames, streets.boxes)).frames["sequence"]) == {"0001"}


def test_an_empty_split_is_refused(streets):
    with pytest.raises(InputError, match="no sequence in split 'test'"):
        compose(streets, split="test")


def test_the_oracle_takes_daytime_training_frames_balanced_over_weathers(streets):
    arm = oracle(streets, count=8, weathers=["foggy", "rainy"])
    assert len(arm) == arm.frames["image"].nunique() == 8
    assert set(arm.frames["split"]) == {"train"} and set(arm.frames["timeofday"]) == {"daytime"}
    assert arm.frames["weather"].value_counts().to_dict() == {"foggy": 4, "rainy": 4}


def test_the_oracle_repeats_a_frame_only_when_all_are_taken(streets):
    arm = oracle(streets, count=14, weathers=["foggy", "rainy"])
    assert arm.frames["image"].nunique() == 11  # all there are by day
    copies = arm.frames["frame_id"].str.endswith("#2")
    assert copies.sum() == 3
    of = arm.boxes["frame_id"].value_counts()
    for frame_id in arm.frames.loc[copies, "frame_id"]:
        assert of[frame_id] == of[frame_id.removesuffix("#2")]
    assert composition(arm)[["frames", "different_images"]].sum().tolist() == [14, 11]


def test_the_oracle_is_the_same_for_the_same_seed(streets):
    one, same, other = (
        oracle(streets, count=8, weathers=["rainy"], seed=seed).frames["frame_id"].tolist()
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_a_weather_without_frames_is_refused(streets):
    with pytest.raises(InputError, match="snowy"):
        oracle(streets, count=2, weathers=["snowy"])


def test_a_replacement_arm_shares_all_frames_and_boxes_with_the_baseline(streets):
    base = compose(streets)
    report = fairness(compose(streets, replace={"fog": "cyclegan-fog"}), base)
    assert report["identical"].all()
    assert report.loc["frames", "shared"] == 14


def test_a_moved_box_shows_in_the_report(streets):
    base = compose(streets)
    boxes = base.boxes.copy()
    boxes.loc[0, "right"] += 1
    report = fairness(Catalog(base.frames, boxes), base)
    assert report["identical"].to_dict() == {"frames": True, "boxes": False}
    assert report.loc["boxes", "shared"] == len(boxes) - 1


def test_arms_of_different_length_are_refused(streets):
    with pytest.raises(InputError, match="8 frames and the baseline 14"):
        fairness(oracle(streets, count=8, weathers=["rainy"]), compose(streets))


def test_a_rejected_translation_leaves_its_place_to_the_frame_it_replaces(streets):
    replace = {"fog": "cyclegan-fog"}
    whole = compose(streets, replace=replace)
    bad = whole.frames.loc[whole.frames["variant"] == "cyclegan-fog", "frame_id"].iloc[0]
    arm = compose(streets, replace=replace, rejected={bad})
    assert len(arm) == len(whole)
    changed = arm.frames["frame_id"] != whole.frames["frame_id"]
    assert arm.frames.loc[changed, "variant"].tolist() == ["fog"]
    assert whole.frames.loc[changed, "frame_id"].tolist() == [bad]
