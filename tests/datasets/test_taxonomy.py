import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from sim2real_lib.datasets import taxonomy

SECTIONS = list(yaml.safe_load(taxonomy.FILE.read_text()))


def resolved(section: str, *names: str) -> list[tuple[str | None, bool]]:
    named = taxonomy.of(section).resolve(pd.Series(names, dtype="str"))
    classes = [None if pd.isna(name) else name for name in named.classes]
    return list(zip(classes, named.ignore, strict=True))


def test_every_section_of_the_file_can_be_read() -> None:
    assert SECTIONS == ["kitti", "vkitti", "bdd100k", "own"]
    for section in SECTIONS:
        assert taxonomy.of(section).classes


@pytest.mark.parametrize("section", SECTIONS)
def test_a_name_means_one_thing(section: str) -> None:
    known = taxonomy.of(section)
    assert not set(known.classes) & set(known.ignored)
    assert sorted(known.names) == sorted({**known.classes, **known.ignored})


@pytest.mark.parametrize("section", SECTIONS)
def test_canonical_names_are_lower_case(section: str) -> None:
    known = taxonomy.of(section)
    canonical = [*known.classes.values(), *known.ignored.values()]
    assert canonical == [name.lower().strip() for name in canonical]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_canonical_name_is_not_renamed_again(section: str) -> None:
    known = taxonomy.of(section)
    if known.others == "keep":
        for name in known.classes.values():
            assert known.classes.get(name, name) == name


def test_both_benchmarks_of_kitti_call_a_sitting_person_the_same() -> None:
    assert resolved("kitti", "Person", "Person_sitting") == [("person sitting", False)] * 2


def test_what_not_to_care_about_is_ignored() -> None:
    assert resolved("kitti", "DontCare", "Car") == [("dontcare", True), ("car", False)]
    assert resolved("vkitti", "DontCare", "Truck") == [("dontcare", True), ("truck", False)]


@pytest.mark.parametrize("name", ["car", "CAR", "Boat", "", "dontcare", "nan"])
def test_kittis_names_are_taken_to_the_letter_and_others_are_unknown(name: str) -> None:
    assert resolved("kitti", name) == [(None, False)]
    assert resolved("vkitti", name) == [(None, False)]


def test_other_data_sets_names_may_be_new_and_in_any_case() -> None:
    assert resolved("bdd100k", "Bike", "streetcar", "Other Vehicle", "trailer") == [
        ("bicycle", False),
        ("streetcar", False),
        ("car", True),
        ("truck", True),
    ]
    assert resolved("own", "LORRY", "Tuk-tuk") == [("truck", False), ("tuk-tuk", False)]


def test_rows_keep_their_index_and_none_is_a_table_too() -> None:
    named = taxonomy.of("kitti").resolve(pd.Series(["Van", "Car"], index=[7, 3], dtype="str"))
    assert list(named.classes.index) == [7, 3]
    assert resolved("kitti") == []


def test_a_section_with_an_unheard_of_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        taxonomy.Taxonomy(classes={}, others="refuse", ignores={})  # type: ignore[call-arg]
