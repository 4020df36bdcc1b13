"""What notebook 05 found."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.detection.judge import Labels
from sim2real_lib.evaluation.comparison import Comparison
from sim2real_lib.evaluation.stored import Stored


@dataclass(frozen=True)
class Evidence:
    """What notebook 05 found: all that the report is made of.

    Attributes:
        stored: the arms, and what was to be found.
        asked: the test frames that the answer is about, and drawn, what the bootstrap drew of them.
        compared: the answer.
        times: a row an arm: seconds, from `result_tables.seconds`.
        scored: from `result_tables.all_scores`.
        curves: from `result_tables.curves`.
        mistakes: from `errors.error_table`, of weathers and of bins, the last bin last.
        confidences: from `calibration.reliability`.
        moved: from `result_tables.moved`.
        shown: translated frames beside their originals, and targets, style -> images, as
            `translation_sections.translations` gives.
        labels: whether they survived translation; None: nothing was translated.
        distances: of each translation from its target, as `judge.distances` gives, and notice, in
            whose features.
    """

    stored: Stored
    asked: Catalog
    drawn: str
    compared: Comparison
    times: pd.DataFrame
    scored: pd.DataFrame
    curves: pd.DataFrame
    mistakes: pd.DataFrame
    confidences: pd.DataFrame
    moved: pd.DataFrame | None
    shown: pd.DataFrame
    targets: Mapping[str, list[str]]
    labels: Labels | None
    distances: pd.DataFrame | None
    notice: str
