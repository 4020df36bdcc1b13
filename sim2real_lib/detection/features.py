"""What a network sees in an image, as one vector: the space in which domains are compared.

Inception's is the one that FID and KID are published in. The trained detector's own comes without
any further weights, and is nearer to the question: how far apart do the domains look to it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from sim2real_lib import images
from sim2real_lib.detection.checkpoint import DAMAGED, damaged, network
from sim2real_lib.errors import InputError
from sim2real_lib.progress import progress_bar

# One file under its names at torch-fidelity and at pytorch-fid.
INCEPTION_FILES = (
    "weights-inception-2015-12-05-6726825d.pth",
    "pt_inception-2015-12-05-6726825d.pth",
)


def features(
    paths: Sequence[str],
    *,
    detector: Path,
    inception: str | Path | None = None,
    image_size: int,
    batch: int = 16,
    device: str = "auto",
    folder: Path,
) -> tuple[np.ndarray, str]:
    """The images' features, and a line that says whose they are.

    Args:
        paths: image files.
        detector: a trained detector's weights, used where Inception's are not there.
        inception: Inception-v3's weights as FID has them; None: torch's cache, if it has them.
        image_size, batch, device, folder: as in `detector_features`.

    Raises:
        InputError: for weights or an image that are missing or damaged.
    """
    path = cached_inception() if inception is None else Path(inception)
    if path is not None:
        found = inception_features(path, paths, batch=batch, device=device)
        return (
            found,
            f"Features: Inception-v3's last pooling ({path.name}), as FID and KID have it.",
        )
    found = detector_features(
        detector, paths, image_size=image_size, batch=batch, device=device, folder=folder
    )
    return found, (
        f"Features: the detector's own backbone ({detector.name}), since Inception-v3's weights "
        f"({INCEPTION_FILES[0]}) are not in torch's cache. Compare these distances with each "
        "other, not with published ones."
    )


def detector_features(
    weights: Path,
    paths: Sequence[str],
    *,
    image_size: int,
    batch: int = 16,
    device: str = "auto",
    folder: Path,
) -> np.ndarray:
    """The last stage of a detector's backbone, averaged over the image.

    Images are brought to `image_size` on their longer side and on the shorter to the nearest
    multiple of the network's stride: padding would tell the shapes of frames apart, not domains.

    Args:
        weights: from `train.train`.
        paths: image files.
        image_size: pixels; what the detector was trained at.
        batch: images at once.
        device: "auto", "cpu", or a GPU's number.
        folder: where ultralytics may keep its settings.

    Returns:
        (n, d) float32; d is 256 for yolov5n and 512 for yolov5s.

    Raises:
        InputError: for weights or an image that are missing or damaged.
    """
    remedy = "Give the weights that notebook 04 made"
    detector: Any = network(weights, folder / "ultralytics", remedy)
    try:
        stages = detector.model[: len(detector.yaml["backbone"])]
        stride = int(detector.stride.max())
    except DAMAGED as error:
        raise damaged("not a detector's weights", weights, error, remedy) from error
    place = _place(device)
    backbone = stages.float().eval().to(place)

    def pooled(pixels: Tensor) -> Tensor:
        return backbone(pixels.to(place).float() / 255).mean(dim=(2, 3))

    return _of_images(paths, lambda image: _fit(image, image_size, stride), pooled, batch)


def cached_inception() -> Path | None:
    """Inception-v3's weights in torch's cache, where something has downloaded them."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return next((folder / name for name in INCEPTION_FILES if (folder / name).is_file()), None)


def inception_features(
    weights: Path, paths: Sequence[str], *, batch: int = 16, device: str = "auto"
) -> np.ndarray:
    """(n, 2048) float32: Inception-v3's last pooling, as FID and KID are published with.

    Args:
        weights: one of `INCEPTION_FILES`; nothing is downloaded.
        paths: image files; the network brings them to 299x299 itself, as TensorFlow did.
        batch: images at once.
        device: "auto", "cpu", or a GPU's number.

    Raises:
        InputError: for weights or an image that are missing or damaged.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    remedy = f"Give {INCEPTION_FILES[0]} of github.com/toshas/torch-fidelity, or no file"
    if not weights.is_file():
        raise InputError("there are no weights here", where=weights, remedy=remedy)
    try:
        # The package loads with all of pickle's powers: look first that none are asked for.
        torch.load(weights, map_location="cpu", weights_only=True)
        inception: nn.Module = FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
    except DAMAGED as error:
        raise damaged("not Inception-v3's weights", weights, error, remedy) from error
    place = _place(device)
    inception = inception.to(place)
    return _of_images(paths, lambda image: image, lambda p: inception(p.to(place))[0], batch)


def _of_images(
    paths: Sequence[str],
    fit: Callable[[images.RGB], images.RGB],
    pooled: Callable[[Tensor], Tensor],
    batch: int,
) -> np.ndarray:
    """(n, d) float32 `pooled` of the images that `fit` makes; those of one size go together."""
    if not len(paths):
        raise InputError("there are no images to take features of")
    found: list[np.ndarray] = []
    held: list[np.ndarray] = []

    def flush() -> None:
        if held:
            pixels = torch.from_numpy(np.stack(held).transpose(0, 3, 1, 2).copy())
            with torch.inference_mode():
                found.append(pooled(pixels).cpu().numpy())
            held.clear()

    for path in progress_bar(paths, desc="features", unit="image", mininterval=1):
        image = fit(images.read_rgb(path))
        if held and (len(held) == batch or image.shape != held[0].shape):
            flush()
        held.append(image)
    flush()
    return np.concatenate(found)


def _fit(image: images.RGB, side: int, stride: int) -> images.RGB:
    scale = side / max(image.shape[:2])
    height, width = (max(1, round(length * scale / stride)) * stride for length in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _place(device: str) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(f"cuda:{device}" if device.isdigit() else device)
