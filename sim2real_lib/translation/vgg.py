"""VGG16's convolutional layers, as features for style transfer. Nothing is ever downloaded."""

import pickle
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from sim2real_lib.errors import InputError

# Keras' names, as the original experiment wrote them -> torchvision's index of that layer's ReLU.
LAYERS = {
    "block1_conv1": 1,
    "block1_conv2": 3,
    "block2_conv1": 6,
    "block2_conv2": 8,
    "block3_conv1": 11,
    "block3_conv2": 13,
    "block3_conv3": 15,
    "block4_conv1": 18,
    "block4_conv2": 20,
    "block4_conv3": 22,
    "block5_conv1": 25,
    "block5_conv2": 27,
    "block5_conv3": 29,
}
TORCHVISION_FILE = "vgg16-397923af.pth"
URL = f"https://download.pytorch.org/models/{TORCHVISION_FILE}"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CHANNELS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool",
            512, 512, 512)  # fmt: skip


class VGG16Features(nn.Module):
    """The activations of named layers.

    Args:
        layers: names from `LAYERS`.

    Raises:
        InputError: for an unknown layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Iterable[str]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        unknown = [name for name in self.layers if name not in LAYERS]
        if unknown:
            remedy = f"Known are {', '.join(LAYERS)}"
            raise InputError(f"VGG16 has no layer {unknown[0]!r}", where="layers", remedy=remedy)
        modules: list[nn.Module] = []
        channels = 3
        for width in CHANNELS:
            if isinstance(width, int):
                modules += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            else:
                modules.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*modules)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Layer name -> (N, C, h, w), of images (N, 3, H, W) in [0, 1] with sides from 16."""
        wanted = {LAYERS[name]: name for name in self.layers}
        found, x = {}, (images - self.mean) / self.std
        for index, module in enumerate(self.features[: max(wanted) + 1]):
            x = module(x)
            if index in wanted:
                found[wanted[index]] = x
        return found


def cached() -> Path:
    """Where torchvision keeps VGG16's ImageNet weights once something has downloaded them."""
    return Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_FILE


def vgg16_features(
    weights: str | Path | None, layers: Iterable[str], *, seed: int = 0
) -> tuple[VGG16Features, str]:
    """The features, and a line that says where their weights come from.

    Args:
        weights: a file of torchvision's vgg16 or of its `features`; None: torchvision's cache,
            and where that holds none, seeded random weights.
        layers: names from `LAYERS`.
        seed: of random weights. Random features carry over colour and texture (He et al. 2016,
            Ustyuzhaninov et al. 2016), but know nothing of objects.

    Raises:
        InputError: for an unknown layer, or a file that is missing or no VGG16.
    """
    network = VGG16Features(layers).eval()
    if weights is None and not cached().is_file():
        generator = torch.Generator().manual_seed(seed)
        for module in network.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        return network, (
            f"VGG16 has RANDOM weights (seed {seed}): no {TORCHVISION_FILE} in torchvision's "
            "cache and no file given. Colour and texture carry over, objects are not understood."
        )
    path = cached() if weights is None else Path(weights)
    _load(network, path)
    return network, f"VGG16 has the weights of {path.name}."


def _load(network: VGG16Features, path: Path) -> None:
    remedy = f"Give torchvision's {TORCHVISION_FILE}, or no file"
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        keys = {key: key.removeprefix("features.") for key in stored if "classifier" not in key}
        network.features.load_state_dict({keys[key]: stored[key] for key in keys})
    except FileNotFoundError as error:
        raise InputError("there are no weights here", where=path, remedy=remedy) from error
    except (OSError, RuntimeError, EOFError, ValueError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"not VGG16's weights ({reason})", where=path, remedy=remedy) from error
