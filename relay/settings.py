"""Settings: one table per program, from which the command line, the environment, the checks and the docs come.

A table is a frozen ``msgspec.Struct`` whose fields are annotated with ``msgspec.Meta(description=..., ge=..., ...)``::

    class Settings(msgspec.Struct, frozen=True, kw_only=True):
        port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on.")] = 8765

gives ``--port``, ``MOODCAST_PORT``, a check of the range, a line in ``--help`` and a row in the docs.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from relay.errors import SettingsError

Table = TypeVar("Table", bound=msgspec.Struct)

SECRET = {"secret": True}
"""As ``Meta(extra=SECRET)``: a value that no message may repeat."""

METAVARS = {"int": "N", "float": "X", "str": "TEXT"}


class Option(NamedTuple):
    """One row of a table. ``kind`` is ``int``, ``float``, ``bool`` or ``str``; ``default`` is None where required."""

    name: str
    kind: str
    default: Any
    help: str
    required: bool
    secret: bool = False

    @property
    def flag(self) -> str:
        """As on the command line: ``--min-viewers``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As in the environment: ``MOODCAST_MIN_VIEWERS``."""
        return "MOODCAST_" + self.name.upper()


def options(table: type[msgspec.Struct]) -> Iterator[Option]:
    """The rows of a table, in order.

    Raises:
        TypeError: a field has no description (a mistake in the table, not in the user's input).
    """
    info = inspect.type_info(table)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        help_text, kind, secret = "", field.type, False
        if isinstance(kind, inspect.Metadata):
            help_text, secret = (kind.extra_json_schema or {}).get("description", ""), kind.extra == SECRET
            kind = kind.type
        if not help_text:
            raise TypeError(f"{table.__name__}.{field.name} has no description: add Meta(description=...)")
        kind_name = type(kind).__name__.removesuffix("Type").lower()
        yield Option(field.name, kind_name, field.default, help_text, field.required, secret)


def add_arguments(parser: argparse.ArgumentParser, table: type[msgspec.Struct]) -> None:
    """Add every option of the table to a parser. Values stay text; ``load`` checks them all at once."""
    for option in options(table):
        text = f"{option.help} (default: {show(option)}; {option.variable})".replace("%", "%%")
        if option.kind == "bool":
            parser.add_argument(option.flag, action="store_const", const="true", help=text)
        else:
            parser.add_argument(option.flag, metavar=METAVARS.get(option.kind, "TEXT"), help=text)


def show(option: Option) -> str:
    """The default as a reader of the help sees it."""
    if option.required:
        return "required"
    if option.kind == "bool":
        return "on" if option.default else "off"
    return str(option.default) if option.default != "" else "none"


def given(option: Option, arguments: argparse.Namespace, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """The option's text and where it comes from: the command line before the environment, before the default."""
    text = getattr(arguments, option.name, None)
    if text is not None:
        return text, option.flag
    text = environ.get(option.variable)
    return text, "default" if text is None else option.variable


def origins(
    table: type[msgspec.Struct], arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Where each option's value comes from: its flag, its variable, or ``default``."""
    return {option.name: given(option, arguments, environ)[1] for option in options(table)}


def load(table: type[Table], arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Table:
    """The table's values: command line first, then environment, then default.

    A table may have a method ``problems``, which returns sentences on values that can't stand together.

    Raises:
        SettingsError: lists every option that is missing or out of range, and every problem, one a line.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for option in options(table):
        text, origin = given(option, arguments, environ)
        if text is None:
            if option.required:
                wrong.append(f"{option.flag} is missing: {option.help}")
            continue
        try:
            values[option.name] = check(table, option.name, text)
        except msgspec.ValidationError as error:
            came = "" if option.secret else f", got {text!r}"
            wrong.append(f"{origin}: {error}{came}. {option.help}")
    if not wrong:
        loaded = table(**values)
        wrong = loaded.problems() if hasattr(loaded, "problems") else []
    if wrong:
        raise SettingsError("\n".join(wrong))
    return loaded


def check(table: type[msgspec.Struct], name: str, text: str) -> Any:
    """One value from text, checked against its row's type and bounds."""
    for field in msgspec.structs.fields(table):
        if field.name == name:
            return msgspec.convert(text, field.type, strict=False)
    raise KeyError(name)


def markdown(table: type[msgspec.Struct]) -> str:
    """The table as a Markdown table for the docs."""
    rows = ["| option | default | environment | what it does |", "|---|---|---|---|"]
    rows += [f"| `{o.flag}` | `{show(o)}` | `{o.variable}` | {o.help} |" for o in options(table)]
    return "\n".join(rows) + "\n"
