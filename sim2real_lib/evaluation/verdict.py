"""A comparison in words: does a translated arm beat the baseline, and how sure is that?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.evaluation.arm_names import BASELINE

NOTHING = "There is no translated arm to judge."
ALONE = "all objects are of one sequence or image"

Row = dict[str, float]


def decide(gains: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """The gains with the intervals that they are judged by.

    Args:
        gains, spread: `Comparison.gains` and `seeds`.

    Returns:
        `gains` with low and high over images and seeds where there are two pairs of seeds or more;
        and seeds, pairs, same_sign as in `spread`.
    """
    own = spread.loc[gains.index]
    ends = own[["low", "high"]].where(own["pairs"] > 1, gains[["low", "high"]])
    return gains[["mean_ap", "gain"]].join(ends).join(own[["seeds", "pairs", "same_sign"]])


def in_words(decided: pd.DataFrame, gaps: pd.DataFrame, judged: Sequence[str], where: str) -> str:
    """A sentence for each translated arm, about the slice `where`.

    Args:
        decided: from `decide`.
        gaps: `Comparison.gaps`.
        judged: the translated arms.
        where: a slice.
    """
    if not judged:
        return NOTHING
    rows, shares = _rows(decided), _rows(gaps)
    comparable = [arm for arm in judged if rows[where, arm]["pairs"]]
    if comparable and np.isnan(rows[where, comparable[0]]["gain"]):
        sentences = [f"Nothing can be said of {where}: it has no object to be found."]
    else:
        sentences = [
            _sentence(arm, rows[where, arm], shares.get((where, arm))) for arm in comparable
        ]
    return " ".join([*sentences, *_unpaired(rows, where)])


def _sentence(arm: str, row: Row, share: Row | None) -> str:
    gain = f"{row['gain']:+.3f} mAP@0.5"
    if np.isnan(row["low"]):
        return f"{_named(arm)}: {gain}, and no telling how sure that is: {ALONE}."
    effect = "made no sure difference"
    if row["low"] > 0:
        effect = "helped"
    elif row["high"] < 0:
        effect = "hurt"
    closed = ""
    if share is not None and share["share"] > 0 and row["low"] > 0:
        closed = f", {share['share']:.0%} of the gap to the oracle"
    return (
        f"{_named(arm)} {effect}: {gain} "
        f"(95% interval {row['low']:+.3f} to {row['high']:+.3f}, {_over(row)}){closed}."
    )


def in_every_slice(
    decided: pd.DataFrame, gaps: pd.DataFrame, judged: Sequence[str]
) -> tuple[str, str, str | None]:
    """Whether the best translated arm beats baseline in every slice, and what of the gap it closes.

    The best is the one with the highest gain in the last slice, of those that beat baseline in
    every slice, if any does. It is chosen by the frames that it is judged on, so with many arms and
    small differences its gain is a little too good. Slices without an object or without an interval
    are left out, and named.

    Args:
        decided, gaps, judged: as in `in_words`.

    Returns:
        the verdict, its caveats, and the best arm.
    """
    if not judged:
        return NOTHING, "", None
    rows = _rows(decided)
    names = list(dict.fromkeys(name for name, _ in rows))
    arms = [arm for arm in judged if rows[names[-1], arm]["pairs"]]
    if not arms:
        return "No arm can be compared.", " ".join(_unpaired(rows, names[-1])), None
    empty = [name for name in names if np.isnan(rows[name, arms[0]]["gain"])]
    alone = [name for name in names if np.isnan(rows[name, arms[0]]["low"]) and name not in empty]
    known = [name for name in names if name not in (*empty, *alone)]
    last = (known or alone or names)[-1]
    ahead = {arm: [name for name in known if rows[name, arm]["low"] > 0] for arm in arms}
    everywhere = [arm for arm in arms if known and ahead[arm] == known]
    best = max(everywhere or arms, key=lambda arm: rows[last, arm]["gain"])
    row, every = rows[last, best], "every bin"
    if known != names:
        every += " that can be judged"
    if not known:
        verdict, said = "No bin can be judged.", []
    elif everywhere:
        verdict = (
            f"{_named(best)} beats {BASELINE} in {every}, by {row['gain']:+.3f} mAP@0.5 in {last}."
        )
        least = min(rows[name, best]["low"] for name in known)
        said = [f"Its gain's 95% intervals, {_over(row)}, begin at {least:+.3f} or higher."]
        if len(arms) > 1:
            said.append(
                f"It is the best of {len(arms)} arms on these very frames: expect less elsewhere."
            )
    else:
        count = f"{len(ahead[best])} of {len(known)}"
        verdict = f"No translated arm surely beats {BASELINE} in {every}."
        said = [f"{_named(best)}, the best, does in {count}, by 95% intervals {_over(row)}."]
    if empty:
        said.append(f"Without an object to be found: {', '.join(empty)}.")
    if alone:
        said.append(f"Without an interval: {', '.join(alone)} ({ALONE}).")
    if known:
        said += _closed(row, _rows(gaps).get((last, best)), last) + _trained(row, last)
    caveats = " ".join([*said, *_unpaired(rows, last)])
    return verdict, caveats, best if known or alone else None


def _named(arm: str) -> str:
    """An arm in a sentence, where names such as "more" or "cut" would be read as words."""
    return f"“{arm}”"


def _over(row: Row) -> str:
    """What a gain's interval is over."""
    return f"over images and {row['pairs']:.0f} seeds" if row["pairs"] > 1 else "over images alone"


def _closed(row: Row, share: Row | None, where: str) -> list[str]:
    if share is None or not (share["share"] > 0 and row["low"] > 0):
        return []
    part, low, high = (f"{share[name]:.0%}" for name in ("share", "low", "high"))
    gap = f"{part} of the gap to the oracle ({low} to {high}, over images alone)"
    return [f"In {where} it closes {gap}."]


def _trained(row: Row, where: str) -> list[str]:
    if row["pairs"] < 2:
        return ["One seed says nothing about another training."]
    return [f"In {where} {row['same_sign']:.0f} of {row['pairs']:.0f} seeds agree in sign."]


def _unpaired(rows: dict[tuple[str, str], Row], where: str) -> list[str]:
    """The arms that share no seed with baseline, or not all of theirs."""
    arms = {arm: row for (name, arm), row in rows.items() if name == where}
    none = [arm for arm, row in arms.items() if not row["pairs"]]
    some = [
        f"{arm} ({row['pairs']:.0f} of {row['seeds']:.0f})"
        for arm, row in arms.items()
        if 0 < row["pairs"] < row["seeds"]
    ]
    said = []
    if some:
        said.append(f"Compared on the seeds that {BASELINE} has too: {', '.join(some)}.")
    if none:
        said.append(f"Not comparable, sharing no seed with {BASELINE}: {', '.join(none)}.")
    return said


def _rows(table: pd.DataFrame) -> dict[tuple[str, str], Row]:
    rows: Any = table.to_dict("index")
    return rows
