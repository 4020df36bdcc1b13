"""The bag of freebies: every augmentation by name, with its range; the same for all arms.

Fixed for every training, and therefore without a switch: the moving average of the weights (EMA;
Tarvainen and Valpola 2017, decay .9999, reached exponentially over 2,000 steps), which is what a
training ends with; a linear warm-up and half a cosine of the learning rate (Loshchilov and Hutter
2017). What does nothing here has no name: copy-paste needs outlines and not boxes, and ultralytics
8.4 has dropped label smoothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sim2real_lib.detection.checks import between, known
from sim2real_lib.detection.photometric import PHOTOMETRIC
from sim2real_lib.errors import InputError


@dataclass(frozen=True)
class Augmentation:
    """One switch: what it is set to unless somebody says otherwise, its range 0 to `highest`."""

    default: float
    highest: float
    meaning: str


# ultralytics' names. Mosaic, MixUp and CutMix compose several frames, so they need square batches.
COMPOSED = {
    "mosaic": Augmentation(1.0, 1, "probability of composing four frames (YOLOv4, 2020)"),
    "mixup": Augmentation(0.0, 1, "probability of blending two (Zhang et al. 2018)"),
    "cutmix": Augmentation(0.0, 1, "probability of pasting a piece of another (Yun et al. 2019)"),
}
GEOMETRIC = {
    "scale": Augmentation(0.5, 0.9, "size times 1 - scale to 1 + scale"),
    "translate": Augmentation(0.1, 0.9, "shift of at most this share of the frame"),
    "degrees": Augmentation(0.0, 180, "rotation of at most so many degrees"),
    "shear": Augmentation(0.0, 45, "shear of at most so many degrees"),
    "perspective": Augmentation(0.0, 0.001, "strength of a perspective, per pixel"),
    "fliplr": Augmentation(0.5, 1, "probability of swapping left and right"),
    "flipud": Augmentation(0.0, 1, "probability of swapping up and down"),
    "multi_scale": Augmentation(0.0, 0.9, "each batch resized by at most this share"),
}
COLOUR = {
    "hsv_h": Augmentation(0.015, 1, "hue, share of the full circle"),
    "hsv_s": Augmentation(0.7, 1, "saturation times 1 - hsv_s to 1 + hsv_s"),
    "hsv_v": Augmentation(0.4, 1, "brightness times 1 - hsv_v to 1 + hsv_v"),
}
# Ours, all off unless named. ultralytics would add four of its own (blur, grey, ...) wherever the
# package albumentations happens to be installed; `dataset` takes those out.
OWN = {name: Augmentation(0.0, 1, f"probability of {what}") for name, what in PHOTOMETRIC.items()}

AUGMENTATION: dict[str, Augmentation] = COMPOSED | GEOMETRIC | COLOUR | OWN


def choose(changes: Mapping[str, float] | None = None, *, rectangular: bool) -> dict[str, float]:
    """Every augmentation's value: its default unless it is among the changes.

    Args:
        changes: name in `AUGMENTATION` -> value, 0 to its `highest`.
        rectangular: whether batches are flat; mosaic is then 0.

    Raises:
        InputError: for a name that does not exist, a value out of its range, or MixUp or CutMix
            with rectangular batches, where ultralytics would leave them out silently.
    """
    changes = dict(changes or {})
    for name, value in changes.items():
        known(name, AUGMENTATION, "augmentation")
        between(name, value, 0, AUGMENTATION[name].highest)
    values = {name: float(changes.get(name, one.default)) for name, one in AUGMENTATION.items()}
    if rectangular:
        for name in ("mixup", "cutmix"):
            if values[name] > 0:
                raise InputError(
                    f"{name} needs square batches",
                    where=name,
                    remedy=f"Set rectangular to false, or {name} to 0",
                )
        values["mosaic"] = 0.0
    return values
