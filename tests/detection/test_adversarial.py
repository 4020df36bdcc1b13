"""Self-adversarial training: one signed step, and nothing else changes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sim2real_lib.detection.adversarial import attack, drawn, fast_gradient_sign
from sim2real_lib.errors import InputError


@pytest.fixture(scope="module")
def detector():
    """A small untrained detector of ultralytics, in training mode."""
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    model = DetectionModel("yolov5n.yaml", nc=3, verbose=False)
    model.args = get_cfg()
    return model.train()


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return {
        "img": torch.rand(2, 3, 64, 64),
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.tensor([[0.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.3, 0.6, 0.2, 0.5]]),
    }


def test_each_pixel_moves_by_epsilon_to_where_the_loss_grows():
    """Loss (w . x)^2 with w = (2, -1, 0, 1): gradient 2 (w . x) w has the signs of (w . x) w."""
    weights = torch.tensor([2.0, -1, 0, 1])
    images = torch.tensor([0.5, 0.25, 0.75, 0.95])  # w . x = 1.7
    moved = fast_gradient_sign(lambda x: (weights @ x) ** 2, images, 0.1)
    assert torch.allclose(moved, torch.tensor([0.6, 0.15, 0.75, 1.0]))  # the last one clipped
    moved = fast_gradient_sign(lambda x: (-weights @ x - 9) ** 2, images, 0.1)
    assert torch.allclose(moved, torch.tensor([0.6, 0.15, 0.75, 1.0]))
    moved = fast_gradient_sign(lambda x: -((weights @ x) ** 2), images, 0.1)
    assert torch.allclose(moved, torch.tensor([0.4, 0.35, 0.75, 0.85]))


def test_the_images_given_stay_as_they_are():
    images = torch.rand(4)
    before = images.clone()
    fast_gradient_sign(torch.sum, images, 0.1)
    assert torch.equal(images, before) and not images.requires_grad


@given(st.integers(0, 2**32), st.floats(0, 32 / 255))
def test_no_pixel_moves_by_more_than_epsilon_or_leaves_its_range(seed, epsilon):
    images = torch.rand(3, 5, generator=torch.Generator().manual_seed(seed))
    moved = fast_gradient_sign(lambda x: (x.sin() * x).sum(), images, epsilon)
    assert (moved - images).abs().max() <= epsilon + 1e-6
    assert moved.min() >= 0 and moved.max() <= 1


def test_the_loss_on_an_attacked_batch_is_higher(detector, batch):
    moved = attack(detector, batch, 4)
    plain, attacked = (
        detector.loss(batch | {"img": images})[0].sum().item() for images in (batch["img"], moved)
    )
    assert attacked > plain
    assert (moved - batch["img"]).abs().max() <= 4 / 255 + 1e-6


def test_an_attack_leaves_the_detector_its_gradients_and_random_numbers_alone(detector, batch):
    detector.zero_grad()
    state = {name: value.clone() for name, value in detector.state_dict().items()}
    random_state = torch.get_rng_state()
    attack(detector, batch, 4)
    assert all(torch.equal(value, state[name]) for name, value in detector.state_dict().items())
    assert all(p.grad is None or not p.grad.any() for p in detector.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)
    norms = [m for m in detector.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and all(norm.track_running_stats and norm.training for norm in norms)


def test_the_statistics_are_the_batch_s_own_and_not_the_running_ones():
    """A normalised image's sum does not depend on the image, unless old statistics are used."""
    model = nn.Sequential(nn.BatchNorm2d(1)).train()
    model.loss = lambda batch: (model(batch["img"]).sum() * torch.ones(1), {})
    images = torch.rand(1, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    captured = {}
    model.register_forward_hook(lambda _, __, out: captured.update(out=out.detach()))
    attack(model, {"img": images}, 4)
    assert abs(float(captured["out"].mean())) < 1e-5
    assert float(model[0].running_mean) == 0 and int(model[0].num_batches_tracked) == 0


def test_the_share_is_kept_and_the_draw_depends_on_seed_and_iteration_alone():
    draws = [drawn(0.3, 7, iteration) for iteration in range(10_000)]
    assert np.mean(draws) == pytest.approx(0.3, abs=0.02)
    assert draws == [drawn(0.3, 7, iteration) for iteration in range(10_000)]
    assert draws != [drawn(0.3, 8, iteration) for iteration in range(10_000)]
    assert not any(drawn(0.0, 7, i) for i in range(100)) and all(drawn(1, 7, i) for i in range(100))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chance": 0.5}, "there is no part of the attack 'chance', known: share, epsilon"),
        ({"share": 1.5}, "adversarial share: 1.5 is not a number from 0 to 1"),
        ({"share": 1, "epsilon": 64}, "adversarial epsilon: 64 is not a number from 0 to 32"),
    ],
)
def test_an_attack_that_cannot_be_is_refused(changes, message):
    from sim2real_lib.detection.train import _adversarial

    with pytest.raises(InputError) as error:
        _adversarial(changes)
    assert str(error.value) == message
