from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import image, records, text

from sim2real_lib.datasets import _common as common
from sim2real_lib.errors import InputError

FIELDS: dict[str, type] = {"name": str, "count": int, "share": float}


def table(*paths: Path, header: bool = False) -> pd.DataFrame:
    return common.read_table(paths, FIELDS, remedy="Write it again", header=header)


def test_a_table_knows_where_each_of_its_rows_stands(tmp_path: Path) -> None:
    first = text(tmp_path / "a.txt", ["", "car 1 0.5", "   ", "van -2 1e-3"])
    empty = text(tmp_path / "b.txt", [])
    last = text(tmp_path / "c.txt", ["truck 3 4"])
    assert records(table(first, empty, last)) == [
        ("car", 1, 0.5, str(first), 2),
        ("van", -2, 0.001, str(first), 4),
        ("truck", 3, 4.0, str(last), 1),
    ]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    empty = table(text(tmp_path / "a.txt", []))
    assert list(empty.columns) == ["name", "count", "share", "file", "line"]
    assert [kind.kind for kind in empty.dtypes[["count", "share", "line"]]] == ["i", "f", "i"]


@pytest.mark.parametrize(
    "written",
    [
        b"car 1 0.5\nvan 2 1\n",
        b"car 1 0.5\nvan 2 1",  # as some editors leave it
        b"car 1 0.5\r\nvan 2 1\r\n",
        b"car 1 0.5\rvan 2 1\r",
        b"\xef\xbb\xbfcar 1 0.5\nvan 2 1\n",
        b"  car\t1   0.5 \nvan 2 1 \n",
    ],
)
def test_line_ends_spaces_and_byte_order_marks_of_any_editor_are_read(
    tmp_path: Path, written: bytes
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(written)
    assert records(table(path)[["name", "count", "share", "line"]]) == [
        ("car", 1, 0.5, 1),
        ("van", 2, 1.0, 2),
    ]


@pytest.mark.parametrize("word", ["NA", "nan", "None", "null", '"', "'a", "#", "True", "1", "ü"])
def test_a_word_is_a_word_whatever_it_says(tmp_path: Path, word: str) -> None:
    assert list(table(text(tmp_path / "a.txt", [f"{word} 1 2"]))["name"]) == [word]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**17), 10**17), st.floats(allow_nan=False,
             allow_infinity=False)), min_size=1)
)  # fmt: skip
def test_numbers_are_read_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]
) -> None:
    path = tmp_path_factory.mktemp("exact") / "a.txt"
    text(path, [f"x {count} {share!r}" for count, share in rows])
    assert records(table(path)[["count", "share"]]) == rows


BAD_WORDS = ["", "x", "1_0", "１", "1,5", "--1", "nan", "inf", "1 2", "1e999", "1\xa0"]


@pytest.mark.parametrize("word", [*BAD_WORDS, "1.0", "1e3", "1" * 20])
def test_what_is_no_whole_number_is_named(tmp_path: Path, word: str) -> None:
    path = text(tmp_path / "a.txt", ["car 1 0.5", f"car {word} 0.5", "car 1 1"])
    with pytest.raises(InputError) as error:
        table(path)
    assert error.value.where == f"{path}:2"
    assert error.value.remedy == "Write it again"


@pytest.mark.parametrize("word", [*BAD_WORDS, "-inf", "NaN", "1e", "0x1F", "∞"])
def test_what_is_no_finite_number_is_named(tmp_path: Path, word: str) -> None:
    path = text(tmp_path / "a.txt", ["car 1 0.5", f"car 1 {word}", "car 1 1"])
    with pytest.raises(InputError) as error:
        table(path)
    assert error.value.where == f"{path}:2"


def test_the_first_of_several_bad_lines_is_named(tmp_path: Path) -> None:
    first = text(tmp_path / "a.txt", ["car 1 0.5", "car 1", "car x 1"])
    last = text(tmp_path / "b.txt", ["car"])
    with pytest.raises(InputError, match="2 fields where 3 belong") as error:
        table(first, last)
    assert error.value.where == f"{first}:2"


@pytest.mark.parametrize("bad", [b"\0", b"\x1b", b"\x7f", b"\xff", b"\xc3", b"\x0c"])
def test_a_byte_that_is_no_text_is_named(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"car 1 0.5\ncar 1 0." + bad + b"5\ncar 1 0.5\n")
    with pytest.raises(InputError, match="not a text file") as error:
        table(path)
    assert error.value.where == f"{path}:2"


@pytest.mark.parametrize("gone", ["missing.txt", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, gone: str) -> None:
    with pytest.raises(InputError) as error:
        table(tmp_path / gone)
    assert error.value.where == str(tmp_path / gone)


@pytest.mark.parametrize("first", ["", "name share count", "car 1 0.5", "name count share more"])
def test_a_header_must_name_the_columns_in_order(tmp_path: Path, first: str) -> None:
    good = text(tmp_path / "a.txt", ["name count share", "car 1 0.5"])
    assert len(table(good, header=True)) == 1
    bad = text(tmp_path / "b.txt", [first, "car 1 0.5"])
    with pytest.raises(InputError, match="the header is not") as error:
        table(good, bad, header=True)
    assert error.value.where == f"{bad}:1"


def test_refusing_names_the_first_bad_row_and_its_values(tmp_path: Path) -> None:
    path = text(tmp_path / "a.txt", ["car 1 0.5", "van 2 0.5", "van 3 0.5"])
    rows = table(path)
    common.refuse(rows, rows["count"] > 9, "never")
    with pytest.raises(InputError, match=r"^.*:2: a 'van' of 2\. Look there$"):
        common.refuse(rows, rows["name"] == "van", "a {name!r} of {count}", "Look there")


@pytest.mark.parametrize(
    ("asked", "chosen"), [(None, ["a", "b"]), (["b"], ["b"]), (["b", "a", "b"], ["a", "b"])]
)
def test_names_are_chosen_once_each_and_sorted(asked: list | None, chosen: list) -> None:
    assert common.choose(asked, ["b", "a"], "thing", Path("/data")) == chosen


def test_a_link_to_a_file_of_the_data_set_is_read_and_one_that_leads_out_is_refused(
    tmp_path: Path,
) -> None:
    place = tmp_path / "data/images"
    text(place / "a.txt", [])
    (place / "b.txt").symlink_to("a.txt")
    (place / "c.txt").symlink_to(text(tmp_path / "data/elsewhere/c.txt", []))
    assert sorted(common.files(place, tmp_path / "data", "")) == ["a.txt", "b.txt", "c.txt"]
    (place / "d.txt").symlink_to(text(tmp_path / "secret.txt", []))
    with pytest.raises(InputError, match="leads out of the data set") as error:
        common.files(place, tmp_path / "data", "")
    assert error.value.where == str(place / "d.txt")


def test_a_link_that_leads_out_by_way_of_another_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "data/images"
    text(tmp_path / "secret.txt", [])
    place.mkdir(parents=True)
    (tmp_path / "data/step").symlink_to(tmp_path / "secret.txt")
    (place / "a.txt").symlink_to("../step")
    with pytest.raises(InputError, match="leads out of the data set"):
        common.files(place, tmp_path / "data", "")


def test_a_link_in_a_circle_is_refused_or_passed_over(tmp_path: Path) -> None:
    text(tmp_path / "a.txt", [])
    (tmp_path / "b.txt").symlink_to("b.txt")
    try:
        assert list(common.files(tmp_path, tmp_path, "")) == ["a.txt"]
    except InputError as error:
        assert error.where == str(tmp_path / "b.txt")


def test_a_linked_folder_is_a_folder_of_the_layout(tmp_path: Path) -> None:
    text(tmp_path / "disk/a.txt", [])
    (tmp_path / "disk/b.txt").symlink_to("a.txt")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/images").symlink_to(tmp_path / "disk")
    found = common.files(tmp_path / "data/images", tmp_path / "data", "")
    assert sorted(found) == ["a.txt", "b.txt"]
    assert found["a.txt"] == tmp_path / "data/images/a.txt"


def test_a_broken_link_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("gone.txt")
    assert common.files(tmp_path, tmp_path, "") == {}


def test_images_are_found_by_number_and_in_its_order(tmp_path: Path) -> None:
    for name in ("10.png", "9.png", "x.png", "11.txt"):
        text(tmp_path / name, [])
    found = common.numbered_images(tmp_path, tmp_path, r"([0-9]+)\.png", "")
    assert list(found.items()) == [(9, tmp_path / "9.png"), (10, tmp_path / "10.png")]


def test_an_unknown_class_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    rows = table(text(tmp_path / "a.txt", ["Car 1 1", "Boat 1 1"]))
    assert list(common.resolve_classes(rows[:1], "name", "vkitti").classes) == ["car"]
    with pytest.raises(InputError, match="no class 'Boat'") as error:
        common.resolve_classes(rows, "name", "vkitti")
    assert error.value.where == f"{tmp_path}/a.txt:2"
    assert "Car, Van, Truck, DontCare" in error.value.remedy
    assert "taxonomy.yaml" in error.value.remedy


def assembled(tmp_path: Path, *sides: tuple[float, float, float, float]) -> tuple[list, list]:
    """The sides and the reasons that are left of boxes in one image of 100x40 pixels."""
    image(tmp_path / "0.png", (100, 40))
    frames = pd.DataFrame(
        {
            "frame_id": ["f"], "source": "own", "split": "train", "sequence": "0", "index": 0,
            "variant": "original", "image": str(tmp_path / "0.png"), "weather": "undefined",
            "timeofday": "undefined", "scene": "undefined",
        }
    )  # fmt: skip
    boxes = pd.DataFrame(sides, columns=list(common.SIDES), dtype="float64").assign(
        frame_id="f", occluded=None, occlusion=None, truncated=None, visible_pixels=None,
        ignore=False, raw_class="Car", file="a.txt", line=range(1, len(sides) + 1),
        **{"class": "car"},
    )  # fmt: skip
    catalog = common.assemble(frames, boxes, [("b.txt", 0, "for a reason of its own")])
    return records(catalog.boxes[list(common.SIDES)]), records(catalog.dropped)


def test_a_box_is_clipped_to_its_image(tmp_path: Path) -> None:
    kept, dropped = assembled(tmp_path, (-5, -2, 105, 42), (10, 5, 20, 10))
    assert kept == [(0, 0, 100, 40), (10, 5, 20, 10)]
    assert dropped == [("b.txt", 0, "for a reason of its own")]


NAN, INF = float("nan"), float("inf")


def test_a_box_that_is_not_in_its_image_is_dropped_in_the_files_order(tmp_path: Path) -> None:
    kept, dropped = assembled(
        tmp_path, (10, 5, 10, 9), (-6, 5, 20, 9), (10, 5, 20, 9), (10, 5, 20, 43), (101, 5, 104, 9),
        (NAN, 5, 20, 9), (10, 5, INF, 9), (10, 5, 1e30, 9),
    )  # fmt: skip
    assert kept == [(10, 5, 20, 9)]
    assert [(line, reason.removeprefix("f: a Car ")) for _, line, reason in dropped[1:]] == [
        (1, "has no area in its image"),
        (2, "reaches far beyond its image"),
        (4, "reaches far beyond its image"),
        (5, "has no area in its image"),
        (6, "reaches far beyond its image"),
        (7, "reaches far beyond its image"),
        (8, "reaches far beyond its image"),
    ]
