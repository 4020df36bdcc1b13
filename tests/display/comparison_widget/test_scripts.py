"""The widget's scripts are one module, all of them, and reach whoever installs the package."""

import re
from pathlib import Path

from sim2real_lib.display.comparison_widget import widget
from sim2real_lib.files import ROOT


def test_every_script_is_part_of_the_module_once() -> None:
    files = {path.stem for path in widget.HERE.glob("*.js")}
    assert sorted(widget.SCRIPTS) == sorted(files)
    assert widget.Comparison._esm.count("export default") == 1


def test_no_name_is_declared_twice() -> None:
    names = re.findall(r"^(?:async )?(?:function|class|const) (\w+)", widget.Comparison._esm, re.M)
    assert sorted(names) == sorted(set(names))
    assert len(names) > 20


def test_no_script_asks_for_anything_elsewhere() -> None:
    wanted = widget.Comparison._esm.replace("http://www.w3.org/2000/svg", "")  # a name, no address
    assert not re.search(r"https?:|\bimport\b|\bfetch\(", wanted)


def test_scripts_and_styles_are_package_data() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["sim2real_lib"]
    package = ROOT / "sim2real_lib"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    own = {path for path in Path(widget.HERE).iterdir() if path.suffix in (".js", ".css")}
    assert own and own <= shipped


def test_nothing_flickers_faster_than_is_safe() -> None:
    half_period = re.search(r"HALF_PERIOD = (\d+)", widget.Comparison._esm)
    assert half_period and 1000 / (2 * int(half_period[1])) <= 3  # Hz, as in WCAG 2.3.1
