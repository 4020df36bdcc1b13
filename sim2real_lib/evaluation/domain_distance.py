"""How far translating closes the distance between two domains, seen in a network's features.

KID and C2ST are the ones to read where frames are few: FID grows as frames get fewer (Chong and
Forsyth 2020), and is there because others report it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from sim2real_lib.errors import InputError

MEASURES = ("KID", "C2ST", "FID")
VALUES = ("before", "after", "closed", "floor", "gap", "share")

SPLITS = 10  # into two halves, the target frames; each half is compared with once
PARTS = 20  # at most so many parts of either domain are left out in turn
LEAST = 3  # parts of the originals, and of each half of the target
FOLDS = 5
RIDGE = 1.0  # in mean squared lengths of a standardised row
ROUNDING = 1e-6  # of a feature in single precision, relative


def fid(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of the Gaussians fitted to two samples (Heusel et al. 2017).

    The eigenvalues of the product of two covariances A'A B'B are the squared singular values of
    A B', a matrix as small as the samples: no root of a d x d matrix is needed, nor its rounding.

    Args:
        a, b: (n, d) and (m, d) features, n and m from 2.

    Returns:
        0 for equal means and covariances; biased upwards, the more the smaller n and m.
    """
    gap = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    a, b = _root_of_covariance(a), _root_of_covariance(b)
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(gap @ gap + (a * a).sum() + (b * b).sum() - 2 * shared)


def kid(a: np.ndarray, b: np.ndarray) -> float:
    """Squared maximum mean discrepancy under the kernel (x.y / d + 1)^3 (Bińkowski et al. 2018).

    Args:
        a, b: (n, d) and (m, d) features, n and m from 2.

    Returns:
        the unbiased estimate, of all pairs and not of subsets: 0 on average for equal domains, so
        at times below 0.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    within = []
    for x in (a, b):
        kernel = _kernel(x, x)
        within.append((kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1)))
    return float(sum(within) - 2 * _kernel(a, b).mean())


def c2st(a: np.ndarray, b: np.ndarray, folds_a: np.ndarray, folds_b: np.ndarray) -> float:
    """Classifier two-sample test (Lopez-Paz and Oquab 2017): how well a classifier tells them.

    The classifier is a ridge regression on standardised features, in its dual form, as large as
    the samples. Its scores are compared within a fold alone: other folds have other classifiers.

    Args:
        a, b: (n, d) and (m, d) features.
        folds_a, folds_b: (n,) and (m,) the fold that each row is tested in; rows that resemble each
            other for another reason than their domain, as neighbours in a video do, share one.

    Returns:
        the area under the ROC curve, 0-1: 0.5 where the two cannot be told apart (or no fold has
        both), 1 where they are never mistaken.
    """
    x = np.concatenate([a, b]).astype(np.float64)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    # What varies less than single precision does would be rounding, blown up.
    x = (x - mean) / np.where(deviation > ROUNDING * np.abs(mean), deviation, np.inf)
    inner = x @ x.T
    folds = np.concatenate([folds_a, folds_b])
    is_a = np.arange(len(x)) < len(a)
    right = pairs = 0.0
    for fold in np.intersect1d(folds_a, folds_b):
        tested = folds == fold
        scores = inner[np.ix_(tested, ~tested)] @ _ridge(
            inner[np.ix_(~tested, ~tested)], is_a[~tested]
        )
        ahead = np.subtract.outer(scores[is_a[tested]], scores[~is_a[tested]])
        right += (ahead > 0).sum() + (ahead == 0).sum() / 2
        pairs += ahead.size
    return right / pairs if pairs else 0.5


def compare(
    original: np.ndarray,
    translated: np.ndarray,
    target: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    target_groups: np.ndarray | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """How far original and translated frames lie from the target's, and how sure that is.

    The target frames are split into two halves, again and again. All are compared with the one
    half, as many frames of each: the originals, their translations, and the other half, which is
    what a perfect translator would make of them. That last distance is the floor.

    Intervals come from the jackknife, a sequence (or part of the target) left out at a time, since
    a bootstrap draws frames twice: KID and a classifier then see copies, which look like likeness.
    On average it errs on the wide side (Efron and Stein 1981), the two samples' variances add up,
    and Student's t keeps few sequences honest (degrees of freedom by Satterthwaite 1946).

    Args:
        original: (n, d) features of the frames before translation.
        translated: (n, d) of the same frames, in the same order, after it.
        target: (m, d) of frames of the target domain.
        groups: (n,) the sequence of each frame; None: each stands alone, which is too sure of
            itself where they are neighbours in a video.
        target_groups: (m,) the same of the target's.
        level: the intervals' confidence.
        seed: of the splits.

    Returns:
        index `measure` (KID, C2ST, FID), columns
        `before`, `after`: distance of the originals and of their translations from the target;
        `closed`: before - after;
        `floor`: distance of target frames from other target frames;
        `gap`: before - floor;
        `share`: closed / gap, 1 for a perfect translator; not a number where no gap is sure;
        each with `_low` and `_high`, which say nothing new where C2ST never errs: 1 to 1. No
        numbers at all for fewer than 3 sequences of originals or 6 of the target, from which it
        could not be told how sure they are.

    Raises:
        InputError: for features that do not fit together or are not finite.
    """
    features = _stacked(original, translated, target)
    rng = np.random.default_rng(seed)
    part = _parts(len(original), groups, rng)
    target_part = _parts(len(target), target_groups, rng)
    parts, target_parts = np.unique(part).size, np.unique(target_part).size
    if parts < LEAST or target_parts < 2 * LEAST:
        return _table(*np.full((3, len(MEASURES), len(VALUES)), np.nan))
    # An original and its translation are left out together.
    part = np.concatenate([part, part, target_part + parts])
    splits = list(_splits(part, len(original), parts, target_parts, rng))
    whole = _values(features, splits, np.full(len(part), True))
    without = [_values(features, splits, part != n) for n in range(parts + target_parts)]
    sizes = np.bincount(part) / ([2] * parts + [1] * target_parts)
    sides = [slice(None, parts), slice(parts, None)]
    variances = np.array([jackknife(whole, np.array(without)[s], sizes[s]) for s in sides])
    freedom = _freedom(variances, np.array([parts, target_parts]) - 1)
    reach = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(variances.sum(axis=0))
    return _table(whole, whole - reach, whole + reach)


def jackknife(whole: np.ndarray, without: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Variance of statistics, from leaving parts out (Busing, Meijer and van der Leeden 1999).

    Parts may be of unequal sizes, and a bias that shrinks as 1 / n makes no difference.

    Args:
        whole: (...) statistics of everything.
        without: (g, ...) the same with each part left out.
        sizes: (g,) the parts' sizes.
    """
    times = (sizes.sum() / sizes).reshape(-1, *[1] * whole.ndim)
    pseudo = times * whole - (times - 1) * without
    middle = np.average(pseudo, axis=0, weights=sizes)
    return np.mean((pseudo - middle) ** 2 / (times - 1), axis=0)


class _Split(NamedTuple):
    """Rows of the stacked features, and the fold of each of them."""

    samples: tuple[np.ndarray, np.ndarray, np.ndarray]  # originals, translations, target frames
    half: np.ndarray  # the target frames that all three are compared with
    fold: np.ndarray


def _splits(
    part: np.ndarray, frames: int, parts: int, target_parts: int, rng: np.random.Generator
) -> Iterator[_Split]:
    """Halves of the target's parts, twice over: each is once the half and once the other."""
    count = min(FOLDS, parts, target_parts // 2)
    targets = np.arange(2 * frames, len(part))
    for _ in range(SPLITS // 2):
        order = rng.permutation(target_parts)
        fold = np.concatenate([rng.permutation(parts), order // 2])[part] % count
        first = order[part[targets] - parts] % 2 == 0
        for half, other in ((targets[first], targets[~first]), (targets[~first], targets[first])):
            size = min(frames, len(other))
            chosen = _evenly(np.arange(frames), part, size, rng)
            samples = (chosen, chosen + frames, _evenly(other, part, size, rng))
            yield _Split(samples, half, fold)


def _evenly(rows: np.ndarray, part: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """So many of the rows, as many of each part as of any other where it has them."""
    drawn = pd.Series(rng.permutation(rows))
    turn = drawn.groupby(part[drawn]).cumcount()
    return drawn.to_numpy()[np.argsort(turn, kind="stable")[:size]]


def _values(features: np.ndarray, splits: list[_Split], kept: np.ndarray) -> np.ndarray:
    """(measures, values): means over the splits, of the rows kept."""
    found = np.zeros((len(MEASURES), 3))
    for split in splits:
        half = split.half[kept[split.half]]
        for column, sample in enumerate(split.samples):
            rows = sample[kept[sample]]
            found[:, column] += (
                kid(features[rows], features[half]),
                c2st(features[rows], features[half], split.fold[rows], split.fold[half]),
                fid(features[rows], features[half]),
            )
    before, after, floor = found.T / len(splits)
    closed, gap = before - after, before - floor
    share = np.divide(closed, gap, out=np.full(len(gap), np.nan), where=gap > 0)
    return np.stack([before, after, closed, floor, gap, share], axis=1)


def _stacked(original: np.ndarray, translated: np.ndarray, target: np.ndarray) -> np.ndarray:
    if len(original) != len(translated):
        raise InputError(
            f"{len(original)} originals, {len(translated)} translations",
            remedy="Give every original's own translation, in the same order",
        )
    kinds = {sample.shape[1] for sample in (original, translated, target)}
    if len(kinds) > 1:
        raise InputError(
            f"features of {' and '.join(map(str, sorted(kinds)))} dimensions",
            remedy="Take all of them from the same network",
        )
    features = np.concatenate([original, translated, target]).astype(np.float64)
    if not np.isfinite(features).all():
        raise InputError("there are features that are not finite")
    return features


def _parts(frames: int, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """(n,) which part each frame belongs to: its group, or several together where they are many."""
    codes = np.arange(frames) if groups is None else pd.factorize(np.asarray(groups))[0]
    return (rng.permutation(codes.max(initial=-1) + 1) % PARTS)[codes]


def _freedom(variances: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a sum of independent variances, (2, ...) (Satterthwaite 1946)."""
    squares = (variances**2).T @ (1 / freedom)
    return np.divide(
        variances.sum(axis=0) ** 2, squares.T, out=np.ones(variances.shape[1:]), where=squares.T > 0
    )


def _table(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> pd.DataFrame:
    columns: dict[str, np.ndarray] = {}
    for name, *own in zip(VALUES, values.T, low.T, high.T, strict=True):
        columns |= dict(zip((name, f"{name}_low", f"{name}_high"), own, strict=True))
    table = pd.DataFrame(columns, index=pd.Index(MEASURES, name="measure"))
    share = [name for name in columns if name.startswith("share")]
    sure = (table["gap_low"] > 0) & table["share_low"].notna()
    table.loc[~sure, share] = np.nan
    areas = [f"{name}_{end}" for name in ("before", "after", "floor") for end in ("low", "high")]
    table.loc["C2ST", areas] = table.loc["C2ST", areas].clip(0, 1)
    return table


def _root_of_covariance(x: np.ndarray) -> np.ndarray:
    """R with R'R the covariance of the rows of x; at most d rows."""
    centred = (x - x.mean(axis=0, dtype=np.float64)) / np.sqrt(len(x) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r")) if len(x) > x.shape[1] else centred


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _ridge(inner: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) weight of each row in the classifier, from the rows' inner products (n, n)."""
    inner = inner - inner.mean(axis=0)
    inner -= inner.mean(axis=1, keepdims=True)
    penalty = RIDGE * inner.trace() / len(inner) + np.finfo(float).tiny
    return np.linalg.solve(inner + penalty * np.eye(len(inner)), labels - labels.mean())
