"""The networks of CycleGAN, key for key those of junyanz/pytorch-CycleGAN-and-pix2pix.

A checkpoint of the published code loads here and ours load there. The generator is Johnson et al.
2016 as adapted by Zhu et al. 2017 (appendix 7.2); the discriminator is the 70x70 PatchGAN of
Isola et al. 2017.
"""

import pickle
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sim2real_lib.errors import InputError

STRIDE = 4  # both sides of a generator's input must be multiples of it
PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
RUNNING_STATS = ("running_mean", "running_var", "num_batches_tracked")


class InstanceNorm(nn.Module):
    """Instance normalisation without affine parameters or running statistics.

    Equal to `nn.InstanceNorm2d(channels)`, whose CPU kernel takes up to twice as long.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Each channel of each image of (N, C, H, W) to mean 0 and variance 1."""
        return F.layer_norm(x, x.shape[2:])


class ResnetBlock(nn.Module):
    """Two 3x3 convolutions beside an identity path; (N, channels, H, W) in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """Image to image: (N, 3, H, W) in [-1, 1] to the same; H and W are multiples of `STRIDE`.

    Args:
        n_blocks: residual blocks; published: 9 (`resnet_9blocks`) or 6.
        ngf: channels of the first and last hidden layer; published: 64.
    """

    def __init__(self, n_blocks: int = 9, ngf: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7)]
        layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        for channels in (ngf, 2 * ngf):
            layers += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)]
            layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        layers += [ResnetBlock(4 * ngf) for _ in range(n_blocks)]
        for channels in (4 * ngf, 2 * ngf):
            layers += [nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, output_padding=1)]
            layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PatchDiscriminator(nn.Module):
    """(N, 3, H, W) in [-1, 1] to a map (N, 1, h, w): how real each 70x70 patch looks.

    Args:
        ndf: channels of the first layer; published: 64.
    """

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for channels, stride in ((ndf, 2), (2 * ndf, 2), (4 * ndf, 1)):
            layers += [nn.Conv2d(channels, 2 * channels, 4, stride, 1)]
            layers += [InstanceNorm(), nn.LeakyReLU(0.2, inplace=True)]
        layers += [nn.Conv2d(8 * ndf, 1, 4, 1, 1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def at_any_size(network: nn.Module, images: Tensor) -> Tensor:
    """Run a generator on (N, 3, H, W) of any H and W; the result has exactly that size.

    The images are continued by reflection to the right and below, so that no pixel is resampled
    and every box stays where it is.
    """
    height, width = images.shape[2:]
    padded = F.pad(images, (0, -width % STRIDE, 0, -height % STRIDE), mode="reflect")
    return network(padded)[:, :, :height, :width]


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Published initialisation, in place: weights from N(0, 0.02), biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def load_generator(path: str | Path) -> ResnetGenerator:
    """A generator from a checkpoint of ours or of the published code, on the CPU.

    The number of blocks and channels is read from the keys. Prefixes of DataParallel and
    torch.compile are stripped; running statistics of files older than torch 0.4 are dropped, as
    instance normalisation never used them.

    Raises:
        InputError: when the file is missing, damaged, or not a ResNet generator.
    """
    remedy = "Give the `latest_net_G_A.pth` of a ResNet generator (resnet_6blocks, resnet_9blocks)"
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError("there are no weights here", where=path, remedy=remedy) from error
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"damaged weights ({reason})", where=path, remedy=remedy) from error
    weights = _plain_keys(stored) if isinstance(stored, dict) else {}
    first = weights.get("model.1.weight")
    if not isinstance(first, Tensor) or first.shape[1:] != (3, 7, 7):
        raise InputError("not a ResNet generator's weights", where=path, remedy=remedy)
    blocks = {match[1] for key in weights if (match := re.match(r"model\.(\d+)\.conv_block", key))}
    network = ResnetGenerator(n_blocks=len(blocks), ngf=first.shape[0])
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit ({reason})", where=path, remedy=remedy) from error
    return network


def _plain_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without wrapper prefixes and without running statistics."""
    plain = {}
    for key, value in state.items():
        for prefix in PREFIXES:
            key = key.replace(prefix, "")
        if key.rsplit(".", 1)[-1] not in RUNNING_STATS:
            plain[key] = value
    return plain
