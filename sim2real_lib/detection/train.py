"""One detector, trained on one arm's tree: YOLOv5 through ultralytics, offline and pinned."""

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from sim2real_lib.detection import augmentation as freebies
from sim2real_lib.detection import checkpoint, ddp, offline, resume
from sim2real_lib.detection import tree as trees
from sim2real_lib.detection.checks import between, gpus, known
from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256, whole_file, write_json
from sim2real_lib.progress import Progress

# What people call a model -> ultralytics' description of it; none of these needs a download.
# They are YOLOv5u: YOLOv5's backbone and neck with an anchor-free head.
MODELS = {f"yolov5{size}": f"yolov5{size}.yaml" for size in "nsmlx"} | {
    f"yolov5{size}6": f"yolov5{size}-p6.yaml" for size in "nsmlx"
}
OPTIMIZERS = ("SGD", "AdamW")  # "auto" would choose by the number of iterations
# Self-adversarial training: the share of batches that is attacked (0: off), and by how many 1/255.
ADVERSARIAL = {"share": 0.0, "epsilon": 4.0}
ADVERSARIAL_HIGHEST = {"share": 1, "epsilon": 32}


def train(
    data: Path,
    folder: Path,
    *,
    image_size: int,
    model: str = "yolov5n",
    iterations: int | None = None,
    epochs: int | None = None,
    batch: int = 16,
    optimizer: str = "AdamW",
    learning_rate: float = 2e-3,
    final_learning_rate: float = 0.01,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    warmup: float = 0.1,
    augmentation: Mapping[str, float] | None = None,
    adversarial: Mapping[str, float] | None = None,
    plain_share: float = 0.1,
    rectangular: bool = False,
    weights: str | Path | None = None,
    device: str = "auto",
    threads: int = 0,
    seed: int = 0,
    plots: bool = False,
    on_step: Callable[[Progress], None] | None = None,
) -> Path:
    """Train, or go on with a training that was killed, or return at once when it is finished.

    A second call with the same tree and parameters goes on from the last checkpoint, and on a CPU
    ends with the same weights as an uninterrupted one; with others it starts afresh. The weights
    are the moving average at the end, never chosen by a score. Beside them lie `losses.csv` with
    a row an epoch, `batch.png` with the first batch as the detector sees it, and `training.json`
    with the steps and seconds that the weights took.

    Args:
        data: `data.yaml` of `tree.write_tree`.
        folder: holds everything that is written.
        image_size: longer side in pixels, a multiple of the model's stride (32; 64 for P6).
        model: one of `MODELS`.
        iterations: optimizer steps of one batch each; the same for every arm.
        epochs: passes over the tree, instead of `iterations`.
        batch: images a step.
        optimizer: one of `OPTIMIZERS`.
        learning_rate: its highest value, 0 to 1.
        final_learning_rate: share of it that is left in the end.
        momentum: SGD's momentum or AdamW's beta1, 0 to 1.
        weight_decay: of the weights, not of biases and norms.
        warmup: share of the iterations in which the learning rate rises.
        augmentation: changes to `augmentation.AUGMENTATION`, which says what there is.
        adversarial: changes to `ADVERSARIAL`: self-adversarial training.
        plain_share: share of the iterations, the last ones, without mosaic, MixUp and CutMix;
            equally many in every arm, whatever its number of frames.
        rectangular: batches as flat as the least flat frame instead of square; mosaic is then off.
        weights: a checkpoint to start from instead of random weights.
        device: "auto", "cpu", "mps", a GPU's number, or several: "0,1". These share each batch.
        threads: torch's threads on a CPU; 0: as many as OMP_NUM_THREADS says, else ultralytics'
            choice.
        seed: decides the weights, the order and the augmentation.
        plots: keep ultralytics' pictures of batches and curves.
        on_step: called after every iteration, instead of a progress bar; what it raises ends the
            training. Several GPUs train in processes of their own, which cannot call it: there
            the bar stays.

    Returns:
        the path of `weights.pt`.

    Raises:
        InputError: before the work, for a name that does not exist, a number out of its range, an
            image size that the model cannot take, a GPU that is not there, a length that is not
            given once, or a tree that ultralytics would not accept whole; in the midst of it, when
            memory is out or the training diverges.
    """
    known(model, MODELS, "model")
    known(optimizer, OPTIMIZERS, "optimizer")
    _check_size(image_size, model)
    for name, value in {"momentum": momentum, "weight_decay": weight_decay, "warmup": warmup,
                        "plain_share": plain_share, "learning_rate": learning_rate,
                        "final_learning_rate": final_learning_rate}.items():  # fmt: skip
        between(name, value, 0, 1)
    for name, count in {"batch": batch, "iterations": iterations, "epochs": epochs}.items():
        between(name, 1 if count is None else count, 1, math.inf)
        if not isinstance(count, int | None):
            raise InputError(f"{count!r} is not a whole number", where=name)
    chosen = freebies.choose(augmentation, rectangular=rectangular)
    attack = _adversarial(adversarial)
    if weights:
        remedy = "Give the .pt of a detector that ultralytics trained, or none"
        checkpoint.network(Path(weights), folder / "ultralytics", remedy)
    device = _device(device)
    processes = max(len(gpus(device)), 1)
    if batch % processes:
        raise InputError(f"a batch of {batch} cannot be shared by {processes} GPUs", where="batch")
    tree = trees.check(data)
    per_epoch = math.ceil(tree["frames"] / batch)
    if (iterations is None) == (epochs is None):
        raise InputError("give the training's length as iterations or as epochs")
    iterations = iterations or (epochs or 1) * per_epoch
    epochs = math.ceil(iterations / per_epoch)
    settings: dict[str, Any] = {
        "model": MODELS[model],
        "pretrained": str(weights) if weights else False,
        "epochs": epochs,
        "batch": batch,
        "imgsz": image_size,
        "optimizer": optimizer,
        "lr0": learning_rate,
        "lrf": final_learning_rate,
        "momentum": momentum,
        "weight_decay": weight_decay,
        **{name: value for name, value in chosen.items() if name not in freebies.OWN},
        # Flat batches have no mosaic; all that ultralytics does then is to draw their order anew.
        "close_mosaic": round(plain_share * epochs) if rectangular else 0,
        "rect": rectangular,
        "seed": seed,
    }
    own: dict[str, Any] = {
        "iterations": iterations,
        "warmup": round(warmup * iterations),
        "photometric": {name: chosen[name] for name in freebies.OWN},
        "attack": attack,
    }
    if not rectangular:
        own["plain_from"] = iterations - round(plain_share * iterations)
    final, work = folder / "weights.pt", folder / "ultralytics"
    recipe = settings | own | {"tree": tree["fingerprint"]}
    if weights:
        recipe["weights"] = sha256(Path(weights))
    if _same_recipe(folder / "recipe.json", recipe) and resume.whole(final):
        return final
    last = work / "weights" / "last.pt"
    done = resume.reached(work)
    settings |= PINNED | {
        "data": str(data.absolute()),
        "save_dir": str(work.absolute()),
        "device": device,
        "plots": plots,
        "nbs": batch,
        "resume": str(last.absolute()) if done else False,
    }
    offline.prepare(work)
    if done < epochs:  # else it was killed between its last epoch and the end
        _run({"overrides": settings, **own, "threads": threads}, processes, work, on_step)
    _finish(last, folder, iterations)
    return final


def stride(model: str) -> int:
    """What a model's image size must be a multiple of, in pixels: 32, or 64 for the P6 ones."""
    return 64 if model.endswith("6") else 32


def seconds(folder: Path) -> float:
    """How long the training of a folder took: its steps, in all the calls that it needed.

    Not how long the call took, which returns at once when the training was finished before.
    """
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))["seconds"]


# What ultralytics would otherwise let depend on the data, the clock or the network.
PINNED: dict[str, Any] = {
    "task": "detect",
    "mode": "train",
    "amp": False,  # its self-check wants to download weights
    "val": False,
    "cache": False,  # a cached arm would draw its mosaics from another pool
    "deterministic": True,
    "patience": 0,
    "time": None,
    "warmup_epochs": 0,  # the trainer warms up by iterations
    "workers": min(8, os.cpu_count() or 1),  # on a GPU; ultralytics takes none on a CPU
    "verbose": False,
    "exist_ok": True,
    "max_det": 1000,
}


def _same_recipe(path: Path, recipe: dict[str, Any]) -> bool:
    """Whether the folder holds this very training; if not, what it holds is removed."""
    with suppress(OSError, ValueError):  # none, or a damaged one
        if json.loads(path.read_text(encoding="utf-8")) == recipe:
            return True
    shutil.rmtree(path.parent / "ultralytics", ignore_errors=True)
    for name in ("weights.pt", "losses.csv", "training.json", "batch.png"):
        (path.parent / name).unlink(missing_ok=True)
    write_json(path, recipe)
    return False


def _check_size(image_size: int, model: str) -> None:
    step = stride(model)
    if image_size < step or image_size % step:  # ultralytics would round it up
        raise InputError(
            f"{model} needs a multiple of {step} pixels, not {image_size}",
            where="image_size",
            remedy=f"Take {max(round(image_size / step), 1) * step}",
        )


def _adversarial(changes: Mapping[str, float] | None) -> dict[str, float] | None:
    """The attack's share and step, or None when it is off."""
    for name, value in (changes or {}).items():
        known(name, ADVERSARIAL, "part of the attack")
        between(f"adversarial {name}", value, 0, ADVERSARIAL_HIGHEST[name])
    attack = ADVERSARIAL | dict(changes or {})
    return attack if attack["share"] > 0 and attack["epsilon"] > 0 else None


def _run(
    job: dict[str, Any],
    processes: int,
    work: Path,
    on_step: Callable[[Progress], None] | None,
) -> None:
    try:
        if processes > 1:
            ddp.train(job, processes, work)
        else:
            from sim2real_lib.detection.trainer import ArmTrainer

            ArmTrainer(**job, on_step=on_step).train()
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        batch, size = job["overrides"]["batch"], job["overrides"]["imgsz"]
        half = batch // 2 // processes * processes
        raise InputError(
            f"not enough memory for {batch} images of {size} pixels a step",
            where="batch",
            remedy=f"Set {f'batch to {half} or ' if half else ''}image_size lower, for every arm",
        ) from error


def _device(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


def _finish(last: Path, folder: Path, iterations: int) -> None:
    """Write what the training leaves, the weights last, once it is sure to be whole.

    Raises:
        InputError: when the loss was no longer a number, or steps were lost because of that.
    """
    from ultralytics.utils.torch_utils import strip_optimizer

    losses = resume.losses(folder / "ultralytics" / "results.csv")
    steps = resume.load(last)["updates"]
    if not np.isfinite(losses.to_numpy()).all() or steps != iterations:
        raise InputError(
            f"the training diverged: {steps} of {iterations} steps are in the weights",
            where=folder / "ultralytics",
            remedy="Set learning_rate lower for every arm",
        )
    with whole_file(folder / "losses.csv") as temporary:
        losses.to_csv(temporary, index=False)
    took = round(float(losses["seconds"].iloc[-1]), 2)
    write_json(folder / "training.json", {"steps": steps, "seconds": took})
    with whole_file(folder / "weights.pt") as temporary:
        strip_optimizer(last, str(temporary))
    last.unlink()
