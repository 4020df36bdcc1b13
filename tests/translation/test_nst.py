"""Style transfer lowers its own loss, moves colours the right way, and says what it ran on."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models.vgg import cfgs, make_layers

from sim2real_lib.errors import InputError
from sim2real_lib.translation import vgg
from sim2real_lib.translation.nst import (
    ContentLoss,
    NSTTranslator,
    Progress,
    Settings,
    StyleLoss,
    TotalVariationLoss,
    gram,
    mean_grams,
    stylize,
)
from sim2real_lib.translation.vgg import VGG16Features, vgg16_features

SHALLOW = ("block1_conv2", "block2_conv2")  # enough for these tests, and fast


@pytest.fixture(autouse=True)
def _no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))


@pytest.fixture
def features() -> VGG16Features:
    return vgg16_features(None, SHALLOW)[0]


def style_of(features: VGG16Features, image: Tensor) -> dict[str, Tensor]:
    return mean_grams(features, [image])


def test_gram_matrices_equal_the_reference() -> None:
    x = torch.randn(2, 4, 5, 3)
    expected = torch.einsum("nchw,ndhw->ncd", x, x) / 15
    torch.testing.assert_close(gram(x), expected)


def test_the_style_of_several_images_is_the_mean_of_their_grams(features: VGG16Features) -> None:
    first, second = torch.rand(3, 32, 40), torch.rand(3, 48, 32)
    mean = mean_grams(features, [first, second])
    for name in SHALLOW:
        parts = [style_of(features, image)[name] for image in (first, second)]
        torch.testing.assert_close(mean[name], (parts[0] + parts[1]) / 2)


def test_losses_by_hand() -> None:
    target = torch.tensor([[[[2.0, 0.0]]]])
    assert ContentLoss(target)(torch.tensor([[[[3.0, 1.0]]]])).tolist() == [0.5]  # 1 over 2
    style = StyleLoss(torch.tensor([[2.0]]))
    assert style(torch.tensor([[[[2.0, 0.0]]]])).tolist() == [0.0]  # its Gram is (4 + 0) / 2
    assert style(torch.tensor([[[[2.0, 2.0]]]])).tolist() == [1.0]  # (4 - 2)^2 over 2^2
    image = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    assert TotalVariationLoss()(image).tolist() == [1.0]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_losses_do_not_depend_on_how_large_features_are(scale: float) -> None:
    content, style, other = torch.rand(1, 4, 6, 6), torch.rand(1, 4, 6, 6), torch.rand(1, 4, 6, 6)
    for k in (1.0, scale):
        found = (ContentLoss(content * k)(other * k), StyleLoss(gram(style * k)[0])(other * k))
        if k == 1.0:
            expected = found
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_stylizing_lowers_the_loss(features: VGG16Features, optimizer: str) -> None:
    seen: list[Progress] = []
    torch.manual_seed(0)
    result = stylize(
        content=torch.rand(1, 3, 32, 40),
        style=style_of(features, torch.rand(3, 32, 40) * 0.3),
        features=features,
        optimizer=optimizer,
        steps=12,
        on_step=seen.append,
    )
    assert seen[-1].loss < 0.7 * seen[0].loss
    assert len(seen) <= 14 and result.min() >= 0 and result.max() <= 1


def test_colours_move_towards_the_style(features: VGG16Features) -> None:
    torch.manual_seed(0)
    grey, blue = torch.rand(1, 3, 32, 32), torch.rand(3, 32, 32)
    blue *= torch.tensor([0.2, 0.3, 1.0]).view(3, 1, 1)
    result = stylize(
        content=grey,
        style=style_of(features, blue),
        features=features,
        steps=25,
        content_weight=0.1,
    )
    distance = (result.mean((0, 2, 3)) - blue.mean((1, 2))).abs().mean()
    assert distance < 0.6 * (grey.mean((0, 2, 3)) - blue.mean((1, 2))).abs().mean()


def test_what_an_image_becomes_does_not_depend_on_its_batch(features: VGG16Features) -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 32, 32, 3).permute(0, 3, 1, 2)  # in memory as decoders leave them
    style = style_of(features, torch.rand(3, 32, 32))
    for optimizer in ("adam", "lbfgs"):
        together = stylize(
            content=images, style=style, features=features, steps=3, optimizer=optimizer
        )
        alone = stylize(
            content=images[1:2], style=style, features=features, steps=3, optimizer=optimizer
        )
        assert (together[1:2] - alone).abs().max() < 0.02


def test_a_given_weights_file_is_used_and_named(tmp_path: Path) -> None:
    network = VGG16Features(SHALLOW)
    path = tmp_path / "mine.pth"
    state = {f"features.{key}": value for key, value in network.features.state_dict().items()}
    torch.save({**state, "classifier.0.weight": torch.zeros(1)}, path)
    loaded, notice = vgg16_features(path, SHALLOW)
    assert "mine.pth" in notice and "RANDOM" not in notice
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(loaded(image)["block2_conv2"], network(image)["block2_conv2"])


def test_torchvisions_cache_is_used_when_it_holds_vgg16(tmp_path: Path) -> None:
    cache = tmp_path / "torch_home" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(VGG16Features(SHALLOW).features.state_dict(), cache / vgg.TORCHVISION_FILE)
    assert vgg.TORCHVISION_FILE in vgg16_features(None, SHALLOW)[1]
    assert "RANDOM" not in vgg16_features(None, SHALLOW)[1]


def test_random_weights_are_seeded_and_announced() -> None:
    first, notice = vgg16_features(None, SHALLOW, seed=3)
    again, _ = vgg16_features(None, SHALLOW, seed=3)
    other, _ = vgg16_features(None, SHALLOW, seed=4)
    assert "RANDOM weights (seed 3)" in notice
    assert torch.equal(first.features[0].weight, again.features[0].weight)
    assert not torch.equal(first.features[0].weight, other.features[0].weight)


def test_random_features_keep_their_size_through_the_depth() -> None:
    layers = ("block1_conv2", "block5_conv3")
    found = vgg16_features(None, layers)[0](torch.rand(1, 3, 64, 64))
    assert 0.1 < found["block5_conv3"].square().mean() / found["block1_conv2"].square().mean() < 10


def test_the_layers_are_vgg16s_own() -> None:
    reference = make_layers(cfgs["D"]).eval()
    ours = VGG16Features(vgg.LAYERS)
    weights = {k: v for k, v in reference.state_dict().items() if k in ours.features.state_dict()}
    ours.features.load_state_dict(weights)
    image = torch.rand(1, 3, 32, 32)
    found = ours(image)
    normalized = (image - ours.mean) / ours.std
    for name, index in vgg.LAYERS.items():
        torch.testing.assert_close(found[name], reference[: index + 1](normalized))


def test_what_is_no_vgg16_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("text.pth", "other.pth", "absent.pth"):
        with pytest.raises(InputError, match=name):
            vgg16_features(tmp_path / name, SHALLOW)
    with pytest.raises(InputError, match="block9_conv1"):
        vgg16_features(None, ["block9_conv1"])


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
