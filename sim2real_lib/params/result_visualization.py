"""Parameters of notebook 05: the comparison."""

from typing import Literal

from sim2real_lib.params.downstream import Downstream
from sim2real_lib.params.ranges import Bins, Count, Names, Seed, Share, Weathers


class ResultVisualization(Downstream):
    """05: the comparison."""

    arms: list[str] = []
    """Which arms to compare. Empty: every finished one. A batch run sets it."""
    seeds: list[int] = []
    """Which seeds. Empty: every finished one. A batch run sets it."""
    classes: Names = ["car", "truck"]
    """As in 04. The mean is over those that the test frames have."""
    test_weathers: Weathers = ["overcast", "foggy", "rainy"]
    """The test frames that the answer is about."""
    occlusion_thresholds: Bins = [5, 10]
    """Bins of test images by their number of occluded vehicles: `[5, 10]` makes 0-5, 0-10 and
    0-all. Ascending. Set it alike in 01 and 05."""
    convention: Literal["ultralytics", "coco"] = "ultralytics"
    """Whose matching and average precision is used."""
    resamples: Count = 1000
    """Draws of the bootstrap over images, or over sequences where there are any. More make the
    ends of the intervals steadier."""
    gallery_frames: Count = 3
    """Frames of each style in the gallery."""
    lost_below: Share = 0.5
    """An object whose edges agree less than this after its translation counts as gone."""
    inception: str = ""
    """File of Inception-v3's weights for FID and KID. Empty: torch's cache, if it has them, else
    the baseline detector's features."""
    seed: Seed = 0
    """Of the bootstrap."""
