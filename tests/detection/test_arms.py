"""What is promised of the arms of a run: what is missing is named with the notebook to run."""

from pathlib import Path

import pandas as pd
import pytest

from sim2real_lib.catalog import Catalog
from sim2real_lib.detection import arms
from sim2real_lib.errors import InputError
from sim2real_lib.files import Artifact
from sim2real_lib.params import YOLOTraining
from sim2real_lib.translation import rejections, structure


def finish(run: Path, *names: str) -> None:
    for name in names:
        Artifact(run / "04_yolo_training" / name, {}).seal()


def test_every_finished_arm_and_seed_is_found(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "nst-seed0", "nst-seed1")
    (tmp_path / "04_yolo_training" / "cyclegan-seed0").mkdir()  # begun, not finished
    assert list(arms.finished(tmp_path)) == ["baseline-seed0", "nst-seed0", "nst-seed1"]
    assert list(arms.finished(tmp_path, seeds=[0])) == ["baseline-seed0", "nst-seed0"]


def test_arms_that_translations_are_part_of_are_told_by_their_manifests(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "real-seed0")
    for name in ("mine-seed0", "mine-seed1"):
        Artifact(tmp_path / "04_yolo_training" / name, {}).seal(translated=["nst-fog"])
    assert arms.translated(arms.finished(tmp_path)) == ["mine"]


def test_named_arms_come_in_the_order_named(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "nst-seed0")
    assert list(arms.finished(tmp_path, ["nst", "baseline"], [0])) == [
        "nst-seed0",
        "baseline-seed0",
    ]


def test_a_named_arm_that_is_not_finished_is_named(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0")
    with pytest.raises(InputError, match="04_yolo_training with arm nst, seed 0"):
        arms.finished(tmp_path, ["baseline", "nst"], [0])


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"arms": ["baseline", "nts"]}, "arm nts is finished.*Finished: baseline-seed0, nst-seed0"),
        ({"seeds": [0, 7]}, "seed 7 is finished.*Finished: baseline-seed0"),
    ],
)
def test_a_named_arm_or_seed_alone_is_never_left_out_in_silence(
    tmp_path: Path, asked: dict, complaint: str
) -> None:
    finish(tmp_path, "baseline-seed0", "nst-seed0")
    with pytest.raises(InputError, match=complaint):
        arms.finished(tmp_path, **asked)


def test_a_class_that_a_detector_does_not_know_is_not_left_out_in_silence(tmp_path: Path) -> None:
    asked = {"classes": ["car", "truck"]}
    Artifact(tmp_path / "04_yolo_training" / "baseline-seed0", asked).seal()
    assert arms.finished(tmp_path, classes=["car"])
    with pytest.raises(InputError, match=r"not trained on truk\. Choose of: car, truck"):
        arms.finished(tmp_path, classes=["car", "truk"])


def test_without_a_baseline_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    finish(tmp_path, "nst-seed0")
    with pytest.raises(InputError, match="no finished baseline"):
        arms.finished(tmp_path)


def test_a_translation_that_has_not_run_is_named_with_its_style(tmp_path: Path) -> None:
    frames = pd.DataFrame(columns=["frame_id"])
    Catalog(frames, frames).save(tmp_path / "01_data_analysis" / "catalog")
    Artifact(tmp_path / "01_data_analysis", {}).seal()
    with pytest.raises(InputError, match="with translator cyclegan, style fog, source clone first"):
        arms.gather(YOLOTraining(run=str(tmp_path), arm="cyclegan"))


@pytest.fixture
def translated_street(streets: Catalog) -> Catalog:
    """`streets` with its cyclegan-fog frames named after the clones that they are made of."""
    frames, boxes = streets.frames.copy(), streets.boxes.copy()
    for table in (frames, boxes):
        made = table["frame_id"].str.contains("/cyclegan-fog/")
        originals = table.loc[made, "frame_id"].str.replace("/cyclegan-fog/", "/clone/")
        table.loc[made, "frame_id"] = "cyclegan-fog/" + originals
    return Catalog(frames, boxes)


def parameters(run: Path) -> YOLOTraining:
    return YOLOTraining(
        run=str(run), arm="mine", arms={"baseline": {}, "mine": {"fog": "cyclegan-fog"}}
    )


def test_an_arm_does_without_a_frame_rejected_by_hand_and_is_as_large_as_before(
    translated_street: Catalog, tmp_path: Path
) -> None:
    p = parameters(tmp_path)
    whole = arms.build(translated_street, p, arms.rejected(translated_street, p)["frame_id"])
    bad = whole.frames.loc[whole.frames["variant"] == "cyclegan-fog", "frame_id"].iloc[0]
    original = bad.removeprefix("cyclegan-fog/")
    rejections.change(tmp_path / rejections.FILE, "cyclegan-fog", original, reject=True)
    rejections.change(tmp_path / rejections.FILE, "nst-fog", original, reject=True)  # another's
    left_out = arms.rejected(translated_street, p)
    assert left_out[["frame_id", "variant", "reason"]].to_numpy().tolist() == [
        [bad, "cyclegan-fog", "by hand"]
    ]
    arm = arms.build(translated_street, p, left_out["frame_id"])
    assert len(arm) == len(whole)
    changed = arm.frames["frame_id"] != whole.frames["frame_id"]
    assert arm.frames.loc[changed, "variant"].tolist() == ["fog"]


def test_a_rejected_frame_that_nobody_knows_is_named_before_any_training(
    translated_street: Catalog, tmp_path: Path
) -> None:
    (tmp_path / rejections.FILE).write_text("variant,frame_id\ncyclegan-fog,vkitti2/9/clone/1\n")
    with pytest.raises(InputError, match="'vkitti2/9/clone/1' is no clone frame") as caught:
        arms.rejected(translated_street, parameters(tmp_path))
    assert str(tmp_path / rejections.FILE) in str(caught.value)
    assert arms.rejected(translated_street, YOLOTraining(run=str(tmp_path))).empty  # baseline


def test_edges_and_hands_reject_a_frame_once(translated_street: Catalog, tmp_path: Path) -> None:
    p = parameters(tmp_path).model_copy(update={"min_agreement": 0.5})
    made = translated_street.frames.query("variant == 'cyclegan-fog' and split == 'train'")
    chosen = arms.build(translated_street, p).frames
    bad = chosen.loc[chosen["variant"] == "cyclegan-fog", "frame_id"].tolist()
    originals = [name.removeprefix("cyclegan-fog/") for name in bad]
    sides = {"left": 0.0, "top": 0.0, "right": 20.0, "bottom": 20.0}
    table = pd.DataFrame({"frame_id": structure.originals_of(made.reset_index()), **sides})
    table["agreement"] = table["frame_id"].ne(originals[0]).astype(float)
    folder = p.translations[0]
    folder.mkdir(parents=True)
    structure.save(table.assign(variant="cyclegan-fog", box=0, **{"class": "car"}), folder)
    for name in originals:
        rejections.change(tmp_path / rejections.FILE, "cyclegan-fog", name, reject=True)
    found = arms.rejected(translated_street, p)
    assert found["frame_id"].tolist() == bad
    assert found["reason"].tolist() == ["edges"] + ["by hand"] * (len(bad) - 1)
    assert found["score"].iloc[0] == 0 and found["score"].iloc[1:].isna().all()
