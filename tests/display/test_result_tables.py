"""Tables in the original's form: ours above its own figures, which never compete."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stored_arms import CLASSES, street, write

from sim2real_lib.display import result_tables
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import ap, comparison, slices
from sim2real_lib.evaluation.stored import Stored
from sim2real_lib.files import Artifact


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return write(tmp_path_factory.mktemp("arms"))


@pytest.fixture(scope="module")
def occluded() -> pd.Series:
    frames, _ = street()
    return pd.Series(np.arange(24) % 12, pd.Index(frames["frame_id"]))


@pytest.fixture(scope="module")
def compared(stored: Stored, occluded: pd.Series) -> comparison.Comparison:
    bins = slices.by_occlusion(occluded)
    return comparison.compare(stored, stored.objects, bins, CLASSES, resamples=50)


@pytest.fixture(scope="module")
def scored(stored: Stored, occluded: pd.Series) -> pd.DataFrame:
    frames, _ = street()
    asked = frames[frames["weather"] != "clear"]
    return result_tables.all_scores(stored, asked, frames, (5, 10), occluded)


def test_the_original_stands_beside_ours_and_does_not_compete(
    compared: comparison.Comparison,
) -> None:
    table = result_tables.results_table(compared)
    assert list(table.columns) == ["0-5", "0-10", "0-all"]
    assert list(table.index[:4]) == ["baseline", "nst", "cut", "oracle"]
    pd.testing.assert_series_equal(table.loc["nst"], compared.results.loc["nst"], check_names=False)
    assert table.loc["published: cyclegan"].tolist() == [0.413, 0.387, 0.365]
    published = [f"published: {arm}" for arm in ("baseline", "cyclegan", "nst")]
    assert result_tables.elsewhere(table) == published
    assert result_tables.aside(table) == ["oracle", *published]


def test_a_notebook_prints_the_best_bold_but_no_oracle_and_nobody_elses(
    compared: comparison.Comparison,
) -> None:
    table = result_tables.results_table(compared)
    page = result_tables.styled(table).to_html()
    for bin_ in table.columns:
        best = compared.results.drop(index="oracle")[bin_].max()
        row, column = table.index.get_indexer_for(table.index[table[bin_] == best])[0], bin_
        cell = f"_row{row}_col{list(table.columns).index(column)}"
        bold = [rule for rule in page.split("}") if "font-weight: bold" in rule]
        assert any(cell in rule for rule in bold)
    assert not any(f"_row{n}_" in rule for rule in bold for n in range(3, len(table)))


def test_bins_that_the_original_did_not_have_are_unknown_there(
    stored: Stored, occluded: pd.Series
) -> None:
    bins = slices.by_occlusion(occluded, [3])
    ours = comparison.compare(stored, stored.objects, bins, CLASSES, resamples=5)
    table = result_tables.results_table(ours)
    assert table["0-3"].isna().sum() == 3
    assert table.loc["published: nst", "0-all"] == 0.336


def test_a_class_that_the_target_lacks_is_a_dash(compared: comparison.Comparison) -> None:
    table = result_tables.class_table(compared)
    assert table[["van 0-5", "van 0-10", "van 0-all"]].isna().all(axis=None)
    cell = compared.by_class.loc[("nst", "truck"), "0-10"]
    assert table.loc["nst", "truck 0-10"] == pytest.approx(cell)
    published = table.loc["published: baseline"].dropna()
    assert published.to_dict() == {"car 0-5": 0.629, "truck 0-5": 0.129}


def test_the_best_arm_is_the_verdicts(compared: comparison.Comparison) -> None:
    best = compared.best
    assert best in ("nst", "cut")
    said = compared.verdict + compared.caveats
    assert f"“{best}” beats" in said or f"“{best}”, the best" in said


def test_without_a_translation_there_is_no_best_arm(stored: Stored, occluded: pd.Series) -> None:
    own = Stored({n: f for n, f in stored.folders.items() if n[:3] in ("bas", "ora")},
                 stored.objects, stored.areas, CLASSES)  # fmt: skip
    bins = slices.by_occlusion(occluded)
    ours = comparison.compare(own, own.objects, bins, CLASSES, resamples=5)
    assert ours.best is None
    assert result_tables.moved(own, ours, bins["0-all"]) is None


def test_each_seeds_difference_is_from_the_baseline_of_the_same_seed(
    compared: comparison.Comparison, stored: Stored, occluded: pd.Series
) -> None:
    frames, _ = street()
    every = result_tables.all_scores(stored, frames, frames, (5, 10), occluded)
    seeds = result_tables.seed_differences(every)
    assert set(seeds["arm"]) == {"nst"} and set(seeds["seed"]) == {"0", "1"}
    means = seeds.groupby("bin")["difference"].mean()
    told = compared.seeds.xs("nst", level="arm")["gain"]
    for name, value in means.items():
        assert value == pytest.approx(told[name])


def test_weathers_are_of_all_test_frames_and_the_rest_of_those_asked(
    scored: pd.DataFrame,
) -> None:
    counts = scored[scored["class"] == "all"].groupby(["kind", "slice"])["images"].max()
    assert counts["weather", "clear"] == 8
    assert counts["occlusion", "0-all"] == 16
    assert set(scored["arm"]) == {"baseline", "nst", "cut", "oracle"}


def test_the_heat_tables_slices_have_one_value_an_arm(scored: pd.DataFrame) -> None:
    table = result_tables.slice_table(scored)
    assert not table.duplicated(["kind", "slice", "arm"]).any()
    assert list(dict.fromkeys(table["kind"]))[:3] == ["occlusion", "occlusion bin", "weather"]
    assert "time of day" not in set(table["kind"]), "all frames are of one time of day"
    assert "all" not in set(table["slice"])


def test_the_curve_of_an_arm_is_the_mean_over_its_seeds(
    stored: Stored, occluded: pd.Series
) -> None:
    table = result_tables.curves(stored, occluded.index)
    one = table[(table["arm"] == "nst") & (table["class"] == "car")]
    assert len(one) == 101
    heights = [
        ap.curve(stored[name], stored.objects, CLASSES).query("`class` == 'car'")["precision"]
        for name in ("nst-seed0", "nst-seed1")
    ]
    assert one["precision"].to_numpy() == pytest.approx(np.mean(heights, axis=0))


def test_frames_of_a_drive_are_drawn_together() -> None:
    frames, _ = street()
    assert result_tables.groups(frames)[1] == "images"
    drives = frames.assign(sequence="0001", source=["a"] * 12 + ["b"] * 12)
    groups, drawn = result_tables.groups(drives)
    assert drawn == "sequences" and groups.nunique() == 2
    assert list(groups.index) == list(frames["frame_id"])


def test_what_stands_under_the_answer_counts_frames_and_seeds(
    compared: comparison.Comparison,
) -> None:
    said = result_tables.in_short(compared, 1800, ["foggy"], "images", "coco")
    assert said.startswith("1,800 test frames (foggy) · 1 to 2 seeds an arm · mAP@0.5 (coco)")


def test_an_arm_costs_what_its_translations_cost(tmp_path: Path) -> None:
    for folder, manifest in {
        "02_cyclegan_training/cut-fog": {"timings": {"train": 3.0, "translate": 2.0}},
        "04/cut-seed0": {"translated": ["cut-fog"], "timings": {"train": 7.2, "test": 1.0}},
        "04/cut-seed1": {"translated": ["cut-fog"], "timings": {"train": 9.0, "test": 1.0}},
    }.items():
        Artifact(tmp_path / folder, {}).seal(**manifest)
    folders = {f"cut-seed{n}": tmp_path / "04" / f"cut-seed{n}" for n in (0, 1)}
    table = result_tables.seconds(tmp_path, folders)
    assert table.loc["cut"].to_dict() == {"translate s": 5, "train s": 8, "test s": 1}
    (tmp_path / "02_cyclegan_training" / "cut-fog" / "manifest.json").unlink()
    with pytest.raises(InputError):
        result_tables.seconds(tmp_path, folders)


def test_numbers_stand_beside_their_intervals_as_text(compared: comparison.Comparison) -> None:
    table = result_tables.in_numbers(compared).set_index("arm")
    row = compared.gains.loc[("0-all", "nst")]
    ends = f"{row['low']:+.3f}\u00a0to\u00a0{row['high']:+.3f}"
    said = f"{row['gain']:+.3f} ({ends})".replace("-", "−")
    assert table.loc["nst", "difference (95%)"] == said
    assert pd.isna(table.loc["oracle", "gap closed (95%)"])
    known = pd.DataFrame({"value": [0.25, np.nan], "low": np.nan, "high": np.nan})
    assert result_tables.with_interval(known, "{:.0%}".format).tolist() == ["25%", None]
