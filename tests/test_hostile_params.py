"""What a stranger's params file can do: set parameters, or be refused. Nothing in it runs."""

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib import params, yaml_text
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT

MODELS = {**params.NOTEBOOKS, "run": params.Run}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
TAGS = (
    "!!python/object/apply:os.system ['touch {}']",
    "!!python/object/new:os.system ['touch {}']",
    "!!python/name:os.system",
    "!!python/module:subprocess",
    "!!python/object/apply:eval [\"open('{}', 'w')\"]",
    "!ruby/object:Gem::Installer {{}}",
    "!!binary '====='",
    "!!timestamp 2026-99-99",
    "!!int 'x'",
    "!!set {{a, b}}",
)
BOMBS = {
    "brackets": "seed: " + "[" * 100_000 + "]" * 100_000,
    "braces": "seed: " + "{a: " * 100_000 + "1" + "}" * 100_000,
    "indents": "\n".join(" " * depth + "a:" for depth in range(500)),
    "digits": "seed: " + "9" * 100_000,
    "names": "\n".join(f"nam{n}: 1" for n in range(20_000)),
    "one long name": "a" * 200_000 + ": 1",
    "too long": "seed: '" + "x" * 2_000_000 + "'",
    "laughs": "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n"
    + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)),
    "laughs by merging": "a0: &a0 {x0: 1}\n"
    + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], x{n}: 1}}" for n in range(1, 60)),
    "itself": "seed: &a [*a]",
    "documents": "seed: 1\n---\nseed: 2",
    "no name": "? [a, b]\n: 1",
    "numbers": "1: 2",
    "null": "null: 2",
    "nul": "seed: \x00",
    "list": "- seed",
}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "params.yaml"
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    path.write_bytes(data)
    return path


@every_model
@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_makes_no_object_and_runs_nothing(model: Any, tag: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for text in (f"seed: {tag.format(mark)}", tag.format(mark), f"? {tag.format(mark)}\n: 1"):
        with pytest.raises(InputError, match=r"params\.yaml"):
            model.from_yaml(written(tmp_path, text))
    assert not mark.exists()


@every_model
@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_one_clear_error(model: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"params\.yaml") as caught:
        model.from_yaml(written(tmp_path, text))
    assert len(str(caught.value)) < 7000


@every_model
def test_a_parameter_that_is_there_twice_is_refused_by_line(model: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'run' is there a second time.*line 2"):
        model.from_yaml(written(tmp_path, "run: outputs/a\nrun: outputs/b\n"))


@every_model
def test_what_is_no_file_is_refused(model: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        model.from_yaml(tmp_path)
    with pytest.raises(InputError):
        model.from_yaml(written(tmp_path, b"\xff\xfe\x00"))


@every_model
@settings(derandomize=True, database=None, max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_damaged_params_files_are_read_or_refused_by_one_clear_error(
    model: Any, tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    (name,) = [name for name, known in MODELS.items() if known is model]
    whole = (ROOT / "params" / "demo" / f"{name}.yaml").read_bytes()
    path = tmp_path_factory.getbasetemp() / f"{name}.yaml"
    path.write_bytes(damaged(Random(f"{name} {number}"), whole))
    try:
        read = model.from_yaml(path)
    except InputError as error:
        assert len(str(error)) < 7000
    else:
        assert model.parse(read.model_dump(exclude={"mlflow"})).model_dump() is not None


def damaged(rng: Random, whole: bytes) -> bytes:
    """A few bytes, or the value of a line, replaced by what nobody wrote there."""
    lines = whole.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(lines))
        name = lines[place].partition(b":")[0]
        value = rng.choice((
            b"", b"~", b"true", b"-1", b"1e400", b".nan", b".inf", b"0x10", b"1:30:00", b"null",
            b"[[]]", b"{a: {b: c}}", b"*x", b"&x [*x]", b"!!python/name:os.system", b"'\\0'",
            b'"\\0"', b"2026-11-23", b"\xff", b"9" * 5000, b"[" * 2000, b"a" * 5000,
            b'"\\ud800"',
        ))  # fmt: skip
        if rng.random() < 0.2:
            edited = bytearray(lines[place] or b"x")
            edited[rng.randrange(len(edited))] = rng.randrange(256)
            lines[place] = bytes(edited)
        elif rng.random() < 0.2:
            lines.insert(place, rng.choice(lines))
        else:
            lines[place] = name + b": " + value
    return b"\n".join(lines)


@settings(derandomize=True, database=None, max_examples=200, deadline=None)
@given(st.dictionaries(
    st.text(max_size=20) | st.sampled_from(list(params.YOLOTraining.model_fields)),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2),
    max_size=4,
))  # fmt: skip
def test_any_names_in_a_notebooks_parameters_cell_are_read_or_refused(given_ones: dict) -> None:
    cell = "\n".join(f"{name} = {value!r}" for name, value in given_ones.items())
    try:
        read = params.YOLOTraining.from_notebook({"In": ["", cell, ""], **given_ones})
    except InputError as error:
        assert str(error)
    else:
        assert isinstance(read, params.YOLOTraining)


@pytest.mark.parametrize("name", ["run", "data_run", "params"])
@pytest.mark.parametrize(
    "path",
    ["x; touch {}", "$(touch {})", "`touch {}`", "x | tee {}", "x\ntouch {}", "-x", "a'b",
     'a"b', "a*b", "{{wildcards}}", "a\\b", "a&b", "a>b", "a\x00b", "${{HOME}}", "!x", "#x"],
)  # fmt: skip
def test_a_path_that_a_shell_would_not_take_as_it_is_is_no_path_of_a_run(
    name: str, path: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"{name}.*letters, digits"):
        params.Run(**{}).with_values(**{name: path.format(tmp_path / "ran")})


@pytest.mark.parametrize(
    "path", ["outputs/demo", "/data/run-2/a_b", "../other", "~/x", "a b", "결과/1"]
)
def test_paths_as_people_name_them_are_paths_of_a_run(path: str) -> None:
    assert params.Run(run=path, params=path).params == [path]


def test_a_run_file_that_asks_snakemake_to_run_python_is_refused_by_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Snakemake hands a config file to YTE, which runs what `__definitions__` says.
    mark = tmp_path / "ran"
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "run.yaml").write_text(
        f"__use_yte__: true\n__definitions__:\n  - open({str(mark)!r}, 'w')\nrun: outputs/x\n"
    )
    command = [sys.executable, "-m", "sim2real_lib.batch", str(profile), "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode and "__use_yte__" in done.stderr
    assert not mark.exists()


def test_aliases_that_stay_small_are_welcome() -> None:
    text = "a: &a [1, 2]\nb: *a\nc: {<<: &m {x: 1, y: 2}, y: 3}\nd: {<<: *m, x: 4}"
    assert yaml_text.load(text) == yaml.safe_load(text)
