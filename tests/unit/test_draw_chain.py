"""Bundles of one agency are links of a chain: none lost, none exchanged, none passed over."""

from datetime import timedelta

import bundles
import drawings
import pytest

from backend.rules import bundle, chain
from backend.rules.bundle import Files


@pytest.fixture(scope="module")
def links() -> list[Files]:
    """Three draws: the first is held, the second void before it was held, the third open."""
    made: list[Files] = []
    for seq in (1, 2, 3):
        prev = bundle.commit_hash(made[-1]) if made else "0" * 64
        made.append(bundles.committed(bundles.task(), seq=seq, prev=prev))
    return [bundles.held(made[0]), bundles.voided(made[1]), made[2]]


def said(bundles_: list[Files], published: frozenset[str] = frozenset()) -> list[str]:
    return [step.en for step in chain.verify(bundles_, published) if step.ok is False]


def test_a_chain_is_proved_in_any_order_and_tells_what_is_void_or_open(links: list[Files]) -> None:
    (step,) = chain.verify(links[::-1])

    assert step.ok
    assert step.name == "chain 310101"
    assert "Numbers 1 to 3" in step.en
    assert "void: 2; not drawn yet: 3." in step.en
    assert "作废：2；尚未抽取：3。" in step.zh


def test_a_number_left_out_is_missed_even_if_it_was_void(links: list[Files]) -> None:
    assert said([links[0], links[2]]) == ["Number 2 is missing."]


def test_the_beginning_may_lie_elsewhere_but_is_not_proved(links: list[Files]) -> None:
    (step,) = chain.verify(links[1:])

    assert step.ok is None
    assert "what came before 2 is not here" in step.en


def test_a_link_exchanged_breaks_the_next_one(links: list[Files]) -> None:
    other = bundles.committed(bundles.task(title="other"), seq=2, prev=bundle.commit_hash(links[0]))

    assert said([links[0], other, links[2]]) == [
        "Number 3 does not follow the number 2 that is here."
    ]


def test_two_bundles_of_one_number_are_one_too_many(links: list[Files]) -> None:
    again = bundles.committed(bundles.task(title="again"))

    assert said([again, *links])[-1] == "Two bundles have one number: 310101#1."


def test_a_link_made_before_the_one_it_follows_is_found(links: list[Files]) -> None:
    early = bundles.committed(
        bundles.task(), seq=2, prev=bundle.commit_hash(links[0]),
        at=drawings.COMMITTED - timedelta(days=1),
    )  # fmt: skip

    assert said([links[0], early]) == ["Number 1 was made after number 2."]


def test_a_published_commitment_must_be_among_them(links: list[Files]) -> None:
    true = frozenset(map(bundle.commit_hash, links))

    assert said(links, true) == []
    assert said(links, true | {"ab" * 32}) == [f"Published, but not among these: {'ab' * 32}."]


def test_agencies_have_chains_of_their_own(links: list[Files]) -> None:
    other = bundles.committed(bundles.task(agency="330106"))

    assert [step.name for step in chain.verify([*links, other])] == ["chain 310101", "chain 330106"]


def test_what_is_no_bundle_is_said(links: list[Files]) -> None:
    assert said([*links, {}])[0].startswith("Not a bundle: ")
