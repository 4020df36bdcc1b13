"""The learning rate falls as the published policies say."""

import pytest
import torch

from sim2real_lib.translation.schedules import Schedule


def rates(policy: str, constant: int, decay: int, per_unit: int = 1, lr: float = 1.0) -> list:
    schedule = Schedule(policy, lr, constant, decay, per_unit)
    return [schedule.rate(step) for step in range((constant + decay) * per_unit)]


def torchs(scheduler: type, count: int, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = scheduler(optimizer, **options)
    found = []
    for _ in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_linear_is_the_published_one() -> None:
    found = rates("linear", 100, 100, per_unit=7, lr=2e-4)[::7]
    assert found[:100] == [2e-4] * 100
    assert found[100] == pytest.approx(2e-4 * (1 - 1 / 101))
    assert found[199] == pytest.approx(2e-4 * (1 - 100 / 101))
    assert rates("linear", 2, 2, lr=3.0) == pytest.approx([3, 3, 2, 1])


def test_within_an_epoch_nothing_changes() -> None:
    for policy in ("linear", "step", "cosine"):
        found = rates(policy, 60, 60, per_unit=3)
        assert found[::3] == found[1::3] == found[2::3]


def test_step_and_cosine_are_torchs_own() -> None:
    step = torchs(torch.optim.lr_scheduler.StepLR, 120, step_size=50, gamma=0.1)
    assert rates("step", 60, 60) == pytest.approx(step)
    cosine = torchs(torch.optim.lr_scheduler.CosineAnnealingLR, 120, T_max=120)
    assert rates("cosine", 120, 0) == pytest.approx(cosine)


def test_plateau_is_torchs_own_on_the_epochs_mean_loss() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.2, threshold=0.01, patience=5
    )
    ours = Schedule("plateau", 1.0, 50, 0, steps_per_unit=2)
    losses = [5, 4, 3, *[2.999] * 9, 2, *[2.5] * 14]
    for epoch, loss in enumerate(losses):
        assert ours.rate(2 * epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
        # The game's own losses do not count; the rest of an epoch is averaged.
        ours.observe(2 * epoch, {"D_A": 99 * epoch, "G_A": -7, "cycle_A": loss - 1, "idt_A": 0})
        ours.observe(2 * epoch + 1, {"D_A": 0, "G_A": 0, "cycle_A": loss, "idt_A": 1})
        theirs.step(loss)
    assert ours.rate(2 * len(losses)) < 1


def test_a_plateau_goes_on_from_its_saved_state() -> None:
    whole, first = (Schedule("plateau", 1.0, 50, 0, 1) for _ in range(2))
    for step in range(20):
        whole.observe(step, {"cycle_A": 1.0})
    for step in range(9):
        first.observe(step, {"cycle_A": 1.0})
    second = Schedule("plateau", 1.0, 50, 0, 1)
    second.state = first.state
    for step in range(9, 20):
        second.observe(step, {"cycle_A": 1.0})
    assert second.rate(20) == whole.rate(20) < 1
