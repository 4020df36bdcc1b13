"""The decoder mirrors its encoder, begins as its transposed filters, and knows whose it is."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation.vgg import load_features
from sim2real_lib.translation.vgg_decoder import (
    DEPTHS,
    Decoder,
    Encoder,
    load_encoder,
    load_pair,
    max_pool,
    upsample,
)


@pytest.fixture(autouse=True)
def _no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))


def encoder(layer: str = "block2_conv1", *, network: str = "vgg16", seed: int = 0) -> Encoder:
    return load_encoder(network, None, layer, pool=max_pool, seed=seed)[0]


def load(path: Path, *, network: str = "vgg16", seed: int = 0) -> tuple[Encoder, Decoder, str]:
    return load_pair(path, network, None, pool=max_pool, unpool=upsample, seed=seed)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "latest_net_decoder.pth"
    torch.save(Decoder(encoder(), upsample).state_dict(), path)
    return path


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_the_encoder_is_vgg(network: str) -> None:
    layers = ["block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1"]
    features, _ = load_features(network, None, layers)
    image = torch.rand(1, 3, 32, 40)
    for found, expected in zip(Encoder(features)(image)[0], features(image).values(), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layer", list(DEPTHS)[:4])
def test_the_decoder_gives_images_of_the_encoders_input_size(layer: str) -> None:
    below = encoder(layer)
    found, lost = below(torch.rand(2, 3, 32, 48))
    assert found[-1].shape[2:] == (32 // below.stride, 48 // below.stride)
    assert Decoder(below, upsample)(found[-1], lost).shape == (2, 3, 32, 48)


def test_the_decoder_has_the_encoders_layers_backwards() -> None:
    shapes = [
        tuple(value.shape[:2])
        for key, value in Decoder(encoder("block3_conv1"), upsample).state_dict().items()
        if key.endswith("weight")
    ]
    assert shapes == [(128, 256), (128, 128), (64, 128), (64, 64), (3, 64)]


def test_an_untrained_decoder_repeats_what_is_in_the_image() -> None:
    image = torch.zeros(1, 3, 32, 32)
    image[..., 16:] = 1
    below = encoder()
    found, lost = below(image)
    repeated = Decoder(below, upsample)(found[-1], lost).mean(1)
    correlation = torch.corrcoef(torch.stack((repeated.flatten(), image.mean(1).flatten())))
    assert correlation[0, 1] > 0.8


def test_transfers_see_every_block_on_the_way_in_and_all_but_the_deepest_on_the_way_out() -> None:
    seen: list[tuple[int, int]] = []

    def note(x: Tensor, block: int) -> Tensor:
        seen.append((block, x.shape[1]))
        return x

    below = encoder("block3_conv1")
    found, lost = below(torch.rand(1, 3, 32, 32), note)
    Decoder(below, upsample)(found[-1], lost, note)
    assert seen == [(1, 64), (2, 128), (3, 256), (2, 128), (1, 64)]


def test_a_saved_pair_is_rebuilt_from_the_file_alone(saved: Path) -> None:
    below, decoder, notice = load(saved)
    image = torch.rand(1, 3, 32, 32)
    found, lost = below(image)
    expected = Decoder(encoder(), upsample)(encoder()(image)[0][-1], lost)
    torch.testing.assert_close(decoder(found[-1], lost), expected)
    assert "RANDOM" in notice and len(below.blocks) == 2


@pytest.mark.parametrize("other", [{"seed": 1}, {"pool": lambda x: (x[..., ::2, ::2], None)}])
def test_a_decoder_of_another_encoder_is_refused(saved: Path, other: dict) -> None:
    options = {"pool": max_pool, "unpool": upsample, "seed": 0, **other}
    with pytest.raises(InputError, match="trained on another encoder"):
        load_pair(saved, "vgg16", None, **options)


def test_what_is_no_decoder_is_refused(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"model.1.weight": torch.zeros(4, 3, 7, 7)}, tmp_path / "generator.pth")
    weights = torch.load(saved)
    torch.save({**weights, "blocks.0.0.0.weight": torch.zeros(1)}, tmp_path / "shapes.pth")
    torch.save({**weights, "blocks.7.0.0.weight": torch.zeros(1)}, tmp_path / "blocks.pth")
    for name in ("text.pth", "generator.pth", "shapes.pth", "blocks.pth", "absent.pth"):
        with pytest.raises(InputError, match=name):
            load(tmp_path / name)
