"""Parameters of notebook 04: the arms, and how one of them is trained."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from sim2real_lib.catalog.mix import MIX
from sim2real_lib.params.downstream import Downstream
from sim2real_lib.params.ranges import (
    Count,
    Name,
    Names,
    NonNegative,
    Places,
    Seed,
    Share,
    Weathers,
)
from sim2real_lib.params.variants import (
    STYLES,
    TAGGED,
    TRANSLATORS,
    Rendered,
    Style,
    Variant,
    translation_folder,
)

Model = Literal[
    "yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x",
    "yolov5n6", "yolov5s6", "yolov5m6", "yolov5l6", "yolov5x6",
]  # fmt: skip
ADD = "add"  # in an arm, beside the variants that it replaces: those that join the mix

Replaced = dict[str, str | list[str]]


class YOLOTraining(Downstream):
    """04: one arm and seed: a detector trained on the arm's frames and tested once."""

    arm: str = "baseline"
    """The arm that is trained: one of `arms`, or a translator's name. A batch run sets it."""
    arms: dict[Name, Replaced | Literal["target"]] = {
        "baseline": {},
        "clear-only": {"fog": "clone", "overcast": "clone", "rain": "clone"},
        "cyclegan": {
            "fog": "cyclegan-fog", "overcast": "cyclegan-overcast", "rain": "cyclegan-rain",
        },
        "nst": {"fog": "nst-fog", "overcast": "nst-overcast", "rain": "nst-rain"},
        "mixed": {
            "fog": ["pyramid-fog-from-fog", "reinhard-fog-from-fog"],
            "overcast": ["reinhard-overcast-from-overcast", "pyramid-overcast-from-overcast"],
            "rain": ["pyramid-rain-from-rain", "rain"],
        },
        "more": {
            "add": [
                "pyramid-fog-from-fog", "reinhard-fog-from-fog",
                "pyramid-overcast-from-overcast", "reinhard-overcast-from-overcast",
                "pyramid-rain-from-rain", "rain",
            ],
        },
        "oracle": "target",
    }  # fmt: skip
    """What each arm replaces in the original mix, and by what: see
    [an arm of your own](detectors.md#an-arm-of-your-own)."""
    styles: Annotated[list[Style], Field(min_length=1)] = ["fog", "overcast", "rain"]
    """The weathers that arms take translated. Of the others they keep the simulator's own."""
    min_agreement: Share = 0.0
    """Translated frames whose edges agree less with the original's are kept out of the arm. 0: all
    are taken."""
    classes: Names = ["car", "truck"]
    """The classes that are detected. Set it alike in 01, 04 and 05."""
    target_weathers: Weathers = ["overcast", "foggy", "rainy"]
    """Weathers of the frames that the oracle learns from."""
    model: Model = "yolov5n"
    """Larger letters are slower and see more; names that end in 6 are for large images."""
    weights: str = ""
    """File of YOLOv5u weights to start from. Empty: random ones. Nothing is downloaded."""
    image_size: Annotated[int, Field(ge=32, multiple_of=32)] = 256
    """Longer side of the detector's input, pixels; a multiple of 64 for models that end in 6."""
    iterations: Count = 480
    """Optimizer steps, the same for every arm. Epochs are steps times `batch`, divided by the arm's
    frames: `make check` counts these."""
    batch: Count = 4
    """Images in a step, over all GPUs. Lower it when memory runs out."""
    optimizer: Literal["SGD", "AdamW"] = "AdamW"
    """The original used `SGD`; `AdamW` learns sooner in short trainings."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1.5e-3
    """Its highest value: it warms up, then falls along half a cosine."""
    rectangular: bool = True
    """Batches as flat as their frames, without mosaic: quicker. `false` for mosaic, MixUp and
    CutMix."""
    plain_share: Share = 0.1
    """Share of the training, its end, without mosaic, MixUp and CutMix. Only where `rectangular` is
    `false`."""
    augmentation: dict[str, float] = {"scale": 0.9, "translate": 0.2}
    """Changes to the usual augmentations: see [augmentation](#augmentation)."""
    adversarial: dict[Literal["share", "epsilon"], NonNegative] = {"share": 0.0, "epsilon": 4.0}
    """Share of the batches that FGSM attacks (0: off), and by how many 1/255 (at most 32)."""
    device: str = "auto"
    """`auto`, `cpu`, `mps`, a GPU's number, or several that share each batch: `"0,1"`."""
    threads: Annotated[int, Field(ge=0)] = 0
    """CPU threads. 0: in a batch run those of `run.yaml`, else all cores but one."""
    seed: Seed = 0
    """Decides weights, order and augmentation. A batch run sets it."""

    @field_validator("device", mode="before")
    @classmethod
    def _a_device_may_be_a_number(cls, value: object) -> object:
        return str(value) if type(value) is int else value  # `device: 0`, `-p device 0`

    @field_validator("device")
    @classmethod
    def _device_is_spelled_right(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|\d+(,\d+)*", value):
            raise ValueError(f'device is {value!r}, must be auto, cpu, mps, or GPUs such as "0,1"')
        return value

    @model_validator(mode="after")
    def _attacks_are_small(self) -> Self:
        highest: dict[Literal["share", "epsilon"], int] = {"share": 1, "epsilon": 32}
        for name, most in highest.items():
            value = self.adversarial.get(name, 0)
            if value > most:
                raise ValueError(f"adversarial's {name} is {value:g}, must be at most {most}")
        return self

    @model_validator(mode="after")
    def _size_suits_the_model(self) -> Self:
        if self.model.endswith("6") and self.image_size % 64:
            raise ValueError(f"{self.model} needs an image_size that is a multiple of 64")
        return self

    @model_validator(mode="after")
    def _arm_is_known(self) -> Self:
        for arm, made_of in self.arms.items():
            for slot, chosen in [] if made_of == "target" else made_of.items():
                if slot not in (*MIX, ADD):
                    raise ValueError(
                        f"arm {arm!r} replaces {slot!r}, must be one of {', '.join(MIX)}, or {ADD}"
                    )
                if not chosen:
                    raise ValueError(f"arm {arm!r} has nothing for {slot!r}")
            if made_of == "target" and arm != "oracle":
                raise ValueError(f"arm {arm!r} is 'target', which only the arm 'oracle' may be")
            for variant in _variants(made_of):
                if variant not in get_args(Rendered) and not Variant.parse(variant):
                    raise ValueError(
                        f"arm {arm!r} wants {variant!r}, must be a variant of Virtual KITTI "
                        f"({', '.join(get_args(Rendered))}), or a translator "
                        f"({', '.join(TRANSLATORS)}), a dash and a style ({', '.join(STYLES)}), "
                        "such as nst-fog or nst-fog-from-rain"
                    )
        if self.arm not in self.arms and not TAGGED.fullmatch(self.arm):
            known = dict.fromkeys([*self.arms, *TRANSLATORS])
            raise ValueError(f"arm is {self.arm!r}, must be one of {', '.join(known)}")
        if any(map(Variant.parse, _variants(self.made_of))) and not self.translated:
            raise ValueError(f"arm {self.arm!r} has no translation to {' or '.join(self.styles)}")
        return self

    @property
    def made_of(self) -> Replaced | Literal["target"]:
        """The arm as it is spelled out; a translator's name stands for it in every style."""
        if self.arm in self.arms:
            return self.arms[self.arm]
        return {style: f"{self.arm}-{style}" for style in STYLES}

    @property
    def replaced(self) -> dict[str, list[str]]:
        """Variant of the mix -> what takes its place in this arm, in turns; not the oracle's."""
        if self.made_of == "target":
            return {}
        taken = {name: self._taken(v) for name, v in self.made_of.items() if name != ADD}
        return {name: variants for name, variants in taken.items() if variants}

    @property
    def added(self) -> list[str]:
        """The variants that join the mix in this arm."""
        return [] if self.made_of == "target" else self._taken(self.made_of.get(ADD, []))

    def _taken(self, variants: str | list[str]) -> list[str]:
        """Without translations to other styles than `styles`."""
        made = ((v, Variant.parse(v)) for v in _listed(variants))
        return [v for v, parsed in made if parsed is None or parsed.style in self.styles]

    @property
    def translated(self) -> list[str]:
        """The variants of this arm that 02 and 03 make, each once."""
        parts = [*self.replaced.values(), self.added]
        return list(dict.fromkeys(v for part in parts for v in part if Variant.parse(v)))

    def places(self, variant: str) -> Places:
        """Where this arm needs a translated variant: "all" where it asks for more than the mix's
        frames of its own style."""
        style = Variant.of(variant).style
        elsewhere = [name for name, chosen in self.replaced.items() if name != style]
        asked = [self.added, *(self.replaced[name] for name in elsewhere)]
        return "all" if any(variant in chosen for chosen in asked) else "mix"

    @property
    def translations(self) -> list[Path]:
        """The artifact folders of notebooks 02 and 03 that this arm is composed of."""
        return [translation_folder(self.data_folder, v) for v in self.translated]


def _listed(variants: str | list[str]) -> list[str]:
    return [variants] if isinstance(variants, str) else variants


def _variants(made_of: Replaced | Literal["target"]) -> list[str]:
    """All the variants that an arm names, each once."""
    parts = [] if made_of == "target" else map(_listed, made_of.values())
    return list(dict.fromkeys(variant for part in parts for variant in part))
