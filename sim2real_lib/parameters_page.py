"""`python -m sim2real_lib.parameters_page`: docs/parameters.md, made of the parameters' models."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel

from sim2real_lib import params
from sim2real_lib.detection.augmentation import AUGMENTATION
from sim2real_lib.files import ROOT, whole_file

PAGE = ROOT / "docs" / "parameters.md"
LONGEST = 64  # characters of a value in a table; longer ones are looked up in their file
HEAD = """# Parameters

`make docs` makes this page of the models in `sim2real_lib/params/`: change it there.

A notebook's parameters stand in its second cell. `params/<profile>/<notebook>.yaml` sets them for a
batch run, `-p name value` for one call of papermill. Whichever it is, an unknown name, a wrong type
or a value out of its range stops the run in its first second. What the *demo* column names is also
what a file that leaves a parameter out gets, but for `run.yaml`; *paper* stands where the original
experiment's value is another.
"""
AUGMENTATIONS = """
## augmentation

What `augmentation` in 04's parameters can change, each from 0 to its highest value. With
`rectangular: true` mosaic is 0, and MixUp and CutMix are refused.

| name | default | highest | what it is |
|---|---|---|---|
"""
OWN = """
## own

Each data set under `own` in 01's parameters, see [your own data](own_data.md).
"""
BOUNDS = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< ",
          "multipleOf": "multiple of "}  # fmt: skip
PROFILES = ("demo", "paper")


def page() -> str:
    """The whole page."""
    sections = [HEAD, *map(_notebook, params.NOTEBOOKS), _run_file()]
    sections += [OWN + "\n", *_table(params.Own, {}, {})]
    rows = [f"| `{n}` | {a.default:g} | {a.highest:g} | {a.meaning} |\n"
            for n, a in AUGMENTATION.items()]  # fmt: skip
    return "".join([*sections, AUGMENTATIONS, *rows])


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Parameter -> the string below it, of a model and of what it is built on.

    Read here, since pydantic's `use_attribute_docstrings` takes 0.1 s of every start.
    """
    found = {}
    for part in reversed(model.__mro__[: model.__mro__.index(BaseModel)]):
        (definition,) = ast.parse(inspect.getsource(part)).body
        assert isinstance(definition, ast.ClassDef)
        for field, text in pairwise(definition.body):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(said))),
                ):
                    found[name] = " ".join(said.split())
    return found


def main() -> None:
    """Write the page."""
    with whole_file(PAGE) as file:
        file.write_text(page(), encoding="utf-8")


def _notebook(name: str) -> str:
    model = params.NOTEBOOKS[name]
    demo, paper = (_values(model, f"params/{profile}/{name}.yaml") for profile in PROFILES)
    return f"\n## {name}\n\n" + "".join(_table(model, demo, paper, name))


def _run_file() -> str:
    demo, paper = (_values(params.Run, f"params/{profile}/run.yaml") for profile in PROFILES)
    return "\n## run.yaml\n\nWhat a batch run fans out.\n\n" + "".join(
        _table(params.Run, demo, paper, "run")
    )


def _values(model: type[params.Params], path: str) -> dict[str, Any]:
    return dict(model.from_yaml(path))


def _table(
    model: type[BaseModel], demo: Mapping[str, Any], paper: Mapping[str, Any], file: str = ""
) -> Iterator[str]:
    """The lines of a model's table; without a demo's values, its defaults stand there."""
    kinds, said = model.model_json_schema(), descriptions(model)
    columns = ["parameter", "values", *(["demo", "paper"] if demo else ["default"]), "what it does"]
    yield f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    for name, field in model.model_fields.items():
        cells = [f"`{name}`", _kind(kinds["properties"][name], kinds.get("$defs", {}))]
        if demo:
            cells.append(_written(demo[name], "demo", file))
            other = paper[name] != demo[name]
            cells.append(_written(paper[name], "paper", file) if other else "")
        else:
            cells.append("required" if field.is_required() else _written(field.default))
        cells.append(said[name])
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _written(value: Any, profile: str = "", file: str = "") -> str:
    """A value as YAML may have it, or where to look it up."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST:
        return f"[its file](../params/{profile}/{file}.yaml)"
    return f"`{text}`"


def _kind(schema: Mapping[str, Any] | Literal[True], shared: Mapping[str, Any]) -> str:
    """A JSON schema in words: choices, type and range."""
    if schema is True:
        return "value"
    if "$ref" in schema:
        return "see [own](#own)"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(_kind(one, shared) for one in schema["anyOf"])
    kind = schema["type"]
    if kind in ("integer", "number"):
        bounds = [f"{sign}{schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
        return f"{kind} {', '.join(bounds)}".rstrip()
    if kind == "array":
        if "prefixItems" in schema:
            return f"{len(schema['prefixItems'])} × {_kind(schema['prefixItems'][0], shared)}"
        least = f", at least {schema['minItems']}" if "minItems" in schema else ""
        return f"[{_kind(schema['items'], shared)}, …]{least}"
    if kind == "object":
        names = schema.get("propertyNames", {})
        named = _kind(names, shared) if "enum" in names else "name"
        pattern = schema.get("patternProperties") or {"": schema.get("additionalProperties")}
        return f"{{{named}: {_kind(next(iter(pattern.values())), shared)}}}"
    return {"string": "text", "boolean": "`true`, `false`"}[kind]


if __name__ == "__main__":
    main()
