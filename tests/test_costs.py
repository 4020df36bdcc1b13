"""What is promised of `make plan`: what a run costs, from what was measured, before it starts."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch.utils.flop_counter import FlopCounterMode

from sim2real_lib import costs, params
from sim2real_lib.datasets import sources
from sim2real_lib.detection import offline
from sim2real_lib.files import ROOT, Artifact
from sim2real_lib.plan import Plan
from sim2real_lib.translation import from_params, networks
from sim2real_lib.translation.nst_losses import StyleTransferLoss, Weights, mean_grams
from sim2real_lib.translation.vgg import VGGFeatures
from sim2real_lib.workload import flops, frames, measured
from sim2real_lib.workload.frames import Frames
from sim2real_lib.workload.jobs import artifacts
from sim2real_lib.workload.rates import RATES

DEMO = Frames(
    origin="as the demo has them", images=1950, train=168,
    mix=dict.fromkeys(("original", "clone", "fog", "morning", "overcast", "rain", "sunset"), 24),
    test=240, size=(256, 144), test_size=(256, 144),
)  # fmt: skip


def estimated(there: Frames = DEMO, **values: object) -> costs.Estimate:
    asked = {"params": "params/demo", "run": "outputs/none", "arms": ["baseline", "nst"]} | values
    return costs.Estimate.of(Plan.of(params.Run.parse(asked)), there, {})


def total(estimate: costs.Estimate) -> tuple[float, float, float, int]:
    """Seconds, GPU hours, bytes and files."""
    jobs = [job for artifact in estimate.made for job in artifact.jobs]
    seconds, hours = sum(map(estimate.seconds, jobs)), sum(map(estimate.gpu_hours, jobs))
    return seconds, hours, sum(job.size for job in jobs), sum(job.files for job in jobs)


def counted(work) -> float:
    """FLOPs by torch's count."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def test_the_demo_is_estimated_within_a_factor_of_two_of_its_measured_time() -> None:
    run = params.Run.from_yaml("params/demo/run.yaml").with_values(run="outputs/none")
    minutes = costs.Estimate.of(Plan.of(run), DEMO, {}).wall(RATES["demo"]["jobs"]) / 60
    assert 0.5 < minutes / RATES["demo"]["minutes"] < 2


@pytest.mark.parametrize(
    "more",
    [
        {"arms": ["baseline", "nst", "cyclegan"]},
        {"arms": ["baseline", "nst", "oracle"]},
        {"seeds": [0, 1]},
        {"detectors": {"a": {"model": "yolov5n"}, "b": {"model": "yolov5s"}}},
        {"arms": ["baseline", "nst", "nst.bold"], "translators": {"nst.bold": {"steps": 20}}},
    ],
    ids=str,
)
def test_one_more_of_anything_costs_more_of_everything(more: dict) -> None:
    assert all(b > a for a, b in zip(total(estimated()), total(estimated(**more)), strict=True))


def test_fewer_styles_cost_less() -> None:
    assert total(estimated(styles=["fog"])) < total(estimated())


def test_ten_times_the_frames_cost_ten_times_the_translations_and_no_more_steps() -> None:
    few, many = ({a.folder: a.jobs for a in estimated(there).made}
                 for there in (DEMO, DEMO.scaled(1680)))  # fmt: skip
    nst, baseline = "outputs/none/03_nst_generation/nst-fog", "outputs/none/04_yolo_training/"
    assert many[nst][-1].tera == pytest.approx(10 * few[nst][-1].tera)
    training = f"{baseline}baseline-seed0"
    assert many[training][0].tera == few[training][0].tera
    assert many[training][0].files > 9 * few[training][0].files


def test_larger_detectors_and_images_cost_in_proportion() -> None:
    assert flops.detector("yolov5n", 640**2) * 4 == flops.detector("yolov5n", 1280**2)
    known = [flops.detector(f"yolov5{size}", 640**2) for size in "nsmlx"]
    assert known == sorted(known)


def test_finished_work_is_free_and_what_is_changed_is_not(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    for artifact in estimated(run=run).made:
        seal(artifact)
    everything = estimated(run=run)
    assert not everything.made
    assert total(everything) == (0, 0, 0, 0)
    again = estimated(run=run, seeds=[0, 1])
    made = [artifact.folder.removeprefix(f"{run}/") for artifact in again.made]
    assert made == [
        "04_yolo_training/baseline-seed1", "04_yolo_training/nst-seed1", "05_result_visualization",
    ]  # fmt: skip


def test_what_was_made_of_something_older_is_made_again(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    for artifact in estimated(run=run).made:
        seal(artifact, **({"steps": 99} if artifact.folder.endswith("nst-fog") else {}))
    made = [Path(artifact.folder).name for artifact in estimated(run=run).made]
    assert made == ["nst-fog", "nst-seed0", "05_result_visualization"]


def seal(artifact, seconds: float = 1.0, **changes: object) -> None:
    values = artifact.params.model_dump(mode="json") | changes
    Artifact(Path(artifact.folder), values).seal(seconds=seconds, frames=24)


def test_the_times_add_up() -> None:
    estimate = estimated(arms=["baseline", "cyclegan", "nst"], seeds=[0, 1])
    seconds = total(estimate)[0]
    assert estimate.wall(1) == pytest.approx(seconds)
    assert seconds / 4 < estimate.wall(4) < estimate.wall(2) < seconds
    assert estimate.wall(1000) == estimate.wall(10_000)  # the longest chain is left


def test_the_sum_is_the_sum_of_the_rows() -> None:
    head, *rows, last = costs.table(estimated()).splitlines()
    assert head.endswith("files")
    *files, together = (int(row.split()[-1].replace(",", "")) for row in (*rows, last))
    assert sum(files) == together
    assert last.startswith("in all")


def test_a_machines_own_runs_correct_the_rates(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measured, "_frames", lambda data: DEMO)
    run = tmp_path / "run"
    for artifact in estimated(run=str(run)).made:
        committed = sum(job.seconds for job in artifact.jobs)
        seal(artifact, seconds=2 * committed - RATES["seconds"]["start"])
    found = measured.corrections(tmp_path)
    assert found["translate nst"] == pytest.approx([2, 2, 2])
    assert found["analysis"] == pytest.approx([2])
    job = next(artifacts(Plan.of(params.Run.from_yaml("params/demo/run.yaml")), DEMO)).jobs[0]
    assert measured.corrected(job, found) == pytest.approx(2)


def test_a_damaged_or_older_manifest_corrects_nothing(tmp_path: Path) -> None:
    for name, text in {"a": "{", "b": '{"params": {"nothing": 1}}'}.items():
        folder = tmp_path / name / "01_data_analysis"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(text)
    assert measured.corrections(tmp_path) == {}


@pytest.mark.parametrize("profile", sorted(path.name for path in (ROOT / "params").iterdir()))
def test_every_profile_is_told(profile: str, capsys) -> None:
    assert costs.main(profile) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Profile {profile}: ")
    assert "Everything is finished" in said or "From start to end" in said


def test_without_the_data_the_published_numbers_stand_in(tmp_path: Path) -> None:
    roots = {f"{name}_root": str(tmp_path / name) for name in ("kitti", "vkitti2", "bdd100k")}
    p = params.DataAnalysis.from_yaml("params/paper/01_data_analysis.yaml")
    there = Frames.of(p.with_values(run=str(tmp_path), **roots))
    assert "as published" in there.origin
    assert sum(frames.DRIVES.values()) == 2126
    assert there.test == 10_000
    assert 1500 < there.train < 1800
    assert sum(there.mix.values()) == there.train


def test_minidrive_is_counted_as_01_will_count_it(tmp_path: Path) -> None:
    p = params.DataAnalysis.from_yaml("params/smoke/01_data_analysis.yaml")
    p = p.with_values(run=str(tmp_path / "run"), kitti_size=(64, 36), bdd_size=(80, 40))
    before = Frames.of(p)
    sources.prepare(p)
    catalog = frames._divided(sources.read(p), p)
    catalog.save(p.folder / "01_data_analysis" / "catalog")
    after = Frames.of(p)
    assert "counted" in after.origin
    assert before == replace(after, origin=before.origin)
    roots = {f"{name}_root": str(root) for name, root in sources.roots(p).items()}
    own = p.with_values(data="folders", run=str(tmp_path / "other"), **roots)
    found = Frames.of(own)
    assert found.origin == "counted in the data sets"
    assert found == replace(after, origin=found.origin, test_size=frames.BDD_SIZE)  # not opened


def test_a_gpu_is_an_assumption_and_said_to_be(capsys, monkeypatch) -> None:
    monkeypatch.setattr(costs, "corrections", lambda outputs: {})
    costs.main("paper", "--tflops", "8")
    said = capsys.readouterr().out
    assert "ASSUMPTION" in said
    assert "at 8 TFLOP/s" in said
    assert "5 days on an RTX 3080" in said


def test_what_was_published_of_trainings_is_counted_alike() -> None:
    original = 300 * 1700 * flops.TRAINED * flops.detector("yolov5m", 1248**2)
    assert original / (5 * 86400) / 1e12 == pytest.approx(RATES["published"][0]["tflops"], rel=0.02)
    coco = 300 * 118_287 * flops.TRAINED * 49e9  # GFLOPs as ultralytics publishes them
    assert coco / (4 * 86400) / 1e12 == pytest.approx(RATES["published"][1]["tflops"], rel=0.02)


def test_a_sweep_on_paper_can_be_told(capsys) -> None:
    assert costs.main("benchmarks/large_sweep", "--frames", "100000", "--jobs", "8") == 0
    said = capsys.readouterr().out
    assert "100,000 training frames" in said
    assert "8 jobs at once" in said


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["papre"], 2, "params/papre/run.yaml: no such params file. Profiles: "),
        (["demo", "--frames", "-1"], None, "frames and jobs must be 1 or more"),
        (["demo", "--tflops", "0"], None, "tflops above 0"),
        (["demo", "--frames", "many"], None, "argument --frames: invalid int value: 'many'"),
    ],
)
def test_errors_are_told_by_name(arguments: list[str], status: int | None, complaint: str, capsys):
    if status is None:
        with pytest.raises(SystemExit):
            costs.main(*arguments)
    else:
        assert costs.main(*arguments) == status
    assert complaint in capsys.readouterr().err


def test_torch_is_not_needed() -> None:
    code = "import sys; from sim2real_lib.costs import main; main('demo'); " \
           "sys.exit('torch' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (costs.span(12 * 60), "8.5–17 min"),
        (costs.span(1.0), "0.7–1.4 s"),
        (costs.span(40 * 86400), "28–57 days"),
        (costs.size(29_500_000), "30 MB"),
        (costs.size(3.2e12), "3.2 TB"),
    ],
)
def test_quantities_are_told_in_two_digits_and_a_fitting_unit(said: str, text: str) -> None:
    assert said == text


@pytest.mark.parametrize("model", ["yolov5n", "yolov5s"])
def test_detectors_are_as_large_as_those_that_are_built(model: str, tmp_path: Path) -> None:
    offline.prepare(tmp_path)
    from ultralytics.nn.tasks import DetectionModel

    built = DetectionModel(f"{model}.yaml", nc=3, verbose=False).train()
    with torch.no_grad():
        passed = counted(lambda: built(torch.zeros(1, 3, 320, 320)))
    assert flops.detector(model, 320**2) == pytest.approx(passed, rel=0.01)
    assert flops.DETECTORS[model][1] == sum(p.numel() for p in built.parameters())


def test_published_networks_have_their_published_parameters() -> None:
    p = params.CycleGANTraining.from_yaml("params/paper/02_cyclegan_training.yaml")
    assert flops.parameters(flops.generator(p)) == 11_378_179
    assert flops.parameters(flops.judge(p)) == 2_764_737


@pytest.mark.parametrize(
    ("network", "built"),
    [
        (flops.resnet(3, 8), networks.ResnetGenerator(3, 8)),
        (flops.unet(6, 4), networks.UnetGenerator(6, 4)),
        (flops.judge(params.CycleGANTraining(ndf=8)), networks.PatchDiscriminator(8)),
        (
            flops.judge(params.CycleGANTraining(ndf=8, discriminator="pixel")),
            networks.PixelDiscriminator(8),
        ),
    ],
    ids=["resnet", "unet", "patch", "pixel"],
)
def test_networks_compute_what_torch_counts(network, built) -> None:
    passed = counted(lambda: built(torch.zeros(1, 3, 128, 128)))
    assert flops.flops(network, 128**2) == pytest.approx(passed, rel=0.1)
    assert flops.parameters(network) == sum(p.numel() for p in built.parameters())


@pytest.mark.parametrize("changes", [{}, {"lambda_identity": 0.0}, {"translator": "cut"}], ids=str)
def test_a_training_step_of_a_gan_computes_what_torch_counts(changes: dict) -> None:
    p = params.CycleGANTraining(ngf=8, ndf=8, crop=(64, 64), **changes)
    model = from_params.gan_settings(p).build(Fabric(accelerator="cpu"), "32-true")
    batch = torch.zeros(1, 3, 64, 64)
    passed = counted(lambda: model.step(batch, batch, 0))
    assert flops.gan_step(p) == pytest.approx(passed, rel=0.15)


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_a_step_of_style_transfer_computes_what_torch_counts(network: str) -> None:
    style = {"vgg16": "block5_conv3", "vgg19": "block5_conv1"}[network]
    content = {"vgg16": "block2_conv2", "vgg19": "block4_conv2"}[network]
    features = VGGFeatures(network, [content, style])
    image = torch.rand(1, 3, 64, 96)
    grams = {style: mean_grams(features, [image[0]], [1.0])[style]}
    loss = StyleTransferLoss(
        features, image, grams, content_layers=[content], weights=Weights(1, 1, 1), tile=0
    )
    passed = counted(lambda: loss.gradients(image))
    assert flops.nst_frame(network, 64 * 96, steps=1, scales=1) == pytest.approx(passed, rel=0.2)


@pytest.mark.parametrize("translator", ["adain", "wct2"])
def test_a_step_of_a_decoder_computes_what_torch_counts(translator: str) -> None:
    p = params.NSTGeneration(translator=translator, train_crop=(64, 64))
    settings = from_params.decoder_settings(p)
    assert settings is not None
    model = settings.build(Fabric(accelerator="cpu"), "32-true")
    batch = torch.zeros(1, 3, 64, 64)
    passed = counted(lambda: model.step(batch, batch, 0))
    known = flops.decoder_step(translator, p.network, p.layer, 64**2)
    assert known == pytest.approx(passed, rel=0.1)
