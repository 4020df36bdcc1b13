"""Weights of the published CycleGAN code and of ours, read as they come.

Architecture and sizes are read from the keys. Prefixes of DataParallel and torch.compile are
stripped; running statistics of files older than torch 0.4 are dropped, as instance normalisation
never used them.
"""

import pickle
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation.networks import (
    Discriminator,
    Generator,
    PatchDiscriminator,
    PixelDiscriminator,
    ResnetGenerator,
    UnetGenerator,
)

PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
RUNNING_STATS = ("running_mean", "running_var", "num_batches_tracked")
GENERATORS = "Give the `latest_net_G_A.pth` of a generator (resnet_9blocks, unet_256, …)"
DISCRIMINATORS = "Give the `latest_net_D_A.pth` of a discriminator (basic, n_layers or pixel)"


def load_generator(path: str | Path) -> Generator:
    """A ResNet or U-Net generator from a checkpoint of ours or of the published code, on the CPU.

    Raises:
        InputError: when the file is missing, damaged, or no such generator.
    """
    weights = read_weights(path, GENERATORS)
    network: Generator
    if (first := _shape(weights, "model.1.weight"))[1:] == (3, 7, 7):
        blocks = {m[1] for key in weights if (m := re.match(r"model\.(\d+)\.conv_block", key))}
        network = ResnetGenerator(n_blocks=len(blocks), ngf=first[0])
    elif (first := _shape(weights, "model.model.0.weight"))[1:] == (3, 4, 4):
        downs = sum(bool(re.fullmatch(r"model(\.model\.\d)+\.weight", k)) for k in weights) // 2
        network = UnetGenerator(n_downs=downs, ngf=first[0])
    else:
        raise InputError("not a generator's weights", where=path, remedy=GENERATORS)
    _fill(network, weights, path, GENERATORS)
    return network


def load_discriminator(path: str | Path) -> Discriminator:
    """A PatchGAN or pixel discriminator from a checkpoint of ours or of the published code.

    Raises:
        InputError: when the file is missing, damaged, or no such discriminator.
    """
    weights = read_weights(path, DISCRIMINATORS)
    network: Discriminator
    if (first := _shape(weights, "model.0.weight"))[1:] == (3, 4, 4):
        convolutions = sum(key.endswith(".weight") for key in weights)
        network = PatchDiscriminator(ndf=first[0], n_layers=convolutions - 2)
    elif (first := _shape(weights, "net.0.weight"))[1:] == (3, 1, 1):
        network = PixelDiscriminator(ndf=first[0])
    else:
        raise InputError("not a discriminator's weights", where=path, remedy=DISCRIMINATORS)
    _fill(network, weights, path, DISCRIMINATORS)
    return network


def read_weights(path: str | Path, remedy: str) -> dict[str, Tensor]:
    """A file's state dict under plain keys, on the CPU.

    Raises:
        InputError: when the file is missing, damaged, or holds anything but tensors.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError("there are no weights here", where=path, remedy=remedy) from error
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"damaged weights ({reason})", where=path, remedy=remedy) from error
    tensors = isinstance(stored, dict) and all(isinstance(v, Tensor) for v in stored.values())
    if not tensors:
        raise InputError("holds more than weights", where=path, remedy=remedy)
    return plain(stored)


def plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without wrapper prefixes and without running statistics."""
    kept = {}
    for key, value in state.items():
        for prefix in PREFIXES:
            key = key.replace(prefix, "")
        if key.rsplit(".", 1)[-1] not in RUNNING_STATS:
            kept[key] = value
    return kept


def _shape(weights: dict[str, Tensor], key: str) -> tuple[int, ...]:
    return tuple(weights[key].shape) if key in weights else ()


def _fill(network: nn.Module, weights: dict[str, Tensor], path: str | Path, remedy: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit ({reason})", where=path, remedy=remedy) from error
