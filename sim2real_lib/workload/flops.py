"""How much the networks compute: floating-point operations (a multiply-add is two), parameters.

Counted from the convolutions' shapes, so that nothing has to be built; tests hold the numbers
against what torch counts in the networks themselves. Pixels are those of the network's input.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from sim2real_lib.params import CycleGANTraining

# Model -> GFLOPs of one 640x640 image, and parameters, both for a few classes.
DETECTORS = {
    "yolov5n": (7.06, 2_509_049),
    "yolov5s": (23.8, 9_123_353),
    "yolov5m": (64.0, 25_066_873),
    "yolov5l": (134.7, 53_165_657),
    "yolov5x": (246.0, 97_202_297),
    "yolov5n6": (7.17, 4_134_396),
    "yolov5s6": (24.2, 15_269_596),
    "yolov5m6": (65.1, 41_162_620),
    "yolov5l6": (137.0, 86_020_764),
    "yolov5x6": (250.3, 155_445_564),
}
TRAINED = 3  # a step forward and back costs so many times the way forward
NO_WEIGHTS = 2  # and so many where only the image is changed, as in style transfer
DECODERS = {"adain": 1.0, "wct2": 2.5}  # how much one computes, its encoder being 1
VGG = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 1)}  # convolutions of each block, as used


class Convolution(NamedTuple):
    """A layer: channels in and out, side of its kernel, and at which share of the input's pixels
    it works. A transposed one works at its own input's."""

    inputs: int
    outputs: int
    side: int
    share: float


Network = Sequence[Convolution]


def flops(network: Network, pixels: float) -> float:
    """One image of so many pixels, forward."""
    return sum(2 * c.side**2 * c.inputs * c.outputs * c.share for c in network) * pixels


def parameters(network: Network) -> int:
    """Weights and biases."""
    return sum((c.side**2 * c.inputs + 1) * c.outputs for c in network)


def detector(model: str, pixels: float) -> float:
    """A YOLOv5 on one image, forward."""
    return DETECTORS[model][0] * 1e9 * pixels / 640**2


def resnet(n_blocks: int, ngf: int) -> Network:
    """CycleGAN's and CUT's generator."""
    down = [Convolution(3, ngf, 7, 1), Convolution(ngf, 2 * ngf, 3, 1 / 4)]
    down += [Convolution(2 * ngf, 4 * ngf, 3, 1 / 16)]
    blocks = [Convolution(4 * ngf, 4 * ngf, 3, 1 / 16)] * (2 * n_blocks)
    up = [Convolution(4 * ngf, 2 * ngf, 3, 1 / 16), Convolution(2 * ngf, ngf, 3, 1 / 4)]
    return [*down, *blocks, *up, Convolution(ngf, 3, 7, 1)]


def unet(n_downs: int, ngf: int) -> Network:
    """CycleGAN's other generator."""
    widths = [3, *(ngf * min(2**level, 8) for level in range(n_downs))]
    layers = []
    for level, (outer, inner) in enumerate(pairwise(widths)):
        share = 1 / 4 ** (level + 1)
        joined = inner if level == n_downs - 1 else 2 * inner
        layers += [Convolution(outer, inner, 4, share), Convolution(joined, outer, 4, share)]
    return layers


def judge(p: CycleGANTraining) -> Network:
    """The discriminator that the parameters ask for; CUT's has the published three layers."""
    if p.discriminator == "pixel":
        widths = [3, p.ndf, 2 * p.ndf, 1]
        return [Convolution(inputs, outputs, 1, 1) for inputs, outputs in pairwise(widths)]
    count = p.d_layers if p.translator == "cyclegan" else 3
    widths = [3, p.ndf, *(p.ndf * min(2**layer, 8) for layer in range(1, count + 1)), 1]
    shares = [1 / 4 ** min(layer + 1, count) for layer in range(count + 2)]
    return [
        Convolution(*pair, 4, share) for pair, share in zip(pairwise(widths), shares, strict=True)
    ]


def generator(p: CycleGANTraining) -> Network:
    """The generator that the parameters ask for."""
    return unet(p.n_downs, p.ngf) if p.generator == "unet" else resnet(p.n_blocks, p.ngf)


def gan_step(p: CycleGANTraining) -> float:
    """One training step: generators, then discriminators."""
    pixels = p.crop[0] * p.crop[1]
    made, judged = flops(generator(p), pixels), flops(judge(p), pixels)
    if p.translator == "cyclegan":
        translations = 6 if p.lambda_identity else 4
        return p.batch * (TRAINED * translations * made + (4 + 4 * TRAINED) * judged)
    # The encoder is the way to the fifth block, or to the first of fewer. CUT makes images of the
    # target's, too; FastCUT encodes every other source once more.
    blocks = 5 if p.n_blocks >= 5 else 1
    encoded = flops(resnet(p.n_blocks, p.ngf)[: 3 + 2 * blocks], pixels)
    images, again = (2, 0.0) if p.translator == "cut" else (1, encoded / 2)
    return p.batch * (TRAINED * images * (made + encoded) + again + (2 + 2 * TRAINED) * judged)


def gan_parameters(p: CycleGANTraining) -> int:
    """Of all the networks that a training holds."""
    count = 2 if p.translator == "cyclegan" else 1
    return count * (parameters(generator(p)) + parameters(judge(p)))


def vgg(network: str, layer: str = "") -> Network:
    """The features of VGG, as far as a layer such as "block4_conv1"; "": as far as style needs."""
    layers, width = [], 3
    for number, count in enumerate(VGG[network]):
        for convolution in range(1, count + 1):
            wider = min(64 * 2**number, 512)
            layers.append(Convolution(width, wider, 3, 1 / 4**number))
            width = wider
            if layer == f"block{number + 1}_conv{convolution}":
                return layers
    return layers


def nst_frame(network: str, pixels: float, steps: int, scales: int) -> float:
    """One frame's style transfer: each step a look forward and back, shared out among the sizes."""
    mean = sum(0.25**scale for scale in range(scales)) / scales
    return NO_WEIGHTS * steps * flops(vgg(network), pixels * mean)


def decoder_step(translator: str, network: str, layer: str, pixels: float) -> float:
    """One step of AdaIN's or WCT2's training: content and style are encoded, the decoder learns,
    and what it makes is encoded again."""
    decoded = TRAINED * DECODERS[translator]
    return (2 + decoded + NO_WEIGHTS) * flops(vgg(network, layer), pixels)


def decoder_frame(translator: str, network: str, layer: str, pixels: float) -> float:
    """One frame's translation by AdaIN or WCT2."""
    return (1 + DECODERS[translator]) * flops(vgg(network, layer), pixels)
