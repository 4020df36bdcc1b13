"""The bag of freebies: named, switchable, in range."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real_lib.detection import photometric
from sim2real_lib.detection.augmentation import AUGMENTATION, OWN, choose
from sim2real_lib.errors import InputError


def street(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_every_name_is_ultralytics_or_ours_and_means_something():
    from ultralytics.cfg import DEFAULT_CFG_DICT

    for name, one in AUGMENTATION.items():
        assert (name in OWN) != (name in DEFAULT_CFG_DICT)
        assert 0 <= one.default <= one.highest and one.meaning


def test_unless_named_everything_stands_at_its_default():
    assert choose(rectangular=False) == {n: one.default for n, one in AUGMENTATION.items()}


def test_a_change_changes_itself_alone():
    changed = choose({"degrees": 10}, rectangular=False)
    assert changed == choose(rectangular=False) | {"degrees": 10}


@pytest.mark.parametrize("name", AUGMENTATION)
@pytest.mark.parametrize("beyond", [-0.01, 1.01, float("nan"), True, "1"])
def test_a_value_out_of_its_range_is_refused(name, beyond):
    value = AUGMENTATION[name].highest * beyond if isinstance(beyond, float) else beyond
    with pytest.raises(InputError, match=f"^{name}: .* is not a number from 0 to "):
        choose({name: value}, rectangular=False)


def test_a_misspelt_name_is_answered_with_the_right_one():
    with pytest.raises(InputError, match="no augmentation 'noize', did you mean 'noise'"):
        choose({"noize": 1}, rectangular=False)


def test_what_rectangular_batches_cannot_do_is_refused_or_recorded_as_off():
    assert choose({"mosaic": 1}, rectangular=True)["mosaic"] == 0
    for name in ("mixup", "cutmix"):
        with pytest.raises(InputError, match=f"{name} needs square batches"):
            choose({name: 0.1}, rectangular=True)
        assert choose({name: 0}, rectangular=True)[name] == 0


@pytest.mark.parametrize("name", photometric.STEPS)
def test_a_step_changes_the_light_and_never_the_geometry(name):
    image = street()
    changed = photometric.STEPS[name](image.copy(), random.Random(0))
    assert changed.shape == image.shape and changed.dtype == np.uint8
    assert not np.array_equal(changed, image)


def test_gray_has_one_value_a_pixel_and_haze_less_contrast_and_more_light():
    image = street() // 2
    draw = random.Random(0)
    gray, haze = photometric.gray(image, draw), photometric.haze(image, draw)
    assert (gray == gray[..., :1]).all()
    assert haze.std() < 0.95 * image.std() and haze.mean() > image.mean()


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_no_step_touches_the_random_numbers_of_others(probability):
    image, states = street(), (random.getstate(), np.random.get_state()[1].tolist())
    labels = photometric.Photometric(dict.fromkeys(photometric.STEPS, probability))({"img": image})
    assert (labels["img"] is image) == (probability == 0)
    assert states == (random.getstate(), np.random.get_state()[1].tolist())


def applied(probabilities, monkeypatch, turns=200):
    """For each step, which turns it was applied in and what it drew there."""
    found = {name: {} for name in photometric.STEPS}

    def recording(name):
        return lambda image, draw: found[name].update({transform.turn: draw.random()}) or image

    transform = photometric.Photometric(probabilities)
    monkeypatch.setattr(photometric, "STEPS", {name: recording(name) for name in found})
    for turn in range(turns):
        transform.turn = str(turn)
        transform({"img": street(4, 4)})
    return found


def test_a_step_switched_on_leaves_the_other_steps_as_they_are(monkeypatch):
    alone = applied({"haze": 0.3, "noise": 0.3}, monkeypatch)
    more = applied({"haze": 0.3, "noise": 0.3, "gray": 1.0, "blur": 0.5}, monkeypatch)
    assert alone["haze"] == more["haze"] and alone["noise"] == more["noise"]
    assert set(alone["haze"]) != set(alone["noise"]) and len(more["gray"]) == 200
    assert not alone["gray"]


@given(st.sampled_from(sorted(photometric.STEPS)), st.text(max_size=20))
def test_the_same_turn_draws_the_same_frame(name, turn):
    first, again = (photometric.Photometric({name: 1.0}) for _ in range(2))
    first.turn = again.turn = turn
    image = street(16, 16)
    assert np.array_equal(first({"img": image})["img"], again({"img": image})["img"])


def test_a_probability_is_a_share_of_frames(monkeypatch):
    changed = applied({"gray": 0.25}, monkeypatch, turns=2000)["gray"]
    assert len(changed) / 2000 == pytest.approx(0.25, abs=0.05)


def test_every_step_is_described():
    assert list(photometric.STEPS) == list(photometric.PHOTOMETRIC)
