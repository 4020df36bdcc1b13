"""Strict parameters: what every notebook's model is built on.

A notebook's `parameters` cell holds the model's names as literals; its next cell reads them back
through the model (`p = params.CycleGANTraining.from_notebook(globals())`), so a misspelt or
ill-typed one stops the run in its first second, whether papermill, Snakemake or a person set it.
"""

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sim2real_lib import yaml_text
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, read_bytes, resolve

MOST_FAULTS = 20  # that one message names
LONGEST_NAME = 100  # characters of a parameter's


class Params(BaseModel):
    """What all notebooks share: strictness, where the run writes, and whether MLflow is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    run: str = "outputs/demo"
    """The run's folder. Everything is written below it."""
    mlflow: bool | str = Field(default=False, exclude=True)  # in no manifest: it changes nothing
    """Whether MLflow is told what is finished: in a file beside the run, or a server's address."""

    @field_validator("mlflow")
    @classmethod
    def _mlflow_is_an_address(cls, value: bool | str) -> bool | str:
        if isinstance(value, str) and not re.fullmatch(r"https?://[^@\s]+", value):
            raise ValueError(
                "must be True, False, or a server such as http://localhost:5000 (user and "
                "password: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)"
            )
        return value

    @property
    def folder(self) -> Path:
        """The run's folder, absolute."""
        return resolve(self.run)

    def with_values(self, **changes: Any) -> Self:
        """A copy with some parameters changed, checked like any other."""
        return self.parse(dict(self) | changes)

    @classmethod
    def parse(
        cls, values: Mapping[str, Any], where: object = "parameters", file: Path | None = None
    ) -> Self:
        """Check plain values.

        Args:
            values: name -> value.
            where: what a complaint calls their origin.
            file: the params file that they come from, to name the line at fault.

        Raises:
            InputError: one line that names every unknown, ill-typed or impossible parameter.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            faults = error.errors()
            line = _line_of(file, faults[0]["loc"][:1]) if file else ""
            explained = "; ".join(cls._explain(fault) for fault in faults[:MOST_FAULTS])
            if len(faults) > MOST_FAULTS:
                explained += f"; and {len(faults) - MOST_FAULTS} more"
            raise InputError(explained, where=f"{where}{line}") from None

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a params file such as `params/demo/04_yolo_training.yaml`."""
        return cls.parse(read_yaml(resolve(path)), where=path, file=resolve(path))

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """Read the notebook's `parameters` cell, and papermill's injected one, back.

        Args:
            namespace: the notebook's `globals()`.
        """
        assigned = _assigned_names(namespace.get("In", []), set(cls.model_fields))
        names = assigned | (set(cls.model_fields) & set(namespace))
        return cls.parse({name: namespace[name] for name in names}, where="parameters cell")

    @classmethod
    def _explain(cls, fault: Any) -> str:
        name = ".".join(str(part) for part in fault["loc"])[:LONGEST_NAME]
        if fault["type"] == "extra_forbidden" and len(fault["loc"]) > 1:
            return f"there is no parameter {name!r}"
        if fault["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, cls.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(cls.model_fields)}"
            return f"there is no parameter {name!r}, {hint}"
        if fault["type"] == "literal_error":
            return f"{name} is {fault['input']!r}, must be one of {fault['ctx']['expected']}"
        message = fault["msg"].removeprefix("Value error, ")
        return f"{name} is {fault['input']!r}: {message}" if name else message


def read_yaml(path: Path) -> dict[str, Any]:
    """A params file as a dictionary.

    Raises:
        InputError: when it is missing, not YAML, or not a mapping of names.
    """
    try:
        text = read_bytes(path, 4 * yaml_text.MOST_CHARACTERS).decode("utf-8-sig")
        values = yaml_text.load(text)
    except FileNotFoundError as error:
        profiles = ", ".join(sorted(p.name for p in (ROOT / "params").iterdir() if p.is_dir()))
        raise InputError(
            "no such params file", where=path, remedy=f"Profiles: {profiles}"
        ) from error
    except OSError as error:
        raise InputError((error.strerror or "it cannot be read").lower(), where=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"not readable as YAML ({problem})", where=path) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError("must be a list of `name: value` lines", where=path)
    return {str(name): value for name, value in values.items()}  # YAML's "on" is True


def _line_of(path: Path, key: tuple[Any, ...]) -> str:
    """ ":7" where a top-level key stands in the seventh line of a params file, else ""."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    places = [f":{n}" for n, line in enumerate(lines, 1) if key and line.startswith(f"{key[0]}:")]
    return places[0] if places else ""


def _assigned_names(history: list[str], fields: set[str]) -> set[str]:
    """Names assigned by the parameters cell and the cells of assignments between it and now.

    The kernel's namespace also holds whatever a person tried out before; the history of executed
    cells tells their names from parameters, misspelt ones included.
    """
    names: set[str] = set()
    for source in reversed(history[:-1]):  # the last entry is the cell that is asking
        cell = _plain_names(source)
        if cell is None:
            break
        names |= cell
        if len(cell & fields) * 2 > len(fields):
            return names
    return set()


def _plain_names(source: str) -> set[str] | None:
    """The names that a cell of nothing but `name = …` assigns; None for any other cell."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    names = set()
    for node in body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            return None
        names.add(node.targets[0].id)
    return names
