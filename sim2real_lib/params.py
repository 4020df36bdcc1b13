"""The parameters of every notebook, as strict models.

A notebook's `parameters` cell holds the same names as literals; its next cell reads them back
through the model (`p = params.CycleGANTraining.from_notebook(globals())`), so a misspelt or
ill-typed one stops the run in its first second, whether papermill, Snakemake or a person set it.
"""

import ast
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, resolve

STYLES = {"fog": "foggy", "overcast": "overcast", "rain": "rainy"}  # style -> BDD100K's weather
# Translator -> its notebook; the variant "nst-fog" is made by translator "nst" in style "fog".
TRANSLATORS = {"cyclegan": "02_cyclegan_training", "nst": "03_nst_generation"}

Style = Literal["fog", "overcast", "rain"]
Weather = Literal["clear", "partly cloudy", "overcast", "foggy", "rainy", "snowy", "undefined"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Size = tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]]


class Params(BaseModel):
    """What all notebooks share: strictness, and where the run writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str = "outputs/demo"

    @property
    def folder(self) -> Path:
        """The run's folder, absolute."""
        return resolve(self.run)

    def with_values(self, **changes: Any) -> Self:
        """A copy with some parameters changed, checked like any other."""
        return self.parse(self.model_dump() | changes)

    @classmethod
    def parse(
        cls, values: Mapping[str, Any], where: object = "parameters", file: Path | None = None
    ) -> Self:
        """Check plain values.

        Args:
            values: name -> value.
            where: what a complaint calls their origin.
            file: the params file that they come from, to name the line at fault.

        Raises:
            InputError: one line that names every unknown, ill-typed or impossible parameter.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            faults = error.errors()
            line = _line_of(file, faults[0]["loc"][:1]) if file else ""
            explained = "; ".join(cls._explain(fault) for fault in faults)
            raise InputError(explained, where=f"{where}{line}") from None

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a params file such as `params/demo/04_yolo_training.yaml`."""
        return cls.parse(read_yaml(resolve(path)), where=path, file=resolve(path))

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """Read the notebook's `parameters` cell, and papermill's injected one, back.

        Args:
            namespace: the notebook's `globals()`.
        """
        assigned = _assigned_names(namespace.get("In", []), set(cls.model_fields))
        names = assigned | (set(cls.model_fields) & set(namespace))
        return cls.parse({name: namespace[name] for name in names}, where="parameters cell")

    @classmethod
    def _explain(cls, fault: Any) -> str:
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, cls.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(cls.model_fields)}"
            return f"there is no parameter {name!r}, {hint}"
        if fault["type"] == "literal_error":
            return f"{name} is {fault['input']!r}, must be one of {fault['ctx']['expected']}"
        message = fault["msg"].removeprefix("Value error, ")
        return f"{name} is {fault['input']!r}: {message}" if name else message


class DataAnalysis(Params):
    """01: the data, where it comes from and how it is divided."""

    data: Literal["minidrive", "folders"] = "minidrive"
    kitti_root: str = ""
    vkitti2_root: str = ""
    bdd100k_root: str = ""
    sequences: Annotated[list[str], Field(min_length=2)] = ["0001", "0002", "0006", "0018", "0020"]
    world_seed: int = 1
    frames_per_scene: Count = 42
    kitti_size: Size = (256, 144)
    bdd_size: Size = (256, 144)
    bdd_train_per_weather: Count = 60
    bdd_val_per_weather: Count = 60
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "van", "truck"]
    min_visible_pixels: Annotated[int, Field(ge=0)] = 10
    min_side: NonNegative = 3.0
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


class CycleGANTraining(Params):
    """02: one style's CycleGAN, and the arm's frames translated by it."""

    style: Style = "fog"
    n_blocks: Count = 4
    ngf: Count = 12
    ndf: Count = 16
    source_scale: Positive = 0.5
    target_scale: Positive = 0.5
    crop: Size = (64, 112)
    target_images: Count = 500
    batch: Count = 1
    unit: Literal["epochs", "steps"] = "steps"
    constant: Count = 250
    decay: Annotated[int, Field(ge=0)] = 250
    learning_rate: Positive = 5e-4
    lambda_cycle: NonNegative = 10.0
    lambda_identity: NonNegative = 0.5
    pool: Annotated[int, Field(ge=0)] = 50
    detail: Share = 1.0
    checkpoint_every: Count = 200
    precision: str = "auto"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Count = 1
    seed: int = 0


class NSTGeneration(Params):
    """03: the same frames, by neural style transfer."""

    style: Style = "fog"
    weights: str = ""
    style_images: Count = 4
    optimizer: Literal["adam", "lbfgs"] = "adam"
    steps: Count = 10
    learning_rate: Positive = 0.02
    scale: Annotated[float, Field(gt=0, le=1)] = 0.4
    content_weight: NonNegative = 1.0
    style_weight: NonNegative = 3.0
    tv_weight: NonNegative = 1.0
    colour_start: bool = True
    detail: Share = 0.7
    batch: Count = 4
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    seed: int = 0


class YOLOTraining(Params):
    """04: one arm and seed: a detector trained on the arm's frames and tested once."""

    arm: str = "baseline"
    # Arm -> which variants of the original mix are replaced, and by what; "target" is the oracle.
    arms: dict[str, dict[str, str] | Literal["target"]] = {
        "baseline": {},
        "cyclegan": {
            "fog": "cyclegan-fog", "overcast": "cyclegan-overcast", "rain": "cyclegan-rain",
        },
        "nst": {"fog": "nst-fog", "overcast": "nst-overcast", "rain": "nst-rain"},
        "oracle": "target",
    }  # fmt: skip
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "van", "truck"]
    target_weathers: Annotated[list[Weather], Field(min_length=1)] = ["overcast", "foggy", "rainy"]
    model: str = "yolov5n"
    weights: str = ""
    image_size: Annotated[int, Field(ge=32, multiple_of=32)] = 320
    iterations: Count = 420
    batch: Count = 4
    optimizer: Literal["SGD", "AdamW"] = "AdamW"
    learning_rate: Positive = 1.5e-3
    mosaic: Share = 1.0
    rectangular: bool = True
    plain_share: Share = 0.1
    device: str = "auto"
    threads: Annotated[int, Field(ge=0)] = 0
    seed: int = 0

    @model_validator(mode="after")
    def _arm_is_known(self) -> Self:
        if self.arm not in self.arms:
            raise ValueError(f"arm is {self.arm!r}, must be one of {', '.join(self.arms)}")
        for arm, replaced in self.arms.items():
            for variant in [] if replaced == "target" else replaced.values():
                translator, _, style = variant.partition("-")
                if translator not in TRANSLATORS or style not in STYLES:
                    raise ValueError(
                        f"arm {arm!r} wants {variant!r}, must be a translator "
                        f"({', '.join(TRANSLATORS)}), a dash and a style ({', '.join(STYLES)})"
                    )
        return self

    @property
    def replaced(self) -> dict[str, str]:
        """Variant -> its replacement in this arm; empty for the oracle."""
        replaced = self.arms[self.arm]
        return {} if replaced == "target" else dict(replaced)

    @property
    def translations(self) -> list[Path]:
        """The artifact folders of notebooks 02 and 03 that this arm is composed of."""
        return [translation_folder(self.folder, v) for v in self.replaced.values()]


class ResultVisualization(Params):
    """05: the comparison."""

    arms: list[str] = []
    seeds: list[int] = []
    classes: Annotated[list[str], Field(min_length=1)] = ["car", "van", "truck"]
    test_weathers: Annotated[list[Weather], Field(min_length=1)] = ["overcast", "foggy", "rainy"]
    occlusion_thresholds: Annotated[list[int], Field(min_length=1)] = [5, 10]
    resamples: Count = 1000
    gallery_frames: Count = 3
    seed: int = 0


class Run(Params):
    """run.yaml: what Snakemake fans out."""

    params: str = "params/demo"
    styles: Annotated[list[Style], Field(min_length=1)] = ["fog", "overcast", "rain"]
    arms: Annotated[list[str], Field(min_length=1)] = ["baseline", "cyclegan", "nst", "oracle"]
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    threads: Count = 1  # of each job; Snakemake runs as many jobs at once as there are cores


NOTEBOOKS: dict[str, type[Params]] = {
    "01_data_analysis": DataAnalysis,
    "02_cyclegan_training": CycleGANTraining,
    "03_nst_generation": NSTGeneration,
    "04_yolo_training": YOLOTraining,
    "05_result_visualization": ResultVisualization,
}


def translation_folder(run: Path, variant: str) -> Path:
    """Where the frames of a variant such as "cyclegan-fog" lie in a run."""
    translator, _, style = variant.partition("-")
    return run / TRANSLATORS[translator] / style


def read_yaml(path: Path) -> dict[str, Any]:
    """A params file as a dictionary.

    Raises:
        InputError: when it is missing, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        profiles = ", ".join(sorted(p.name for p in (ROOT / "params").iterdir() if p.is_dir()))
        raise InputError(
            "no such params file", where=path, remedy=f"Profiles: {profiles}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"not readable as YAML ({problem})", where=path) from error
    if values is not None and not isinstance(values, dict):
        raise InputError("must be a list of `name: value` lines", where=path)
    return values or {}


def _line_of(path: Path, key: tuple[Any, ...]) -> str:
    """ ":7" where a top-level key stands in the seventh line of a params file, else ""."""
    lines = path.read_text(encoding="utf-8").splitlines()
    places = [f":{n}" for n, line in enumerate(lines, 1) if key and line.startswith(f"{key[0]}:")]
    return places[0] if places else ""


def _assigned_names(history: list[str], fields: set[str]) -> set[str]:
    """Names assigned by the parameters cell and the cells of literals between it and now.

    The kernel's namespace also holds whatever a person tried out before; the history of executed
    cells tells their names from parameters, misspelt ones included.
    """
    names: set[str] = set()
    for source in reversed(history[:-1]):  # the last entry is the cell that is asking
        cell = _literal_names(source)
        if cell is None:
            break
        names |= cell
        if len(cell & fields) * 2 > len(fields):
            return names
    return set()


def _literal_names(source: str) -> set[str] | None:
    """The names that a cell of nothing but `name = literal` assigns; None for any other cell."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    names = set()
    for node in body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            return None
        names.add(node.targets[0].id)
    return names
