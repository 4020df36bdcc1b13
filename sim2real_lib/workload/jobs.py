"""The jobs of a run: how much work each is, and what it would take at the committed rates."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sim2real_lib.params import (
    CycleGANTraining,
    DataAnalysis,
    NSTGeneration,
    ResultVisualization,
    Variant,
    YOLOTraining,
)
from sim2real_lib.params.translation import Translation
from sim2real_lib.plan import ANALYSIS, DETECTORS, RESULTS, Plan
from sim2real_lib.strict import Params
from sim2real_lib.workload import flops
from sim2real_lib.workload.frames import Frames
from sim2real_lib.workload.rates import BYTES, DETECTIONS, PIXEL, SECONDS

MEGA, TERA = 1e6, 1e12
STRIDE = 32  # pixels: a detector's input is a multiple of it
NETWORKS = ("nst", "adain", "wct2")  # the translators of 03 that a GPU is for


@dataclass(frozen=True)
class Job:
    """A part of one notebook's work: a training, or all else that it does.

    Attributes:
        kind: what is done, such as "04 train yolov5n"; jobs of a kind share a row.
        rate: what this machine's runs correct, such as "train detector"; see `measured`.
        count, what: what it works on: 231 "frames of 0.47 Mpx".
        other: seconds at the committed rates, with one thread, of what no GPU is for.
        tera: TFLOP that a GPU would take over.
        speed: seconds of one of them at the committed rates.
        size: bytes that stay on the disk.
        files: how many stay.
    """

    kind: str
    rate: str
    count: int
    what: str
    other: float
    tera: float = 0.0
    speed: float = 0.0
    size: float = 0.0
    files: int = 0

    @property
    def seconds(self) -> float:
        """At the committed rates, with one thread."""
        return self.other + self.tera * self.speed


@dataclass(frozen=True)
class Artifact:
    """What one notebook makes.

    Attributes:
        folder: of the artifact, as a person writes it.
        params: its notebook's parameters.
        needs: folders of the artifacts that it waits for.
        jobs: its work.
    """

    folder: str
    params: Params
    needs: tuple[str, ...]
    jobs: tuple[Job, ...]


def artifacts(plan: Plan, frames: Frames) -> Iterator[Artifact]:
    """All that a run makes or shares, in the order of the graph."""
    analysed = f"{plan.data}/{ANALYSIS}"
    analysis = cast(DataAnalysis, plan.notebooks[ANALYSIS])
    yield Artifact(analysed, analysis, (), analysis_jobs(analysis, frames))
    made = 0
    for folder in plan.translations():
        variant = Path(folder).name
        p = _translation(plan, variant)
        made += frames.translated(p.style, p.places)
        yield Artifact(folder, p, (analysed,), translation_jobs(p, frames))
    for home in plan.homes.values():
        trained = []
        for arm, detector in plan.detectors(home).items():
            needs = (analysed, *plan.translations(arm))
            for seed in plan.run.seeds:
                folder = f"{home}/{DETECTORS}/{arm}-seed{seed}"
                p = detector.with_values(seed=seed)
                trained.append(folder)
                yield Artifact(folder, p, needs, detector_jobs(p, frames))
        results = cast(ResultVisualization, plan.notebooks[RESULTS])
        fan_out = {"arms": plan.run.arms, "seeds": plan.run.seeds, "run": home}
        jobs = results_jobs(results, frames, len(trained), made, detector)
        yield Artifact(
            f"{home}/{RESULTS}",
            results.with_values(**fan_out, data_run=plan.data),
            (analysed, *trained, *plan.translations()),
            jobs,
        )


def analysis_jobs(p: DataAnalysis, frames: Frames) -> tuple[Job, ...]:
    """01: every image is looked at; MiniDrive's are drawn first."""
    drives = frames.images - frames.test
    pixels = drives * frames.pixels + frames.test * frames.test_pixels
    drawn = pixels if p.data == "minidrive" else 0
    seconds = SECONDS["start"] + SECONDS["analysis"] + frames.images * SECONDS["image"]
    seconds += pixels / MEGA * SECONDS["looked_at"] + drawn / MEGA * SECONDS["drawn"]
    size = frames.images * BYTES["image"] + drawn * BYTES["drawn"] + BYTES["notebook"]
    files = 16 + (frames.images if drawn else 0)
    return (
        Job(
            "01 data analysis", "analysis", frames.images, "images", seconds,
            size=size, files=files,
        ),
    )  # fmt: skip


def translation_jobs(p: Translation, frames: Frames) -> tuple[Job, ...]:
    """02 or 03 for one variant: a training where there is one, and the frames."""
    count = frames.translated(p.style, p.places)
    pixels = frames.pixels
    training, each_frame, speed = _network(p, frames)
    number, name = p.variant.notebook[:2], p.variant.tagged
    megapixel = SECONDS["translated"] + SECONDS.get(p.translator, 0.0)
    seconds = SECONDS["start"] + SECONDS["translation"]
    seconds += count * (SECONDS["labels"] + pixels / MEGA * megapixel)
    size = count * (pixels * PIXEL[p.translator] + BYTES["labels"]) + BYTES["notebook"]
    translating = Job(
        f"{number} translate, {name}", f"translate {p.translator}",
        count, f"frames of {pixels / MEGA:.2g} Mpx", seconds,
        count * each_frame / TERA, speed, size, count + 8,
    )  # fmt: skip
    return (*training, translating)


def detector_jobs(p: YOLOTraining, frames: Frames) -> tuple[Job, ...]:
    """04 for one arm and seed: the training, and the test with all that surrounds it."""
    count = frames.train * (1 + len(p.added))
    shape = _shape(p, frames)
    images = p.iterations * p.batch
    learnt = images * flops.TRAINED * flops.detector(p.model, shape[0] * shape[1]) / TERA
    learnt *= 1 + p.adversarial.get("share", 0)
    tested = frames.test * flops.detector(p.model, p.image_size**2) / TERA
    training = Job(
        f"04 train, {p.model}", "train detector", images, f"images of {shape[0]}x{shape[1]}",
        0.0, learnt, SECONDS["detector"],
        flops.DETECTORS[p.model][1] * BYTES["detector"] + count * BYTES["placed"],
        2 * count + 8,
    )  # fmt: skip
    placed = SECONDS["placed"] + frames.pixels / MEGA * SECONDS["verified"]
    seconds = SECONDS["start"] + SECONDS["training"] + count * placed
    size = frames.test * DETECTIONS * BYTES["detection"] + BYTES["training"] + BYTES["notebook"]
    testing = Job(
        f"04 test, {p.model}", "test detector",
        frames.test, f"images of {p.image_size}x{p.image_size}",
        seconds, tested, SECONDS["detector"], size, 12,
    )  # fmt: skip
    return training, testing


def results_jobs(
    p: ResultVisualization, frames: Frames, detectors: int, made: int, detector: YOLOTraining
) -> tuple[Job, ...]:
    """05: scores of every detector, and the baseline's look at every translated frame.

    Args:
        p: 05's parameters.
        frames: what there is.
        detectors: how many are compared.
        made: translated frames of the run.
        detector: one of those compared; the arm and the seed do not matter.
    """
    found = detectors * frames.test * DETECTIONS
    # The judge sees every translated frame, and once more the frames that they were made of.
    seen = 2 * made * flops.detector(detector.model, detector.image_size**2) / TERA
    seconds = SECONDS["start"] + SECONDS["results"]
    seconds += found * (SECONDS["detection"] + p.resamples * SECONDS["resampled"])
    size = BYTES["results"] + made * DETECTIONS * BYTES["detection"]
    what = f"detections by {detectors} detectors"
    speed = SECONDS["detector"]
    return (Job("05 results", "results", found, what, seconds, seen, speed, size, 20),)


def _translation(plan: Plan, variant: str) -> Any:
    """The parameters of 02 or 03 for a variant."""
    p = plan.notebooks[Variant.of(variant).notebook]
    return p.with_values(**plan.translation(variant), run=plan.data)


def _network(p: Translation, frames: Frames) -> tuple[tuple[Job, ...], float, float]:
    """A translator's training, the FLOPs of one frame, and the seconds of a TFLOP."""
    if isinstance(p, CycleGANTraining):
        steps = p.constant + p.decay
        if p.unit == "epochs":  # of the larger domain
            steps *= -(-max(frames.train, p.target_images) // p.batch)
        tera = steps * flops.gan_step(p) / TERA
        pool = 2 * p.pool * p.crop[0] * p.crop[1] if p.translator == "cyclegan" else 0
        size = flops.gan_parameters(p) * BYTES["generator"] + pool * BYTES["pool"]
        size += frames.pixels * BYTES["sample"]
        job = _training(p, steps, p.crop, tera, "generator", size)
        each = flops.flops(flops.generator(p), frames.pixels * p.source_scale**2)
        return () if p.weights else (job,), each, SECONDS["generator"]
    assert isinstance(p, NSTGeneration)
    pixels = frames.pixels * p.scale**2
    if p.translator == "nst":
        return (), flops.nst_frame(p.network, pixels, p.steps, p.scales), SECONDS["vgg"]
    if p.translator not in NETWORKS:
        return (), 0.0, 0.0
    height, width = p.train_crop
    step = flops.decoder_step(p.translator, p.network, p.layer, height * width)
    size = flops.parameters(flops.vgg(p.network, p.layer)) * BYTES["decoder"]
    tera = p.train_steps * step / TERA
    job = _training(p, p.train_steps, p.train_crop, tera, "vgg", size)
    each = flops.decoder_frame(p.translator, p.network, p.layer, pixels)
    return (job,), each, SECONDS["vgg"]


def _training(
    p: Translation, steps: int, crop: tuple[int, int], tera: float, rate: str, size: float
) -> Job:
    kind, what = f"{p.variant.notebook[:2]} train, {p.variant.tagged}", f"{crop[1]}x{crop[0]}"
    return Job(
        kind, f"train {p.translator}", steps, f"steps of {what}", 0.0, tera, SECONDS[rate], size, 14
    )


def _shape(p: YOLOTraining, frames: Frames) -> tuple[int, int]:
    """Width and height of what a detector trains on: square, or as flat as its flattest frames."""
    if not p.rectangular:
        return p.image_size, p.image_size
    longer, shorter = max(frames.size), min(frames.size)
    side = -(-p.image_size * shorter // (longer * STRIDE)) * STRIDE
    return p.image_size, side
