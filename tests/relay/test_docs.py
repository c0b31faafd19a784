"""docs/protocol.md follows from the contract."""

from docs import protocol_page
from relay import protocol


def test_the_protocol_documentation_is_up_to_date() -> None:
    assert protocol_page.PATH.read_text(encoding="utf-8") == protocol_page.protocol_markdown(), "run: make docs"


def test_every_message_field_and_code_is_described() -> None:
    text = protocol_page.protocol_markdown()
    for message in protocol.Message.__subclasses__():
        assert f"### `{message.__struct_config__.tag}`" in text
        for name, _, description in protocol.fields(message):
            assert description, f"{message.__name__}.{name} has no description"
    for code in protocol.CODES:
        assert str(code.number) in text
