import json
import time
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim2real_lib.datasets import _json_list
from sim2real_lib.errors import InputError


class Record(msgspec.Struct):
    name: str
    value: float | None = None
    parts: list["Record"] | None = None


def read(path: Path, *, chunk: int = 1 << 19, tail: int = 1 << 16) -> list[Record]:
    with patch.multiple(_json_list, CHUNK=chunk, TAIL=tail):
        return [
            record for batch in _json_list.batches(path, Record, "record", "") for record in batch
        ]


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("list") / "list.json"


awkward = st.text(st.sampled_from('{}[],:"\\/ \n\tu0é€𝄞'), max_size=12)
records = st.recursive(
    st.fixed_dictionaries(
        {"name": awkward},
        optional={
            "value": st.none() | st.floats(-1e6, 1e6) | st.integers(-9, 9),
            "other": st.dictionaries(awkward, awkward | st.lists(st.booleans()), max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries({"name": awkward, "parts": st.lists(inner, max_size=3)}),
    max_leaves=6,
)
spaces = st.sampled_from(["", " ", "\n", "\r\n\t "])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """A list as any program may write it, and what it holds."""
    values = draw(st.lists(records, max_size=8))
    comma, colon = (draw(spaces) + sign + draw(spaces) for sign in ",:")
    indent = draw(st.none() | st.integers(0, 4))
    wrapping = ['{"frames"' + colon, ', "config": {"a": [{}, 1]}}']
    around = wrapping if draw(st.booleans()) else ["", ""]
    text = json.dumps(
        values, indent=indent, separators=(comma, colon), ensure_ascii=draw(st.booleans())
    )
    return draw(spaces) + text.join(around) + draw(spaces), values


@settings(max_examples=150, deadline=None)
@given(texts(), st.integers(1, 80), st.integers(1, 80))
@example(('[{"name": "}"}, {"name": "}", "other": {}}, {"name": "{"}]', []), 1, 1)
def test_a_list_read_in_pieces_is_the_list_read_in_one(
    file: Path, text: tuple[str, list[Any]], chunk: int, tail: int
) -> None:
    whole = text[1] or msgspec.json.decode(text[0], type=list[Any] | dict[str, Any])
    whole = whole["frames"] if isinstance(whole, dict) else whole
    assert read(written(file, text[0]), chunk=chunk, tail=tail) == msgspec.convert(
        whole, list[Record]
    )


@settings(max_examples=150, deadline=None)
@given(
    texts(),
    st.integers(1, 80),
    st.integers(0, 400),
    st.sampled_from(["cut", "put", "set", "drop"]),
    st.sampled_from(b'{}[],:"\\ \n0-e.x\x00\xff'),
)
def test_a_damaged_list_is_refused_or_read_as_it_is_in_one_piece(
    file: Path, text: tuple[str, list[Any]], chunk: int, place: int, how: str, byte: int
) -> None:
    data = text[0].encode()
    place %= len(data)
    end = {"cut": len(data), "put": place, "set": place + 1, "drop": place + 1}[how]
    data = data[:place] + (bytes([byte]) if how in ("put", "set") else b"") + data[end:]
    wrapped = msgspec.defstruct("Wrapped", [("frames", list[Record])])
    try:
        whole = msgspec.json.decode(data, type=list[Record] | wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError):
        with pytest.raises(InputError):
            read(written(file, data), chunk=chunk)
    else:
        expected = whole if isinstance(whole, list) else whole.frames
        assert read(written(file, data), chunk=chunk) == expected


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("bad", [1, 2, 57, 200])
def test_a_bad_record_is_named_with_its_number_and_first_byte(
    file: Path, indent: int | None, bad: int
) -> None:
    values = [{"name": f"é{number}", "value": None} for number in range(200)]
    values[bad - 1]["value"] = "high"
    data = json.dumps({"frames": values}, indent=indent, ensure_ascii=False).encode()
    for chunk in (10, 300, 10_000):
        with pytest.raises(InputError, match=r"not a record .*Expected `float \| null`") as error:
            read(written(file, data), chunk=chunk)
        assert error.value.where == f"{file}: record {bad}"
        byte = int(error.value.what.rpartition("begins at byte ")[2])
        assert data[byte:].decode().startswith("{")
        assert json.loads(data[byte:].decode().partition("}")[0] + "}") == values[bad - 1]


def test_damage_is_located_by_its_byte_and_the_records_before_it(file: Path) -> None:
    text = json.dumps([{"name": str(number)} for number in range(300)], indent=4)
    damaged = text.replace('"name": "123"', '"name": ?')
    for chunk in (10, 300, 10_000):
        with pytest.raises(InputError, match="not a list of records") as error:
            read(written(file, damaged), chunk=chunk)
        assert error.value.what.endswith(f"at byte {damaged.index('?')}, behind record 123")


def test_a_large_file_takes_no_more_memory_than_a_piece_of_it(file: Path) -> None:
    written(file, json.dumps([{"name": "x" * 1000, "other": [{}] * 9}] * 3000, indent=2))
    batches = _json_list.batches(file, Record, "record", "")
    with patch.multiple(_json_list, CHUNK=50_000):
        tracemalloc.start()
        try:
            assert sum(len(batch) for batch in batches) == 3000
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < file.stat().st_size / 10


@pytest.mark.parametrize("inside", ['{"name": "b"}, ', '"}", ', "[{}], "])
def test_a_record_longer_than_any_piece_is_read_in_no_time(file: Path, inside: str) -> None:
    text = '[{"name": "a", "other": [' + inside * 200_000 + '0]}, {"name": "c"}]'
    started = time.perf_counter()
    assert [record.name for record in read(written(file, text), chunk=1000)] == ["a", "c"]
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(("large", "shown"), [(10, True), (10_000, False)])
def test_only_a_large_file_shows_progress(
    file: Path, capsys: pytest.CaptureFixture[str], large: int, shown: bool
) -> None:
    written(file, json.dumps([{"name": "a"}] * 20))
    with patch.multiple(_json_list, LARGE=large):
        assert len(read(file)) == 20
    assert ("list.json" in capsys.readouterr().out) is shown


def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.json", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(InputError, match=what) as error:
            next(_json_list.batches(path, Record, "record", "Look elsewhere"))
        assert error.value.where == str(path)
        assert error.value.remedy == "Look elsewhere"
