"""VGG's layers are the published ones, its weights come from where the notice says."""

from pathlib import Path
from typing import get_args

import pytest
import torch
from torchvision.models.vgg import cfgs, make_layers

from sim2real_lib.errors import InputError
from sim2real_lib.translation import vgg
from sim2real_lib.translation.vgg import Network, VGGFeatures, load_features

SHALLOW = ("block1_conv2", "block2_conv2")
NETWORKS = get_args(Network)
OTHER = {"vgg16": "vgg19", "vgg19": "vgg16"}


@pytest.fixture(autouse=True)
def _no_cached_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch_home"))


@pytest.mark.parametrize(("network", "letter"), [("vgg16", "D"), ("vgg19", "E")])
def test_the_layers_are_torchvisions(network: Network, letter: str) -> None:
    reference = make_layers(cfgs[letter]).eval()
    ours = VGGFeatures(network, vgg.LAYERS[network])
    ours.features.load_state_dict(
        {k: v for k, v in reference.state_dict().items() if k in ours.features.state_dict()}
    )
    image = torch.rand(1, 3, 32, 32)
    found, x = ours(image), (image - ours.mean) / ours.std
    by_index = {index: name for name, index in vgg.LAYERS[network].items()}
    for index, module in enumerate(reference):
        x = module(x)
        if index in by_index:
            torch.testing.assert_close(found[by_index.pop(index)], x)
    assert not by_index


def test_names_stand_for_the_papers_layers() -> None:
    vgg16, vgg19 = vgg.LAYERS["vgg16"], vgg.LAYERS["vgg19"]
    assert [vgg16[f"block{n}_conv{2 if n < 3 else 3}"] for n in range(1, 6)] == [3, 8, 15, 22, 29]
    assert [vgg19[f"block{n}_conv1"] for n in range(1, 6)] == [1, 6, 11, 20, 29]
    assert vgg19["block4_conv2"] == 22  # relu4_2
    assert (len(vgg16), len(vgg19)) == (13, 16)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_is_only_as_deep_as_it_is_asked_for(network: Network) -> None:
    assert len(VGGFeatures(network, SHALLOW).features) == 9
    assert len(VGGFeatures(network, ["block1_conv1"]).features) == 2


@pytest.mark.parametrize("network", NETWORKS)
def test_random_weights_do_not_depend_on_the_depth(network: Network) -> None:
    image = torch.rand(1, 3, 32, 32)
    shallow = load_features(network, None, SHALLOW)[0](image)
    deep = load_features(network, None, [*SHALLOW, "block3_conv1"])[0](image)
    assert all(torch.equal(shallow[name], deep[name]) for name in SHALLOW)


def test_random_weights_are_seeded_and_announced() -> None:
    first, notice = load_features("vgg19", None, SHALLOW, seed=3)
    again, _ = load_features("vgg19", None, SHALLOW, seed=3)
    other, _ = load_features("vgg19", None, SHALLOW, seed=4)
    assert "VGG19 has RANDOM weights (seed 3)" in notice
    assert torch.equal(first.features[0].weight, again.features[0].weight)
    assert not torch.equal(first.features[0].weight, other.features[0].weight)


def test_random_features_keep_their_size_through_the_depth() -> None:
    layers = ("block1_conv2", "block5_conv3")
    found = load_features("vgg16", None, layers)[0](torch.rand(1, 3, 64, 64))
    assert 0.1 < found["block5_conv3"].square().mean() / found["block1_conv2"].square().mean() < 10


def test_a_given_weights_file_is_used_and_named(tmp_path: Path) -> None:
    network = VGGFeatures("vgg16", SHALLOW)
    path = tmp_path / "mine.pth"
    state = {f"features.{key}": value for key, value in network.features.state_dict().items()}
    torch.save({**state, "classifier.0.weight": torch.zeros(1)}, path)
    loaded, notice = load_features("vgg16", path, SHALLOW)
    assert "mine.pth" in notice and "RANDOM" not in notice
    image = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(loaded(image)["block2_conv2"], network(image)["block2_conv2"])


@pytest.mark.parametrize("network", NETWORKS)
def test_torchvisions_cache_is_used_when_it_holds_the_network(
    network: Network, tmp_path: Path
) -> None:
    cache = tmp_path / "torch_home" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    path = cache / vgg.FILES[network]
    assert vgg.cached(network) == path and vgg.URLS[network].endswith(path.name)
    torch.save(VGGFeatures(network, SHALLOW).features.state_dict(), path)
    notice = load_features(network, None, SHALLOW)[1]
    assert path.name in notice and "RANDOM" not in notice
    assert "RANDOM" in load_features(OTHER[network], None, SHALLOW)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_other_networks_weights_are_refused(network: Network, tmp_path: Path) -> None:
    layers = ["block3_conv3", "block4_conv1"]  # up to the first of them, the shapes are the same
    torch.save(VGGFeatures(OTHER[network], layers).state_dict(), tmp_path / "other.pth")
    with pytest.raises(InputError, match=f"not {network.upper()}'s weights"):
        load_features(network, tmp_path / "other.pth", layers[:1])


def test_what_is_no_vgg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("no weights")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("text.pth", "other.pth", "absent.pth"):
        with pytest.raises(InputError, match=name):
            load_features("vgg16", tmp_path / name, SHALLOW)
    with pytest.raises(InputError, match="VGG16 has no layer 'block3_conv4'"):
        load_features("vgg16", None, ["block3_conv4"])


@pytest.mark.parametrize("name", ["block2_conv2", "block3_conv1", "block4_conv1"])
def test_an_activation_sees_no_further_than_the_halo(name: str) -> None:
    features = load_features("vgg19", None, [name])[0]
    middle = 64 // features.stride
    image = torch.zeros(1, 3, 128, 16, requires_grad=True)
    with torch.no_grad():
        image += torch.rand(image.shape)
    features(image)[name][0, :, middle].sum().backward()
    seen = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    first, last = 64 - features.halo, 63 + features.stride + features.halo
    assert first <= seen.min() < first + features.stride  # and it is no larger than it must be
    assert last - features.stride < seen.max() <= last
