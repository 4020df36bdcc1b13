"""What is promised of README and docs: links and commands hold, both languages agree."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from sim2real_lib import params
from sim2real_lib.files import ROOT

ENGLISH, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
TROUBLE = ROOT / "docs" / "troubleshooting.md"
# Messages of other programs that troubleshooting quotes.
OTHERS = (
    "ImportError: libGL",
    "operator torchvision::nms",
    "Running as root is not recommended",  # JupyterLab
    "The port 8888 is already in use",
    "fatal: external diff died",  # git
    "Directory cannot be locked",  # Snakemake
    "… is 'many': Input should be a valid integer",  # pydantic
    "CUDA out of memory",
)
PAGES = [ENGLISH, KOREAN, *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NUMBER = re.compile(r"[+−]?\.?\d[\d.]*%?|[½¼]")
FOLDERS = ("notebooks", "sim2real_lib", "params", "profiles", "docs", "benchmarks", "tests")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, without their common indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", read(page), re.M | re.S)
    return [re.sub(rf"^{indent}", "", body, flags=re.M) for indent, body in found]


def commands(page: Path) -> list[str]:
    """Every command of the shell blocks, on one line each and without its comment."""
    lines = "".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    plain = (re.sub(r"\s+", " ", line.split(" #")[0]).strip() for line in lines)
    return [line for line in plain if line]


def inline(page: Path) -> list[str]:
    """What stands between backticks in a page's prose and tables."""
    prose = re.sub(r"```.*?```", "", read(page), flags=re.S)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    prose = re.sub(r"```.*?```", "", read(page), flags=re.S)
    heads = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@every_page
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(read(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_every_make_command_has_its_target_and_profile(page: Path) -> None:
    said = [code for code in [*commands(page), *inline(page)] if code.startswith("make ")]
    for command in said:
        words = command.split()[1:]
        assert TARGETS.issuperset(w for w in words if "=" not in w), command
        for profile in re.findall(r"PROFILE=(\S+)", command):
            assert (ROOT / "params" / profile).is_dir(), command
        for profile in re.findall(r"\bON=(\S+)", command):
            assert (ROOT / "profiles" / profile).is_dir(), command


@every_page
def test_every_program_of_a_command_is_installed(page: Path) -> None:
    for command in [*commands(page), *inline(page)]:
        for name in re.findall(r"\.venv/bin/(\S+)", command):
            assert (Path(sys.executable).parent / name).is_file(), command
        for module in re.findall(r"-m (sim2real_lib\S+)", command):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), command


@every_page
def test_every_file_that_a_command_or_a_sentence_names_is_there(page: Path) -> None:
    for code in [*commands(page), *inline(page)]:
        for path in re.findall(rf"(?<![\w/])(?:{'|'.join(FOLDERS)})/[\w./-]+", code):
            assert (ROOT / path).exists(), code


@every_page
def test_every_parameter_that_a_papermill_command_sets_is_its_notebooks(page: Path) -> None:
    for command in commands(page):
        for name in re.findall(r"papermill notebooks/(\w+)\.ipynb", command):
            options = dict(re.findall(r"-p (\w+) (\S+)", command))
            parsed = {key: yaml.safe_load(value) for key, value in options.items()}
            assert params.NOTEBOOKS[name]().with_values(**parsed)


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in LINK.findall(read(ENGLISH))}
    assert linked >= {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"}


def test_a_newcomer_reads_the_readme_in_one_go() -> None:
    assert len(read(ENGLISH).splitlines()) <= 170


def test_the_arm_of_your_own_is_a_valid_one() -> None:
    (example,) = blocks(ROOT / "docs" / "detectors.md", "yaml")
    arms = {"baseline": {}, **yaml.safe_load(example)["arms"]}
    assert params.YOLOTraining(arms=arms, arm="mine").added == ["nst-fog"]


def test_the_sweep_that_is_shown_is_the_profile() -> None:
    (example,) = blocks(ROOT / "docs" / "scale_out.md", "yaml")
    assert example == read(ROOT / "params" / "sweep" / "run.yaml")


def test_the_data_set_of_your_own_is_a_valid_one() -> None:
    (example,) = blocks(ROOT / "docs" / "own_data.md", "yaml")
    own = params.DataAnalysis(**yaml.safe_load(example)).own["acdc"]
    found = re.search(own.sequence_pattern, "GOPR0475_frame_000041_rgb_anon.png")
    assert found and found.groups() == ("GOPR0475", "000041")


def test_the_python_example_imports_what_there_is() -> None:
    (example,) = blocks(ROOT / "docs" / "translators.md", "python")
    first = ast.parse(example).body[0]
    assert isinstance(first, ast.ImportFrom)
    exec(compile(ast.Module([first], []), "example", "exec"), {})


def test_every_message_that_troubleshooting_quotes_is_one_of_ours_or_a_known_ones() -> None:
    trees = [ast.parse(read(file)) for file in (ROOT / "sim2real_lib").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    ours = {text.strip() for text in texts if len(text.strip()) > 9}
    makefile = read(ROOT / "Makefile")
    rows = [line.split(" | ")[0] for line in read(TROUBLE).splitlines() if line.startswith("| ")]
    quoted = [code for row in rows for code in re.findall(r"`([^`]+ [^`]+ [^`]+)`", row)]
    unknown = [
        code
        for code in quoted
        if not any(text in code or code.strip("… ") in text for text in ours)
        and code[:24] not in makefile
        and not code.startswith(OTHERS)
    ]
    assert len(quoted) > 20 and not unknown


def test_both_languages_link_each_other_first() -> None:
    assert LINK.findall(read(ENGLISH))[0] == KOREAN.name
    assert LINK.findall(read(KOREAN))[0] == ENGLISH.name


def test_both_languages_carry_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(KOREAN)


def test_both_languages_carry_the_same_links_and_names() -> None:
    assert LINK.findall(read(ENGLISH))[1:] == LINK.findall(read(KOREAN))[1:]
    assert sorted(inline(ENGLISH)) == sorted(inline(KOREAN))


def test_both_languages_have_the_same_sections_and_tables() -> None:
    for part in (r"^#+ ", r"^\|", r"^ *```"):
        counts = [len(re.findall(part, read(page), re.M)) for page in (ENGLISH, KOREAN)]
        assert counts[0] == counts[1] > 0, part


def test_both_languages_carry_the_same_figures_row_by_row() -> None:
    rows = [[line for line in read(page).splitlines() if line.startswith("|")]
            for page in (ENGLISH, KOREAN)]  # fmt: skip
    for english, korean in zip(*rows, strict=True):
        first, second = ([NUMBER.findall(c) for c in row.split("|")] for row in (english, korean))
        assert first == second, korean


def test_both_languages_carry_the_same_figures_in_their_sentences() -> None:
    prose = [re.sub(r"^\|.*$", "", read(page), flags=re.M) for page in (ENGLISH, KOREAN)]
    decimals = [sorted(re.findall(r"\d*\.\d+|\d{3,}", text)) for text in prose]
    assert decimals[0] == decimals[1]
