"""AdaIN's equations against plain loops, its training, and its translator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, size
from sim2real_lib.progress import Progress
from sim2real_lib.translation import training
from sim2real_lib.translation.adain import (
    AdaIN,
    AdaINTranslator,
    Settings,
    adain,
    mean_and_deviation,
)
from sim2real_lib.translation.training import Result

TINY = Settings(crop=(32, 32), constant=3, decay=3)
Run = Callable[..., Result]


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


def model(**settings: object) -> AdaIN:
    chosen = Settings(**{**vars(TINY), **settings})
    return AdaIN(Fabric(accelerator="cpu", devices=1), chosen, "32-true")


def naive_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (N, C), channel by channel."""
    means = np.array([[channel.mean() for channel in image] for image in x])
    deviations = np.array(
        [[np.sqrt(((c - c.mean()) ** 2).mean() + 1e-5) for c in image] for image in x]
    )
    return means, deviations


def test_statistics_equal_plain_loops() -> None:
    x = torch.rand(2, 3, 5, 4)
    for found, expected in zip(mean_and_deviation(x), naive_statistics(x.numpy()), strict=True):
        np.testing.assert_allclose(found[:, :, 0, 0], expected, rtol=1e-5)


def test_adain_gives_the_contents_activations_the_styles_statistics() -> None:
    content, style = torch.rand(2, 3, 9, 7), torch.rand(2, 3, 6, 8) * 4 - 1
    mean, deviation = mean_and_deviation(style)
    found = mean_and_deviation(adain(content, mean, deviation))
    torch.testing.assert_close(found, (mean, deviation), rtol=1e-3, atol=1e-4)


def test_a_flat_channel_stays_finite() -> None:
    found = adain(torch.full((1, 1, 4, 4), 3.0), torch.tensor(2.0), torch.tensor(5.0))
    torch.testing.assert_close(found, torch.full((1, 1, 4, 4), 2.0))


def test_losses_equal_the_papers_formulas() -> None:
    method = model(style_weight=3.0)
    a, b = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    losses = method.weighted_losses(a, b)

    content, style = (method.encoder(x)[0] for x in (a, b))
    mean, deviation = (s[:, :, None, None] for s in naive_statistics(style[-1].numpy()))
    own_mean, own_deviation = (s[:, :, None, None] for s in naive_statistics(content[-1].numpy()))
    t = deviation * (content[-1].numpy() - own_mean) / own_deviation + mean
    image = method.networks["decoder"](torch.from_numpy(t).float(), [None])
    found = [x.detach().numpy() for x in method.encoder(image)[0]]
    style_loss = 0.0
    for x, y in zip(found, style, strict=True):
        for own, wanted in zip(naive_statistics(x), naive_statistics(y.numpy()), strict=True):
            style_loss += ((own - wanted) ** 2).mean()
    assert losses["content"].item() == pytest.approx(((found[-1] - t) ** 2).mean(), rel=1e-3)
    assert losses["style"].item() == pytest.approx(3 * style_loss, rel=1e-3)


def test_a_step_changes_the_decoder_and_never_the_encoder() -> None:
    method = model()
    before = [
        {key: value.clone() for key, value in network.state_dict().items()}
        for network in (method.encoder, method.networks["decoder"])
    ]
    losses = method.step(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), 0)
    assert tuple(losses) == method.losses
    for key, value in method.encoder.state_dict().items():
        assert torch.equal(value, before[0][key])
    after = method.networks["decoder"].state_dict()
    changed = {key for key, value in after.items() if not torch.equal(value, before[1][key])}
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
    assert list(whole.losses.columns) == ["step", "content", "style"]


def test_a_trainings_pictures_show_frame_translation_and_reconstruction(run: Run) -> None:
    result = run(settings=Settings(**{**vars(TINY), "constant": 1, "decay": 0}))
    picture = list(result.samples.values())[-1]
    assert size(picture)[0] == 3 * 320 + 2 * 4
    assert read_rgb(picture).std() > 1


@pytest.mark.parametrize(("scale", "detail"), [(1.0, 0.0), (0.5, 1.0)])
def test_the_translator_keeps_sizes_and_range(
    decoder: Path, styles: list[Path], scale: float, detail: float
) -> None:
    translator = AdaINTranslator(decoder, styles, scale=scale, detail=detail, accelerator="cpu")
    for height, width in ((37, 61), (5, 90), (64, 64)):
        images = torch.rand(2, 3, height, width)
        translated = translator.translate(images)
        assert translated.shape == images.shape
        assert translated.min() >= 0 and translated.max() <= 1


def test_the_style_is_the_mean_over_the_style_images(decoder: Path, styles: list[Path]) -> None:
    both, *each = (
        AdaINTranslator(decoder, paths, accelerator="cpu") for paths in (styles, *zip(styles))
    )
    torch.testing.assert_close(both.mean, (each[0].mean + each[1].mean) / 2)
    torch.testing.assert_close(both.deviation, (each[0].deviation + each[1].deviation) / 2)


def test_with_alpha_0_the_decoder_repeats_the_frame_whatever_the_style(
    decoder: Path, styles: list[Path]
) -> None:
    translator = AdaINTranslator(decoder, styles, alpha=0.0, accelerator="cpu")
    frames = torch.rand(1, 3, 32, 32)
    found, lost = translator.encoder(frames)
    expected = translator.decoder(found[-1], lost).clamp(0, 1)
    torch.testing.assert_close(translator.translate(frames), expected)


def test_what_an_image_becomes_does_not_depend_on_its_batch_or_the_call(
    decoder: Path, styles: list[Path]
) -> None:
    translator = AdaINTranslator(decoder, styles, accelerator="cpu")
    images = torch.rand(3, 3, 33, 41)
    together = translator.translate(images)
    torch.testing.assert_close(translator.translate(images[1:2]), together[1:2])
    assert torch.equal(translator.translate(images), together)


def test_identity_differs_when_the_translation_does(decoder: Path, styles: list[Path]) -> None:
    base = AdaINTranslator(decoder, styles, accelerator="cpu").identity
    assert base == AdaINTranslator(decoder, styles, accelerator="cpu").identity
    for change in ({"alpha": 0.5}, {"scale": 0.5}, {"detail": 0.5}):
        assert AdaINTranslator(decoder, styles, accelerator="cpu", **change).identity != base
    assert AdaINTranslator(decoder, styles[:1], accelerator="cpu").identity != base


def test_impossible_input_is_refused_by_name(decoder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(InputError, match=r"text\.png"):
        AdaINTranslator(decoder, [tmp_path / "text.png"])
    with pytest.raises(InputError, match="style"):
        AdaINTranslator(decoder, [])
    with pytest.raises(InputError, match="block2_conv2"):
        Settings(layer="block2_conv2")
    with pytest.raises(InputError, match="multiples of 8"):
        Settings(layer="block4_conv1", crop=(36, 40))
