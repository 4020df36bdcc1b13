"""The widget offers the frames that there are, sends each once, and remembers only so many."""

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display.comparison_widget import Comparison, widget
from sim2real_lib.display.comparison_widget.frame_list import table
from sim2real_lib.display.wipe import wipe, wipe_html
from sim2real_lib.errors import InputError
from sim2real_lib.images import write_rgb

RED = np.full((60, 200, 3), (255, 0, 0), np.uint8)
BLUE = np.full((60, 200, 3), (0, 0, 255), np.uint8)
CLONE = "vkitti2/0001/clone/0000{}"
DETECTION = {"class": "car", "left": 1.0, "top": 2.0, "right": 30.0, "bottom": 40.0}


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


class Browser:
    """Asks a comparison what a browser would, and keeps the last answer."""

    def __init__(self, comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
        self.comparison, self.answers = comparison, []
        monkeypatch.setattr(comparison, "send", self._hear)

    def _hear(self, content: Any, buffers: Any = None) -> None:
        self.answers.append((json.loads(json.dumps(content, allow_nan=False)), buffers))

    def ask(self, **message: Any) -> tuple[dict, list[bytes]]:
        self.comparison._handle_custom_msg(message, [])
        content, buffers = self.answers[-1]
        return next(iter(content.values())), buffers


@pytest.fixture
def comparison(pairs: pd.DataFrame, catalog: Catalog, targets: dict[str, list[str]]) -> Comparison:
    return Comparison(pairs, catalog.boxes, targets=targets, width=320, remembered=5)


@pytest.fixture
def browser(comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(comparison, monkeypatch)


@pytest.fixture
def scores(pairs: pd.DataFrame) -> pd.DataFrame:
    """Known of fog by cyclegan alone, and there not of the first frame."""
    own = pairs[(pairs["style"] == "fog") & (pairs["translator"] == "cyclegan")]
    table = own[["frame_id", "style", "translator"]].copy()
    return table.assign(agreement=[np.nan, 0.9, 0.2, 0.5], lost=[np.nan, 0.0, 0.25, 1.0])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rejected_frames.csv"


def few_and_many(catalog: Catalog) -> pd.DataFrame:
    """Boxes: 7 and 12 occluded ones, 7 that are not, 2 of which nobody knows."""
    one = catalog.boxes.head(1)
    parts = [
        one.assign(frame_id=CLONE.format(number), occluded=occluded, times=times).loc[[0] * times]
        for number, occluded, times in ((0, True, 7), (1, True, 12), (2, False, 7), (3, pd.NA, 2))
    ]
    return pd.concat(parts)


def rows(comparison: Comparison) -> list[int]:
    """The list as a browser reads it."""
    return np.frombuffer(comparison.listed, "<u4").tolist()


def listed(comparison: Comparison) -> list[str]:
    """The last digits of the frames in the list."""
    return [name[-1] for name in comparison._listed["frame_id"]]


@pytest.mark.parametrize(("at", "cut"), [(0, 0), (0.3, 60), (1, 200), (7, 200)])
def test_the_original_is_left_of_the_line_and_the_translation_right(at: float, cut: int) -> None:
    picture = wipe(RED, BLUE, at)
    assert (picture[:, :cut] == RED[:, :cut]).all()
    assert (picture[:, cut:] == BLUE[:, cut:]).all()


def test_a_translation_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="the original is 200x60 and its translation 100x60"):
        wipe(RED, BLUE[:, :100])
    with pytest.raises(InputError, match="exactly the size"):
        wipe_html(RED, BLUE[:30])


def test_what_is_offered_is_what_was_translated(comparison: Comparison) -> None:
    offered = comparison.offered
    assert offered["style"] == ["fog", "overcast"]
    assert offered["translator"] == ["cyclegan", "nst"]
    assert offered["count"] == 4
    assert offered["order"] == [
        "as driven", "most occluded first", "most objects first",  # no scores were given
    ]  # fmt: skip
    assert not offered["choose"] and not offered["detections"]


def test_a_frame_comes_with_its_pictures_boxes_and_target(
    browser: Browser, pairs: pd.DataFrame, catalog: Catalog
) -> None:
    frame, pictures = browser.ask(get=2)
    assert frame["frame_id"] == CLONE.format(2) and frame["row"] == 2
    own = pairs[pairs["frame_id"] == CLONE.format(2)].iloc[0]
    original, translated, target = (decoded(data).astype(int) for data in pictures)
    assert (frame["width"], frame["height"]) == (original.shape[1], original.shape[0])
    for picture, path in ((original, own["original"]), (translated, own["translated"])):
        assert np.abs(picture - cv2.imread(path)).mean() < 4
    assert target.shape == original.shape
    boxes = catalog.boxes[catalog.boxes["frame_id"] == CLONE.format(2)]
    assert [box["class"] for box in frame["boxes"]] == boxes["class"].tolist()
    assert [box["occluded"] for box in frame["boxes"]] == boxes["occluded"].tolist()
    assert frame["boxes"][0]["occlusion"] is None
    assert set(browser.comparison.colours) == set(boxes["class"])


def test_a_large_picture_is_sent_no_wider_than_asked(
    pairs: pd.DataFrame, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Browser(Comparison(pairs, catalog.boxes, width=160), monkeypatch)
    frame, pictures = small.ask(get=0)
    assert [decoded(data).shape[1] for data in pictures] == [160, 160]
    assert frame["width"] == 320  # boxes are in the pixels of the file


def test_pictures_are_bounded_and_read_once(browser: Browser) -> None:
    cache = browser.comparison._sent.remembered.cache_info
    browser.ask(get=0)
    browser.ask(get=0)
    assert cache().misses == 3
    for row in range(8):
        browser.ask(get=row)
        assert cache().currsize <= 5
    assert cache().misses > 5, "the test never filled the memory"


def test_a_style_keeps_frame_and_translator(comparison: Comparison) -> None:
    comparison.chosen = {"translator": "nst"}
    comparison.position = 2
    comparison.chosen = {"style": "overcast"}
    assert comparison.chosen["translator"] == "nst"
    assert comparison.position == 2


def test_only_frames_that_were_translated_are_offered(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    half = pairs[(pairs["translator"] == "cyclegan") | (pairs["frame_id"].str.endswith("1"))]
    comparison = Comparison(half, catalog.boxes, width=160)
    assert listed(comparison) == ["0", "1", "2", "3"]
    comparison.chosen = {"translator": "nst"}
    assert listed(comparison) == ["1"]


def test_a_choice_that_is_not_on_offer_is_replaced(comparison: Comparison) -> None:
    comparison.chosen = {"style": "snow", "translator": "magic", "show": "none", "order": 3}
    assert comparison.chosen == {
        "style": "fog", "translator": "cyclegan", "show": "all frames", "order": "as driven",
    }  # fmt: skip


def test_the_worst_come_first_and_the_unknown_last(
    pairs: pd.DataFrame, catalog: Catalog, scores: pd.DataFrame
) -> None:
    comparison = Comparison(pairs, catalog.boxes, scores=scores)
    assert comparison.offered["order"][1:3] == ["edges agree least first", "most labels lost first"]
    comparison.position = 1
    comparison.chosen = {"order": "edges agree least first"}
    assert listed(comparison) == ["2", "3", "1", "0"]
    assert comparison.position == 2  # the frame that was looked at is looked at still
    comparison.chosen = {"order": "most labels lost first"}
    assert listed(comparison) == ["3", "2", "1", "0"]
    comparison.chosen = {"translator": "nst"}  # nothing is known of these
    assert comparison.chosen["order"] == "as driven"


def test_frames_are_told_apart_by_how_many_objects_are_occluded(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    comparison = Comparison(pairs, few_and_many(catalog))
    expected = {
        "all frames": ["0", "1", "2", "3"],
        "0–5 occluded": ["2"],  # of the last frame's nobody knows
        "6–10 occluded": ["0"],
        "over 10 occluded": ["1"],
        "0–5 objects": ["3"],
        "6–10 objects": ["0", "2"],
        "over 10 objects": ["1"],
    }
    assert comparison.offered["show"] == list(expected)
    for name, frames in expected.items():
        comparison.chosen = {"show": name}
        assert listed(comparison) == frames
        assert comparison.offered["count"] == len(frames)


def test_figures_are_said_where_they_are_known(
    pairs: pd.DataFrame, catalog: Catalog, scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(Comparison(pairs, catalog.boxes, scores=scores), monkeypatch)
    said = [
        {figure["name"]: figure["value"] for figure in browser.ask(get=n)[0]["figures"]}
        for n in (0, 2)
    ]
    assert set(said[0]) == {"objects", "occluded"}
    assert said[1] == said[1] | {"edges agree": "0.20", "labels lost": "25%"}
    assert "hallucinated" not in said[1]


def test_detections_are_those_of_the_frame_and_of_its_translation(
    pairs: pd.DataFrame, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"frame_id": CLONE.format(1), "confidence": 0.5, **DETECTION},
        {"frame_id": f"cyclegan-fog/{CLONE.format(1)}", "confidence": 0.4, **DETECTION},
        {"frame_id": f"cyclegan-fog/{CLONE.format(1)}", "confidence": 0.9, **DETECTION},
        {"frame_id": f"nst-fog/{CLONE.format(1)}", "confidence": 0.7, **DETECTION},
    ]
    comparison = Comparison(pairs, catalog.boxes, detections=pd.DataFrame(rows))
    assert comparison.offered["detections"]
    frame, _ = Browser(comparison, monkeypatch).ask(get=1)
    sure = {side: [o["confidence"] for o in own] for side, own in frame["detections"].items()}
    assert sure == {"original": [0.5], "translated": [0.9, 0.4]}
    assert frame["detections"]["original"][0]["right"] == 30


def test_a_rejected_frame_is_in_the_file_before_the_answer(
    pairs: pd.DataFrame, catalog: Catalog, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = Comparison(pairs, catalog.boxes, rejected=file)
    browser = Browser(comparison, monkeypatch)
    choice, _ = browser.ask(reject=True, row=3)
    assert choice["rejected"] and choice["count"] == 1
    assert file.read_text() == f"variant,frame_id\ncyclegan-fog,{CLONE.format(3)}\n"
    assert browser.ask(get=3)[0]["rejected"] and not browser.ask(get=2)[0]["rejected"]
    comparison.chosen = {"show": "rejected"}
    assert listed(comparison) == ["3"]
    assert listed(Comparison(pairs, catalog.boxes, rejected=file)) == ["0", "1", "2", "3"]
    choice, _ = browser.ask(reject=False, row=3)
    assert not choice["rejected"]
    assert file.read_text() == "variant,frame_id\n"


def test_a_choice_that_cannot_be_saved_is_not_pretended(
    pairs: pd.DataFrame, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    comparison = Comparison(pairs, catalog.boxes, rejected=tmp_path / "a file" / "rejected.csv")
    choice, _ = Browser(comparison, monkeypatch).ask(reject=True, row=0)
    assert not choice["rejected"] and choice["error"].startswith("not saved: ")


def test_a_file_of_rejected_frames_that_is_not_understood_is_refused(
    pairs: pd.DataFrame, catalog: Catalog, file: Path
) -> None:
    file.write_text("variant,frame_id\nmagic,a\n")
    with pytest.raises(InputError, match="'magic' is no translated variant"):
        Comparison(pairs, catalog.boxes, rejected=file)


@pytest.mark.parametrize("message", [{"get": 99}, {"get": -1}, {"get": "x"}, {"leads": None}, {}])
def test_what_is_not_in_the_table_is_not_answered(browser: Browser, message: dict) -> None:
    browser.comparison._handle_custom_msg(message, [])
    assert browser.answers == []


def test_a_choice_leads_where_the_browser_is_told_that_it_does(
    pairs: pd.DataFrame, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = Comparison(pairs, few_and_many(catalog))
    browser = Browser(comparison, monkeypatch)
    comparison.position = 2
    comparison._handle_custom_msg({"leads": 2}, [])
    told = browser.answers[-1][0]["leads"]
    start = comparison.chosen
    found = set()
    for name in ("style", "translator", "show", "order"):
        for value in comparison.offered[name]:
            comparison.chosen = {**start, name: value}
            found |= {rows(comparison)[comparison.position]} if rows(comparison) else set()
            comparison.chosen, comparison.position = start, 2
    assert len(told) > 3 and {*told, 2} == found  # the others lead to the same frame


def test_a_list_comes_with_its_first_frame_unless_the_browser_has_it(browser: Browser) -> None:
    comparison = browser.comparison
    comparison.chosen = {"translator": "nst"}
    assert browser.answers == []  # nobody looks
    browser.ask(get=0)
    comparison.chosen = {"translator": "cyclegan"}
    assert browser.answers[-1][0]["frame"]["row"] == comparison.offered["follows"] == 0
    many = len(browser.answers)
    comparison.set_state({"have": [4, 5], "chosen": {"translator": "nst"}})
    assert rows(comparison)[0] == 4 and comparison.offered["follows"] is None
    assert len(browser.answers) == many
    comparison.set_state({"have": [4], "chosen": {"translator": "cyclegan"}})
    assert comparison.offered["follows"] == 0


def test_a_frame_is_rejected_though_another_list_was_chosen_meanwhile(
    pairs: pd.DataFrame, catalog: Catalog, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = Comparison(pairs, catalog.boxes, rejected=file)
    comparison.chosen = {"style": "overcast", "translator": "nst"}
    choice, _ = Browser(comparison, monkeypatch).ask(reject=True, row=3)
    assert choice["rejected"] and choice["row"] == 3
    assert file.read_text() == f"variant,frame_id\ncyclegan-fog,{CLONE.format(3)}\n"


def test_a_variant_is_called_by_its_own_name_where_it_has_one(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    assert set(table(pairs, catalog.boxes)["variant"]) == {
        "cyclegan-fog", "nst-fog", "cyclegan-overcast", "nst-overcast",
    }  # fmt: skip
    named = table(pairs.assign(variant="nst-fog-from-fog"), catalog.boxes)
    assert set(named["variant"]) == {"nst-fog-from-fog"}


def test_a_missing_image_of_the_first_pair_is_refused_at_once_another_where_it_is_shown(
    pairs: pd.DataFrame, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = pairs.sort_values(["style", "translator", "frame_id"], ignore_index=True)
    pairs.loc[3, "translated"] = "/nowhere/fog/00003.png"
    frame, pictures = Browser(Comparison(pairs, catalog.boxes), monkeypatch).ask(get=3)
    assert "/nowhere/fog/00003.png: there is no such image" in frame["error"]
    assert pictures == []
    pairs.loc[0, "original"] = "/nowhere/00000.png"
    with pytest.raises(InputError, match=r"/nowhere/00000\.png: there is no such image"):
        Comparison(pairs, catalog.boxes)


def test_a_frame_that_broke_meanwhile_is_named(
    pairs: pd.DataFrame, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    pairs = pairs.copy()
    pairs.loc[pairs["frame_id"].str.endswith("2"), "translated"] = str(broken)
    browser = Browser(Comparison(pairs, catalog.boxes, width=160), monkeypatch)
    frame, pictures = browser.ask(get=2)
    assert "broken.jpg: not a readable image" in frame["error"]
    assert pictures == []


@pytest.mark.parametrize("spoil", [lambda p: p.iloc[:0], lambda p: p.drop(columns="style")])
def test_a_table_that_holds_no_pairs_is_refused(spoil, pairs, catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"no pairs|no column style"):
        Comparison(spoil(pairs), catalog.boxes)


def test_a_frame_twice_is_refused(pairs: pd.DataFrame, catalog: Catalog) -> None:
    with pytest.raises(InputError, match="appears twice for 'fog' by 'cyclegan'"):
        Comparison(pd.concat([pairs, pairs.head(1)]), catalog.boxes)


def test_headless_there_is_a_still_picture_with_the_target_beside(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict] = []
    monkeypatch.setattr(widget, "display", lambda data, **_: shown.append(data))
    comparison._ipython_display_()
    picture_first, live = shown  # in one output an exported page would prefer the dead widget
    assert "application/vnd.jupyter.widget-view+json" in live
    still = decoded(base64.b64decode(picture_first["image/png"]))
    assert still.shape == (100, 320 + 8 + 320, 3)
    picture = cv2.cvtColor(comparison.picture(wipe=0.5), cv2.COLOR_RGB2BGR)
    assert (still[:, :320] == picture).all()


def test_html_escapes_its_labels_and_embeds_both_pictures() -> None:
    html = wipe_html(RED, BLUE, labels=("<script>alert(1)</script>", 'x" onload="y'))
    assert "<script>" not in html and '"x" onload' not in html
    assert html.count("data:image/jpeg;base64,") == 2
    assert "http" not in html


def test_a_target_that_has_moved_costs_the_target_alone(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    moved = {style: ["moved away.png"] for style in pairs["style"].unique()}
    comparison = Comparison(pairs, catalog.boxes, targets=moved)
    facts, pictures = comparison._frame(comparison._pair(None, None, None))
    assert "error" not in facts and len(pictures) == 2
    assert decoded(comparison.still()).shape[0] > 0


@pytest.mark.parametrize("shape", [(1280, 720), (1920, 1080), (800, 600)])
def test_a_still_is_as_high_as_its_frame_whatever_the_targets_shape(
    pairs: pd.DataFrame, catalog: Catalog, tmp_path: Path, shape: tuple[int, int]
) -> None:
    write_rgb(tmp_path / "upright.png", np.full((*shape, 3), 90, np.uint8))
    targets = {style: [tmp_path / "upright.png"] for style in pairs["style"].unique()}
    still = decoded(Comparison(pairs, catalog.boxes, targets=targets).still())
    alone = decoded(Comparison(pairs, catalog.boxes).still())
    assert still.shape[0] == alone.shape[0] and still.shape[1] > alone.shape[1]


def test_a_frame_that_no_detector_looked_at_says_so(pairs: pd.DataFrame, catalog: Catalog) -> None:
    keys = pairs[["frame_id", "style", "translator"]]
    scores = keys.assign(hallucinated=[0.0] + [np.nan] * (len(pairs) - 1))
    nothing = pd.DataFrame([{"frame_id": "another", "confidence": 0.9, **DETECTION}])
    comparison = Comparison(pairs, catalog.boxes, scores=scores, detections=nothing)
    first, *others = (
        comparison._facts.of(comparison._pair(*key))["detections"] for key in keys.to_numpy()
    )
    assert first == {"original": [], "translated": []}
    assert others == [None] * len(others)
