"""What a step sees is a function of seed and step alone, and is made while another one trains."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sim2real_lib.translation.unpaired import Domain, ahead


def test_numbers_come_in_order_and_a_few_are_made_beforehand() -> None:
    made: list[int] = []
    supply = ahead(lambda n: made.append(n) or threading.current_thread(), range(3, 9))
    threads = [next(supply) for _ in range(6)]
    assert made == [3, 4, 5, 6, 7, 8]
    assert threading.main_thread() not in threads
    assert list(ahead(lambda n: n, range(3, 9))) == [3, 4, 5, 6, 7, 8]
    assert list(ahead(lambda n: n, range(0))) == []


def test_what_fails_beforehand_is_raised_at_its_place() -> None:
    supply = ahead(lambda n: 1 // (2 - n), range(4))
    assert next(supply) == 0 and next(supply) == 1
    with pytest.raises(ZeroDivisionError):
        next(supply)


def test_every_image_comes_once_an_epoch_in_a_new_order(
    pictures: Callable[..., list[Path]],
) -> None:
    paths = pictures("some", 5, size=(32, 32))
    domain = Domain(paths, "source", 1.0, (32, 32), (7,), 1 << 30)
    epochs = [[domain.samples(range(n, n + 1)) for n in range(start, start + 5)]
              for start in (0, 5)]  # fmt: skip
    means = [[round(float(sample.mean()), 5) for sample in epoch] for epoch in epochs]
    assert sorted(means[0]) == sorted(means[1]) and len(set(means[0])) == 5
    assert means[0] != means[1]


def test_a_batch_is_its_samples_wherever_they_are_cut(
    pictures: Callable[..., list[Path]],
) -> None:
    paths = pictures("some", 5)
    one, other = (Domain(paths, "source", 1.0, (32, 32), (7,), room) for room in (1 << 30, 0))
    whole = one.samples(range(3, 9))
    parts = torch.cat([other.samples(range(n, n + 1)) for n in range(8, 2, -1)])
    assert torch.equal(whole, parts.flip(0))
