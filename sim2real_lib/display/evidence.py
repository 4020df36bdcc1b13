"""What notebook 05 found."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.detection.judge import Labels
from sim2real_lib.display.style import Chart
from sim2real_lib.evaluation.comparison import Comparison


@dataclass(frozen=True)
class Evidence:
    """What notebook 05 found: all that the report is made of.

    Attributes:
        data: the catalog.
        asked: the test frames that the answer is about, and drawn, what the bootstrap drew of them.
        compared: the answer.
        times: a row an arm: seconds, from `result_tables.seconds`.
        scored: from `result_tables.all_scores`.
        mistakes: from `errors.error_table`, of weathers and of bins, the last bin last.
        shown: translated frames beside their originals, from `translation_sections.translations`.
        labels: whether they survived translation; None: nothing was translated.
        distances: of each translation from its target, as `judge.distances` gives, and notice, in
            whose features.
        charts: what the notebook shows, by the names that `result_sections` and
            `translation_sections` ask for; what there was nothing to draw of is left out.
    """

    data: Catalog
    asked: Catalog
    drawn: str
    compared: Comparison
    times: pd.DataFrame
    scored: pd.DataFrame
    mistakes: pd.DataFrame
    shown: pd.DataFrame
    labels: Labels | None
    distances: pd.DataFrame | None
    notice: str
    charts: Mapping[str, Chart]
