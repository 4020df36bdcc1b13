"""Parameters of notebook 01: the data, where it comes from and how it is divided."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim2real_lib.params.ranges import (
    Bins,
    Count,
    Name,
    Names,
    NonNegative,
    Seed,
    Size,
    Weather,
)
from sim2real_lib.strict import Params


class Own(BaseModel):
    """A data set that you bring: another city to learn from and be tested on, or to look at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["coco", "yolo"]
    """How its labels are written."""
    root: str
    """Its folder, or `s3://bucket/folder`. It is only read."""
    role: Literal["target", "look"] = "look"
    """`target`: its train frames are learnt from like BDD100K's, its val frames become test
    frames. `look`: notebook 01 shows it beside the others; nothing is trained or tested on it."""
    data: str = ""
    """`yolo`: the description file below the root. Empty: the only one there is."""
    labels: dict[str, str] = {}
    """`coco`: annotation file of each split. Empty: where COCO keeps them."""
    images: dict[str, str] = {}
    """`coco`: folder of images of each split. Empty: where COCO keeps them."""
    sequence_pattern: str = ""
    """Regular expression on file names: group 1 is the drive, group 2 the frame's number. It keeps
    a drive on one side of a split. Empty: each subfolder is a drive."""
    weather: Weather = "undefined"
    """Weather of frames that do not say."""
    timeofday: Literal["daytime", "dawn/dusk", "night", "undefined"] = "undefined"
    """Time of day of frames that do not say."""
    scene: str = "undefined"
    """Kind of place of frames that do not say, such as `city street`."""


class DataAnalysis(Params):
    """01: the data, where it comes from and how it is divided."""

    data: Literal["minidrive", "folders"] = "minidrive"
    """`minidrive` draws a street world of its own; `folders` reads your data sets at the three
    roots, each a folder or `s3://bucket/folder`."""
    kitti_root: str = ""
    """KITTI tracking or object: the folder that holds `training/`. Needed with `folders`."""
    vkitti2_root: str = ""
    """Virtual KITTI 2.0.3 or 1.3.1: the folder that its archives fill. Needed with `folders`."""
    bdd100k_root: str = ""
    """BDD100K: the folder that holds `images/100k/` and `labels/`. Needed with `folders`."""
    own: dict[Name, Own] = {}
    """Data sets that you bring, in COCO's or YOLO's format, by a name of your choice: see
    [`own`](#own)."""
    sequences: Annotated[list[str], Field(min_length=2)] = ["0001", "0002", "0006", "0018", "0020"]
    """KITTI drives, each with its virtual clone. Fewer make a quicker trial."""
    world_seed: int = 1
    """MiniDrive: which world is drawn. Another number is another city to try a finding on."""
    frames_per_scene: Count = 42
    """MiniDrive: frames of each drive."""
    kitti_size: Size = (256, 144)
    """MiniDrive: width and height of KITTI and Virtual KITTI frames, pixels."""
    bdd_size: Size = (256, 144)
    """MiniDrive: width and height of BDD100K frames, pixels."""
    bdd_train_per_weather: Count = 60
    """MiniDrive: BDD100K training frames of each weather. Translators and the oracle learn from
    them."""
    bdd_val_per_weather: Count = 60
    """MiniDrive: BDD100K validation frames of each weather. They are the test frames: more of them
    make narrower intervals."""
    classes: Names = ["car", "truck"]
    """The classes that are detected. Set it alike in 01, 04 and 05."""
    merge_classes: dict[str, str] = {"van": "car"}
    """Classes that count as another. BDD100K calls vans cars; `{}` keeps them apart: then add `van`
    to `classes`."""
    min_visible_pixels: Annotated[int, Field(ge=0)] = 10
    """Objects that show fewer pixels become areas to ignore."""
    min_side: NonNegative = 5.0
    """Objects narrower or lower than this, in pixels, become areas to ignore."""
    near_duplicate_iou: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Of two boxes of one frame and class that overlap (IoU) at least so much, one is removed."""
    split: Literal["sequence", "frame"] = "sequence"
    """`sequence` keeps a drive on one side of the split. `frame` is the original's, and leaks:
    neighbouring frames fall on both sides."""
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the drives (or frames) held out for validation."""
    occlusion_thresholds: Bins = [5, 10]
    """Bins of test images by their number of occluded vehicles: `[5, 10]` makes 0-5, 0-10 and
    0-all. Ascending. Set it alike in 01 and 05."""
    seed: Seed = 0
    """Decides the split."""

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
