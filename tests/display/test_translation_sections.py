"""The scores of translated frames are those on disk, and nobody reads a catalog twice for them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim2real_lib import catalog
from sim2real_lib.display import style, translation_sections
from sim2real_lib.display.report import Table
from sim2real_lib.params import translation_folder
from sim2real_lib.translation import structure

BOX = {"box": 0, "class": "car", "left": 0.0, "top": 0.0, "right": 40.0, "bottom": 40.0}


@pytest.fixture
def pairs(tmp_path: Path) -> pd.DataFrame:
    """Two variants of two frames; in nst-fog's second no box could be judged."""
    known = {"nst-fog": {"a": 0.9, "b": float("nan")}, "pyramid-fog-from-fog": {"a": 0.2, "b": 0.4}}
    rows = []
    for variant, scores in known.items():
        folder = translation_folder(tmp_path, variant)
        folder.mkdir(parents=True)
        boxes = [
            {"frame_id": name, "variant": variant, "agreement": score, **BOX}
            for name, score in scores.items()
        ]
        pd.DataFrame(boxes).to_parquet(folder / structure.FILE)
        maker = variant.replace("-fog", "", 1)
        rows += [(name, "0/0", variant, "fog", maker, "o.png", "t.png") for name in scores]
    columns = ["frame_id", "place", "variant", "style", "translator", "original", "translated"]
    return pd.DataFrame(rows[::-1], columns=columns)  # in whatever order


def test_a_frame_has_its_boxes_agreement_and_none_where_none_was_judged(
    pairs: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the notebook has the catalogs already")

    monkeypatch.setattr(catalog, "load", refuse)
    scores = translation_sections.frame_scores(tmp_path, pairs, None)
    by = scores.set_index(["variant", "frame_id"])["agreement"]
    assert by["nst-fog", "a"] == pytest.approx(0.9)
    assert pd.isna(by["nst-fog", "b"])
    assert by["pyramid-fog-from-fog", "b"] == pytest.approx(0.4)
    assert scores[["frame_id", "style", "translator"]].equals(
        pairs[["frame_id", "style", "translator"]]
    )


def test_what_the_detector_says_joins_where_it_looked(pairs: pd.DataFrame, tmp_path: Path) -> None:
    boxes = pd.DataFrame(
        {
            "frame_id": ["a", "a"], "variant": "nst-fog",
            "found_before": [True, True], "found_after": [True, False],
        }
    )  # fmt: skip
    seen = pd.DataFrame({"frame_id": ["nst-fog/a"], "variant": "nst-fog", "hallucinated": [3]})
    labels: Any = SimpleNamespace(boxes=boxes, hallucinations=seen)
    scores = translation_sections.frame_scores(tmp_path, pairs, labels)
    by = scores.set_index(["variant", "frame_id"])
    assert by.loc[("nst-fog", "a"), ["lost", "hallucinated"]].tolist() == [0.5, 3]
    assert by.loc[("pyramid-fog-from-fog", "a"), ["lost", "hallucinated"]].isna().all()
    assert len(scores) == len(pairs)


def test_without_translations_there_are_no_scores(pairs: pd.DataFrame, tmp_path: Path) -> None:
    assert translation_sections.frame_scores(tmp_path, pairs.iloc[:0], None).empty


def test_distances_are_a_row_a_translation_style_by_style() -> None:
    rows = [
        ("rain", "nst", "KID", 1.0, 0.25, -0.001, 0.75),
        ("rain", "nst", "FID", 392.7, 41.25, 1.1, np.nan),
        ("fog", "nst", "KID", 0.5, 0.75, 0.0, -0.5),
        ("fog", "nst", "FID", 100.0, 9.0, 1.1, 0.91),
    ]
    columns = ["style", "translator", "measure", "before", "after", "floor", "share"]
    section = translation_sections.distances(
        pd.DataFrame(rows, columns=columns), "Whose features.", {"distances": style.chart(1, 1)}
    )
    table = section.blocks[1]
    assert isinstance(table, Table) and table.caption.endswith("Whose features.")
    space = "\u00a0→\u00a0"
    assert table.frame.values.tolist() == [
        ["fog", "nst", f"0.500{space}0.750 (0.00)", "−50%", f"100{space}9.00 (1.10)", "91%"],
        ["rain", "nst", f"1.00{space}0.250 (−0.00)", "75%", f"393{space}41.2 (1.10)", np.nan],
    ]
    unknown = pd.DataFrame(rows, columns=columns).assign(share=np.nan)  # too near to the target
    section = translation_sections.distances(unknown, "", {"distances": style.chart(1, 1)})
    assert section.blocks[1].frame["KID, gone"].isna().all()
