"""What a camera and the air do to a frame: robustness to weather without changing a box.

A family of the common corruptions of Hendrycks and Dietterich (ICLR 2019), each mild and drawn
anew for every frame. Images are (height, width, 3) BGR, uint8, as OpenCV and ultralytics hold them.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np


def gray(image: np.ndarray, _: random.Random) -> np.ndarray:
    """The luma of ITU-R BT.601 in all three channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def haze(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Koschmieder's fog at one depth: 10 to 50% of the light is airlight of 180 to 240."""
    share, airlight = draw.uniform(0.1, 0.5), draw.uniform(180, 240)
    return cv2.convertScaleAbs(image, alpha=1 - share, beta=share * airlight)


def blur(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """A Gaussian of .5 to 2 pixels."""
    return cv2.GaussianBlur(image, (0, 0), draw.uniform(0.5, 2))


def noise(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Gaussian noise of 2 to 15 levels in every value."""
    generator = np.random.default_rng(draw.getrandbits(64))
    grain = generator.standard_normal(image.shape, np.float32) * draw.uniform(2, 15)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Compressed by JPEG of quality 20 to 80, and back."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, draw.randint(20, 80)]
    decoded = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    assert decoded is not None  # OpenCV reads what it has just written
    return decoded


# In the order of nature: the air, the lens, the sensor, the file.
STEPS: dict[str, Callable[[np.ndarray, random.Random], np.ndarray]] = {
    "gray": gray,
    "haze": haze,
    "blur": blur,
    "noise": noise,
    "jpeg": jpeg,
}
PHOTOMETRIC = {
    "gray": "removing the colour",
    "haze": "light fog: less contrast, lighter",
    "blur": "a Gaussian blur",
    "noise": "Gaussian noise",
    "jpeg": "JPEG's artefacts",
}


class Photometric:
    """ultralytics' kind of transform: each step applied with its own probability, 0 to 1.

    A step's random numbers depend on its name and `turn` alone, and nothing else draws from them.
    So switching one on or off is the only difference between two trainings: flips, mosaics and the
    other steps stay as they are, whatever the number of workers.

    Args:
        probabilities: name in `STEPS` -> probability.

    Attributes:
        turn: names the next frame, such as "seed iteration number"; `ArmDataset` sets it.
    """

    def __init__(self, probabilities: Mapping[str, float]) -> None:
        self.probabilities = {name: p for name, p in probabilities.items() if p > 0}
        self.turn = ""

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        for name, step in STEPS.items():
            if name in self.probabilities:
                draw = random.Random(f"{self.turn} {name}")
                if draw.random() < self.probabilities[name]:
                    labels["img"] = step(labels["img"], draw)
        return labels
