"""One detector, trained on one arm's tree: YOLOv5 through ultralytics, offline and pinned."""

import difflib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sim2real_lib.detection import offline
from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file, write_json

# What people call a model -> ultralytics' description of it; none of these needs a download.
# They are YOLOv5u: YOLOv5's backbone and neck with an anchor-free head.
MODELS = {f"yolov5{size}": f"yolov5{size}.yaml" for size in "nsmlx"} | {
    f"yolov5{size}6": f"yolov5{size}-p6.yaml" for size in "nsmlx"
}
OPTIMIZERS = ("SGD", "AdamW")  # "auto" would choose by the number of iterations

# Augmentation, the same for every arm; ultralytics' names and meanings.
AUGMENTATION: dict[str, float] = {
    "mosaic": 1.0,  # probability of composing four images into one
    "mixup": 0.0,  # probability of blending two
    "cutmix": 0.0,
    "scale": 0.5,  # gain, 1 - scale to 1 + scale
    "translate": 0.1,  # share of the image
    "degrees": 0.0,
    "shear": 0.0,  # degrees
    "perspective": 0.0,
    "fliplr": 0.5,  # probability
    "flipud": 0.0,
    "hsv_h": 0.015,  # shares of the full range
    "hsv_s": 0.7,
    "hsv_v": 0.4,
}


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
    plain_share: float = 0.1,
    rectangular: bool = False,
    weights: Path | None = None,
    device: str = "auto",
    threads: int = 0,
    seed: int = 0,
    plots: bool = False,
) -> Path:
    """Train, or go on with a training that was killed, or return at once when it is finished.

    A second call with the same tree and parameters goes on from the last whole epoch (not
    bit-identical to an uninterrupted run); with others it starts afresh. The weights are the
    moving average at the end, never chosen by a score. `losses.csv` beside them has a row an epoch.

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
        augmentation: changes to `AUGMENTATION`.
        plain_share: share of the epochs, the last ones, without mosaic.
        rectangular: batches as flat as their images instead of square; mosaic is then off.
        weights: a checkpoint to start from instead of random weights.
        device: "auto", "cpu", or a GPU's number.
        threads: torch's threads on a CPU; 0 leaves ultralytics' choice.
        seed: decides the weights, the order and the augmentation.
        plots: keep ultralytics' pictures of batches and curves.

    Returns:
        the path of `weights.pt`.

    Raises:
        InputError: for a model, optimizer or augmentation that does not exist, a length that is
            not given once, or a tree that ultralytics does not accept whole.
    """
    known(model, MODELS, "model")
    known(optimizer, OPTIMIZERS, "optimizer")
    for name in augmentation or {}:
        known(name, AUGMENTATION, "augmentation")
    tree = yaml.safe_load(data.read_text(encoding="utf-8"))
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
        **AUGMENTATION,
        **(augmentation or {}),
        "close_mosaic": round(plain_share * epochs),
        "rect": rectangular,
        "seed": seed,
    }
    recipe = settings | {
        "iterations": iterations,
        "warmup": round(warmup * iterations),
        "tree": tree["fingerprint"],
    }
    final = folder / "weights.pt"
    if _same_recipe(folder / "recipe.json", recipe) and final.is_file():
        return final
    last = folder / "ultralytics" / "weights" / "last.pt"
    settings |= {
        "data": str(data.absolute()),
        "save_dir": str((folder / "ultralytics").absolute()),
        "device": _device(device),
        "plots": plots,
        "resume": str(last.absolute()) if last.is_file() else False,
    }
    offline.prepare(folder / "ultralytics")
    if not _is_complete(last, epochs):  # else it was killed between its last epoch and the end
        _run(settings | PINNED | {"nbs": batch}, recipe, folder, threads)
    from ultralytics.utils.torch_utils import strip_optimizer

    _write_losses(folder / "ultralytics" / "results.csv", folder / "losses.csv")
    with whole_file(final) as temporary:
        strip_optimizer(last, str(temporary))
    last.unlink()
    return final


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


def known(name: str, names: Mapping[str, Any] | tuple[str, ...], what: str) -> None:
    """Refuse a name that is not in the list, with the nearest that is.

    Raises:
        InputError: naming the nearest known name, or all of them.
    """
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        raise InputError(f"there is no {what} {name!r}, {hint}")


def _same_recipe(path: Path, recipe: dict[str, Any]) -> bool:
    """Whether the folder holds this very training; if not, what it holds is removed."""
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) == recipe:
        return True
    shutil.rmtree(path.parent / "ultralytics", ignore_errors=True)
    (path.parent / "weights.pt").unlink(missing_ok=True)
    write_json(path, recipe)
    return False


def _is_complete(last: Path, epochs: int) -> bool:
    import torch

    return last.is_file() and torch.load(last, weights_only=False)["epoch"] + 1 >= epochs


def _run(settings: dict[str, Any], recipe: dict[str, Any], folder: Path, threads: int) -> None:
    from sim2real_lib.detection.trainer import ArmTrainer

    trainer = ArmTrainer(
        settings, iterations=recipe["iterations"], warmup=recipe["warmup"], threads=threads
    )
    trainer.train()
    if trainer.batch_size != settings["batch"]:  # it halves the batch by itself when memory is out
        shutil.rmtree(folder / "ultralytics")
        raise InputError(
            f"not enough memory for a batch of {settings['batch']}",
            remedy=f"Set batch to {trainer.batch_size} for every arm",
        )


def _device(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


def _write_losses(results: Path, path: Path) -> None:
    """ultralytics' results without its empty validation columns: epoch, seconds, losses."""
    table = pd.read_csv(results).drop_duplicates("epoch", keep="last")
    names = {column: re.sub(r"^train/|_loss$", "", column) for column in table.columns}
    kept = [column for column in table.columns if column.startswith("train/")]
    table = table[["epoch", "time", *kept]].rename(columns=names | {"time": "seconds"})
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False)
