"""复查: over checklists with conditions, a recheck judges what it asks as a whole visit does."""

from hypothesis import given
from hypothesis import strategies as st
from small_forms import W, form, item, visit

from sync.checklist import Checklist, Section, When
from sync.verdict import complying, judge

WORDS = ("pass", "fail", "na")


@st.composite
def forms(pick: st.DrawFn) -> Checklist:
    """Make sections whose items, and they themselves, may look back at any item before."""
    refs = [str(n) for n in range(1, 1 + pick(st.integers(1, 8)))]

    def when(before: list[str]) -> When | None:
        if not before or pick(st.booleans()):
            return None
        words = pick(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2, unique=True))
        return When(pick(st.sampled_from(before)), tuple(words))

    sections: list[Section] = []
    at = 0
    while at < len(refs):
        size = pick(st.integers(1, 3))
        items = tuple(
            item(ref, when=when(refs[:n]), optional=pick(st.booleans()))
            for n, ref in enumerate(refs[at : at + size], at)
        )
        sections.append(Section(W, items, when=when(refs[:at])))
        at += size
    return form(*sections)


def some(one: Checklist) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from([it.ref for it in one.items]), st.sampled_from(WORDS))


def subsets(one: Checklist) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([it.ref for it in one.items]), min_size=1, unique=True)


@given(st.data())
def test_remedied_is_that_each_item_complies_and_nothing_that_was_asked_fails(
    data: st.DataObject,
) -> None:
    one = data.draw(forms())
    must, said = data.draw(subsets(one)), data.draw(some(one))

    found, comply = judge(one, visit(said), must=must, narrow=True), complying(one, visit(said))

    assert (found.outcome == "remedied") <= comply.issuperset(must)
    assert found.given == (not found.unanswered)
    if found.given:
        assert (found.outcome == "remedied") == (not found.unremedied)
        assert set(must) - comply <= set(found.unremedied)
        assert set(found.unremedied) <= (set(must) - comply) | set(found.failed)


@given(st.data())
def test_whoever_answers_what_is_named_comes_to_a_verdict_without_the_rest(
    data: st.DataObject,
) -> None:
    one = data.draw(forms())
    must, said = data.draw(subsets(one)), dict[str, str]()

    for _ in range(9):
        lacking = judge(one, visit(said), must=must, narrow=True).unanswered
        said |= {ref: data.draw(st.sampled_from(WORDS)) for ref in lacking}
    found = judge(one, visit(said), must=must, narrow=True)

    assert found.given
    assert set(said) <= set(must) | reached(one, must)


@given(st.data())
def test_a_recheck_of_every_item_asks_what_a_whole_visit_asks_and_counts_the_same(
    data: st.DataObject,
) -> None:
    one = data.draw(forms())
    every, said = [it.ref for it in one.items], data.draw(some(one))

    whole = judge(one, visit(said), must=every)
    narrow = judge(one, visit(said), must=every, narrow=True)

    assert narrow.unanswered == whole.unanswered
    assert narrow.not_asked == whole.not_asked
    assert (narrow.failed, narrow.not_applicable) == (whole.failed, whole.not_applicable)
    assert narrow.given == whole.given


@given(st.data())
def test_what_is_added_beside_it_never_changes_whether_it_was_remedied(
    data: st.DataObject,
) -> None:
    one = data.draw(forms())
    must, said = data.draw(subsets(one)), data.draw(some(one))
    around = set(must) | reached(one, must)
    alone = {ref: word for ref, word in said.items() if ref in around}

    with_more = judge(one, visit(said), must=must, narrow=True)
    without = judge(one, visit(alone), must=must, narrow=True)

    assert with_more.unanswered == without.unanswered
    assert (with_more.outcome, with_more.unremedied) == (without.outcome, without.unremedied)
    assert set(without.failed) <= set(with_more.failed)


def reached(one: Checklist, must: list[str]) -> set[str]:
    """Write it again: all that these items open, and all that any of it looks at."""
    looks = {
        it.ref: {when.item for when in (section.when, it.when) if when is not None}
        for section in one.sections
        for it in section.items
    }
    opened = set(must)
    while more := {ref for ref in looks if looks[ref] & opened} - opened:
        opened |= more
    around = set(opened)
    while more := set[str]().union(*(looks[ref] for ref in around)) - around:
        around |= more
    return around - set(must)
