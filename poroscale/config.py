"""One section of a YAML file, one strict pydantic model: an unknown key is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _InOneSentence(ModelMetaclass):
    """Type of configurations: a wrong value given to one is told in one sentence.

    pydantic does not come this way for a configuration inside another one, so that the outermost
    one names the whole way to the value.
    """

    if not TYPE_CHECKING:  # type checkers know the fields, which this signature would hide

        def __call__(cls, *args: Any, **values: Any) -> Any:
            try:
                return super().__call__(*args, **values)
            except ValidationError as error:
                raise ValueError(f"{cls.__name__}: {sentence(error, cls)}") from None


class Config(BaseModel, metaclass=_InOneSentence):
    """Base of every stage's configuration: frozen, and strict about names and finite numbers.

    Raises
    ------
    ValueError
        One sentence that names the first wrong value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)
_MEMBER = re.compile(r"(bool|float|int|none|str)$|(dict|list|literal|tuple|function|constrained)\W")
"""Types among which a field has a choice: pydantic names the one that it tried last."""
_EXPECTED = "Input should be "


def parse_config(model: type[Model], values: dict[str, Any], *, where: str) -> Model:
    """A configuration from plain values.

    Parameters
    ----------
    model
        The section's model.
    values
        Entries of the section.
    where
        Name of the section in an error.

    Raises
    ------
    ValueError
        One sentence that names the section and the first wrong entry.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"{where}: {sentence(error, model)}") from None


def parse_stages(
    stages: Mapping[str, type[BaseModel]],
    sections: Mapping[str, Mapping[str, Any]],
    *,
    known: Sequence[str] = (),
) -> dict[str, Any]:
    """The configurations of all stages from the sections of a file; any may be missing.

    Parameters
    ----------
    stages
        Model by name of stage and section.
    sections
        Entries by section.
    known
        Sections that belong to the file and are read elsewhere, for the error.

    Raises
    ------
    ValueError
        Naming an unknown section or key, or a wrong value.
    """
    unknown = sorted(sections.keys() - set(stages))
    if unknown:
        raise ValueError(unknown_section(unknown[0], (*known, *stages)))
    return {
        name: parse_config(model, dict(sections.get(name, {})), where=name)
        for name, model in stages.items()
    }


def unknown_section(name: str, known: Sequence[str]) -> str:
    """A sentence that names the sections there are, and the one that was meant."""
    near = get_close_matches(name, known, n=1)
    meant = f"; nearest: {near[0]}" if near else ""
    return f"unknown section {name!r}; known: {', '.join(known)}{meant}"


def unknown_key(name: str, known: Iterable[str]) -> str:
    """A sentence that lists the keys there are, those that look like `name` first."""
    last = name.rpartition(".")[2]
    order = sorted(known, key=lambda key: -SequenceMatcher(None, last, key).ratio())
    listed = f"; known, nearest first: {', '.join(order)}" if order else ""
    return f"unknown key {name!r}{listed}"


def sentence(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """The first complaint of a pydantic error, as a sentence.

    Keys that are known are listed where the `model` is given whose values these are.
    """
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if not _MEMBER.match(str(part)))
    if first["type"] == "extra_forbidden":
        return unknown_key(name, _keys_at(model, first["loc"][:-1]))
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    if first["type"] == "missing":
        return f"`{name}` must be given"
    wanted, expected = message.removeprefix(_EXPECTED), message.startswith(_EXPECTED)
    # "a valid number, unable to parse string as a number": what was given says the rest
    said = (
        f"`{name}` must be {wanted.partition(', unable')[0]}" if expected else f"{name}: {message}"
    )
    return f"{said}, got {first['input']!r}"


def _keys_at(model: type[BaseModel] | None, way: Sequence[int | str]) -> list[str]:
    """Keys of the model that stands at the end of `way` in `model`; none if it is not a model."""
    for step in way:
        if model is None or step not in model.model_fields:
            return []
        kind = model.model_fields[str(step)].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return [] if model is None else list(model.model_fields)


def load_sections(path: Path) -> dict[str, dict[str, Any]]:
    """The sections of a YAML file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no YAML, or not made of sections.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict) or not all(
        isinstance(section, dict) for section in content.values()
    ):
        raise ValueError(f"{path} must be made of sections, each with its keys")
    return content
