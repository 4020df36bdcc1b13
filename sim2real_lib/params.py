"""The parameters of every notebook and of a run, as strict models (see `strict`)."""

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sim2real_lib.catalog.mix import MIX
from sim2real_lib.files import resolve
from sim2real_lib.strict import Params

STYLES = {"fog": "foggy", "overcast": "overcast", "rain": "rainy"}  # style -> BDD100K's weather
Style = Literal["fog", "overcast", "rain"]
Learned = Literal["cyclegan", "cut", "fastcut"]
Stylist = Literal["nst", "adain", "wct2", "reinhard", "histogram", "fda", "pyramid"]
# Translator -> its notebook; the variant "nst-fog" is made by translator "nst" in style "fog".
TRANSLATORS: dict[str, str] = {
    **dict.fromkeys(get_args(Learned), "02_cyclegan_training"),
    **dict.fromkeys(get_args(Stylist), "03_nst_generation"),
}

# What a translator starts from: the clone as in the original, or another variant of the simulator.
Rendered = Literal["clone", "fog", "morning", "overcast", "rain", "sunset"]

Places = Literal["mix", "all"]  # the frames that stand in for the mix's; every training frame
Model = Literal[
    "yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x",
    "yolov5n6", "yolov5s6", "yolov5m6", "yolov5l6", "yolov5x6",
]  # fmt: skip
Weather = Literal["clear", "partly cloudy", "overcast", "foggy", "rainy", "snowy", "undefined"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
OwnName = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
Tile = Annotated[int, Field(ge=0)]
Size = tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]]


class Variant(NamedTuple):
    """A translated variant by its name: "nst-fog" is made of clones, "nst-fog-from-rain" not."""

    translator: str
    style: str
    source: str = "clone"

    def __str__(self) -> str:
        begun = "" if self.source == "clone" else f"-from-{self.source}"
        return f"{self.translator}-{self.style}{begun}"

    @property
    def notebook(self) -> str:
        """The notebook that makes it."""
        return TRANSLATORS[self.translator]

    @property
    def maker(self) -> str:
        """What its like in the other styles have in common: "nst", or "nst, same weather"."""
        if self.source == "clone":
            return self.translator
        begun = "same weather" if self.source == self.style else f"from {self.source}"
        return f"{self.translator}, {begun}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """What a name says; None when it is no translated variant's."""
        found = VARIANT.fullmatch(name)
        return cls(**found.groupdict(default="clone")) if found else None

    @classmethod
    def of(cls, name: str) -> Self:
        """What the name of a translated variant says; for names that `parse` has accepted."""
        made = cls.parse(name)
        if made is None:
            raise ValueError(f"{name!r} is no translated variant")
        return made


VARIANT = re.compile(
    f"(?P<translator>{'|'.join(TRANSLATORS)})-(?P<style>{'|'.join(STYLES)})"
    f"(-from-(?P<source>{'|'.join(v for v in get_args(Rendered) if v != 'clone')}))?"
)
ADD = "add"  # in an arm, beside the variants that it replaces: those that join the mix

Replaced = dict[str, str | list[str]]


class Own(BaseModel):
    """A data set that you bring: another city to learn from and be tested on, or to look at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["coco", "yolo"]
    root: str
    # "target": its train frames are learnt from like BDD100K's, its val frames become test frames;
    # "look": notebook 01 shows it beside the others, nothing is trained or tested on it.
    role: Literal["target", "look"] = "look"
    data: str = ""  # yolo: the description file; "": the only one in the root
    labels: dict[str, str] = {}  # coco: split -> annotation file; {}: where COCO keeps them
    images: dict[str, str] = {}  # coco: split -> folder of images; {}: where COCO keeps them
    sequence_pattern: str = ""  # regular expression on file names: group 1 drive, group 2 number
    weather: Weather = "undefined"  # of frames that do not say
    timeofday: Literal["daytime", "dawn/dusk", "night", "undefined"] = "undefined"
    scene: str = "undefined"


class DataAnalysis(Params):
    """01: the data, where it comes from and how it is divided."""

    data: Literal["minidrive", "folders"] = "minidrive"
    kitti_root: str = ""
    vkitti2_root: str = ""
    bdd100k_root: str = ""
    own: dict[OwnName, Own] = {}
    sequences: Annotated[list[str], Field(min_length=2)] = ["0001", "0002", "0006", "0018", "0020"]
    world_seed: int = 1
    frames_per_scene: Count = 42
    kitti_size: Size = (256, 144)
    bdd_size: Size = (256, 144)
    bdd_train_per_weather: Count = 60
    bdd_val_per_weather: Count = 60
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "truck"]
    merge_classes: dict[str, str] = {"van": "car"}
    min_visible_pixels: Annotated[int, Field(ge=0)] = 10
    min_side: NonNegative = 5.0
    near_duplicate_iou: Annotated[float, Field(gt=0, le=1)] = 0.9
    split: Literal["sequence", "frame"] = "sequence"
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    occlusion_thresholds: Annotated[list[int], Field(min_length=1)] = [5, 10]
    seed: int = 0

    @model_validator(mode="after")
    def _roots_are_given(self) -> Self:
        for name in ("kitti_root", "vkitti2_root", "bdd100k_root"):
            if self.data == "folders" and not getattr(self, name):
                raise ValueError(f'data is "folders", so {name} must name a folder')
        return self

    @model_validator(mode="after")
    def _merged_classes_are_not_detected(self) -> Self:
        for merged in set(self.merge_classes) & set(self.classes):
            into = self.merge_classes[merged]
            raise ValueError(
                f"{merged} counts as {into}: take {merged!r} out of classes or of merge_classes"
            )
        return self


class CycleGANTraining(Params):
    """02: one style's CycleGAN (or CUT, FastCUT), and the arm's frames translated by it."""

    translator: Learned = "cyclegan"
    style: Style = "fog"
    source: Rendered = "clone"
    places: Places = "mix"
    weights: str = ""
    generator: Literal["resnet", "unet"] = "resnet"
    n_blocks: Count = 4
    n_downs: Annotated[int, Field(ge=5)] = 8
    ngf: Count = 12
    discriminator: Literal["patch", "pixel"] = "patch"
    d_layers: Count = 3
    ndf: Count = 16
    gan_mode: Literal["lsgan", "vanilla", "wgangp"] = "lsgan"
    source_scale: Positive = 0.5
    target_scale: Positive = 0.5
    crop: Size = (64, 112)
    target_images: Count = 500
    batch: Count = 1
    unit: Literal["epochs", "steps"] = "steps"
    constant: Count = 150
    decay: Annotated[int, Field(ge=0)] = 150
    learning_rate: Positive = 5e-4
    lr_policy: Literal["linear", "step", "plateau", "cosine"] = "linear"
    lambda_cycle: NonNegative = 10.0
    lambda_identity: NonNegative = 0.5
    pool: Annotated[int, Field(ge=0)] = 50
    lambda_nce: NonNegative = 1.0
    patches: Annotated[int, Field(ge=2)] = 64
    projection: Count = 64
    detail: Share = 1.0
    tile: Tile = 0
    checkpoint_every: Count = 200
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    compile: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Count = 1
    seed: int = 0

    @model_validator(mode="after")
    def _cut_has_the_published_networks(self) -> Self:
        if self.translator != "cyclegan" and (self.generator, self.discriminator) != (
            "resnet", "patch",
        ):  # fmt: skip
            raise ValueError(f"{self.translator} needs generator 'resnet', discriminator 'patch'")
        return self


class NSTGeneration(Params):
    """03: the same frames, by neural style transfer or a change of colours alone."""

    translator: Stylist = "nst"
    style: Style = "fog"
    source: Rendered = "clone"
    places: Places = "mix"
    style_images: Count = 4
    target_images: Count = 500
    network: Literal["vgg16", "vgg19"] = "vgg16"
    weights: str = ""
    scale: Annotated[float, Field(gt=0, le=1)] = 0.4
    detail: Share = 0.7
    optimizer: Literal["adam", "lbfgs"] = "adam"
    steps: Count = 10
    learning_rate: Positive = 0.02
    scales: Count = 1
    content_weight: NonNegative = 1.0
    style_weight: NonNegative = 3.0
    tv_weight: NonNegative = 1.0
    colour_start: bool = True
    keep_colour: bool = False
    layer: str = "block2_conv1"
    train_steps: Count = 300
    train_crop: Size = (56, 96)
    alpha: Share = 1.0
    beta: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    batch: Count = 4
    tile: Tile = 0
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    seed: int = 0


class Downstream(Params):
    """A notebook that reads what 01, 02 and 03 made, of its own run or of another's."""

    data_run: str = ""

    @property
    def data_folder(self) -> Path:
        """The folder of the run that holds the catalog and the translated frames, absolute."""
        return resolve(self.data_run or self.run)


class YOLOTraining(Downstream):
    """04: one arm and seed: a detector trained on the arm's frames and tested once."""

    arm: str = "baseline"
    # Arm -> which variants of the original mix are replaced, and by what; "target" is the oracle.
    arms: dict[OwnName, Replaced | Literal["target"]] = {
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
    min_agreement: Share = 0.0
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "truck"]
    target_weathers: Annotated[list[Weather], Field(min_length=1)] = ["overcast", "foggy", "rainy"]
    model: Model = "yolov5n"
    weights: str = ""
    image_size: Annotated[int, Field(ge=32, multiple_of=32)] = 256
    iterations: Count = 480
    batch: Count = 4
    optimizer: Literal["SGD", "AdamW"] = "AdamW"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1.5e-3
    rectangular: bool = True
    plain_share: Share = 0.1
    augmentation: dict[str, float] = {"scale": 0.9, "translate": 0.2}
    adversarial: dict[Literal["share", "epsilon"], NonNegative] = {"share": 0.0, "epsilon": 4.0}
    device: str = "auto"
    threads: Annotated[int, Field(ge=0)] = 0
    seed: int = 0

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
        if self.arm not in self.known_arms:
            raise ValueError(f"arm is {self.arm!r}, must be one of {', '.join(self.known_arms)}")
        return self

    @property
    def known_arms(self) -> dict[str, Replaced | Literal["target"]]:
        """The arms that are spelled out, and one for each other translator, in every style."""
        others = [name for name in TRANSLATORS if name not in self.arms]
        return self.arms | {name: {s: str(Variant(name, s)) for s in STYLES} for name in others}

    @property
    def replaced(self) -> dict[str, list[str]]:
        """Variant of the mix -> what takes its place in this arm, in turns; not the oracle's."""
        made_of = self.known_arms[self.arm]
        if made_of == "target":
            return {}
        return {name: _listed(v) for name, v in made_of.items() if name != ADD}

    @property
    def added(self) -> list[str]:
        """The variants that join the mix in this arm."""
        made_of = self.known_arms[self.arm]
        return [] if made_of == "target" else _listed(made_of.get(ADD, []))

    @property
    def translated(self) -> list[str]:
        """The variants of this arm that 02 and 03 make, each once."""
        return [v for v in _variants(self.known_arms[self.arm]) if Variant.parse(v)]

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


class ResultVisualization(Downstream):
    """05: the comparison."""

    arms: list[str] = []
    seeds: list[int] = []
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "truck"]
    test_weathers: Annotated[list[Weather], Field(min_length=1)] = ["overcast", "foggy", "rainy"]
    occlusion_thresholds: Annotated[list[int], Field(min_length=1)] = [5, 10]
    convention: Literal["ultralytics", "coco"] = "ultralytics"
    resamples: Count = 1000
    gallery_frames: Count = 3
    lost_below: Share = 0.5
    inception: str = ""
    seed: int = 0


class Run(Params):
    """run.yaml: what Snakemake fans out."""

    # Folders of the notebooks' params files; of each file the first that there is.
    params: Annotated[list[str], Field(min_length=1)] = ["params/demo"]
    data_run: str = ""
    arms: Annotated[list[str], Field(min_length=1)] = [
        "baseline", "cyclegan", "nst", "mixed", "oracle",
    ]  # fmt: skip
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    threads: Count = 1  # of each job; Snakemake runs as many jobs at once as there are cores

    @field_validator("params", mode="before")
    @classmethod
    def _one_folder_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def file(self, notebook: str) -> str:
        """The params file of a notebook, as a person writes it."""
        files = [f"{folder}/{notebook}.yaml" for folder in self.params]
        return next((file for file in files if resolve(file).is_file()), files[0])


NOTEBOOKS: dict[str, type[Params]] = {
    "01_data_analysis": DataAnalysis,
    "02_cyclegan_training": CycleGANTraining,
    "03_nst_generation": NSTGeneration,
    "04_yolo_training": YOLOTraining,
    "05_result_visualization": ResultVisualization,
}


def translation_folder(run: Path, variant: str) -> Path:
    """Where the frames of a translated variant such as "cyclegan-fog" lie in a run."""
    return run / Variant.of(variant).notebook / variant
