# ultralytics declares its attributes as None and fills them in later, which mypy cannot follow.
# mypy: disable-error-code="attr-defined, arg-type"
"""What ultralytics' checkpoint leaves out, so that a resumed training ends as one never killed.

It keeps the moving average alone, in half precision, and no state of random numbers.
"""

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from sim2real_lib.detection.trainer import ArmTrainer

KEY = "exact"


def add(checkpoint: Path, trainer: "ArmTrainer") -> None:
    """Put the trainer's full state into the checkpoint that it has just written."""
    from ultralytics.utils.torch_utils import unwrap_model

    stored = torch.load(checkpoint, map_location="cpu", weights_only=False)  # our own
    stored[KEY] = {
        "model": unwrap_model(trainer.model).state_dict(),
        "ema": trainer.ema.ema.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "order": trainer.order.drawn_from,
        "buffer": list(trainer.train_loader.dataset.buffer),
        "random": random.getstate(),
        "numpy": _numpy_state(),
        "torch": torch.get_rng_state(),
    }
    torch.save(stored, checkpoint)


def _numpy_state() -> tuple[Any, ...]:
    """numpy's random state without arrays, which a safe load would refuse."""
    state: Any = np.random.get_state(legacy=True)
    name, keys, *rest = state
    return name, keys.tolist(), *rest


def restore(state: dict[str, Any], trainer: "ArmTrainer") -> None:
    """Bring a trainer that is about to go on to that state.

    With workers, which load ahead for a GPU, order and augmentation begin anew, as ultralytics
    has it.
    """
    from ultralytics.utils.torch_utils import unwrap_model

    unwrap_model(trainer.model).load_state_dict(state["model"])
    trainer.ema.ema.load_state_dict(state["ema"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    loader = trainer.train_loader
    if loader.num_workers:
        return
    loader.iterator = loader._get_iterator()  # draws a number; in an epoch it would be one too many
    loader.generator.set_state(state["order"])
    for _ in trainer.order.batches:  # the epoch that was finished has drawn from it
        pass
    for index in state["buffer"]:  # the frames in memory, which mosaics are drawn from
        loader.dataset.load_image(index)
    random.setstate(state["random"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
