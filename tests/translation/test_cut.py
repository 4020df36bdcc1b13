"""CUT by its paper's equations, and a training that can be killed and resumed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning_fabric import Fabric
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.progress import Progress
from sim2real_lib.translation import cyclegan
from sim2real_lib.translation.checkpoints import load_generator
from sim2real_lib.translation.cut import CUT, LOSSES, Settings
from sim2real_lib.translation.cut_model import (
    Projection,
    TappedGenerator,
    draw_places,
    patch_nce,
    patches_at,
)
from sim2real_lib.translation.networks import ResnetGenerator
from sim2real_lib.translation.training import Result, train

TINY: dict[str, Any] = {
    "n_blocks": 1,
    "ngf": 2,
    "ndf": 2,
    "patches": 16,
    "projection": 8,
    "crop": (32, 32),
    "unit": "steps",
    "constant": 3,
    "decay": 3,
    "lr": 1e-3,
}


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(**changes: Any) -> CUT:
    settings = Settings.cut(**{**TINY, **changes})
    return settings.build(Fabric(accelerator="cpu", devices=1), "32-true")


def fast_model(**changes: Any) -> CUT:
    return model(**{"nce_identity": False, "flip_equivariance": True, **changes})


def crops(seed: int = 0, batch: int = 1) -> tuple[Tensor, Tensor]:
    a, b = torch.rand(2, batch, 3, 32, 32, generator=chance(seed)) * 2 - 1
    return a, b


def unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def unit_vectors(images: int, places: int, channels: int, seed: int) -> Tensor:
    vectors = torch.randn(images, places, channels, generator=chance(seed))
    return unit(vectors)


# PatchNCE


@given(
    images=st.integers(1, 3),
    places=st.integers(1, 6),
    channels=st.integers(1, 5),
    temperature=st.floats(0.05, 2),
    seed=st.integers(0, 1000),
)
def test_patch_nce_is_the_papers_equation(
    images: int, places: int, channels: int, temperature: float, seed: int
) -> None:
    queries = unit_vectors(images, places, channels, seed)
    keys = unit_vectors(images, places, channels, seed + 1)
    found = patch_nce(queries, keys, temperature)
    for image in range(images):
        losses = []
        for s in range(places):
            similar = [
                float(np.dot(queries[image, s].double(), keys[image, other].double()))
                for other in range(places)
            ]
            positive = np.exp(similar[s] / temperature)
            negatives = sum(
                np.exp(similar[other] / temperature) for other in range(places) if other != s
            )
            losses.append(-np.log(positive / (positive + negatives)))
        assert found[image].item() == pytest.approx(np.mean(losses), rel=1e-3, abs=1e-4)


def test_patches_that_match_cost_little_equal_ones_the_logarithm_and_swapped_ones_much() -> None:
    distinct = torch.eye(8)[None]
    assert patch_nce(distinct, distinct, 0.07).item() < 1e-4
    alike = torch.ones(1, 8, 4) / 2
    assert patch_nce(alike, alike, 0.07).item() == pytest.approx(np.log(8), rel=1e-4)
    assert patch_nce(distinct, distinct.roll(1, dims=1), 0.07).item() > 10


def test_patches_of_other_images_in_the_batch_do_not_matter() -> None:
    queries, keys = unit_vectors(2, 5, 4, 0), unit_vectors(2, 5, 4, 1)
    alone = torch.cat([patch_nce(queries[i : i + 1], keys[i : i + 1], 0.07) for i in range(2)])
    torch.testing.assert_close(patch_nce(queries, keys, 0.07), alone)


@given(height=st.integers(1, 5), width=st.integers(1, 5), count=st.integers(1, 30))
def test_places_are_different_inside_the_map_and_at_most_as_many_as_asked(
    height: int, width: int, count: int
) -> None:
    (places,) = draw_places([torch.zeros(2, 3, height, width)], count, chance())
    drawn = places.tolist()
    assert len(drawn) == len(set(drawn)) == min(count, height * width)
    assert all(0 <= place < height * width for place in drawn)


def test_patches_are_the_columns_of_the_map_at_their_places() -> None:
    layer = torch.rand(2, 3, 4, 5)
    (patches,) = patches_at([layer], [torch.tensor([0, 13])])
    assert torch.equal(patches[:, 0], layer[:, :, 0, 0])
    assert torch.equal(patches[:, 1], layer[:, :, 2, 3])


# The networks


@pytest.mark.parametrize(
    ("n_blocks", "taps"), [(1, (4, 7, 10)), (4, (4, 7, 10)), (9, (4, 7, 10, 14))]
)
def test_the_published_layers_are_tapped_or_those_that_exist(
    n_blocks: int, taps: tuple[int, ...]
) -> None:
    network = TappedGenerator(n_blocks, 2)
    assert network.taps == taps
    x = torch.rand(1, 3, 32, 48)
    features = network(x, "features")
    assert torch.equal(features[0], x)
    assert tuple(layer.shape[1] for layer in features) == network.widths
    assert [tuple(f.shape[2:]) for f in features[1:3]] == [(16, 24), (8, 12)]


def test_features_are_the_same_with_and_without_the_translation() -> None:
    network = TappedGenerator(2, 2)
    x = torch.rand(1, 3, 32, 32)
    made, features = network(x, "both")
    assert torch.equal(made, network(x))
    for both, alone in zip(features, network(x, "features"), strict=True):
        assert torch.equal(both, alone)


def test_a_tapped_generator_is_a_resnet_generator_key_for_key() -> None:
    tapped, plain = TappedGenerator(3, 2), ResnetGenerator(3, 2)
    plain.load_state_dict(tapped.state_dict())
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(tapped(x), plain(x))


def test_projections_have_length_one_and_come_from_the_given_generator_alone() -> None:
    first, again = (Projection((3, 8), 6, chance(5)) for _ in range(2))
    patches = [torch.randn(2, 7, 3), torch.randn(2, 7, 8)]
    for projected, same in zip(first(patches), again(patches), strict=True):
        assert projected.shape == (2, 7, 6)
        torch.testing.assert_close(projected.norm(dim=2), torch.ones(2, 7))
        assert torch.equal(projected, same)


# The step


def test_a_step_reports_every_loss_and_changes_every_network() -> None:
    for cut in (model(), fast_model(), model(gan_mode="wgangp"), model(gan_mode="vanilla")):
        before = {n: next(net.parameters()).detach().clone() for n, net in cut.networks.items()}
        losses = cut.step(*crops(), step=0)
        assert tuple(losses) == LOSSES
        assert all(np.isfinite(loss) for loss in losses.values())
        for name, network in cut.networks.items():
            assert not torch.equal(before[name], next(network.parameters()))


def test_the_generators_half_reaches_generator_and_projection_but_never_the_discriminator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut, reached = model(), {}
    descend = cut._descend

    def note(loss: Tensor, *names: str) -> None:
        for network in cut.networks.values():
            network.zero_grad()
        descend(loss, *names)
        reached[names] = {
            name
            for name, network in cut.networks.items()
            if any(p.grad is not None for p in network.parameters())
        }

    monkeypatch.setattr(cut, "_descend", note)
    cut.step(*crops(), step=0)
    assert reached == {("D",): {"D"}, ("G", "F"): {"G", "F"}}
    assert all(p.requires_grad for p in cut.networks["D"].parameters())


def test_every_weight_of_the_generator_and_the_projection_learns() -> None:
    cut = model(n_blocks=5)
    cut.step(*crops(), step=0)
    for name in ("G", "F"):
        assert all(p.grad is not None for p in cut.networks[name].parameters())


def test_the_source_is_a_fixed_key() -> None:
    _, sources = model().translate(crops()[0], mirrored=False)
    assert not any(layer.requires_grad for layer in sources)


def test_without_identity_nothing_of_the_target_is_translated() -> None:
    cut = fast_model()
    assert cut.step(*crops(), step=0)["NCE_idt"] == 0
    assert model().step(*crops(), step=0)["NCE_idt"] > 0


def test_the_halves_of_nce_share_its_weight() -> None:
    a, _ = crops()
    cut = model(lambda_nce=3.0)
    made, sources = cut.translate(torch.cat((a, a)), mirrored=False)
    nce, idt = cut.contrasts(made, sources, False, chance())
    torch.testing.assert_close(nce, idt)
    alone = fast_model(lambda_nce=3.0)
    made, sources = alone.translate(a, mirrored=False)
    torch.testing.assert_close(alone.contrasts(made, sources, False, chance())[0], nce + idt)


def test_features_of_the_mirrored_translation_are_turned_back_before_they_are_compared() -> None:
    # A projection that lets pixels through shows what is compared; every place is drawn.
    cut, (a, _) = fast_model(patches=4096), crops()
    cut.networks["F"] = lambda patches: [unit(patch) for patch in patches[:1]]
    sources = [layer.detach() for layer in cut.networks["G"](a, "features")]
    mirror_image = a.flip(3)  # what a generator that changes nothing makes of the mirrored source
    turned, _ = cut.contrasts(mirror_image, sources, True, chance())
    not_turned, _ = cut.contrasts(mirror_image, sources, False, chance())
    same, _ = cut.contrasts(a, sources, False, chance())
    assert turned == same < not_turned


def test_fastcut_mirrors_about_half_of_its_sources_and_cut_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class BegunError(Exception):
        """A step was begun: nothing further is of interest."""

    def shares(cut: CUT) -> float:
        mirrored: list[bool] = []

        def note(real: Tensor, flag: bool) -> None:
            mirrored.append(flag)
            raise BegunError

        monkeypatch.setattr(cut, "translate", note)
        for step in range(200):
            with pytest.raises(BegunError):
                cut.step(*crops(), step)
        return float(np.mean(mirrored))

    assert 0.4 < shares(fast_model()) < 0.6
    assert shares(model()) == 0


def test_a_step_depends_on_its_number_and_not_on_the_global_random_state() -> None:
    ends = []
    for global_seed, step in ((1, 3), (2, 3), (1, 4)):
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)
        ends.append(fast_model().step(*crops(), step=step)["NCE"])
    assert ends[0] == ends[1] != ends[2]


def test_a_preview_shows_what_becomes_of_either_domain_at_any_size() -> None:
    a, b = torch.rand(1, 3, 37, 61), torch.rand(1, 3, 40, 44)
    with torch.no_grad():
        (source, translated), (target, same) = model().preview(a, b)
    assert torch.equal(source, a) and torch.equal(target, b)
    assert translated.shape == a.shape and same.shape == b.shape


def test_losses_fall_and_colours_shift_on_two_domains_that_differ_in_tint() -> None:
    cut = model(ngf=4, ndf=4, patches=32, projection=16, lr=6e-3)
    coarse = torch.rand(8, 3, 8, 8, generator=chance(1)) - 0.5
    scenes = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
    tint = torch.tensor([0.4, -0.4, 0.2]).view(1, 3, 1, 1)
    rows = [cut.step(scenes[i % 4, None], scenes[4 + i % 4, None] + tint, i) for i in range(50)]
    guessing = np.log(32) / 2  # half of the weight is the identity's
    assert np.mean([row["NCE"] for row in rows[-10:]]) < 0.85 * guessing
    assert np.mean([row["NCE_idt"] for row in rows[-10:]]) < 0.85 * guessing
    with torch.no_grad():
        shift = (cut.networks["G"](scenes) - scenes).mean(dim=(0, 2, 3))
    assert (shift - tint.flatten()).norm() < 0.75 * tint.norm()


# What the graph keeps


class Kept:
    """Counts the bytes of activations that autograd holds, each storage once; knows its peak."""

    def __init__(self, networks: dict[str, Any]) -> None:
        self.weights = {
            p.untyped_storage().data_ptr() for n in networks.values() for p in n.parameters()
        }
        self.holders: Counter[int] = Counter()
        self.now = self.peak = 0

    def pack(self, tensor: Tensor) -> "Held":
        return Held(self, tensor)

    def watch(self) -> torch.autograd.graph.saved_tensors_hooks:
        return torch.autograd.graph.saved_tensors_hooks(self.pack, lambda held: held.tensor)


class Held:
    def __init__(self, kept: Kept, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.kept, self.tensor = kept, tensor
        self.key, self.bytes = storage.data_ptr(), storage.nbytes()
        if self.key in kept.weights:
            self.bytes = 0
        kept.holders[self.key] += 1
        if kept.holders[self.key] == 1:
            kept.now += self.bytes
            kept.peak = max(kept.peak, kept.now)

    def __del__(self) -> None:
        self.kept.holders[self.key] -= 1
        if self.kept.holders[self.key] == 0:
            self.kept.now -= self.bytes


def peak_of_a_step(model: Any, crop: tuple[int, int]) -> int:
    kept = Kept(model.networks)
    with kept.watch():
        model.step(torch.rand(1, 3, *crop), torch.rand(1, 3, *crop), 0)
    return kept.peak


def test_a_step_keeps_at_most_half_of_cyclegans_activations() -> None:
    sizes = {"n_blocks": 4, "ngf": 12, "ndf": 16, "crop": (64, 112)}
    fabric = Fabric(accelerator="cpu", devices=1)
    whole = peak_of_a_step(cyclegan.Settings(**sizes).build(fabric, "32-true"), (64, 112))
    fast, slow = (
        peak_of_a_step(preset(**sizes).build(fabric, "32-true"), (64, 112))
        for preset in (Settings.fast_cut, Settings.cut)
    )
    assert fast < 0.5 * whole
    assert fast < slow < whole


# Settings


def test_the_presets_are_the_published_ones_and_can_be_changed() -> None:
    cut, fast = Settings.cut(), Settings.fast_cut()
    assert cut == Settings()
    assert (cut.lambda_nce, cut.nce_identity, cut.flip_equivariance) == (1.0, True, False)
    assert (fast.lambda_nce, fast.nce_identity, fast.flip_equivariance) == (10.0, False, True)
    assert (cut.constant, cut.decay, fast.constant, fast.decay) == (200, 200, 150, 50)
    assert Settings.fast_cut(lambda_nce=5.0, ngf=8) == Settings(
        constant=150, decay=50, lambda_nce=5.0, nce_identity=False, flip_equivariance=True, ngf=8
    )


@pytest.mark.parametrize(
    "change",
    [
        {"n_blocks": 0},
        {"ngf": 0},
        {"patches": 1},
        {"projection": 0},
        {"lambda_nce": 0.0},
        {"lambda_gan": -1.0},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"gan_mode": "hinge"},
        {"crop": (30, 32)},
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        Settings(**change)


# Whole trainings


class KilledError(Exception):
    """Stands for whatever ends a training early."""


Run = Callable[..., Result]


@pytest.fixture
def run(pictures: Callable[..., list[Path]], tmp_path: Path) -> Run:
    source, target = pictures("source", 3), pictures("target", 4, tint=(90, 90, 160))

    def go(folder: str, preset: Callable[..., Settings], **options: Any) -> Result:
        options = {"checkpoint_every": 2, "progress": False, "accelerator": "cpu", **options}
        return train(source, target, tmp_path / folder, settings=preset(**TINY), **options)

    return go


@pytest.mark.parametrize("preset", [Settings.cut, Settings.fast_cut])
def test_a_killed_training_ends_with_the_same_weights_and_losses(
    run: Run, preset: Callable[..., Settings]
) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == 5:
            raise KilledError

    whole = run("whole", preset)
    with pytest.raises(KilledError):
        run("killed", preset, on_step=kill)
    resumed = run("killed", preset)

    assert resumed.resumed_from == 4
    for name in ("G", "F", "D"):
        expected, found = (
            torch.load(each.folder / f"latest_net_{name}.pth", weights_only=True)
            for each in (whole, resumed)
        )
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert whole.losses.equals(resumed.losses)
    assert list(whole.losses.columns) == ["step", *LOSSES]


def test_the_result_translates_like_any_generator(run: Run) -> None:
    network = load_generator(run("run", Settings.cut).folder / "latest_net_G.pth")
    assert isinstance(network, ResnetGenerator)
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 3, 32, 32)
