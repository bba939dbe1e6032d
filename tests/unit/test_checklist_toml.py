"""检查表文本: what is written is read back as the same checklist."""

from pathlib import Path

import msgspec
import pytest

from backend.rules.checklist_toml import UNKNOWN, write
from sync.checklist import Checklist, Text, parse
from sync.refusals import Refused

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
FORMS = {path.stem: parse(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))}


@pytest.mark.parametrize("name", FORMS)
def test_a_written_form_reads_back_the_same(name: str) -> None:
    toml = write(FORMS[name], "first\n\nthird")

    assert toml.startswith("# first\n#\n# third\n\ncode = ")
    assert parse(toml.encode()) == FORMS[name]


@pytest.mark.parametrize(
    "odd", ['a "quoted" \\ word', "é 😀 …", "''' \"\"\" # not a remark", "\\u0041"]
)
def test_no_text_of_a_form_breaks_out_of_its_quotes(odd: str) -> None:
    plain = FORMS["catering"]
    form = msgspec.structs.replace(plain, title=Text(en=odd, zh=odd))

    again = parse(write(form).encode())

    assert again.title == Text(en=odd, zh=odd)


def _without_basis(form: Checklist) -> Checklist:
    section = form.sections[0]
    item = msgspec.structs.replace(section.items[0], basis=Text(en=UNKNOWN, zh=UNKNOWN))
    section = msgspec.structs.replace(section, items=(item, *section.items[1:]))
    return msgspec.structs.replace(form, sections=(section, *form.sections[1:]))


def test_a_form_without_its_legal_basis_cannot_be_released() -> None:
    toml = write(_without_basis(FORMS["catering"]))

    with pytest.raises(Refused) as refused:
        parse(toml.encode())

    assert refused.value.details["field"] == "sections[0].items[0].basis"
    assert "# basis = " in toml


def test_whole_numbers_and_lists_of_an_item_are_written() -> None:
    form = FORMS["catering"]
    section = form.sections[0]
    item = msgspec.structs.replace(section.items[0], points=5, weight=3, tags=("a", "b"))
    section = msgspec.structs.replace(section, items=(item,), tags=("c",))
    form = msgspec.structs.replace(form, sections=(section, *form.sections[1:]))

    assert parse(write(form).encode()) == form
