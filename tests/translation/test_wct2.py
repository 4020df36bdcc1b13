"""WCT2's wavelets and transfer against NumPy, its training, and its translator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning_fabric import Fabric

from sim2real_lib.errors import InputError
from sim2real_lib.images import size
from sim2real_lib.progress import Progress
from sim2real_lib.translation import adain, training
from sim2real_lib.translation.training import Result
from sim2real_lib.translation.wct2 import (
    WCT2,
    Settings,
    WCT2Translator,
    haar_pool,
    haar_unpool,
    moments,
    power,
    wct,
)

TINY = Settings(crop=(32, 32), constant=3, decay=3)
Run = Callable[..., Result]
sides = st.integers(1, 6)


class KilledError(Exception):
    """Stands for whatever ends a training early."""


@pytest.fixture(autouse=True)
def _no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))


@pytest.fixture
def run(pictures: Callable[..., list[Path]], tmp_path: Path) -> Run:
    source, target = pictures("source", 3), pictures("target", 4, tint=(90, 90, 160))

    def go(folder: str = "run", settings: Settings = TINY, **options: object) -> Result:
        options = {"checkpoint_every": 2, "progress": False, "accelerator": "cpu", **options}
        return training.train(source, target, tmp_path / folder, settings=settings, **options)

    return go


@pytest.fixture
def decoder(tmp_path: Path) -> Path:
    """An untrained decoder's file."""
    path = tmp_path / "latest_net_decoder.pth"
    torch.save(model().networks["decoder"].state_dict(), path)
    return path


@pytest.fixture
def styles(pictures: Callable[..., list[Path]]) -> list[Path]:
    return pictures("style", 2, size=(50, 40), tint=(60, 60, 200))


def model(**settings: object) -> WCT2:
    chosen = Settings(**{**vars(TINY), **settings})
    return WCT2(Fabric(accelerator="cpu", devices=1), chosen, "32-true")


@given(height=sides, width=sides, channels=st.integers(1, 3), images=st.integers(1, 2))
def test_unpooling_undoes_pooling_exactly(
    height: int, width: int, channels: int, images: int
) -> None:
    x = torch.randint(-99, 99, (images, channels, 2 * height, 2 * width)).float()
    assert torch.equal(haar_unpool(*haar_pool(x)), x)  # halves of integers: no rounding


@given(height=sides, width=sides)
def test_the_pooling_is_orthonormal(height: int, width: int) -> None:
    x, y = torch.rand(2, 1, 2, 2 * height, 2 * width, dtype=torch.float64)
    (low_x, high_x), (low_y, high_y) = haar_pool(x), haar_pool(y)
    product = (low_x * low_y).sum() + (high_x * high_y).sum()
    torch.testing.assert_close(product, (x * y).sum())


def test_the_bands_are_the_papers_haar_filters() -> None:
    x = torch.rand(1, 1, 6, 4)
    low, high = haar_pool(x)
    mean, edge = np.array([1, 1]) / np.sqrt(2), np.array([-1, 1]) / np.sqrt(2)
    filters = [np.outer(down, across) for down in (mean, edge) for across in (mean, edge)]
    for band, kernel in zip((low[:, 0], *high[:, 0].unbind(1)), filters, strict=True):
        for row in range(3):
            for column in range(2):
                patch = x[0, 0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].numpy()
                assert band[0, row, column].item() == pytest.approx(
                    (patch * kernel).sum(), abs=1e-6
                )


def test_moments_equal_numpys() -> None:
    x = torch.randn(4, 50)
    mean, covariance = moments(x)
    np.testing.assert_allclose(mean[:, 0], x.numpy().mean(1), atol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(x.numpy(), bias=True), rtol=1e-4, atol=1e-5)


def test_a_symmetric_power_equals_its_definition() -> None:
    _, covariance = moments(torch.randn(5, 40))
    root = power(covariance, 0.5)
    torch.testing.assert_close(root @ root, covariance.double())
    torch.testing.assert_close(root @ power(covariance, -0.5), torch.eye(5, dtype=torch.float64))


@given(channels=st.integers(1, 8), seed=st.integers(0, 99))
def test_transferred_activations_have_the_styles_mean_and_covariance(
    channels: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    content, style = torch.randn(2, channels, 200, generator=generator)
    style = torch.randn(channels, channels, generator=generator) @ style + 3
    mean, covariance = moments(style)
    found = moments(wct(content, mean, power(covariance, 0.5)))
    torch.testing.assert_close(found[0], mean, rtol=1e-3, atol=1e-3)
    scale = covariance.abs().max().item()
    torch.testing.assert_close(found[1], covariance, rtol=1e-3, atol=1e-3 * scale)


def test_near_singular_covariances_blow_up_no_noise() -> None:
    content = torch.randn(6, 100)
    content[3] = content[0] + 1e-6 * content[3]  # one direction is all but empty
    content[4:] = 0.25  # two are empty
    style = torch.randn(6, 100)
    mean, covariance = moments(style)
    found = wct(content, mean, power(covariance, 0.5))
    assert found.isfinite().all() and (found - mean).abs().max() < 10
    flat = wct(torch.ones(6, 100), mean, power(covariance, 0.5))
    torch.testing.assert_close(flat, mean.expand(6, 100))
    single = wct(content[:, :1], mean, power(covariance, 0.5))  # one pixel has no covariance
    torch.testing.assert_close(single, mean)


def test_losses_equal_the_papers_formulas() -> None:
    method = model(feature_weight=3.0)
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    losses = method.weighted_losses(a, b)
    image, feature, unit = 0.0, 0.0, 0.0
    for x in (a, b):
        found, lost = method.encoder(x)
        repeated = method.networks["decoder"](found[-1], lost).detach()
        again = method.encoder(repeated)[0][-1]
        image += ((repeated - x).numpy() ** 2).mean() / 2
        feature += ((again - found[-1]).numpy() ** 2).mean() / 2
        unit += (found[-1].numpy() ** 2).mean() / 2
    assert losses["image"].item() == pytest.approx(image, rel=1e-3)
    assert losses["feature"].item() == pytest.approx(3 * feature / unit, rel=1e-3)


def test_a_step_changes_the_decoder_and_never_the_encoder() -> None:
    method = model()
    before = {key: value.clone() for key, value in method.encoder.state_dict().items()}
    decoder = {key: value.clone() for key, value in method.networks["decoder"].state_dict().items()}
    losses = method.step(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), 0)
    assert tuple(losses) == method.losses
    assert all(torch.equal(v, before[k]) for k, v in method.encoder.state_dict().items())
    after = method.networks["decoder"].state_dict()
    changed = {key for key, value in after.items() if not torch.equal(value, decoder[key])}
    assert changed == set(after) - {"encoder"}


def test_losses_fall() -> None:
    method = model()
    a, b = torch.rand(1, 3, 1, 1).expand(1, 3, 32, 32), torch.rand(1, 3, 32, 32) / 9
    totals = [sum(method.step(a, b, step).values()) for step in range(15)]
    assert totals[-1] < 0.5 * totals[0]


def test_a_killed_training_ends_with_the_same_weights_and_losses(run: Run) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == 3:
            raise KilledError

    whole = run("whole")
    with pytest.raises(KilledError):
        run("killed", on_step=kill)
    resumed = run("killed")

    assert resumed.resumed_from == 2 and resumed.steps == 6
    expected, found = (torch.load(r.folder / "latest_net_decoder.pth") for r in (whole, resumed))
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert (whole.folder / "losses.csv").read_text() == (resumed.folder / "losses.csv").read_text()
    assert list(whole.losses.columns) == ["step", "image", "feature"]
    assert size(list(whole.samples.values())[-1])[0] == 3 * 320 + 2 * 4


@pytest.mark.parametrize(("scale", "detail"), [(1.0, 0.0), (0.5, 1.0)])
def test_the_translator_keeps_sizes_and_range(
    decoder: Path, styles: list[Path], scale: float, detail: float
) -> None:
    translator = WCT2Translator(decoder, styles, scale=scale, detail=detail, accelerator="cpu")
    for height, width in ((37, 61), (5, 90), (64, 64)):
        images = torch.rand(2, 3, height, width)
        translated = translator.translate(images)
        assert translated.shape == images.shape
        assert translated.min() >= 0 and translated.max() <= 1


def test_with_alpha_0_the_decoder_repeats_the_frame_whatever_the_style(
    decoder: Path, styles: list[Path]
) -> None:
    translator = WCT2Translator(decoder, styles, alpha=0.0, accelerator="cpu")
    frames = torch.rand(1, 3, 32, 32)
    found, lost = translator.encoder(frames)
    expected = translator.decoder(found[-1], lost).clamp(0, 1)
    torch.testing.assert_close(translator.translate(frames), expected)


def test_what_an_image_becomes_does_not_depend_on_its_batch_or_the_call(
    decoder: Path, styles: list[Path]
) -> None:
    translator = WCT2Translator(decoder, styles, accelerator="cpu")
    images = torch.rand(3, 3, 33, 41)
    together = translator.translate(images)
    torch.testing.assert_close(translator.translate(images[1:2]), together[1:2], atol=1e-3, rtol=0)
    assert torch.equal(translator.translate(images), together)


def test_the_style_is_pooled_over_the_style_images(decoder: Path, styles: list[Path]) -> None:
    both, *each = (
        WCT2Translator(decoder, paths, accelerator="cpu").style.targets["encoder", 1, None]
        for paths in (styles, *zip(styles))
    )
    torch.testing.assert_close(both[0], (each[0][0] + each[1][0]) / 2)
    covariances = [colouring @ colouring for _, colouring in (both, *each)]
    expected = (covariances[1] + covariances[2]) / 2
    torch.testing.assert_close(covariances[0], expected, rtol=0, atol=1e-4)


def test_each_region_takes_the_style_of_its_like(
    decoder: Path, pictures: Callable[..., list[Path]]
) -> None:
    styles = pictures("dark", 1, tint=(40, 40, 40)) + pictures("light", 1, tint=(215, 215, 215))
    masks = [np.full((40, 48), region) for region in (5, 7)]
    translator = WCT2Translator(decoder, styles, style_masks=masks, accelerator="cpu")
    frames = torch.rand(1, 3, 32, 64)
    halves = torch.full((1, 32, 64), 5)
    halves[..., 32:] = 7
    low, _ = translator.encoder(frames, lambda x, block: translator.style.give(
        "encoder", x, block, halves[:, None].float()
    ))  # fmt: skip
    for region, part in ((5, low[0][..., :32]), (7, low[0][..., 32:])):
        mean, colouring = translator.style.targets["encoder", 1, region]
        found_mean, covariance = moments(part[0].flatten(1))
        torch.testing.assert_close(found_mean, mean, rtol=1e-3, atol=1e-3)
        expected = (colouring @ colouring).float()
        assert (covariance - expected).abs().max() < 0.1 * expected.abs().max()
    translated = translator.translate(frames, halves)
    assert translated[..., 36:].mean() > translated[..., :28].mean() + 0.1
    swapped = translator.translate(frames, 12 - halves)
    assert swapped[..., 36:].mean() < swapped[..., :28].mean() - 0.1


def test_one_region_everywhere_or_an_unknown_one_is_no_region_at_all(
    decoder: Path, styles: list[Path]
) -> None:
    frames = torch.rand(1, 3, 33, 41)
    plain = WCT2Translator(decoder, styles, accelerator="cpu")
    masks = [np.zeros((40, 50), int)] * 2
    masked = WCT2Translator(decoder, styles, style_masks=masks, accelerator="cpu")
    expected = plain.translate(frames)
    for region in (0, 3):
        found = masked.translate(frames, torch.full((1, 33, 41), region))
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_identity_differs_when_the_translation_does(decoder: Path, styles: list[Path]) -> None:
    base = WCT2Translator(decoder, styles, accelerator="cpu").identity
    assert base == WCT2Translator(decoder, styles, accelerator="cpu").identity
    masks = [np.zeros((40, 50), int)] * 2
    for change in ({"alpha": 0.5}, {"scale": 0.5}, {"detail": 0.5}, {"style_masks": masks}):
        assert WCT2Translator(decoder, styles, accelerator="cpu", **change).identity != base


def test_another_methods_decoder_and_masks_that_do_not_fit_are_refused(
    decoder: Path, styles: list[Path]
) -> None:
    with pytest.raises(InputError, match="trained on another encoder"):
        adain.AdaINTranslator(decoder, styles)
    with pytest.raises(InputError, match="one mask for each style image"):
        WCT2Translator(decoder, styles, style_masks=[np.zeros((40, 50), int)])
    translator = WCT2Translator(decoder, styles, accelerator="cpu")
    with pytest.raises(InputError, match="masks"):
        translator.translate(torch.rand(1, 3, 32, 32), torch.zeros(1, 16, 16, dtype=torch.long))
