"""公开随机源: where a seed may come from, when its value comes to be, how it is checked.

Each source is committed to by an id that names one value which does not exist yet. "Not available"
is never a reason to take another: a postponed value keeps its id, and the draw waits for it.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple, TypeAlias

from msgspec import Meta, Struct

from backend.rules import drand, nist
from backend.rules.calendar import CHINA
from sync.refusals import Reason, Refused

BITS_MIN = 64  # of the public sources together: what nobody can try out beforehand
BITS_ADVISED = 128  # with the nonces
NONCE_BITS = 256
LEAD = timedelta(minutes=10)  # a threshold of operators could learn a round a little early
EVENING = time(21, 0)  # no lottery named here draws its numbers before, China standard time

Proof = Mapping[str, str]
Words = tuple[str, str]  # English, 中文
Hash: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
_HEX = re.compile("(?:[0-9a-f]{2})+")
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z")


class Dice(Struct, frozen=True, tag="dice", tag_field="kind"):
    """掷骰: how many rolls of which die are announced; a d10 shows 0-9, others 1 to `sides`."""

    sides: Literal[6, 8, 10]
    rolls: Annotated[int, Meta(ge=1, le=200)]

    typed = True  # by people, so two of them

    def named(self, name: str) -> bool:
        """Whether an id names this source: `dice:` and the ceremony."""
        return name.startswith("dice:")

    def choices(self) -> int:
        """Count the values that nobody can know before."""
        return int(self.sides**self.rolls)

    def ready_at(self) -> datetime | None:
        """Give the earliest time of the value; none: when people meet."""
        return None

    def announced(self) -> str:
        """Say what the value must look like."""
        return f"{self.rolls} x d{self.sides}"

    def admits(self, value: str) -> bool:
        """Whether the value is exactly what was announced: the digits in rolled order."""
        faces = "0123456789" if self.sides == 10 else "12345678"[: self.sides]
        return len(value) == self.rolls and set(value) <= set(faces)

    def proves(self, value: str, proof: Proof) -> bool:
        """Whether the proof is a proof of the value; what people saw has none."""
        return not proof

    def claim(self, value: str, proof: Proof) -> Words:
        """Say what is known of the value."""
        return ("compare with the record of the ceremony", "请与现场记录核对")


class Drand(Struct, frozen=True, tag="drand", tag_field="kind"):
    """A round of a public beacon; its value is the randomness in hex, its proof the signature."""

    chain: Hash
    round: Annotated[int, Meta(ge=1, lt=2**32)]

    typed = False

    def named(self, name: str) -> bool:
        """Whether an id names this source: `drand:` chain hash `:` round, of a chain we know."""
        return self.chain in drand.CHAINS and name == f"drand:{self.chain}:{self.round}"

    def choices(self) -> int:
        """Count the values that nobody can know before the round."""
        return 2**256

    def ready_at(self) -> datetime | None:
        """Give the time of the round."""
        return drand.CHAINS[self.chain].time_of(self.round)

    def announced(self) -> str:
        """Say what the value must look like."""
        return f"round {self.round}, 64 hex digits"

    def admits(self, value: str) -> bool:
        """Whether the value has the form of a round's randomness."""
        return len(value) == 64 and _HEX.fullmatch(value) is not None

    def proves(self, value: str, proof: Proof) -> bool:
        """Whether the signature is the chain's, of this round, and gives this value."""
        chain = drand.CHAINS[self.chain]
        scheme = drand.SCHEMES[chain.scheme]
        wanted = {"signature", "previous"} if scheme.chained else {"signature"}
        if set(proof) != wanted or not all(map(_HEX.fullmatch, proof.values())):
            return False
        if drand.randomness(proof["signature"]) != value:
            return False
        return drand.verify(
            scheme, key=chain.key, round=self.round, signature=proof["signature"],
            previous=proof.get("previous", ""),
        )  # fmt: skip

    def claim(self, value: str, proof: Proof) -> Words:
        """Say what is known of the value."""
        return (f"signed by drand for round {self.round}", f"drand 第 {self.round} 轮签名有效")


class Pulse(Struct, frozen=True, tag="nist", tag_field="kind"):
    """A pulse of NIST's beacon, at a full minute; its value is `outputValue` in lower-case hex."""

    chain: Annotated[int, Meta(ge=1, le=1000)]
    at: str  # 2026-12-01T02:00:00Z

    typed = False

    def named(self, name: str) -> bool:
        """Whether an id names this source: `nist:` chain `:` time."""
        try:
            datetime.fromisoformat(self.at)
        except ValueError:
            return False
        return _MINUTE.fullmatch(self.at) is not None and name == f"nist:{self.chain}:{self.at}"

    def choices(self) -> int:
        """Count nothing: one operator can know the value early, so it only adds to others."""
        return 1

    def ready_at(self) -> datetime | None:
        """Give the time of the pulse."""
        return datetime.fromisoformat(self.at)

    def announced(self) -> str:
        """Say what the value must look like."""
        return f"pulse of {self.at}, 128 hex digits"

    def admits(self, value: str) -> bool:
        """Whether the value has the form of a pulse's output."""
        return len(value) == 128 and _HEX.fullmatch(value) is not None

    def proves(self, value: str, proof: Proof) -> bool:
        """Whether the value follows from the pulse, and the pulse is of this chain and time."""
        if proof.get("chainIndex") != str(self.chain):
            return False
        if proof.get("timeStamp") != self.at.replace("00Z", "00.000Z"):
            return False
        known = {*nist.FIELDS, nist.SIGNATURE, nist.CERTIFICATE}
        if not proof.keys() <= known or nist.output(proof) != value:
            return False
        return nist.CERTIFICATE not in proof or nist.signed(proof)

    def claim(self, value: str, proof: Proof) -> Words:
        """Say what is known of the value."""
        if nist.CERTIFICATE in proof:
            return (
                "follows from the pulse, signed by the certificate in randomness.json",
                "由脉冲得出，签名与所附证书相符",
            )
        return (
            "follows from the pulse; its signature is not proved without NIST's certificate",
            "由脉冲得出；未附证书，签名未证明",
        )


class Game(NamedTuple):
    """A lottery: `groups` are (numbers drawn, highest number), without order and repetition."""

    en: str
    zh: str
    issue: str  # the form of an issue's number (期号)
    groups: tuple[tuple[int, int], ...] = ()
    digits: int = 0  # instead: so many digits 0-9 in drawn order

    def choices(self) -> int:
        """Count the outcomes."""
        return math.prod((math.comb(top, n) for n, top in self.groups), start=int(10**self.digits))


_FOUR, _TWO = r"(20\d\d)(\d{3})", r"(\d\d)(\d{3})"
GAMES = {
    "kl8": Game("Kuaile 8", "快乐8", _FOUR, ((20, 80),)),
    "ssq": Game("Shuangseqiu", "双色球", _FOUR, ((6, 33), (1, 16))),
    "dlt": Game("Daletou", "大乐透", _TWO, ((5, 35), (2, 12))),
    "qlc": Game("Qilecai", "七乐彩", _FOUR, ((7, 30),)),  # without its special number
    "pl5": Game("Pailie 5", "排列五", _TWO, digits=5),
    "fc3d": Game("3D", "福彩3D", _FOUR, digits=3),
}


class Lottery(Struct, frozen=True, tag="lottery", tag_field="kind"):
    """公开彩票: one issue (期) of a lottery, of a day; postponed, it keeps its number."""

    game: Literal["kl8", "ssq", "dlt", "qlc", "pl5", "fc3d"]
    issue: Annotated[str, Meta(max_length=10)]
    on: str  # 2026-12-01

    typed = True

    def named(self, name: str) -> bool:
        """Whether an id names this source, and the issue can be one of that day."""
        found = re.fullmatch(GAMES[self.game].issue, self.issue)
        try:
            day = date.fromisoformat(self.on)
        except ValueError:
            return False
        if found is None or self.on != day.isoformat() or name != f"{self.game}:{self.issue}":
            return False
        number = int(found[2])  # issues are counted from 1 each year, at most one a day
        return found[1] in (f"{day:%Y}", f"{day:%y}") and 1 <= number <= day.timetuple().tm_yday

    def choices(self) -> int:
        """Count the outcomes."""
        return GAMES[self.game].choices()

    def ready_at(self) -> datetime | None:
        """Give the earliest time at which the numbers of that day are drawn."""
        return datetime.combine(date.fromisoformat(self.on), EVENING, CHINA)

    def announced(self) -> str:
        """Say what the value must look like."""
        game = GAMES[self.game]
        form = f"{game.digits} digits in drawn order" if game.digits else " then ".join(
            f"{n} of {top} ascending" for n, top in game.groups
        )  # fmt: skip
        return f"{game.zh} {self.issue} ({self.on}): {form}, each followed by a dot"

    def admits(self, value: str) -> bool:
        """Whether the value is in the form of RFC 3797: each group ascending, a dot after each."""
        *numbers, rest = value.split(".")
        if rest or not all(re.fullmatch("0|[1-9][0-9]?", one) for one in numbers):
            return False
        game, given = GAMES[self.game], [int(one) for one in numbers]
        if game.digits:
            return len(given) == game.digits and max(given) <= 9
        for n, top in game.groups:
            group, given = given[:n], given[n:]
            if len(group) != n or group != sorted(set(group)) or group[0] < 1 or group[-1] > top:
                return False
        return not given

    def proves(self, value: str, proof: Proof) -> bool:
        """Whether the proof is a proof of the value; what is published elsewhere has none here."""
        return not proof

    def claim(self, value: str, proof: Proof) -> Words:
        """Say what is known of the value."""
        game = GAMES[self.game]
        return (
            f"compare with the published numbers of {game.en} issue {self.issue}, "
            f"and that they were drawn on {self.on} or later",
            f"请与{game.zh}第 {self.issue} 期公布号码核对，并核对开奖日期不早于 {self.on}",
        )


class Local(Struct, frozen=True, tag="local", tag_field="kind"):
    """本机随机: the server's own chance. Nobody can check it, so it needs a published reason."""

    reason: Annotated[str, Meta(min_length=5, max_length=300)]

    typed = False

    def named(self, name: str) -> bool:
        """Whether an id names this source."""
        return name == "local"

    def choices(self) -> int:
        """Count nothing: whoever keeps the server could have tried."""
        return 1

    def ready_at(self) -> datetime | None:
        """Give the earliest time of the value; none."""
        return None

    def announced(self) -> str:
        """Say what the value must look like."""
        return "UNVERIFIABLE, made by the server / 不可验证，由服务器产生"

    def admits(self, value: str) -> bool:
        """Whether the value has the form of what the server makes."""
        return len(value) == 64 and _HEX.fullmatch(value) is not None

    def proves(self, value: str, proof: Proof) -> bool:
        """Whether the proof is a proof of the value; there is none."""
        return not proof

    def claim(self, value: str, proof: Proof) -> Words:
        """Say what is known of the value."""
        return (
            f"UNVERIFIABLE, made by the office's own server ({self.reason})",
            f"不可验证，由机关服务器产生（{self.reason}）",
        )


Source: TypeAlias = Dice | Drand | Pulse | Lottery | Local


# -- rules over all the sources of a draw ----------------------------------------------------------


def verifiable(sources: Mapping[str, Source]) -> bool:
    """Whether the seed can be checked; one local source is enough to steer it, so none may be."""
    return not any(isinstance(source, Local) for source in sources.values())


def public_bits(sources: Mapping[str, Source]) -> int:
    """Count the whole bits that nobody can know at the commitment."""
    return math.prod(source.choices() for source in sources.values()).bit_length() - 1


def total_bits(sources: Mapping[str, Source], nonces: int) -> int:
    """Count the bits with the nonces of so many contributors."""
    return public_bits(sources) + NONCE_BITS * nonces


def require_public(sources: Mapping[str, Source]) -> None:
    """Refuse names that are not their sources', and sources small enough to be tried out.

    A draw that admits to be unverifiable is let through, and marked wherever it is shown.
    """
    for name, source in sources.items():
        if not source.named(name):
            raise Refused(Reason.SOURCE_UNKNOWN, source=name)
    if verifiable(sources) and public_bits(sources) < BITS_MIN:
        raise Refused(Reason.SEED_TOO_SHORT, bits_min=BITS_MIN)


def require_future(sources: Mapping[str, Source], *, created_at: datetime) -> None:
    """Refuse a source whose value may exist when the commitment is made, or too soon after."""
    for name, source in sources.items():
        ready = source.ready_at()
        if ready is not None and ready < created_at + LEAD:
            raise Refused(Reason.SOURCE_TOO_SOON, source=name, ready_at=_moment(ready))


def ready_at(sources: Mapping[str, Source], earliest: datetime) -> datetime:
    """Give the time from which every source has its value, and not before `earliest`."""
    return max([earliest, *filter(None, (source.ready_at() for source in sources.values()))])


def require_form(name: str, source: Source, value: str) -> None:
    """Refuse a value that is not of the announced form."""
    if not source.admits(value):
        raise Refused(Reason.DIGITS_WRONG, source=name, announced=source.announced())


def require_proof(name: str, source: Source, value: str, proof: Proof) -> None:
    """Refuse a value that its signature does not prove, where the source has signatures."""
    if not source.proves(value, proof):
        raise Refused(Reason.PROOF_WRONG, source=name, announced=source.announced())


def settled(typings: Iterable[tuple[str, str]]) -> str | None:
    """Give the first value that two officers have typed alike; typings are (officer, value).

    Nobody confirms himself, and of two that differ neither is used until a third agrees with one.
    """
    seen: list[tuple[str, str]] = []
    for officer, value in typings:
        if any(value == other and officer != who for who, other in seen):
            return value
        seen.append((officer, value))
    return None


def drand_source(chain: str, at: datetime) -> tuple[str, Drand]:
    """Announce the first round of a chain (by name or hash) that is not before a time."""
    found = drand.BY_NAME.get(chain) or drand.CHAINS.get(chain)
    if found is None:
        raise Refused(Reason.SOURCE_UNKNOWN, source=f"drand:{chain}")
    made = Drand(chain=found.hash(), round=found.round_at(at))
    return f"drand:{made.chain}:{made.round}", made


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")
