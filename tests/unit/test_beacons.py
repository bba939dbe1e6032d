"""Where a seed comes from: rounds, pulses, lotteries, dice, and who may type what was rolled."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import drawings
import msgspec
import pytest
from conftest import shared_data
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from backend.rules import beacons, bundle, drand, nist, papers
from backend.rules.beacons import Dice, Drand, Local, Lottery, Pulse, Source
from backend.rules.verification import verify
from sync.refusals import Reason, Refused

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors" / "beacons.json"
KEPT: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))
QUICKNET = drand.BY_NAME["quicknet"]
ROUND = KEPT["drand"][0]
SOURCE = Drand(chain=QUICKNET.hash(), round=ROUND["round"])
NAME = f"drand:{SOURCE.chain}:{SOURCE.round}"


def refused(reason: Reason, sources: dict[str, Source]) -> bool:
    with pytest.raises(Refused) as found:
        beacons.require_public(sources)
    return found.value.reason is reason


def flipped(text: str, place: int) -> str:
    return text[:place] + format(int(text[place], 16) ^ 1, "x") + text[place + 1 :]


# -- drand -----------------------------------------------------------------------------------------


def recorded() -> list[dict[str, Any]]:
    path = shared_data() / "test_vectors" / "drand.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def checked(one: dict[str, Any], **changes: Any) -> bool:
    scheme = drand.SCHEMES[one["scheme"]]
    given = {
        "key": one["pk"], "round": one["round"], "signature": one["sig"],
        "previous": one.get("prev", "") if scheme.chained else "",
    }  # fmt: skip
    return drand.verify(scheme, **(given | changes))


def test_ten_recorded_rounds_of_four_schemes_verify_and_altered_ones_do_not() -> None:
    rounds = recorded()

    assert len(rounds) == 10
    assert len({one["scheme"] for one in rounds}) == 4
    for one in rounds:
        assert checked(one), one
        assert not checked(one, round=one["round"] + 1), one
        assert not checked(one, signature=flipped(one["sig"], 40)), one
        assert not checked(one, signature=one["sig"][:-2]), one
        assert not checked(one, key=flipped(one["pk"], 40)), one
        if drand.SCHEMES[one["scheme"]].chained:
            assert not checked(one, previous=flipped(one["prev"], 3)), one
        assert one.get("rand") in (None, drand.randomness(one["sig"])), one


def test_no_scheme_accepts_a_round_of_another() -> None:
    for one in recorded():
        for scheme in drand.SCHEMES.values():
            same = scheme.name == one["scheme"]
            previous = one.get("prev", "") if scheme.chained else ""
            found = drand.verify(
                scheme, key=one["pk"], round=one["round"], signature=one["sig"], previous=previous
            )
            assert found is same, (scheme.name, one["scheme"])


@pytest.mark.parametrize("one", KEPT["drand"], ids=lambda one: str(one["round"]))
def test_the_kept_rounds_prove_their_values(one: dict[str, Any]) -> None:
    source = Drand(chain=one["chain"], round=one["round"])

    assert source.named(one["id"])
    assert source.proves(one["value"], one["proof"])
    assert drand.randomness(one["proof"]["signature"]) == one["value"]


@pytest.mark.parametrize(
    ("value", "proof"),
    [
        (flipped(ROUND["value"], 0), ROUND["proof"]),
        (ROUND["value"], {}),
        (ROUND["value"], {"signature": flipped(ROUND["proof"]["signature"], 9)}),
        (ROUND["value"], {"signature": ROUND["proof"]["signature"].upper()}),
        (ROUND["value"], {"signature": " " + ROUND["proof"]["signature"]}),
        (ROUND["value"], ROUND["proof"] | {"previous": "ab"}),
    ],
)
def test_an_altered_round_proves_nothing(value: str, proof: dict[str, str]) -> None:
    assert not SOURCE.proves(value, proof)


def test_a_valid_signature_of_another_value_is_no_proof() -> None:
    """An untrusted relay may sign nothing, but could pair a true signature with a false value."""
    other = drand.randomness("00" * 48)

    assert SOURCE.admits(other)
    assert not SOURCE.proves(other, ROUND["proof"])


def test_a_true_round_is_no_proof_for_another_round() -> None:
    later = msgspec.structs.replace(SOURCE, round=SOURCE.round + 1)

    assert not later.proves(ROUND["value"], ROUND["proof"])


def test_the_chains_are_pinned_by_the_hash_of_all_that_they_are() -> None:
    assert QUICKNET.hash() == "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
    assert (
        drand.BY_NAME["default"].hash()
        == "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce"
    )
    for change in ({"period": 4}, {"genesis": 1}, {"key": "ab" * 96}, {"label": ""}):
        assert msgspec.structs.replace(QUICKNET, **change).hash() not in drand.CHAINS


def test_the_round_of_an_announced_time_is_the_known_one() -> None:
    at = datetime.fromisoformat("2026-03-02T10:00:00+08:00")

    name, source = beacons.drand_source("quicknet", at)

    assert source.round == 26537812
    assert name == f"drand:{QUICKNET.hash()}:26537812"
    assert source.ready_at() == at


@pytest.mark.parametrize("chain", ["quicknet", "default"])
def test_a_round_is_never_before_the_announced_time_nor_a_whole_period_after(chain: str) -> None:
    found = drand.BY_NAME[chain]
    start = datetime(2026, 3, 2, tzinfo=UTC)

    for second in range(70):
        at = start + timedelta(seconds=second, microseconds=second % 2)
        wait = found.time_of(found.round_at(at)) - at
        assert timedelta() <= wait < timedelta(seconds=found.period)


def test_a_chain_that_nobody_pinned_is_no_source() -> None:
    with pytest.raises(Refused) as found:
        beacons.drand_source("fastnet", datetime(2026, 3, 2, tzinfo=UTC))

    assert found.value.reason is Reason.SOURCE_UNKNOWN
    other = Drand(chain="ab" * 32, round=7)
    assert refused(Reason.SOURCE_UNKNOWN, {f"drand:{other.chain}:7": other})
    assert refused(Reason.SOURCE_UNKNOWN, {NAME + "0": SOURCE})


# -- NIST ------------------------------------------------------------------------------------------

PULSE = Pulse(chain=1, at="2018-08-30T17:44:00Z")


def test_the_known_pulse_follows_from_its_fields() -> None:
    proof = nist.flatten(KEPT["nist"]["pulse"])

    assert nist.output(proof) == KEPT["nist"]["value"]
    assert PULSE.named(KEPT["nist"]["id"])
    assert PULSE.admits(KEPT["nist"]["value"])
    assert PULSE.proves(KEPT["nist"]["value"], proof)
    assert "not proved" in PULSE.claim(KEPT["nist"]["value"], proof)[0]


def test_a_pulse_with_any_field_altered_proves_nothing() -> None:
    proof = nist.flatten(KEPT["nist"]["pulse"])

    for name in (*nist.FIELDS, nist.SIGNATURE):
        value = proof[name]
        last = value[-1]
        changed = value[:-1] + ("1" if last != "1" else "2")
        assert not PULSE.proves(KEPT["nist"]["value"], proof | {name: changed}), name
        gone = {key: one for key, one in proof.items() if key != name}
        assert not PULSE.proves(KEPT["nist"]["value"], gone), name
    assert not PULSE.proves(KEPT["nist"]["value"], proof | {"more": "1"})


def test_a_pulse_of_another_minute_or_chain_is_not_the_announced_one() -> None:
    proof = nist.flatten(KEPT["nist"]["pulse"])

    for other in (Pulse(chain=2, at=PULSE.at), Pulse(chain=1, at="2018-08-30T17:45:00Z")):
        assert not other.proves(KEPT["nist"]["value"], proof)


def certified() -> tuple[dict[str, str], str]:
    """A pulse that we sign ourselves, with the certificate of the key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "beacon")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(day).not_valid_after(day + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    proof = nist.flatten(KEPT["nist"]["pulse"])
    message = nist._message(proof)
    assert message is not None
    proof[nist.SIGNATURE] = key.sign(message, padding.PKCS1v15(), hashes.SHA512()).hex()
    proof[nist.CERTIFICATE] = certificate.public_bytes(serialization.Encoding.DER).hex()
    value = nist.output(proof)
    assert value is not None
    return proof, value


def test_with_its_certificate_a_pulse_is_proved_signed() -> None:
    proof, value = certified()

    assert PULSE.proves(value, proof)
    assert "signed by the certificate" in PULSE.claim(value, proof)[0]
    other, _ = certified()
    foreign = proof | {nist.CERTIFICATE: other[nist.CERTIFICATE]}
    assert not PULSE.proves(value, foreign)
    assert not PULSE.proves(value, proof | {nist.CERTIFICATE: "00"})


def test_a_pulse_alone_is_no_seed() -> None:
    later = Pulse(chain=2, at="2026-12-01T02:00:00Z")

    assert refused(Reason.SEED_TOO_SHORT, {"nist:2:2026-12-01T02:00:00Z": later})
    beacons.require_public({"nist:2:2026-12-01T02:00:00Z": later, NAME: SOURCE})


@pytest.mark.parametrize("at", ["2026-12-01T02:00:30Z", "2026-12-41T02:00:00Z", "2026-12-01"])
def test_a_pulse_is_named_by_a_full_minute(at: str) -> None:
    assert not Pulse(chain=2, at=at).named(f"nist:2:{at}")


# -- lotteries and dice ----------------------------------------------------------------------------

TWENTY = "".join(f"{n}." for n in range(1, 40, 2))


@pytest.mark.parametrize("one", KEPT["lotteries"], ids=lambda one: one["id"])
def test_the_kept_lotteries_have_their_forms_and_their_bits(one: dict[str, Any]) -> None:
    source = Lottery(game=one["game"], issue=one["issue"], on=one["on"])

    assert source.named(one["id"])
    assert source.choices() == one["choices"]
    assert source.choices().bit_length() - 1 == one["bits"]
    assert source.admits(one["value"])
    for wrong in one["wrong"]:
        assert not source.admits(wrong), wrong


@pytest.mark.parametrize(
    ("game", "bits"),
    [("kl8", 61.6), ("ssq", 24.1), ("dlt", 24.4), ("qlc", 21.0), ("pl5", 16.6), ("fc3d", 10.0)],
)
def test_the_bits_of_the_lotteries_are_those_of_the_specification(game: str, bits: float) -> None:
    from math import log2

    assert log2(beacons.GAMES[game].choices()) == pytest.approx(bits, abs=0.06)


@pytest.mark.parametrize(
    ("issue", "on", "fits"),
    [
        ("2026320", "2026-12-01", True),
        ("2026335", "2026-12-01", True),  # the 335th day
        ("2026336", "2026-12-01", False),  # there cannot have been so many
        ("2026000", "2026-12-01", False),
        ("2025320", "2026-12-01", False),
        ("26320", "2026-12-01", False),
        ("2026320", "20261201", False),
        ("2026320", "2026-13-01", False),
    ],
)
def test_an_issue_must_be_one_of_its_day(issue: str, on: str, fits: bool) -> None:
    assert Lottery(game="kl8", issue=issue, on=on).named(f"kl8:{issue}") is fits


def test_a_lottery_is_ready_in_the_evening_and_waits_for_its_own_number() -> None:
    source = Lottery(game="kl8", issue="2026320", on="2026-12-01")

    assert source.ready_at() == datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
    assert "2026320" in source.claim(TWENTY, {})[0]
    assert source.admits(TWENTY)
    assert not source.proves(TWENTY, {"signature": "ab"})


# -- all the sources of a draw ---------------------------------------------------------------------

AT = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
DICE: dict[str, Source] = {"dice:hall": Dice(sides=10, rolls=20)}


def test_sixty_four_public_bits_are_asked_for_and_not_one_less() -> None:
    kl8: Source = Lottery(game="kl8", issue="2026320", on="2026-12-01")

    assert refused(Reason.SEED_TOO_SHORT, {"kl8:2026320": kl8})
    assert refused(Reason.SEED_TOO_SHORT, {"dice:a": Dice(6, 24)})
    beacons.require_public({"dice:a": Dice(6, 25)})
    beacons.require_public({"kl8:2026320": kl8, "dice:a": Dice(6, 1)})
    assert beacons.public_bits(DICE) == 66
    assert beacons.total_bits(DICE, 1) == 66 + 256


def test_what_the_server_makes_counts_nothing_and_makes_all_unverifiable() -> None:
    local: Source = Local(reason="no public source in the field")

    assert beacons.verifiable(DICE)
    assert not beacons.verifiable(DICE | {"local": local})
    assert beacons.public_bits({"local": local}) == 0
    beacons.require_public({"local": local})
    assert refused(Reason.SOURCE_UNKNOWN, {"dice:local": local})


def test_a_source_must_lie_ten_minutes_ahead_of_the_commitment() -> None:
    _, source = beacons.drand_source("quicknet", AT)
    ready = source.ready_at()
    assert ready is not None

    beacons.require_future({"x": source}, created_at=ready - beacons.LEAD)
    with pytest.raises(Refused) as found:
        beacons.require_future(
            {"x": source}, created_at=ready - beacons.LEAD + timedelta(seconds=1)
        )

    assert found.value.reason is Reason.SOURCE_TOO_SOON
    assert beacons.ready_at({"x": source} | DICE, AT) == ready
    assert beacons.ready_at(DICE, AT) == AT


@pytest.mark.parametrize(
    ("typings", "value"),
    [
        ([], None),
        ([("a", "1")], None),
        ([("a", "1"), ("a", "1")], None),  # nobody confirms himself
        ([("a", "1"), ("b", "1")], "1"),
        ([("a", "1"), ("b", "2")], None),
        ([("a", "1"), ("b", "2"), ("a", "2")], "2"),
        ([("a", "1"), ("b", "2"), ("c", "1")], "1"),
        ([("a", "1"), ("b", "2"), ("b", "2"), ("a", "1")], None),
    ],
)
def test_a_value_stands_when_two_officers_have_typed_it_alike(
    typings: list[tuple[str, str]], value: str | None
) -> None:
    assert beacons.settled(typings) == value


# -- in a bundle -----------------------------------------------------------------------------------

BEFORE = datetime(2023, 9, 1, tzinfo=UTC)  # before the kept round


def with_round() -> bundle.Files:
    """A draw whose seed is a recorded round, held when that round had come."""
    task = drawings.task(sources={NAME: SOURCE})
    ready = SOURCE.ready_at()
    assert ready is not None
    files = bundle.commit(
        task, drawings.frame(task), drawings.roster(), [],
        draw_id="0190d000-0000-7000-8000-000000000001", seq=1, prev="0" * 64, nonce_commits={},
        not_before=ready, now=ready - timedelta(hours=1), by="officer-1", version="0.1.0",
        secret=drawings.SECRET,
    )  # fmt: skip
    held = bundle.hold(
        files, {NAME: ROUND["value"]}, {}, proofs={NAME: ROUND["proof"]}, now=ready, by="officer-1",
        secret=drawings.SECRET,
    )  # fmt: skip
    assert isinstance(held, bundle.Held)
    return held.files


def failed(files: bundle.Files) -> list[str]:
    return [step.name for step in verify(files) if step.ok is False]


def resealed(files: bundle.Files, **changes: bytes) -> bundle.Files:
    plain = {name: body for name, body in files.items() if name not in papers.SEALS}
    named = {name.replace("_", "."): body for name, body in changes.items()}
    return bundle.seal(plain | named, drawings.SECRET)


def test_a_draw_by_a_round_is_proved_without_a_word_from_the_office() -> None:
    steps = verify(with_round())

    assert all(step.ok for step in steps), steps
    said = next(step for step in steps if step.name == "sources")
    assert f"signed by drand for round {SOURCE.round}" in said.en
    assert "签名有效" in said.zh


def test_a_round_with_another_signature_is_found_by_name() -> None:
    files = with_round()
    proof = flipped(ROUND["proof"]["signature"], 20)
    changed = files["randomness.json"].replace(ROUND["proof"]["signature"].encode(), proof.encode())

    assert failed(resealed(files, randomness_json=changed)) == ["sources"]


def test_a_commitment_made_after_its_round_is_found() -> None:
    task = drawings.task(sources={NAME: SOURCE})
    ready = SOURCE.ready_at()
    assert ready is not None
    late = bundle.commit(
        task, drawings.frame(task), drawings.roster(), [],
        draw_id="0190d000-0000-7000-8000-000000000001", seq=1, prev="0" * 64, nonce_commits={},
        not_before=ready, now=ready - timedelta(minutes=9), by="officer-1", version="0.1.0",
        secret=drawings.SECRET,
    )  # fmt: skip
    early = bundle.commit(
        task, drawings.frame(task), drawings.roster(), [],
        draw_id="0190d000-0000-7000-8000-000000000001", seq=1, prev="0" * 64, nonce_commits={},
        not_before=ready - timedelta(seconds=1), now=BEFORE, by="officer-1", version="0.1.0",
        secret=drawings.SECRET,
    )  # fmt: skip

    for files, words in ((late, "ten minutes"), (early, "before its sources")):
        step = next(step for step in verify(files) if step.name == "commitment")
        assert step.ok is False
        assert words in step.en


def test_a_draw_is_not_held_with_a_round_that_is_not_proved() -> None:
    files = with_round()
    before = {name: body for name, body in files.items() if name in papers.COMMITMENT_FILES}
    before["log.ndjson"] = files["log.ndjson"].split(b"\n")[0] + b"\n"

    with pytest.raises(Refused) as found:
        bundle.hold(
            before, {NAME: ROUND["value"]}, {}, now=drawings.HELD, by="x", secret=drawings.SECRET
        )

    assert found.value.reason is Reason.PROOF_WRONG


def test_a_local_draw_is_never_called_proved() -> None:
    task = drawings.task(sources={"local": Local(reason="no network in the field")})
    files = drawings.committed(task)
    held = bundle.hold(
        files, {"local": "ab" * 32}, drawings.NONCES, now=drawings.HELD, by="x",
        secret=drawings.SECRET,
    )  # fmt: skip
    assert isinstance(held, bundle.Held)

    steps = {step.name: step for step in verify(held.files)}

    assert steps["sources"].ok is None
    assert "UNVERIFIABLE" in steps["sources"].en
    assert "不可验证" in steps["sources"].zh
    assert steps["selection"].ok is True
