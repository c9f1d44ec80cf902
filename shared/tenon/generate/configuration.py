"""The page on settings, from the settings classes."""

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from tenon.generate.contribution import Contribution
from tenon.generate.markdown import NOTICE, code, table
from tenon.settings import CommonSettings

_INTRO = """# Settings

Everything is set by environment variables, read once at start. A wrong value stops the process with a
message that names the variable.
"""
_HEAD = ("variable", "values", "default", "meaning")
Fields = Mapping[str, FieldInfo]


def page(parts: Sequence[Contribution]) -> str:
    """Return the page: what every service reads, then what each part reads besides or defaults otherwise."""
    common = CommonSettings.model_fields
    sections = [NOTICE, _INTRO, "## Every service\n", _table(CommonSettings, common)]
    for part in parts:
        fields = part.settings.model_fields
        own = {name: field for name, field in fields.items() if not _same(field, common.get(name))}
        sections += [f"## {part.name}\n", _table(part.settings, own) if own else "Nothing of its own.\n"]
    return "\n".join(sections)


def variables(settings: type[BaseSettings]) -> list[str]:
    """Return the environment variables that a settings class reads."""
    return [variable(settings, name) for name in settings.model_fields]


def variable(settings: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a field."""
    alias = settings.model_fields[name].validation_alias
    return alias.upper() if isinstance(alias, str) else f"{settings.model_config['env_prefix']}{name}".upper()


def _same(field: FieldInfo, other: FieldInfo | None) -> bool:
    return other is not None and (field.default, field.description) == (other.default, other.description)


def _table(settings: type[BaseSettings], fields: Fields) -> str:
    return table(_HEAD, (_row(variable(settings, name), field) for name, field in fields.items()))


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    return code(name), _values(field), _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "computed"
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default == "":
        return "–"
    if isinstance(field.default, SecretStr):
        return "set, for development only"
    return code(str(field.default).lower() if isinstance(field.default, bool) else str(field.default))


def _values(field: FieldInfo) -> str:
    limits = " ".join(filter(None, (_limit(item) for item in field.metadata)))
    return f"{_kind(field.annotation)} {limits}".strip()


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return "JSON object"
    options = [option for option in _options(annotation) if option is not NoneType]
    if get_origin(annotation) is Literal:
        return ", ".join(code(str(value)) for value in get_args(annotation))
    if len(options) > 1:
        return " or ".join(map(_kind, options))
    kind = options[0]
    names = {bool: "`true`, `false`", int: "integer", float: "number", str: "text", SecretStr: "secret"}
    return names.get(kind) or (_kind(kind) if kind is not annotation else _plural(kind))


def _options(annotation: Any) -> Iterable[Any]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]


def _plural(kind: Any) -> str:
    return {"Path": "path"}.get(getattr(kind, "__name__", ""), str(getattr(kind, "__name__", kind)))


def _limit(item: Any) -> str:
    """Say one constraint of a field in words."""
    words = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥", "max_length": "length ≤"}
    for attribute, word in words.items():
        if (value := getattr(item, attribute, None)) is not None:
            return f"{word} {value}"
    return ""
