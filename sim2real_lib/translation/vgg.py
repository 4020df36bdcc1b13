"""The convolutional layers of VGG16 and VGG19 (Simonyan and Zisserman 2015), as features for
style transfer. Nothing is ever downloaded."""

import pickle
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from sim2real_lib.errors import InputError

Network = Literal["vgg16", "vgg19"]
CHANNELS = (64, 128, 256, 512, 512)  # of each block, which a 2x2 max pooling parts from the next
CONVOLUTIONS: dict[str, tuple[int, ...]] = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
FILES = {"vgg16": "vgg16-397923af.pth", "vgg19": "vgg19-dcbb9e9d.pth"}  # torchvision's names
URLS = {network: f"https://download.pytorch.org/models/{file}" for network, file in FILES.items()}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _relus(convolutions: Iterable[int]) -> dict[str, int]:
    """Keras' name of each convolution -> torchvision's index of the ReLU behind it."""
    found, index = {}, 0
    for block, count in enumerate(convolutions, 1):
        for number in range(1, count + 1):
            found[f"block{block}_conv{number}"] = index + 1
            index += 2
        index += 1  # the pooling
    return found


# Network -> Keras' layer names, as the original experiment wrote them -> torchvision's index.
LAYERS = {network: _relus(convolutions) for network, convolutions in CONVOLUTIONS.items()}


class VGGFeatures(nn.Module):
    """The activations of named layers.

    Args:
        network: "vgg16" or "vgg19".
        layers: names from `LAYERS[network]`.

    Attributes:
        features: torchvision's `features`, as deep as the deepest of the layers.
        stride: pixels from one activation of the deepest layer to the next.
        halo: how many pixels an activation sees beyond its own, to either side, rounded up to a
            multiple of the stride.

    Raises:
        InputError: for an unknown layer.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, layers: Iterable[str]) -> None:
        super().__init__()
        self.network, self.layers = network, tuple(layers)
        known = LAYERS[network]
        unknown = [name for name in self.layers if name not in known]
        if unknown:
            remedy = f"Known are {', '.join(known)}"
            what = f"{network.upper()} has no layer {unknown[0]!r}"
            raise InputError(what, where="layers", remedy=remedy)
        self._names = {known[name]: name for name in self.layers}
        depth = max(self._names, default=-1) + 1
        self.features = nn.Sequential(*islice(_modules(network), depth))
        self.stride, seen = 1, 0
        for module in self.features:
            if isinstance(module, nn.MaxPool2d):
                self.stride *= 2
            elif isinstance(module, nn.Conv2d):
                seen += self.stride
        self.halo = -(-seen // self.stride) * self.stride
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Layer name -> (N, C, h, w), of images (N, 3, H, W) in [0, 1] with sides from 16."""
        found, x = {}, (images - self.mean) / self.std
        for index, module in enumerate(self.features):
            x = module(x)
            if index in self._names:
                found[self._names[index]] = x
        return found


def stride(layer: str) -> int:
    """Pixels from one activation of the layer to the next."""
    return 2 ** (int(layer[len("block")]) - 1)


def cached(network: Network = "vgg16") -> Path:
    """Where torchvision keeps ImageNet weights once something has downloaded them."""
    return Path(torch.hub.get_dir()) / "checkpoints" / FILES[network]


def load_features(
    network: Network, weights: str | Path | None, layers: Iterable[str], *, seed: int = 0
) -> tuple[VGGFeatures, str]:
    """The features, and a line that says where their weights come from.

    Args:
        network: "vgg16" or "vgg19".
        weights: a file of torchvision's network or of its `features`; None: torchvision's cache,
            and where that holds none, seeded random weights.
        layers: names from `LAYERS[network]`.
        seed: of random weights, which are the same for any choice of layers. Random features
            carry over colour and texture (He et al. 2016, Ustyuzhaninov et al. 2016), but know
            nothing of objects.

    Raises:
        InputError: for an unknown layer, or a file that is missing or not this network's.
    """
    features, name = VGGFeatures(network, layers).eval(), network.upper()
    if weights is None and not cached(network).is_file():
        generator = torch.Generator().manual_seed(seed)
        for module in features.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        return features, (
            f"{name} has RANDOM weights (seed {seed}): no {FILES[network]} in torchvision's "
            "cache and no file given. Colour and texture carry over, objects are not understood."
        )
    path = cached(network) if weights is None else Path(weights)
    _load(features, path)
    return features, f"{name} has the weights of {path.name}."


def _modules(network: Network) -> Iterator[nn.Module]:
    """The modules of torchvision's `features`, each made when it is asked for."""
    inputs = 3
    for channels, count in zip(CHANNELS, CONVOLUTIONS[network], strict=True):
        for _ in range(count):
            yield nn.Conv2d(inputs, channels, 3, padding=1)
            yield nn.ReLU(inplace=True)
            inputs = channels
        yield nn.MaxPool2d(2)


def _load(features: VGGFeatures, path: Path) -> None:
    name, file = features.network.upper(), FILES[features.network]
    remedy = f"Give torchvision's {file}, or no file"
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        stored = {
            key.removeprefix("features."): value
            for key, value in stored.items()
            if "classifier" not in key
        }
        with torch.device("meta"):
            whole = nn.Sequential(*_modules(features.network)).state_dict()
        strange = stored.keys() - whole.keys()  # the first layers of VGG16 and VGG19 are alike
        if strange:
            raise ValueError(f"features.{min(strange)} is not among its layers")
        wanted = features.features.state_dict()
        features.features.load_state_dict({k: v for k, v in stored.items() if k in wanted})
    except FileNotFoundError as error:
        raise InputError("there are no weights here", where=path, remedy=remedy) from error
    except (OSError, RuntimeError, EOFError, ValueError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"not {name}'s weights ({reason})", where=path, remedy=remedy) from error
