"""Distances between domains: equal to their references, and with intervals that hold."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import domain_distance
from sim2real_lib.evaluation.domain_distance import c2st, compare, fid, jackknife, kid


def normal(seed, rows, columns, shift=0.0, scale=1.0):
    return shift + scale * np.random.default_rng(seed).normal(size=(rows, columns))


def folds(rows, count=5):
    return np.arange(rows) % count


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(2, 30), st.integers(0, 10_000))
def test_fid_is_torch_fidelitys(n, m, d, seed):
    torch = pytest.importorskip("torch")
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = normal(seed, n, d, 0.3), normal(seed + 1, m, d, scale=1.4)
    theirs = [metric_fid.fid_features_to_statistics(torch.tensor(x)) for x in (a, b)]
    reference = metric_fid.fid_statistics_to_metric(*theirs, verbose=False)
    # Theirs takes roots of eigenvalues that should be zero: 1e-8 of the trace for each.
    assert fid(a, b) == pytest.approx(reference["frechet_inception_distance"], abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(2, 30), st.integers(0, 10_000))
def test_kid_is_torch_fidelitys(n, d, seed):
    torch = pytest.importorskip("torch")
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    a, b = normal(seed, n, d, 0.3), normal(seed + 1, n, d, scale=1.4)
    reference = metric_kid.kid_features_to_metric(
        torch.tensor(a), torch.tensor(b), kid_subsets=1, kid_subset_size=n, verbose=False
    )
    assert kid(a, b) == pytest.approx(reference["kernel_inception_distance_mean"], rel=1e-9)


def test_fid_of_known_gaussians_is_their_closed_form():
    deviations = np.linspace(0.5, 2, 8)
    a, b = normal(0, 40_000, 8), 0.7 + normal(1, 40_000, 8) * deviations
    assert fid(a, b) == pytest.approx(8 * 0.7**2 + ((deviations - 1) ** 2).sum(), rel=0.02)


def test_fid_of_a_sample_with_itself_is_0_and_of_a_shifted_one_the_shift_squared():
    for rows in (20, 200):  # fewer and more than features
        a = normal(0, rows, 50)
        assert fid(a, a) == pytest.approx(0, abs=1e-9)
        assert fid(a, a + 0.5) == pytest.approx(50 * 0.25)


def test_fid_grows_with_fewer_frames_and_kid_does_not():
    few, many = [
        np.array([
            [measure(normal(2 * s, n, 30), normal(2 * s + 1, n, 30)) for measure in (fid, kid)]
            for s in range(100)
        ]).mean(axis=0)
        for n in (15, 60)
    ]  # fmt: skip
    assert few[0] > 2 * many[0]
    assert np.abs([few[1], many[1]]).max() < 0.04


def test_fid_in_thousands_of_features_takes_no_root_of_their_covariance():
    a, b = normal(0, 60, 2048), normal(1, 60, 2048)
    started = time.process_time()
    fid(a, b)
    assert time.process_time() - started < 1


def test_single_precision_features_are_computed_in_double():
    a, b = normal(0, 30, 9, 100).astype(np.float32), normal(1, 30, 9, 100).astype(np.float32)
    for measure in (fid, kid):
        doubled = measure(a.astype(float), b.astype(float))
        assert measure(a, b) == pytest.approx(doubled, rel=1e-12)


def test_equal_domains_cannot_be_told_apart_and_far_ones_always():
    equal = [
        c2st(normal(2 * s, 30, 40), normal(2 * s + 1, 30, 40), folds(30), folds(30))
        for s in range(60)
    ]
    assert np.mean(equal) == pytest.approx(0.5, abs=0.04)
    assert c2st(normal(0, 30, 40), normal(1, 30, 40, 3), folds(30), folds(30)) == 1


def test_the_classifier_is_a_ridge_regression_in_every_fold():
    a, b = normal(0, 12, 7), normal(1, 15, 7, 0.6)
    x = np.concatenate([a, b])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y, fold = np.repeat([1.0, 0.0], [12, 15]), np.concatenate([folds(12, 3), folds(15, 3)])
    right = pairs = 0
    for number in range(3):
        train, test = fold != number, fold == number
        mean = x[train].mean(axis=0)
        centred, size = x[train] - mean, train.sum()
        penalty = domain_distance.RIDGE * (centred**2).sum() / size
        slope = np.linalg.solve(centred.T @ centred + penalty * np.eye(7), centred.T @ y[train])
        score = (x - mean) @ slope
        ahead = score[test & (y == 1)][:, None] > score[test & (y == 0)]
        right, pairs = right + ahead.sum(), pairs + ahead.size
    assert c2st(a, b, folds(12, 3), folds(15, 3)) == pytest.approx(right / pairs)


def test_copies_in_different_folds_would_be_recognised_and_in_one_fold_are_not():
    """Why neighbours in a video share a fold."""
    leaked, kept = [], []
    for seed in range(30):
        a, b = (np.repeat(normal(2 * seed + s, 8, 60), 4, axis=0) for s in (0, 1))
        leaked.append(c2st(a, b, np.tile(range(4), 8), np.tile(range(4), 8)))
        kept.append(c2st(a, b, np.repeat(range(8), 4) % 4, np.repeat(range(8), 4) % 4))
    assert np.mean(leaked) > 0.95
    assert np.mean(kept) == pytest.approx(0.5, abs=0.07)


def test_a_feature_that_never_changes_does_no_harm():
    a, b = normal(0, 20, 6), normal(1, 20, 6, 1)
    still = np.full((20, 1), 0.1)  # whose mean is not exactly 0.1
    with_it = c2st(np.hstack([a, still]), np.hstack([b, still]), folds(20), folds(20))
    assert with_it == c2st(a, b, folds(20), folds(20))
    assert c2st(still, still, folds(20), folds(20)) == 0.5


def test_the_jackknife_of_a_mean_is_its_squared_standard_error():
    values = normal(0, 12, 1)[:, 0]
    without = (values.sum() - values) / 11
    variance = jackknife(values.mean(), without, np.ones(12))
    assert variance == pytest.approx(values.var(ddof=1) / 12)


def test_the_jackknife_does_not_mind_a_bias_that_shrinks_with_size():
    sizes = np.array([3, 5, 9, 20])
    biased = 1.0 + 7 / sizes.sum(), 1.0 + 7 / (sizes.sum() - sizes)
    assert jackknife(np.array(biased[0]), biased[1], sizes) == pytest.approx(0, abs=1e-20)


def moved(seed, *, closed, drives=6, each=4, target=36, shift=0.5, columns=24):
    """Originals in drives, translations that go a share `closed` of the way, and the target."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(drives, 1, columns)) * 0.4
    original = (place + rng.normal(size=(drives, each, columns))).reshape(-1, columns) + shift
    translated = original - closed * shift
    drive = np.repeat([f"{n:04d}" for n in range(drives)], each)
    return original, translated, rng.normal(size=(target, columns)), drive


def test_a_translator_that_goes_all_the_way_reaches_the_floor():
    original, translated, target, drive = moved(0, closed=1.0, drives=12, shift=0.8)
    table = compare(original, translated, target, groups=drive)
    assert list(table.index) == ["KID", "C2ST", "FID"]
    for name in ("KID", "C2ST"):
        row = table.loc[name]
        assert row["closed_low"] > 0
        assert row["after_low"] < row["floor_high"]
        assert row["share_low"] < 1 < row["share_high"]


def test_a_translator_that_does_nothing_closes_exactly_nothing():
    original, _, target, drive = moved(0, closed=0)
    table = compare(original, original.copy(), target, groups=drive)
    assert table[["closed", "closed_low", "closed_high"]].eq(0).all(axis=None)


def test_a_translator_that_goes_the_wrong_way_closes_less_than_nothing():
    original, translated, target, drive = moved(0, closed=-1.0, drives=12)
    table = compare(original, translated, target, groups=drive)
    assert table.loc[["KID", "FID"], "closed_high"].lt(0).all()
    assert table.loc["KID", "share"] < 0


def test_the_columns_fit_together():
    table = compare(*moved(3, closed=0.6, drives=8, each=2, shift=0.8)[:3])
    assert table["closed"].to_numpy() == pytest.approx(table["before"] - table["after"])
    assert table["gap"].to_numpy() == pytest.approx(table["before"] - table["floor"])
    known = table.dropna()
    assert len(known)
    assert known["share"].to_numpy() == pytest.approx(known["closed"] / known["gap"])
    for name in domain_distance.VALUES:
        kept = table.dropna(subset=name)
        assert (kept[f"{name}_low"] <= kept[name]).all()
        assert (kept[name] <= kept[f"{name}_high"]).all()
    areas = table.loc["C2ST", ["before_low", "before_high", "floor_low", "floor_high"]]
    assert areas.between(0, 1).all()


def test_no_share_is_given_of_a_gap_that_may_be_none():
    original, translated, target, drive = moved(0, closed=0.5, shift=0.0)
    table = compare(original, translated, target, groups=drive)
    assert table.filter(like="share").isna().all(axis=None)
    assert table["closed"].notna().all()


def test_frames_of_one_drive_count_for_less_than_frames_of_many():
    original, translated, target, drive = moved(0, closed=0.5, drives=4, each=8)
    by_drive = compare(original, translated, target, groups=drive).loc["KID"]
    by_frame = compare(original, translated, target).loc["KID"]
    widths = [row["before_high"] - row["before_low"] for row in (by_drive, by_frame)]
    assert widths[0] > 1.2 * widths[1]


def test_same_seed_same_numbers_and_another_seed_nearly_the_same():
    arguments = moved(1, closed=0.5, drives=5, each=2, target=14)[:3]
    one, again, other = (compare(*arguments, seed=seed) for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)
    width = one["before_high"] - one["before_low"]
    assert ((one["before"] - other["before"]).abs() < 0.5 * width).all()


@pytest.mark.parametrize(
    ("drives", "each", "target"),
    [(3, 1, 6), (3, 9, 6), (40, 1, 7), (3, 2, 90), (2, 9, 60), (9, 1, 5)],
)
def test_any_number_of_frames_has_numbers_or_says_that_they_are_too_few(drives, each, target):
    original, translated, goal, drive = moved(
        0, closed=0.5, drives=drives, each=each, target=target
    )
    table = compare(original, translated, goal, groups=drive)
    too_few = drives < 3 or target < 6
    assert table[["before", "closed_low", "closed_high"]].isna().all(axis=None) == too_few
    assert table[["before", "closed_low", "closed_high"]].notna().all(axis=None) != too_few


def test_a_drive_may_be_longer_than_all_the_others():
    original, translated, target, _ = moved(0, closed=0.5)
    drive = np.array([0] * 22 + [1, 2])
    videos = np.array([0] * 31 + [1, 2, 3, 4, 5])
    table = compare(original, translated, target, groups=drive, target_groups=videos)
    assert table[["before", "before_low", "closed_high"]].notna().all(axis=None)


def test_features_that_do_not_fit_together_are_refused():
    a = np.zeros((8, 4))
    with pytest.raises(InputError, match="8 originals, 7 translations"):
        compare(a, a[1:], a)
    with pytest.raises(InputError, match="features of 3 and 4 dimensions"):
        compare(a, a, a[:, :3])
    with pytest.raises(InputError, match="not finite"):
        compare(a, a, a + np.inf)


@pytest.mark.parametrize("drives", [4, 24])
def test_nine_of_ten_intervals_hold_the_truth(drives, monkeypatch):
    """Nominally 95 in 100: for 4 drives of 6 frames each, as in the demo, and 24 single frames."""
    monkeypatch.setattr(domain_distance, "SPLITS", 2)
    monkeypatch.setattr(domain_distance, "PARTS", 6)
    tables = np.stack(
        [
            compare(*worlds[:3], groups=worlds[3], seed=seed).to_numpy()
            for seed in range(40)
            for worlds in [moved(seed, closed=0.6, drives=drives, each=24 // drives, columns=12)]
        ]
    )
    for name in ("before", "after", "closed", "floor"):
        column = 3 * domain_distance.VALUES.index(name)
        value, low, high = (tables[:, :, column + n] for n in range(3))
        truth = value.mean(axis=0)
        held = ((low <= truth) & (truth <= high)).mean(axis=0)
        assert (held >= 0.86).all(), f"{name}: {held}"
