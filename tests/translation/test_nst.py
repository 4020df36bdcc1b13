"""Style transfer minimises the paper's losses, image by image, and says what it ran on."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation.nst import NSTTranslator, Progress, Settings, stylize
from sim2real_lib.translation.nst_losses import (
    StyleTransferLoss,
    Weights,
    gram,
    mean_grams,
    tiles,
    total_variation,
)
from sim2real_lib.translation.nst_search import adam, lbfgs
from sim2real_lib.translation.vgg import VGGFeatures, load_features

SHALLOW = ("block1_conv2", "block2_conv2")  # enough for these tests, and fast


@pytest.fixture(autouse=True)
def _no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))


@pytest.fixture
def features() -> VGGFeatures:
    torch.manual_seed(0)
    return load_features("vgg16", None, SHALLOW)[0]


def stylized(features: VGGFeatures, content: Tensor, style: Tensor, **given: Any) -> Tensor:
    options = {"content_layers": SHALLOW[1:], "weights": Weights()} | given
    scales = options.pop("scales", 1)
    grams = [mean_grams(features, [style]) for _ in range(scales)]
    return stylize(content=content, style=grams, features=features, **options)


def loss_of(features: VGGFeatures, content: Tensor, style: Tensor, **given: Any) -> Any:
    options = {"content_layers": SHALLOW[1:]} | given
    return StyleTransferLoss(features, content, mean_grams(features, [style]), **options)


def by_loops(f: Tensor, p: Tensor, a: Tensor) -> tuple[float, float]:
    """Gatys' L_content and E_l of one layer's features of image, content and style (C, M)."""
    (n, m), other = f.shape, a.shape[1]
    content = sum(float(f[i, j] - p[i, j]) ** 2 for i in range(n) for j in range(m)) / 2
    style = 0.0
    for i in range(n):
        for j in range(n):
            g = sum(float(f[i, k] * f[j, k]) for k in range(m))
            target = sum(float(a[i, k] * a[j, k]) for k in range(other)) * m / other
            style += (g - target) ** 2 / (4 * n**2 * m**2)
    return content, style


class Channels(VGGFeatures):
    """Features that are the image itself, so that losses can be worked out by hand."""

    def __init__(self) -> None:
        super().__init__("vgg16", ["block1_conv1"])

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"block1_conv1": images}


def test_losses_are_the_papers_in_units_of_what_empty_features_cost() -> None:
    content, style, image = (torch.rand(1, 3, 4, 5) for _ in range(3))
    f, p, a = (x[0].flatten(1) for x in (image, content, style))
    for weights, part in ((Weights(1, 0, 0), 0), (Weights(0, 1, 0), 1)):
        loss = loss_of(
            Channels(), content, style[0], content_layers=["block1_conv1"], weights=weights
        )
        expected = by_loops(f, p, a)[part] / by_loops(torch.zeros_like(f), p, a)[part]
        assert float(loss(image)) == pytest.approx(expected, rel=1e-4)


def test_total_variation_by_hand() -> None:
    image = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    assert total_variation(image).tolist() == [1.0]  # across 1, down 0
    loss = loss_of(
        Channels(), image, image[0], content_layers=["block1_conv1"], weights=Weights(1, 1, 3)
    )
    assert loss(image).tolist() == [3.0]


def test_each_part_counts_as_its_weight_says(features: VGGFeatures) -> None:
    content, style, image = (
        torch.rand(1, 3, 32, 32),
        torch.rand(3, 32, 32),
        torch.rand(1, 3, 32, 32),
    )
    parts = [
        loss_of(features, content, style, weights=Weights(*one))(image)
        for one in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    whole = loss_of(features, content, style, weights=Weights(2, 3, 5))(image)
    torch.testing.assert_close(whole, 2 * parts[0] + 3 * parts[1] + 5 * parts[2])


def test_gram_matrices_equal_the_reference() -> None:
    x = torch.randn(2, 4, 5, 3)
    torch.testing.assert_close(gram(x), torch.einsum("nchw,ndhw->ncd", x, x) / 15)


def test_the_style_of_several_images_is_the_weighted_mean_of_their_grams(
    features: VGGFeatures,
) -> None:
    images = [torch.rand(3, 32, 40), torch.rand(3, 48, 32)]
    parts = [mean_grams(features, [image]) for image in images]
    for given, shares in (((), (0.5, 0.5)), ((1, 3), (0.25, 0.75)), ((2, 0), (1, 0))):
        mean = mean_grams(features, images, given)
        for name in SHALLOW:
            expected = shares[0] * parts[0][name] + shares[1] * parts[1][name]
            torch.testing.assert_close(mean[name], expected)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_losses_do_not_depend_on_how_large_features_are(scale: float) -> None:
    content, style, image = (torch.rand(1, 3, 6, 6) for _ in range(3))
    weights = Weights(1, 1, 0)
    found = [
        loss_of(
            Channels(), content * k, style[0] * k, content_layers=["block1_conv1"], weights=weights
        )(image * k)
        for k in (1, scale)
    ]
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=0)


@pytest.mark.parametrize(("size", "tile"), [((48, 64), 16), ((75, 101), 30), ((33, 47), 16)])
def test_tiles_change_neither_losses_nor_gradients(size: tuple[int, int], tile: int) -> None:
    layers = ("block1_conv2", "block2_conv2", "block3_conv1")
    features = load_features("vgg16", None, layers)[0]
    torch.manual_seed(0)
    content, image = torch.rand(2, 3, *size), torch.rand(2, 3, *size)
    style = torch.rand(3, 40, 40)
    whole = loss_of(features, content, style).gradients(image)
    cut = loss_of(features, content, style, tile=tile)
    assert len(cut.tiles) > 1
    losses, gradients = cut.gradients(image)
    torch.testing.assert_close(losses, whole[0], rtol=1e-5, atol=0)
    assert (gradients - whole[1]).abs().max() < 1e-4 * whole[1].abs().max()


def test_tiles_cover_every_pixel_once_and_lie_on_the_poolings_grid() -> None:
    features = VGGFeatures("vgg19", ["block3_conv1"])
    seen = torch.zeros(75, 101)
    for tile in tiles(75, 101, 30, features):
        seen[tile.inner] += 1
        assert all(cut.start % features.stride == 0 for cut in (*tile.inner, *tile.outer))
    assert (seen == 1).all()


def test_memory_is_bounded_by_the_tile_and_not_by_the_image(features: VGGFeatures) -> None:
    largest: dict[tuple[int, int], int] = {}
    image = torch.rand(1, 3, 32, 160)
    for width in (96, 160):
        for tile in (0, 16):
            loss = loss_of(features, image[..., :width], image[0], tile=tile)
            kept, made = [0], [0]

            def count(module: Any, given: Any, found: Tensor, made: list[int] = made) -> None:
                made.append(max(made[-1], found.numel()))

            def keep(values: Tensor, kept: list[int] = kept) -> Tensor:
                kept.append(kept[-1] + values.numel())
                return values

            hooks = [module.register_forward_hook(count) for module in features.features]
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda values: values):
                loss(image[..., :width].clone().requires_grad_())  # what waits for the gradient
            for hook in hooks:
                hook.remove()
            largest[width, tile] = made[-1]
            if tile:
                assert kept[-1] < 1e6  # Gram matrices and images, but no activations
    assert largest[160, 16] == largest[96, 16] < largest[96, 0] < largest[160, 0]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("scales", [1, 2])
def test_stylizing_lowers_the_loss(features: VGGFeatures, optimizer: str, scales: int) -> None:
    seen: list[Progress] = []
    content, style = torch.rand(1, 3, 32, 40), torch.rand(3, 32, 40) * 0.3
    options: dict[str, Any] = {"steps": 13, "scales": scales, "optimizer": optimizer}
    result = stylized(features, content, style, on_step=seen.append, **options)
    loss = loss_of(features, content, style)
    assert float(loss(result)) < 0.7 * float(loss(content))
    assert [progress.step for progress in seen] == list(range(1, 14))
    assert result.min() >= 0 and result.max() <= 1


def test_lbfgs_finds_the_minimum_of_a_quadratic_within_its_bounds() -> None:
    curvature = torch.logspace(0, 3, 48, dtype=torch.float64).view(1, 3, 4, 4)
    wanted = torch.linspace(-0.5, 1.5, 48, dtype=torch.float64).view(1, 3, 4, 4)

    def evaluate(images: Tensor) -> tuple[Tensor, Tensor]:
        apart = curvature * (images - wanted)
        return (apart * (images - wanted)).sum((1, 2, 3)) / 2, apart

    found = lbfgs(evaluate, torch.full_like(wanted, 0.5), steps=100)
    torch.testing.assert_close(found, wanted.clamp(0, 1), atol=1e-3, rtol=0)


def test_lbfgs_lowers_a_loss_step_by_step_also_where_it_curves_the_wrong_way() -> None:
    def evaluate(images: Tensor) -> tuple[Tensor, Tensor]:
        images = images.detach().requires_grad_()
        losses = (images * 9).cos().sum((1, 2, 3)) + images.sum((1, 2, 3))
        return losses.detach(), torch.autograd.grad(losses.sum(), images)[0]

    torch.manual_seed(0)
    images = torch.rand(4, 3, 5, 5)
    losses = [evaluate(lbfgs(evaluate, images, steps=steps))[0] for steps in range(1, 12)]
    for before, after in pairwise(losses):
        assert (after <= before).all()
    assert (losses[-1] < losses[0]).all()


def test_an_image_that_cannot_get_better_stays_as_it_is() -> None:
    image = torch.rand(1, 3, 32, 32)

    def flat(images: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(images)), torch.zeros_like(images)

    torch.testing.assert_close(lbfgs(flat, image, steps=5), image)
    torch.testing.assert_close(adam(flat, image, steps=5, lr=0.1), image)


def test_colours_move_towards_the_style(features: VGGFeatures) -> None:
    grey, blue = torch.rand(1, 3, 32, 32), torch.rand(3, 32, 32)
    blue *= torch.tensor([0.2, 0.3, 1.0]).view(3, 1, 1)
    result = stylized(features, grey, blue, steps=25, weights=Weights(content=0.1))
    distance = (result.mean((0, 2, 3)) - blue.mean((1, 2))).abs().mean()
    assert distance < 0.6 * (grey.mean((0, 2, 3)) - blue.mean((1, 2))).abs().mean()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_what_an_image_becomes_does_not_depend_on_its_batch(
    features: VGGFeatures, optimizer: str
) -> None:
    images = torch.rand(3, 32, 32, 3).permute(0, 3, 1, 2)  # in memory as decoders leave them
    images[0] *= 0.1  # this one's line search goes another way
    options: dict[str, Any] = {"steps": 6, "scales": 2, "optimizer": optimizer}
    style = torch.rand(3, 32, 32)
    together = stylized(features, images, style, **options)
    alone = stylized(features, images[1:2], style, **options)
    assert (together[1:2] - alone).abs().max() < 0.02


def test_the_translator_keeps_sizes_and_tells_its_weights(
    pictures: Callable[..., list[Path]],
) -> None:
    styles = pictures("style", 2, size=(50, 40), tint=(60, 60, 200))
    settings = Settings(content_layers=("block1_conv2",), style_layers=SHALLOW, steps=2)
    translator = NSTTranslator(styles, settings=settings, accelerator="cpu")
    images = torch.rand(2, 3, 37, 61)
    translated = translator.translate(images)
    assert translated.shape == images.shape
    assert translated.min() >= 0 and translated.max() <= 1
    assert "RANDOM" in translator.notice
    assert translator.identity == NSTTranslator(styles, settings=settings).identity
    assert translator.identity != NSTTranslator(styles[:1], settings=settings).identity


def test_a_missing_or_unreadable_style_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"text\.png"):
        NSTTranslator([tmp_path / "text.png"])
    with pytest.raises(InputError, match="style"):
        NSTTranslator([])


@pytest.mark.parametrize("given", [(1.0,), (1.0, -1.0), (0.0, 0.0)])
def test_style_weights_that_make_no_sense_are_refused(
    pictures: Callable[..., list[Path]], given: tuple[float, ...]
) -> None:
    with pytest.raises(InputError, match="2 style images"):
        NSTTranslator(pictures("style", 2), settings=Settings(style_weights=given))


def small_settings(**given: Any) -> Settings:
    options = {"content_layers": SHALLOW[1:], "style_layers": SHALLOW, "steps": 4, "scale": 1.0}
    return Settings(**(options | given))


def test_a_style_without_weight_has_no_say(pictures: Callable[..., list[Path]]) -> None:
    one, other = pictures("red", 1, tint=(200, 60, 60)) + pictures("blue", 1, tint=(60, 60, 200))
    image = torch.rand(1, 3, 40, 48)
    alone = NSTTranslator([one], settings=small_settings()).translate(image)
    settings = small_settings(style_weights=(2.0, 0.0))
    torch.testing.assert_close(
        NSTTranslator([one, other], settings=settings).translate(image), alone, atol=0.01, rtol=0
    )
    settings = small_settings(style_weights=(1.0, 9.0))
    mixed = NSTTranslator([one, other], settings=settings).translate(image)
    assert mixed[0, 2].mean() > alone[0, 2].mean() + 0.1


@pytest.mark.parametrize("colour_start", [True, False])
def test_colours_are_kept_on_request(
    pictures: Callable[..., list[Path]], colour_start: bool
) -> None:
    settings = small_settings(keep_colour=True, colour_start=colour_start, steps=8, lr=0.01)
    translator = NSTTranslator(pictures("dark", 1, tint=(60, 60, 200)), settings=settings)
    image = 0.4 + 0.2 * torch.rand(1, 3, 40, 48)
    result = translator.translate(image)
    change = result - image
    inside = (result > 0).all(1) & (result < 1).all(1)
    assert inside.float().mean() > 0.9
    assert change.abs().mean() > 0.005
    assert (change.amax(1) - change.amin(1))[inside].max() < 1e-5  # all channels alike


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_every_recipe_translates(pictures: Callable[..., list[Path]], network: Any) -> None:
    """The original's, with and without what was added to it."""
    style = pictures("style", 1)
    recipe: dict[str, Any] = {"network": network, "optimizer": "lbfgs", "colour_start": False,
                              "scale": 0.6667, "detail": 0.0, "steps": 2}  # fmt: skip
    image = torch.rand(1, 3, 48, 60)
    for added in ({}, {"tile": 16, "scales": 2}):
        translator = NSTTranslator(style, settings=Settings(**recipe, **added), accelerator="cpu")
        assert translator.translate(image).shape == image.shape
        assert translator.losses["step"].tolist() == [1, 2]
        assert network.upper() in translator.notice
