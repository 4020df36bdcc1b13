"""Every parameter of 02 and 03 arrives where it is meant to, and every translator can be had."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sim2real_lib.params import CycleGANTraining, NSTGeneration
from sim2real_lib.translation import adain, cut, cyclegan, training, wct2
from sim2real_lib.translation.from_params import (
    decoder_settings,
    gan_settings,
    generator_translator,
    nst_settings,
    style_images,
    stylist,
    training_folder,
)
from sim2real_lib.translation.networks import ResnetGenerator
from sim2real_lib.translation.tiles import Tiled

SMALL = {"n_blocks": 1, "ngf": 2, "ndf": 2, "crop": (32, 32), "constant": 1, "decay": 1}


def test_the_papers_parameters_are_the_published_defaults() -> None:
    paper = CycleGANTraining.from_yaml("params/paper/02_cyclegan_training.yaml")
    expected = cyclegan.Settings(source_scale=0.768, target_scale=0.4)
    assert gan_settings(paper) == expected


def test_cut_and_fastcut_differ_as_published() -> None:
    one, fast = (
        gan_settings(CycleGANTraining(translator=name, lambda_nce=0, **SMALL))
        for name in ("cut", "fastcut")
    )
    assert isinstance(one, cut.Settings) and isinstance(fast, cut.Settings)
    assert (one.lambda_nce, one.nce_identity, one.flip_equivariance) == (1.0, True, False)
    assert (fast.lambda_nce, fast.nce_identity, fast.flip_equivariance) == (10.0, False, True)
    assert one.ngf == fast.ngf == 2 and one.constant == fast.constant == 1
    weighted = gan_settings(CycleGANTraining(translator="fastcut", lambda_nce=2, **SMALL))
    assert isinstance(weighted, cut.Settings) and weighted.lambda_nce == 2


def test_cyclegans_own_parameters_arrive() -> None:
    asked = {"generator": "unet", "n_downs": 5, "discriminator": "pixel", "gan_mode": "wgangp",
             "lr_policy": "step", "lambda_cycle": 7.0, "lambda_identity": 0.1, "pool": 3,
             "d_layers": 2}  # fmt: skip
    found = gan_settings(CycleGANTraining(**SMALL, **asked))
    renamed = {"lambda_a": 7.0, "lambda_b": 7.0, "identity": 0.1}
    for name, value in {**asked, **renamed}.items():
        if name not in ("lambda_cycle", "lambda_identity"):
            assert getattr(found, name) == value, name


def test_nsts_parameters_arrive() -> None:
    asked = {"network": "vgg19", "optimizer": "lbfgs", "steps": 7, "scales": 2, "tile": 64,
             "keep_colour": True, "colour_start": False, "content_weight": 2.0, "tv_weight": 0.0,
             "style_weight": 5.0, "scale": 0.3, "detail": 0.1, "seed": 4}  # fmt: skip
    found = nst_settings(NSTGeneration(**asked, learning_rate=0.5))
    assert {name: getattr(found, name) for name in asked} == asked and found.lr == 0.5


@pytest.mark.parametrize(("name", "method"), [("adain", adain), ("wct2", wct2)])
def test_a_decoders_parameters_arrive(name: str, method: object) -> None:
    p = NSTGeneration(translator=name, train_steps=5, train_crop=(32, 64), scale=0.3, seed=2)
    found = decoder_settings(p)
    assert isinstance(found, method.Settings)
    assert (found.constant, found.decay, found.crop, found.seed) == (3, 2, (32, 64), 2)
    assert found.source_scale == found.target_scale == 0.3


@pytest.mark.parametrize("name", ["nst", "reinhard", "histogram", "fda", "pyramid"])
def test_the_others_learn_nothing(name: str) -> None:
    assert decoder_settings(NSTGeneration(translator=name)) is None


def test_colours_are_taken_from_all_target_images_and_styles_from_a_few() -> None:
    wanted = {
        "nst": 4,
        "adain": 4,
        "wct2": 4,
        "reinhard": 500,
        "histogram": 500,
        "fda": 500,
        "pyramid": 500,
    }
    assert {n: style_images(NSTGeneration(translator=n)) for n in wanted} == wanted


@pytest.mark.parametrize(
    "name", ["nst", "adain", "wct2", "reinhard", "histogram", "fda", "pyramid"]
)
def test_every_stylist_translates_at_the_frames_size(
    name: str, pictures: Callable[..., list[Path]], tmp_path: Path
) -> None:
    p = NSTGeneration(translator=name, steps=1, train_steps=1, train_crop=(32, 32), scale=1.0)
    targets = [str(path) for path in pictures("target", 2, size=(64, 48), tint=(60, 60, 190))]
    source = [str(path) for path in pictures("source", 2, size=(64, 48))]
    settings = decoder_settings(p)
    if settings:
        training.train(
            source, targets, tmp_path / "decoder", settings=settings, accelerator="cpu",
            progress=False,
        )  # fmt: skip
    translator = stylist(p, targets, tmp_path / "decoder")
    images = torch.rand(1, 3, 41, 67)
    made = translator.translate(images)
    assert made.shape == images.shape and made.min() >= 0 and made.max() <= 1
    assert (made - images).abs().mean() > 0.01


def test_a_given_generator_is_used_as_it_is_and_large_frames_are_tiled(tmp_path: Path) -> None:
    torch.save(ResnetGenerator(1, 2).state_dict(), tmp_path / "given.pth")
    p = CycleGANTraining(weights=str(tmp_path / "given.pth"), tile=32, **SMALL)
    translator = generator_translator(p, tmp_path / "nothing trained here")
    assert isinstance(translator, Tiled) and (translator.tile, translator.overlap) == (32, 4)
    assert translator.translate(torch.rand(1, 3, 40, 70)).shape == (1, 3, 40, 70)


def test_another_request_trains_in_another_folder(tmp_path: Path) -> None:
    settings = gan_settings(CycleGANTraining(**SMALL))
    other = gan_settings(CycleGANTraining(**SMALL, seed=1))
    folders = {
        training_folder(tmp_path, settings, ["a"], ["b"]),
        training_folder(tmp_path, settings, ["a"], ["c"]),
        training_folder(tmp_path, other, ["a"], ["b"]),
    }
    assert len(folders) == 3
    assert training_folder(tmp_path, settings, ["a"], ["b"]) in folders
