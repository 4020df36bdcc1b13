"""The networks of CycleGAN, key for key those of junyanz/pytorch-CycleGAN-and-pix2pix.

A checkpoint of the published code loads here and ours load there, see `checkpoints`. The ResNet
generator is Johnson et al. 2016 as adapted by Zhu et al. 2017 (appendix 7.2); the U-Net generator
and the PatchGAN discriminators are those of Isola et al. 2017.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

UNET_DOWNS = 5  # the fewest halvings that the published U-Net can be built with


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
    """Image to image: (N, 3, H, W) in [-1, 1] to the same; H and W are multiples of `stride`.

    Args:
        n_blocks: residual blocks; published: 9 (`resnet_9blocks`) or 6.
        ngf: channels of the first and last hidden layer; published: 64.
    """

    stride = 4

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


class UnetBlock(nn.Module):
    """One level of the U-Net: down, whatever lies below, up again, beside its own input.

    Args:
        outer: channels that it returns (its input's are joined to them, save at the top).
        inner: channels below it.
        below: the next level; None: this is the lowest.
        top: whether it reads and makes images of three channels.
    """

    def __init__(self, outer: int, inner: int, below: nn.Module | None, top: bool = False) -> None:
        super().__init__()
        self.top = top
        down: list[nn.Module] = [nn.Conv2d(outer, inner, 4, 2, 1)]
        doubled = inner if below is None else 2 * inner
        up: list[nn.Module] = [nn.ReLU(inplace=True), nn.ConvTranspose2d(doubled, outer, 4, 2, 1)]
        if top:
            up += [nn.Tanh()]
        else:
            down = [nn.LeakyReLU(0.2), *down]
            up += [InstanceNorm()]
        if below is not None:
            down += [below] if top else [InstanceNorm(), below]
        self.model = nn.Sequential(*down, *up)

    def forward(self, x: Tensor) -> Tensor:
        if self.top:
            return self.model(x)
        # The published LeakyReLU works in place, so what it joins is its result.
        x = self.model[0](x)
        return torch.cat((x, self.model[1:](x)), 1)


class UnetGenerator(nn.Module):
    """Image to image: (N, 3, H, W) in [-1, 1] to the same; H and W are multiples of `stride`.

    Args:
        n_downs: halvings; published: 8 (`unet_256`) or 7 (`unet_128`).
        ngf: channels of the first and last hidden layer; published: 64.
    """

    def __init__(self, n_downs: int = 8, ngf: int = 64) -> None:
        super().__init__()
        self.stride = 2**n_downs
        block = UnetBlock(8 * ngf, 8 * ngf, None)
        for _ in range(n_downs - UNET_DOWNS):
            block = UnetBlock(8 * ngf, 8 * ngf, block)
        for channels in (4 * ngf, 2 * ngf, ngf):
            block = UnetBlock(channels, 2 * channels, block)
        self.model = UnetBlock(3, ngf, block, top=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PatchDiscriminator(nn.Module):
    """(N, 3, H, W) in [-1, 1] to a map (N, 1, h, w): how real each patch looks.

    Args:
        ndf: channels of the first layer; published: 64.
        n_layers: layers with growing channels; the published 3 see patches of 70x70 pixels.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        channels = ndf
        for layer in range(1, n_layers + 1):
            wider = ndf * min(2**layer, 8)
            layers += [nn.Conv2d(channels, wider, 4, 2 if layer < n_layers else 1, 1)]
            layers += [InstanceNorm(), nn.LeakyReLU(0.2, inplace=True)]
            channels = wider
        layers += [nn.Conv2d(channels, 1, 4, 1, 1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class PixelDiscriminator(nn.Module):
    """(N, 3, H, W) in [-1, 1] to a map (N, 1, H, W): how real each single pixel looks."""

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, ndf, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, 2 * ndf, 1),
            InstanceNorm(),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * ndf, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


Generator = ResnetGenerator | UnetGenerator
Discriminator = PatchDiscriminator | PixelDiscriminator


def at_any_size(network: nn.Module, images: Tensor, stride: int = ResnetGenerator.stride) -> Tensor:
    """Run a generator on (N, 3, H, W) of any H and W; the result has exactly that size.

    The images are continued by reflection to the right and below up to the next multiple of the
    generator's `stride`, so that no pixel is resampled and every box stays where it is.
    """
    height, width = images.shape[2:]
    wanted = (-(-height // stride) * stride, -(-width // stride) * stride)
    padded = images
    while padded.shape[2:] != wanted:  # one reflection adds less than the image's own side
        sides = zip(wanted, padded.shape[2:], strict=True)
        below, right = (min(want - side, side - 1) for want, side in sides)
        padded = F.pad(padded, (0, right, 0, below), mode="reflect")
    return network(padded)[:, :, :height, :width]


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Published initialisation, in place: weights from N(0, 0.02), biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
