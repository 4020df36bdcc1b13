"""VGG down to a depth, and a decoder that mirrors it: what AdaIN and WCT2 have in common.

They differ in how they pool. A pooling gives (pooled, what it lost), its unpooling takes both.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation.checkpoints import read_weights
from sim2real_lib.translation.vgg import VGGFeatures, load_features

DEPTHS = {f"block{depth}_conv1": depth for depth in (1, 2, 3, 4, 5)}
REMEDY = "Give the `latest_net_decoder.pth` of a training of this method"
CLOSE = 1e-2  # relative: the same weights on another machine; other weights differ by far more

Pool = Callable[[Tensor], tuple[Tensor, Any]]
Unpool = Callable[[Tensor, Any], Tensor]
Transfer = Callable[[Tensor, int], Tensor]  # activations (N, C, h, w) of a block, from 1


def max_pool(x: Tensor) -> tuple[Tensor, None]:
    """VGG's own pooling, 2x2; what it lost is forgotten."""
    return F.max_pool2d(x, 2), None


def upsample(x: Tensor, lost: None) -> Tensor:
    """Each value to 2x2 equal ones."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def unchanged(x: Tensor, block: int) -> Tensor:
    """The transfer that transfers nothing."""
    return x


class Encoder(nn.Module):
    """Frozen VGG, cut into its blocks.

    Args:
        features: up to the first convolution of some block.
        pool: between two blocks, instead of VGG's max pooling.
    """

    blocks: Sequence[nn.Sequential]
    mean: Tensor
    std: Tensor

    def __init__(self, features: VGGFeatures, pool: Pool = max_pool) -> None:
        super().__init__()
        blocks: list[list[nn.Module]] = [[]]
        for module in features.features:
            if isinstance(module, nn.MaxPool2d):
                blocks.append([])
            else:
                blocks[-1].append(module)
        self.blocks = nn.ModuleList(nn.Sequential(*block) for block in blocks)  # type: ignore[assignment]
        self.pool = pool
        self.register_buffer("mean", features.mean.clone())
        self.register_buffer("std", features.std.clone())
        self.requires_grad_(False).eval()

    @property
    def depth(self) -> int:
        """The number of blocks; the images' sides must be multiples of `stride`."""
        return len(self.blocks)

    @property
    def stride(self) -> int:
        """Pixels of the image for one of the deepest activations."""
        return 2 ** (self.depth - 1)

    def forward(
        self, images: Tensor, transfer: Transfer = unchanged
    ) -> tuple[list[Tensor], list[Any]]:
        """Activations of each block's first convolution, and what each pooling lost.

        Args:
            images: (N, 3, H, W) in [0, 1].
            transfer: changes those activations, and so all deeper ones.
        """
        found, lost = [], []
        x = (images - self.mean) / self.std
        for number, block in enumerate(self.blocks, 1):
            if number > 1:
                x, rest = self.pool(x)
                lost.append(rest)
            x = transfer(block[:2](x), number)
            found.append(x)
            x = block[2:](x)
        return found, lost

    @torch.no_grad()
    def fingerprint(self) -> Tensor:
        """(C,): the mean activations of a fixed picture, which tell one encoder from another."""
        ramp = torch.linspace(0, 1, 32, device=self.mean.device)
        picture = torch.stack((ramp.expand(32, 32), ramp.expand(32, 32).T, 1 - ramp.expand(32, 32)))
        return self(picture[None])[0][-1].mean((0, 2, 3))


class Decoder(nn.Module):
    """The encoder's layers backwards: activations (N, C, h, w) to images, about [0, 1].

    It begins with the encoder's own filters, transposed. They repeat an image's edges untrained
    (Zeiler and Fergus 2014; with random filters Arora et al. 2015), so that minutes of training
    suffice.

    Args:
        encoder: what it undoes.
        unpool: between two blocks; undoes the encoder's pooling.
    """

    blocks: Sequence[nn.Sequential]
    encoder: Tensor

    def __init__(self, encoder: Encoder, unpool: Unpool) -> None:
        super().__init__()
        blocks = (_mirrored(block) for block in reversed(encoder.blocks))
        self.blocks = nn.ModuleList(blocks)  # type: ignore[assignment]
        self.unpool = unpool
        with torch.no_grad():  # back from VGG's normalised images
            image = cast(Any, self.blocks[-1][-1])[0]
            image.weight.mul_(encoder.std.view(3, 1, 1, 1))
            image.bias.copy_(encoder.mean.flatten())
        # So that the file tells whose it is. No buffer: DDP would synchronise it at every call.
        self.encoder = nn.Parameter(encoder.fingerprint(), requires_grad=False)

    def forward(self, x: Tensor, lost: Sequence[Any], transfer: Transfer = unchanged) -> Tensor:
        """Images, `Encoder.stride` times as high and wide as the deepest activations `x`.

        Args:
            lost: what each of the encoder's poolings lost.
            transfer: changes the activations that mirror those of each block's first convolution,
                save the deepest: they are `x` itself.
        """
        depth = len(self.blocks)
        for number, block in zip(range(depth, 0, -1), self.blocks, strict=True):
            if number < depth:
                x = self.unpool(x, lost[number - 1])
                x = transfer(block[:-1](x), number)
            x = block[-1](x)
        return x


def _mirrored(block: nn.Sequential) -> nn.Sequential:
    """A block backwards, with reflection padding; what makes images has no ReLU."""
    layers = []
    for convolution in reversed([m for m in block if isinstance(m, nn.Conv2d)]):
        inputs, outputs = convolution.out_channels, convolution.in_channels
        mirrored = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
        gain = 2 * outputs / convolution.weight.square().sum()  # 2: for what the ReLU has taken
        with torch.no_grad():
            mirrored.weight.copy_(convolution.weight.transpose(0, 1).flip(2, 3) * gain)
            nn.init.zeros_(cast(Tensor, mirrored.bias))
        last = nn.Identity() if outputs == 3 else nn.ReLU(inplace=True)
        layers.append(nn.Sequential(mirrored, last))
    return nn.Sequential(*layers)


def load_encoder(
    network: str, weights: str | Path | None, layer: str, *, pool: Pool, seed: int
) -> tuple[Encoder, str]:
    """VGG down to a layer of `DEPTHS`, and where its weights come from; see `load_features`."""
    features, notice = load_features(network, weights, [layer], seed=seed)  # type: ignore[arg-type]
    return Encoder(features, pool), notice


def load_pair(
    path: str | Path,
    network: str,
    vgg_weights: str | Path | None,
    *,
    pool: Pool,
    unpool: Unpool,
    seed: int,
) -> tuple[Encoder, Decoder, str]:
    """A trained decoder, its encoder (down to where the decoder begins), and the latter's notice.

    Raises:
        InputError: when a file cannot be used, or the decoder was trained on another encoder.
    """
    weights = read_weights(path, REMEDY)
    blocks = {match[1] for key in weights if (match := re.match(r"blocks\.(\d)\.", key))}
    layer = f"block{len(blocks)}_conv1"
    if layer not in DEPTHS or "encoder" not in weights:
        raise InputError("not a decoder's weights", where=path, remedy=REMEDY)
    encoder, notice = load_encoder(network, vgg_weights, layer, pool=pool, seed=seed)
    decoder = Decoder(encoder, unpool).eval().requires_grad_(False)
    expected = decoder.encoder.clone()
    try:
        decoder.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"weights do not fit ({reason})", where=path, remedy=REMEDY) from error
    if (decoder.encoder - expected).abs().max() > CLOSE * expected.abs().max():
        what = f"this decoder was trained on another encoder than this ({notice})"
        remedy = "Give the method, network, vgg_weights and seed that it was trained with"
        raise InputError(what, where=path, remedy=remedy)
    return encoder, decoder, notice
