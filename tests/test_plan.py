"""What is promised of a plan: run.yaml says what is made and how, and nothing impossible begins."""

from pathlib import Path

import pytest

from sim2real_lib import params
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT
from sim2real_lib.plan import Plan


def planned(**values: object) -> Plan:
    return Plan.of(params.Run(**{"params": "params/demo", "run": "outputs/sweep"} | values))


def test_a_run_makes_the_data_the_translations_of_its_arms_and_each_detector() -> None:
    plan = planned(arms=["baseline", "nst"], seeds=[0, 1])
    assert plan.artifacts("outputs/sweep") == [
        "01_data_analysis",
        "03_nst_generation/nst-fog",
        "03_nst_generation/nst-overcast",
        "03_nst_generation/nst-rain",
        "04_yolo_training/baseline-seed0",
        "04_yolo_training/baseline-seed1",
        "04_yolo_training/nst-seed0",
        "04_yolo_training/nst-seed1",
        "05_result_visualization",
    ]


def test_a_run_that_shares_data_makes_none() -> None:
    plan = planned(arms=["baseline", "nst"], data_run="outputs/demo")
    assert plan.artifacts("outputs/sweep")[0] == "04_yolo_training/baseline-seed0"
    assert plan.translations("nst")[0] == "outputs/demo/03_nst_generation/nst-fog"


def test_styles_leave_out_the_translations_to_others() -> None:
    plan = planned(arms=["baseline", "cyclegan", "mixed", "more"], styles=["fog"])
    assert plan.arms["cyclegan"].replaced == {"fog": ["cyclegan-fog"]}
    assert plan.arms["mixed"].replaced == {
        "fog": ["pyramid-fog-from-fog", "reinhard-fog-from-fog"],
        "rain": ["rain"],  # the simulator's own, which is no translation
    }
    assert plan.arms["more"].added == ["pyramid-fog-from-fog", "reinhard-fog-from-fog", "rain"]
    assert plan.detector("outputs/sweep") == {"styles": ["fog"]}
    assert {Path(folder).name.split("-")[1] for folder in plan.translations()} == {"fog"}


def test_an_arm_that_styles_leave_nothing_of_stops_the_run() -> None:
    with pytest.raises(InputError, match="arm 'mine' has no translation to rain"):
        params.YOLOTraining.parse({"arm": "mine", "arms": {"mine": {"fog": "nst-fog"}},
                                   "styles": ["rain"]})  # fmt: skip


def test_settings_of_a_translator_are_an_arm_beside_the_others() -> None:
    plan = planned(
        arms=["baseline", "cyclegan", "cyclegan.weak"],
        translators={"cyclegan.weak": {"lambda_cycle": 5.0}},
    )
    assert plan.arms["cyclegan.weak"].replaced["rain"] == ["cyclegan.weak-rain"]
    assert plan.translation("cyclegan.weak-rain") == {
        "translator": "cyclegan", "style": "rain", "source": "clone", "tag": "weak",
        "places": "mix", "lambda_cycle": 5.0,
    }  # fmt: skip
    assert "lambda_cycle" not in plan.translation("cyclegan-rain")
    assert "outputs/sweep/02_cyclegan_training/cyclegan.weak-rain" in plan.translations()


def test_an_arm_of_your_own_may_mix_settings(tmp_path: Path) -> None:
    own = tmp_path / "04_yolo_training.yaml"
    own.write_text("arms: {baseline: {}, mine: {fog: [fda-fog, fda.wide-fog-from-fog]}}\n")
    folders = [str(tmp_path), "params/demo"]
    plan = planned(
        params=folders, arms=["baseline", "mine"], translators={"fda.wide": {"beta": 0.09}}
    )
    assert plan.translation("fda.wide-fog-from-fog")["beta"] == 0.09
    assert plan.translation("fda.wide-fog-from-fog")["source"] == "fog"


def test_each_detector_trains_every_arm_in_a_folder_of_its_own() -> None:
    plan = planned(
        arms=["baseline", "nst"],
        detectors={"nano": {"model": "yolov5n"}, "small": {"model": "yolov5s", "batch": 8}},
    )
    assert plan.homes == {"nano": "outputs/sweep/nano", "small": "outputs/sweep/small"}
    small = plan.detectors("outputs/sweep/small")["nst"]
    assert (small.model, small.batch, small.run) == ("yolov5s", 8, "outputs/sweep/small")
    assert small.data_run == "outputs/sweep"
    assert plan.artifacts("outputs/sweep")[-1].startswith("03_nst_generation")
    assert plan.artifacts("outputs/sweep/small") == [
        "04_yolo_training/baseline-seed0", "04_yolo_training/nst-seed0", "05_result_visualization",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"arms": ["baseline", "nst.bold"]}, "arm nst.bold wants nst.bold-fog, which needs nst.bo"),
        ({"translators": {"nst": {"steps": 9}}}, "'nst' must be a translator, a dot and a word"),
        ({"translators": {"magic.a": {"steps": 9}}}, "'magic.a' must be a translator, a dot"),
        ({"translators": {"nst.a": {"stepz": 9}}}, "translators, nst.a: .*did you mean 'steps'"),
        ({"translators": {"nst.a": {"style": "fog"}}}, "nst.a: style is the whole run's"),
        ({"translators": {"nst.a": {}}}, "translators.nst.a"),
        ({"detectors": {"s": {"model": "yolov9"}}}, "detectors, s: model is 'yolov9'"),
        ({"detectors": {"s": {"arms": {}}}}, "detectors, s: arms is the whole run's"),
        ({"detectors": {"../s": {"model": "yolov5s"}}}, "detectors"),
        ({"detectors": {"notebooks": {"model": "yolov5s"}}}, "notebooks is a folder of the run's"),
        ({"styles": ["snow"]}, "styles.0 is 'snow', must be one of"),
        ({"arms": ["baseline", "magic"]}, "arm is 'magic', must be one of"),
    ],
)
def test_what_cannot_be_stops_before_any_job(values: dict, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Plan.of(params.Run.parse({"params": "params/demo", "run": "outputs/sweep"} | values))


def test_every_profile_can_be_planned() -> None:
    for path in (ROOT / "params").glob("*/run.yaml"):
        assert Plan.of(params.Run.from_yaml(path)).homes
