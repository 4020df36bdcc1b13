"""Do 95% intervals hold the truth in 95% of simulated worlds? For images, sequences and seeds.

A world has two arms whose true difference is known from very many images. Of each world a test set
is drawn, and the bootstrap is asked for the interval of the difference.

Run: .venv/bin/python benchmarks/coverage.py (about 6 minutes)
"""

import time

import numpy as np
import pandas as pd

from sim2real_lib.evaluation import ap, bootstrap, seeds, slices

WORLDS, SEED_WORLDS, RESAMPLES, LEVEL = 400, 2000, 400, 0.95
SKILLS = {"baseline": 0.0, "arm": 0.3}  # what is added to every object's visibility
LIKENESS = 0.8  # share of the difficulty, and of the gain, that the images of a sequence share
FEW = (2, 3, 5, 10)  # sequences, or seeds, of which a bootstrap alone claims too much
MANY = 200_000  # images for the truth


def world(
    images: int, length: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], pd.Series]:
    """A test set: its objects, the detections of each arm, and frame id -> sequence.

    Images differ in difficulty and in what the arm gains in them; both have the same distribution
    whatever the length of sequences, so the true difference is the same.

    Args:
        images: how many.
        length: images of each sequence.
        rng: draws everything.
    """
    sequence = np.arange(images) // length
    shared, own = rng.normal(size=(2, sequence[-1] + 1)), rng.normal(size=(2, images))
    difficulty, helped = np.sqrt(LIKENESS) * shared[:, sequence] + np.sqrt(1 - LIKENESS) * own
    frames = np.repeat(np.arange(images), 1 + rng.poisson(3, images))
    visible = rng.normal(size=len(frames)) - difficulty[frames]
    found = {}
    for arm, skill in SKILLS.items():
        gain = skill * (1 + 1.5 * helped)
        seen = visible + gain[frames] + 0.5 * rng.normal(size=len(frames))
        alarms = np.repeat(np.arange(images), rng.poisson(np.exp(0.3 * difficulty)))
        places = np.concatenate([frames[seen > 0], alarms])
        scores = np.concatenate([seen[seen > 0], rng.normal(0.3, 0.7, len(alarms))])
        table = pd.DataFrame({"frame_id": places, "class": "car", "ignored": False})
        table["confidence"], table["tp50"] = 1 / (1 + np.exp(-scores)), places.size * [False]
        table.loc[: (seen > 0).sum() - 1, "tp50"] = True
        found[arm] = table
    objects = pd.DataFrame({"frame_id": frames, "class": "car"})
    return objects, found, pd.Series(sequence)


def true_difference() -> float:
    objects, found, _ = world(MANY, 1, np.random.default_rng(0))
    values = {arm: ap.mean_ap(table, objects, ["car"]) for arm, table in found.items()}
    return values["arm"] - values["baseline"]


def holds(
    truth: float, images: int, length: int, *, worlds: int, resamples: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Whether each world's interval holds the truth, drawing images and drawing sequences.

    Returns:
        "images", and "sequences" where there are any -> (worlds,) boolean.
    """
    rng = np.random.default_rng([seed, images, length])
    held: dict[str, list[bool]] = {"images": []} | ({"sequences": []} if length > 1 else {})
    for trial in range(worlds):
        objects, found, sequence = world(images, length, rng)
        test = {"all": pd.RangeIndex(images)}
        results = slices.results_table(found, objects, test, ["car"])
        for drawn in held:
            groups = sequence if drawn == "sequences" else None
            samples = bootstrap.measure(
                found, objects, test, ["car"], resamples=resamples, seed=trial, groups=groups
            ).samples
            apart = samples[[("all", "arm")]] - samples[[("all", "baseline")]].to_numpy()
            counts = bootstrap.group_counts(objects, test, ["car"], groups)
            measured = results.loc[["arm"]] - results.loc["baseline"]
            row = bootstrap.intervals(apart, measured, counts, level=LEVEL).iloc[0]
            held[drawn].append(row["low"] <= truth <= row["high"])
    return {drawn: np.array(each) for drawn, each in held.items()}


def holds_over_seeds(
    count: int, ratio: float, *, worlds: int, resamples: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """The same for the mean of several trainings, in worlds where all is normal.

    Args:
        count: seeds.
        ratio: a training's standard deviation by that of the test images.
        worlds, resamples, seed: as in `holds`.

    Returns:
        "images", "seeds redrawn" and "images and seeds" -> (worlds,) boolean, of the intervals
        over images alone, over images with seeds drawn with replacement, and of `seeds.interval`.
    """
    rng = np.random.default_rng([seed, count])
    held: dict[str, list[bool]] = {"images": [], "seeds redrawn": [], "images and seeds": []}
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    for _ in range(worlds):
        gains = rng.normal() + ratio * rng.normal(size=count)  # the truth is 0
        noise = rng.normal(size=resamples)
        redrawn = rng.choice(gains, (resamples, count)).mean(1) + noise
        over_images = gains.mean() + np.quantile(noise, tails)
        for name, (low, high) in {
            "images": over_images,
            "seeds redrawn": np.quantile(redrawn, tails),
            "images and seeds": seeds.interval(gains, *np.abs(over_images - gains.mean()), LEVEL),
        }.items():
            held[name].append(low <= 0 <= high)
    return {name: np.array(each) for name, each in held.items()}


def main() -> None:
    started, truth = time.perf_counter(), true_difference()
    print(f"The true difference is {truth:+.4f} mAP@0.5. {_expected(WORLDS)}")
    sizes = {(50, 1): 50, (200, 1): 200, (800, 1): 800}
    sizes |= {(10 * count, 10): count for count in FEW}
    sizes |= {(200, 10): 20, (800, 10): 80, (3200, 10): 320}
    for (images, length), sequences in sizes.items():
        held = holds(truth, images, length, worlds=WORLDS, resamples=RESAMPLES)
        _show({"images": images, "sequences": sequences}, held)
    print(f"\nThe mean gain of several seeds, all normal. {_expected(SEED_WORLDS)}")
    for count in FEW:
        for ratio in (0.0, 1.0, 3.0):
            held = holds_over_seeds(count, ratio, worlds=SEED_WORLDS, resamples=RESAMPLES)
            _show({"seeds": count, "spread of trainings by that of images": ratio}, held)
    print(f"{time.perf_counter() - started:.0f} s")


def _show(world: dict[str, float], held: dict[str, np.ndarray]) -> None:
    drawn = ", ".join(f"{name} {each.mean():.1%}" for name, each in held.items())
    print(", ".join(f"{name} {value}" for name, value in world.items()), "| drawing", drawn)


def _expected(worlds: int) -> str:
    error = 1.96 * np.sqrt(LEVEL * (1 - LEVEL) / worlds)
    return (
        f"Right intervals hold it in {LEVEL - error:.1%} to {LEVEL + error:.1%} of {worlds} worlds."
    )


if __name__ == "__main__":
    main()
