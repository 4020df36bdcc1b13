"""The pictures that an executed notebook holds, by the section that they stand in."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sim2real_lib.display.style import Encoded
from sim2real_lib.errors import InputError

WIDGET = "application/vnd.jupyter.widget-view+json"  # its still picture is one of many
KINDS = ("image/png", "image/jpeg")


class Shown(NamedTuple):
    """A picture and where it stands.

    Attributes:
        section: the heading that it stands under.
        place: cell id and position among the cell's pictures: the same in every run.
        picture: as the notebook holds it.
    """

    section: str
    place: tuple[str, int]
    picture: Encoded


def pictures(path: Path, made: str = "") -> list[Shown]:
    """Every chart and photograph of an executed notebook, in its order; none without the file.

    Args:
        path: the notebook.
        made: when its artifact was finished, ISO 8601: papermill's notebook of an earlier run has
            none, since the artifact was made again by hand.

    Raises:
        InputError: when it is no notebook.
    """
    if not path.is_file():
        return []
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        ended = notebook["metadata"].get("papermill", {}).get("end_time")
        if made and ended and datetime.fromisoformat(ended) < datetime.fromisoformat(made):
            return []
        return list(_pictures(notebook))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not readable as a notebook ({error!r})", where=path) from error


def _pictures(notebook: dict[str, Any]) -> Iterator[Shown]:
    section = ""
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and source.startswith("## "):
            section = source.splitlines()[0].removeprefix("## ")
        bundles = [o for o in cell.get("outputs", []) if set(KINDS) & set(o.get("data", {}))]
        for position, output in enumerate(o for o in bundles if WIDGET not in o["data"]):
            mime = next(kind for kind in KINDS if kind in output["data"])
            data = base64.b64decode("".join(output["data"][mime]))
            size = output.get("metadata", {}).get(mime, {})
            encoded = Encoded(mime, data, size.get("width", 960), size.get("height", 540))
            yield Shown(section, (cell.get("id", str(number)), position), encoded)
