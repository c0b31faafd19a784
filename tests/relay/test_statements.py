"""One SQL for both databases: what stands in a statement arrives as it stands there."""

from pathlib import Path

import pytest

from relay.store import database


@pytest.mark.parametrize(
    ("statement", "values", "row"),
    [
        ("SELECT 'who? 100 %', ?", ("me?",), ("who? 100 %", "me?")),
        ("SELECT 'it''s 50 % of ?', CAST(? AS INTEGER)", (7,), ("it's 50 % of ?", 7)),
        ("SELECT 'no value at all: ?, %s, %%, %(name)s'", (), ("no value at all: ?, %s, %%, %(name)s",)),
        ("SELECT ? AS \"share in %?\" -- of all? 100 %\n WHERE 'a%b?' LIKE 'a%?'", ("%s ?",), ("%s ?",)),
        ("SELECT /* why? it's 100 %\n -- of '?' */ ?, '/* ? */' -- /* ?", ("*/",), ("*/", "/* ? */")),
        ("SELECT 7 / ?, ? * 3, 'not -- ?'", (2, 4), (3, 12, "not -- ?")),
        ("SELECT 17 % 5, CAST(? AS INTEGER) % 4", (7,), (2, 3)),
    ],
)
def test_question_marks_and_percent_signs_survive(
    tmp_path: Path, database_url: str, statement: str, values: tuple[object, ...], row: tuple[object, ...]
) -> None:
    with database.opened(database.prepare(str(tmp_path), database_url)) as connection:
        assert connection.execute(statement, values).fetchone() == row
