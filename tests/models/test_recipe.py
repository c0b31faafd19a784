"""Recipes: what is wrong in a file is told at once and by name; what is right comes through."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RecipeError
from models.training import recipe
from models.training.recipe import Recipe


def test_an_empty_recipe_is_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("")
    assert recipe.load(file) == Recipe()


def test_every_wrong_field_is_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        """
        [network]
        nmae = "moodnet-small"
        [schedule]
        epochs = 0
        batch = "many"
        [optimiser]
        kind = "sgd"
        [optimizer]
        kind = "lion"
        """
    )
    with pytest.raises(RecipeError) as caught:
        recipe.load(file)
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert all(line.startswith(str(file)) for line in lines)
    for expected in ("network.nmae", "schedule.epochs", "schedule.batch", "[optimiser]", "optimizer.kind"):
        assert any(expected in line for line in lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[loss]\nlabel = 0.0\nvotes = 0.0", "nothing would be learned"),
        ('[clips]\nlayout = "plain"\n[loss]\nlabel = 0.0', "nothing would be learned of clips"),
        ("[schedule]\nepochs = 3\nsmall_epochs = 4", "schedule.small_epochs"),
        ('[distillation]\nteachers = [""]', "distillation.teachers"),
        ("schedule = 3", "expected a section"),
        ("[schedule", "TOML"),
    ],
)
def test_contradictions_are_found(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=says.replace("[", r"\[")):
        recipe.load(file)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = "])
def test_what_is_no_toml_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wrong.toml"
    file.write_bytes(content)
    with pytest.raises(RecipeError, match="expected a recipe in TOML"):
        recipe.load(file)


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="moodnet-small"):
        recipe.find("mudnet")


VALUES = st.one_of(
    st.integers(), st.floats(), st.text(max_size=3), st.booleans(), st.lists(st.text(max_size=3), max_size=2)
)
FIELDS = st.sampled_from(["epochs", "batch", "kind", "label", "teachers", "seed", "?"])
SECTIONS = st.sampled_from(["schedule", "data", "loss", "optimizer", "distillation", "else"])


@given(st.dictionaries(SECTIONS, st.dictionaries(FIELDS, VALUES, max_size=3), max_size=3))
def test_whatever_a_file_holds_is_a_recipe_or_a_sentence(values: dict[str, dict[str, object]]) -> None:
    try:
        made = recipe.parse(values, "here")
    except RecipeError as error:
        complaint = str(error)
    else:
        assert recipe.parse(msgspec.to_builtins(made), "again") == made
        return
    assert all(line.startswith("here: ") for line in complaint.splitlines())
