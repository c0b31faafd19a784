"""Settings: one table per program, from which the command line, the environment, the checks and the docs come.

A table is a frozen ``msgspec.Struct`` whose fields are annotated with ``msgspec.Meta(description=..., ge=..., ...)``::

    class Settings(msgspec.Struct, frozen=True, kw_only=True):
        port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on.")] = 8765

gives ``--port``, ``MOODCAST_PORT``, a check of the range, a line in ``--help`` and a row in the docs.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from relay.errors import SettingsError

Table = TypeVar("Table", bound=msgspec.Struct)

SECRET = {"secret": True}
"""As ``Meta(extra=SECRET)``: a value that no message may repeat."""
UNSEEN = {"secret": True, "unseen": True}
"""As ``SECRET``, and given in the environment alone: other users of the machine see the command line."""


class Understood(NamedTuple):
    """What the text of an option means: the values of this option and of others, as text, and a sentence to tell.

    For a row with ``Meta(extra={"read": function})``: the function takes the text that was given, and raises
    ValueError with a sentence where it can't be understood. An option that was given itself keeps its own value.
    """

    values: dict[str, str]
    note: str = ""


_METAVARS = {"int": "N", "float": "X", "str": "TEXT"}


class Option(NamedTuple):
    """One row of a table. ``kind`` is ``int``, ``float``, ``bool`` or ``str``; ``default`` is None where required."""

    name: str
    kind: str
    default: Any
    help: str
    required: bool
    expects: str
    secret: bool = False
    read: Callable[[str], Understood] | None = None
    unseen: bool = False

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
        help_text, kind, extra = "", field.type, {}
        if isinstance(kind, inspect.Metadata):
            help_text, extra = (kind.extra_json_schema or {}).get("description", ""), kind.extra or {}
            kind = kind.type
        if not help_text:
            raise TypeError(f"{table.__name__}.{field.name} has no description: add Meta(description=...)")
        kind_name = type(kind).__name__.removesuffix("Type").lower()
        secret, read = extra.get("secret", False), extra.get("read")
        yield Option(
            field.name, kind_name, field.default, help_text, field.required, _expectation(kind), secret, read,
            extra.get("unseen", False),
        )  # fmt: skip


def _expectation(kind: inspect.Type) -> str:
    """What a value of a type must be, in a user's words. (msgspec's own name types and regular expressions.)"""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        bounds = [f"{word} {bound:.10g}" for word, bound in (("from", kind.ge), ("to", kind.le)) if bound is not None]
        return " ".join([what, *bounds])
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(map(str, kind.values))
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.StrType) and kind.max_length is not None:
        return f"at most {kind.max_length} characters"
    if isinstance(kind, inspect.StrType) and kind.min_length is not None:
        return "some text"
    return "text of the form that is told here"


def add_arguments(parser: argparse.ArgumentParser, table: type[msgspec.Struct]) -> None:
    """Add every option of the table to a parser. Values stay text; ``load`` checks them all at once."""
    for option in options(table):
        if option.unseen:
            continue
        text = f"{option.help} (default: {show(option)}; {option.variable})".replace("%", "%%")
        if option.kind == "bool":
            parser.add_argument(option.flag, action="store_const", const="true", help=text)
        else:
            parser.add_argument(option.flag, metavar=_METAVARS.get(option.kind, "TEXT"), help=text)


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
    """Where each option's value comes from: its flag, its variable, those of what implies it, or ``default``."""
    texts, _ = _texts(table, arguments, environ, lambda _: None)
    return {option.name: texts.get(option.name, ("", "default"))[1] for option in options(table)}


def load(
    table: type[Table],
    arguments: argparse.Namespace,
    environ: Mapping[str, str] = os.environ,
    note: Callable[[str], None] = lambda _: None,
) -> Table:
    """The table's values: command line first, then environment, then what another option says, then default.

    A table may have a method ``problems``, which returns sentences on values that can't stand together. ``note`` gets
    sentences for the user on what was understood.

    Raises:
        SettingsError: lists every option that is missing or out of range, and every problem, one a line.
    """
    texts, wrong = _texts(table, arguments, environ, note)
    values: dict[str, Any] = {}
    for option in options(table):
        if option.name not in texts:
            if option.required:
                wrong.append(f"{option.flag} is missing: {option.help}")
            continue
        text, origin = texts[option.name]
        try:
            values[option.name] = check(table, option.name, text)
        except msgspec.ValidationError:
            came = "" if option.secret else f", got {text!r}"
            wrong.append(f"{origin}: expected {option.expects}{came}. {option.help}")
    if not wrong:
        loaded = table(**values)
        wrong = loaded.problems() if hasattr(loaded, "problems") else []
    if wrong:
        raise SettingsError("\n".join(wrong))
    return loaded


def _texts(
    table: type[msgspec.Struct], arguments: argparse.Namespace, environ: Mapping[str, str], note: Callable[[str], None]
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Of each option that is given or implied by another: its text and origin; and what can't be understood."""
    texts: dict[str, tuple[str, str]] = {}
    implied: dict[str, tuple[str, str]] = {}
    wrong: list[str] = []
    for option in options(table):
        text, origin = given(option, arguments, environ)
        if text is None:
            continue
        if option.read is None:
            texts[option.name] = text, origin
            continue
        try:
            understood = option.read(text)
        except ValueError as error:
            wrong.append(f"{origin}: {error}")
            continue
        implied |= {name: (value, origin) for name, value in understood.values.items()}
        if understood.note:
            note(understood.note)
    return implied | texts, wrong


def check(table: type[msgspec.Struct], name: str, text: str) -> Any:
    """One value from text, checked against its row's type and bounds."""
    for field in msgspec.structs.fields(table):
        if field.name == name:
            return msgspec.convert(text, field.type, strict=False)
    raise KeyError(name)


def markdown(table: type[msgspec.Struct]) -> str:
    """The table as a Markdown table for the docs."""
    rows = ["| option | default | environment | what it does |", "|---|---|---|---|"]
    rows += [
        f"| {'none' if o.unseen else f'`{o.flag}`'} | `{show(o)}` | `{o.variable}` | {o.help} |" for o in options(table)
    ]
    return "\n".join(rows) + "\n"
