"""What is promised of parameters: a wrong one stops the run in its first second, by name."""

import pytest

from sim2real_lib import params
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT
from sim2real_lib.plan import Plan

PROFILES = sorted(path.name for path in (ROOT / "params").iterdir() if path.is_dir())


def cell_history(*cells: str) -> dict:
    """A notebook's namespace after its cells ran, as IPython keeps it."""
    namespace: dict = {"In": ["", *cells, "p = …"]}
    for cell in cells:
        exec(cell, namespace)
    return namespace


def parameters_cell(**changes: object) -> str:
    values = params.NSTGeneration().model_dump() | changes
    return "\n".join(f"{name} = {value!r}  # a comment" for name, value in values.items())


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("notebook", params.NOTEBOOKS)
def test_every_profile_has_a_valid_file_for_every_notebook(profile: str, notebook: str) -> None:
    run = params.Run.from_yaml(f"params/{profile}/run.yaml")
    read = params.NOTEBOOKS[notebook].from_yaml(run.file(notebook))
    own = run.file(notebook).startswith(f"params/{profile}/")
    assert read.run == (run.run if own else run.data_run or run.run)
    assert run.params[0] == f"params/{profile}"


def test_the_papers_detectors_are_the_originals() -> None:
    runs = [params.Run.from_yaml(f"params/{n}/run.yaml") for n in ("paper", "paper-detectors")]
    paper, others = map(Plan.of, runs)
    assert others.data == paper.data == "outputs/paper" != others.run.run
    assert others.notebooks == paper.notebooks and list(others.arms) == list(paper.arms)
    homes = [(plan, home) for plan in (paper, others) for home in plan.homes.values()]
    detectors = [plan.detectors(home)["baseline"] for plan, home in homes]
    assert [(d.model, d.image_size, d.batch) for d in detectors] == [
        ("yolov5m", 1248, 8), ("yolov5n", 1248, 32), ("yolov5l6", 1280, 8),
    ]  # fmt: skip
    frames = 2126 * 0.8
    for detector in detectors:
        assert detector.iterations * detector.batch / frames == pytest.approx(300, rel=0.01)
    same = [d.model_dump(exclude={"run", "data_run", "model", "image_size", "batch", "iterations"})
            for d in detectors]  # fmt: skip
    assert same[0] == same[1] == same[2]


@pytest.mark.parametrize("translator", params.TRANSLATORS)
def test_every_translator_is_an_arm_without_being_spelled_out(translator: str) -> None:
    arm = params.YOLOTraining(arm=translator)
    assert arm.replaced == {style: [f"{translator}-{style}"] for style in params.STYLES}
    assert [[folder.name] for folder in arm.translations] == list(arm.replaced.values())
    assert {folder.parent.name for folder in arm.translations} == {params.TRANSLATORS[translator]}


def test_a_gpus_number_needs_no_quotes() -> None:
    assert params.YOLOTraining.parse({"device": 1}).device == "1"


def test_an_arm_that_is_spelled_out_is_taken_as_it_is() -> None:
    arm = params.YOLOTraining(arm="nst", arms={"nst": {"fog": "fda-fog"}})
    assert arm.replaced == {"fog": ["fda-fog"]}


def test_an_arm_may_mix_translators_and_renderings_and_add_frames() -> None:
    mixed = {"fog": ["nst-fog", "fda-fog-from-fog"], "rain": "clone", "add": "nst-fog"}
    arm = params.YOLOTraining(arm="mixed", arms={"mixed": mixed})
    assert arm.replaced == {"fog": ["nst-fog", "fda-fog-from-fog"], "rain": ["clone"]}
    assert arm.added == ["nst-fog"]
    assert arm.translated == ["nst-fog", "fda-fog-from-fog"]  # each once, none of the simulator's


def test_an_arm_that_asks_for_a_style_elsewhere_needs_all_its_frames() -> None:
    arms = {"a": {"fog": "nst-fog", "clone": ["clone", "nst-rain"], "add": "nst-overcast"}}
    arm = params.YOLOTraining(arm="a", arms=arms)
    assert {v: arm.places(v) for v in arm.translated} == {
        "nst-fog": "mix", "nst-rain": "all", "nst-overcast": "all",
    }  # fmt: skip


@pytest.mark.parametrize("tag", ["", "strong", "9_a"])
@pytest.mark.parametrize("source", ["clone", "fog", "sunset"])
@pytest.mark.parametrize("translator", params.TRANSLATORS)
def test_a_variants_name_says_what_made_it_and_from_what(
    translator: str, source: str, tag: str
) -> None:
    made = params.Variant(translator, "rain", source, tag)
    assert params.Variant.parse(str(made)) == made == params.Variant.of(str(made))
    assert made.notebook == params.TRANSLATORS[translator]


@pytest.mark.parametrize(
    "name",
    [
        "fog", "nst", "nst-snow", "magic-fog", "nst-fog-from-clone", "nst-fog-from-original",
        "nst.-fog", "nst.../../x-fog", "nst.Strong-fog", "fog.strong",
    ],
)  # fmt: skip
def test_what_is_no_translated_variant_is_none(name: str) -> None:
    assert params.Variant.parse(name) is None
    with pytest.raises(ValueError, match="is no translated variant"):
        params.Variant.of(name)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"arms": {"baseline": {}, "a": {"fgo": "clone"}}}, "arm 'a' replaces 'fgo', must be one"),
        ({"arms": {"baseline": {}, "a": {"fog": []}}}, "arm 'a' has nothing for 'fog'"),
        ({"arms": {"baseline": {}, "a": "target"}}, "which only the arm 'oracle' may be"),
        ({"adversarial": {"share": 5}}, "adversarial's share is 5, must be at most 1"),
        ({"learning_rate": 2}, "learning_rate is 2"),
        ({"device": "gpu"}, "device is 'gpu', must be auto, cpu, mps, or GPUs"),
        ({"model": "yolov5z"}, "model is 'yolov5z', must be one of"),
        ({"model": "yolov5l6", "image_size": 1248}, "yolov5l6 needs an image_size that is a mult"),
    ],
)
def test_what_a_detector_could_not_be_trained_with_stops_the_run(
    values: dict, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        params.YOLOTraining.parse(values)


@pytest.mark.parametrize("arm", ["../up", "a b", "A", "-x/y"])
def test_an_arms_name_cannot_lead_out_of_the_run(arm: str) -> None:
    with pytest.raises(InputError, match="arms"):
        params.YOLOTraining.parse({"arms": {arm: {}}})


@pytest.mark.parametrize("arm", ["-x", "2022", "1e3", "nan", "null"])
def test_an_arms_name_is_no_number_or_option_on_a_command_line(arm: str) -> None:
    with pytest.raises(InputError, match="arms"):
        params.YOLOTraining.parse({"arms": {arm: {}}})


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"classes": ["car", "car"]}, "car stands there twice"),
        ({"occlusion_thresholds": [10, 5]}, "must ascend"),
        ({"occlusion_thresholds": [-3, 5]}, "greater than or equal to 0"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_what_would_fail_only_after_minutes_is_refused_at_once(
    values: dict, complaint: str
) -> None:
    for model in (params.DataAnalysis, params.ResultVisualization):
        with pytest.raises(InputError, match=complaint):
            model.parse(values)


def test_no_number_is_infinite() -> None:
    for values in ({"learning_rate": float("inf")}, {"augmentation": {"scale": float("nan")}}):
        model = params.YOLOTraining if "augmentation" in values else params.NSTGeneration
        with pytest.raises(InputError, match="finite number"):
            model.parse(values)


def test_a_key_that_yaml_reads_as_no_text_is_refused_like_any_other(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("style: fog\n7: seeds\non: slurm\n")
    with pytest.raises(InputError, match=r"p\.yaml:2: there is no parameter '7'.*parameter 'True'"):
        params.NSTGeneration.from_yaml(path)


def test_a_misspelt_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"no parameter 'stlye', did you mean 'style'\?"):
        params.NSTGeneration.parse({"stlye": "fog"})


def test_a_wrong_type_is_refused_with_its_value() -> None:
    with pytest.raises(InputError, match="steps is 'many'"):
        params.NSTGeneration.parse({"steps": "many"})


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'fog', 'overcast' or 'rain'"):
        params.CycleGANTraining.parse({"style": "snow"})


def test_an_unknown_arm_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        InputError, match="baseline, clear-only, cyclegan, nst, mixed, more, oracle, cut"
    ):
        params.YOLOTraining.parse({"arm": "cyclgan"})


def test_an_arm_of_an_unknown_translator_is_refused() -> None:
    with pytest.raises(InputError, match="translator"):
        params.YOLOTraining.parse({"arms": {"baseline": {"fog": "magic-fog"}}})


def test_yaml_may_write_a_small_number_without_its_point(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("learning_rate: 1e-4\n")  # YAML 1.1 reads this as a string
    assert params.CycleGANTraining.from_yaml(path).learning_rate == 1e-4


def test_a_fault_in_a_file_is_reported_with_its_line(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("# a comment\nstyle: fog\nstep: 5\n")
    with pytest.raises(InputError, match=r"p\.yaml:3: there is no parameter 'step'"):
        params.NSTGeneration.from_yaml(path)


@pytest.mark.parametrize("text", ["- a\n- b\n", "style: [fog\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"p\.yaml"):
        params.NSTGeneration.from_yaml(path)


def test_yaml_tags_run_nothing(tmp_path) -> None:
    path, flag = tmp_path / "p.yaml", tmp_path / "ran"
    path.write_text(f"style: !!python/object/apply:os.system ['touch {flag}']\n")
    with pytest.raises(InputError):
        params.NSTGeneration.from_yaml(path)
    assert not flag.exists()


def test_a_missing_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"Profiles: demo, paper, paper-.*, smoke"):
        params.Run.from_yaml("params/demmo/run.yaml")


def test_real_data_needs_its_three_roots() -> None:
    with pytest.raises(InputError, match="kitti_root must name a folder"):
        params.DataAnalysis.parse({"data": "folders"})


def test_a_notebook_reads_its_cell_back() -> None:
    read = params.NSTGeneration.from_notebook(cell_history(parameters_cell(style="rain")))
    assert read == params.NSTGeneration(style="rain")


def test_the_injected_cell_wins_over_the_parameters_cell() -> None:
    history = cell_history(parameters_cell(), '# Parameters\nstyle = "rain"\n')
    assert params.NSTGeneration.from_notebook(history).style == "rain"


def test_a_misspelt_injected_parameter_is_refused() -> None:
    history = cell_history(parameters_cell(), '# Parameters\nstlye = "rain"\n')
    with pytest.raises(InputError, match="did you mean 'style'"):
        params.NSTGeneration.from_notebook(history)


def test_names_tried_out_in_the_notebook_are_no_parameters() -> None:
    history = cell_history("x = 3", "y = [1, 2]\nz = len(y)", parameters_cell())
    assert params.NSTGeneration.from_notebook(history) == params.NSTGeneration()


def test_reading_the_cell_again_later_ignores_what_was_computed_since() -> None:
    history = cell_history(parameters_cell(), "import math\nresult = math.pi")
    assert params.NSTGeneration.from_notebook(history) == params.NSTGeneration()


def test_a_params_file_is_taken_from_the_first_folder_that_has_it() -> None:
    run = params.Run(params=["params/study", "params/smoke", "params/paper"])
    assert run.file("04_yolo_training") == "params/smoke/04_yolo_training.yaml"
    assert run.file("03_nst_generation") == "params/smoke/03_nst_generation.yaml"


def test_a_class_that_counts_as_another_cannot_be_detected_as_well() -> None:
    with pytest.raises(InputError, match="van counts as car: take 'van' out of classes"):
        params.DataAnalysis.parse({"classes": ["car", "van"]})  # the default counts vans as cars
    assert params.DataAnalysis.parse({"classes": ["car", "van"], "merge_classes": {}})
    assert params.DataAnalysis.parse({"merge_classes": {"van": "car"}, "classes": ["car", "truck"]})


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"gta": {"format": "voc", "root": "x"}}, "own.gta.format is 'voc'"),
        ({"gta": {"format": "coco"}}, "own.gta.root"),
        ({"gta": {"format": "coco", "root": "x", "rooot": "y"}}, "no parameter 'own.gta.rooot'"),
        ({"GTA 5": {"format": "coco", "root": "x"}}, "own.GTA 5"),
    ],
)
def test_a_wrong_description_of_your_own_data_is_refused_by_name(own: dict, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        params.DataAnalysis.parse({"own": own})
