"""`python -m sim2real_lib.licences_page`: docs/licences.md, made of the installed packages."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from sim2real_lib.files import ROOT, write_text

PAGE = ROOT / "docs" / "licences.md"
PINNED = ROOT / "constraints.txt"
COPYLEFT = re.compile(r"\b[AL]?GPL|GNU|\bMPL|Mozilla")
STRONG = re.compile(r"\bA?GPL|GNU (Affero )?General", re.IGNORECASE)
LONGEST = 60  # characters: some packages give the whole licence for its name
ELSEWHERE = "(not for this platform)"
HEAD = """# Licences

`make docs` makes this page of the packages that `constraints.txt` pins, as they say themselves.
sim2real's own code is under the [MIT licence](../LICENSE).

"""
CALLED_OUT = """**AGPL and GPL.** {names}. ultralytics trains and runs the detectors. Whoever passes
on a work that contains it, or lets others use one over a network, has the AGPL to keep; Ultralytics
also sells another licence. docutils leaves the choice, and is not part of what sim2real passes on.

"""


def page() -> str:
    """The whole page."""
    rows = list(licences())
    strong = [f"{name} ({licence})" for name, _, licence in rows if STRONG.search(licence)]
    lines = [f"| {name} | {version} | {_marked(licence)} |\n" for name, version, licence in rows]
    table = ["| package | version | licence |\n", "|---|---|---|\n", *lines]
    return "".join([HEAD, CALLED_OUT.format(names=", ".join(strong)), *table])


def licences() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of each pinned package; copyleft ones too, whatever their field."""
    for line in PINNED.read_text(encoding="utf-8").splitlines():
        name, version = line.split("==")
        try:
            yield name, version, licence(distribution(name))
        except PackageNotFoundError:
            yield name, version, ELSEWHERE


def licence(package: Distribution) -> str:
    """A package's licence: the SPDX expression, else the short text, else the classifiers."""
    about = package.metadata
    expression, text = (
        "".join(about.get_all(name, [])) for name in ("License-Expression", "License")
    )
    classes = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if "License ::" in c]
    short = text if 0 < len(text) <= LONGEST and "\n" not in text else ""
    found = expression or short.replace("UNKNOWN", "") or ", ".join(classes)
    found = (
        found
        or text.strip().split("\n")[0][:LONGEST].replace("UNKNOWN", "")
        or _first_line(package)
    )
    return " ".join(found.split()).replace("|", "/") or "not said"


def _first_line(package: Distribution) -> str:
    """How the package's licence file begins."""
    for file in package.files or ():
        path = Path(str(file.locate()))
        if re.match(r"(LICEN[CS]E|COPYING)", path.name) and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            return text.strip().split("\n")[0][:LONGEST]
    return ""


def _marked(licence: str) -> str:
    return f"**{licence}**" if COPYLEFT.search(licence) else licence


if __name__ == "__main__":
    write_text(PAGE, page())
    print(f"{PAGE.relative_to(ROOT)} is written")
