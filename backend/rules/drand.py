"""随机信标 drand: the rounds of a public beacon, computed from the time and checked by signature.

A round is signed by a league of organisations together; whoever hands it to us cannot alter it.
The chains and the schemes are those of drand's documentation; `py_arkworks_bls12381` does the
curve. It is not needed to read a bundle, only to check the signature.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import ModuleType

from msgspec import Struct

from sync.refusals import Reason, Refused

_ON_G1 = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_ON_G2 = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"


class Scheme(Struct, frozen=True):
    """How rounds are signed: which curve holds the signature, and what is hashed onto it."""

    name: str
    on_g1: bool
    chained: bool
    domain: bytes


SCHEMES = {
    one.name: one
    for one in (
        Scheme("pedersen-bls-chained", on_g1=False, chained=True, domain=_ON_G2),
        Scheme("pedersen-bls-unchained", on_g1=False, chained=False, domain=_ON_G2),
        # the first scheme on G1 kept the domain of G2: a known slip, and so its rule
        Scheme("bls-unchained-on-g1", on_g1=True, chained=False, domain=_ON_G2),
        Scheme("bls-unchained-g1-rfc9380", on_g1=True, chained=False, domain=_ON_G1),
    )
}


class Chain(Struct, frozen=True):
    """A beacon that never ends: a round every `period` seconds since `genesis` (unix time)."""

    name: str
    scheme: str
    period: int
    genesis: int
    key: str
    group: str
    label: str = ""  # the default chain has none

    def hash(self) -> str:
        """Compute the chain's hash, by which it is pinned."""
        return sha256(
            self.period.to_bytes(4, "big")
            + self.genesis.to_bytes(8, "big")
            + bytes.fromhex(self.key)
            + bytes.fromhex(self.group)
            + self.label.encode()
        ).hexdigest()

    def round_at(self, at: datetime) -> int:
        """Give the first round that is not before a time."""
        seconds = at - datetime.fromtimestamp(self.genesis, UTC)
        return max(1, -(-seconds // timedelta(seconds=self.period)) + 1)

    def time_of(self, round: int) -> datetime:
        """Give the time of a round."""
        return datetime.fromtimestamp(self.genesis + (round - 1) * self.period, UTC)


_KNOWN = (
    Chain(
        "quicknet",
        scheme="bls-unchained-g1-rfc9380",
        period=3,
        genesis=1692803367,
        key="83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c"
        "8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb"
        "5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
        group="f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e",
        label="quicknet",
    ),
    Chain(
        "default",
        scheme="pedersen-bls-chained",
        period=30,
        genesis=1595431050,
        key="868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a5699"
        "37c529eeda66c7293784a9402801af31",
        group="176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a",
    ),
)
CHAINS = {one.hash(): one for one in _KNOWN}  # a chain that is not here cannot be checked
BY_NAME = {one.name: one for one in _KNOWN}


def randomness(signature: str) -> str:
    """Compute the value of a round from its signature, both in hex."""
    return sha256(bytes.fromhex(signature)).hexdigest()


def verify(scheme: Scheme, *, key: str, round: int, signature: str, previous: str = "") -> bool:
    """Whether the chain with this key signed this round; all in hex, malformed is false.

    `previous` is the signature before it (of round 1: the group's hash), for chained schemes only.
    """
    curve = _curve()
    try:
        before = bytes.fromhex(previous)
        if scheme.chained != bool(before):
            return False
        message = sha256(before + round.to_bytes(8, "big")).digest()
        own, other = (
            (curve.G1Point, curve.G2Point) if scheme.on_g1 else (curve.G2Point, curve.G1Point)
        )
        hashed = own.hash_to_curve(message, scheme.domain)
        signed = own.from_compressed_bytes(bytes.fromhex(signature))
        signer = other.from_compressed_bytes(bytes.fromhex(key))
        if scheme.on_g1:
            return bool(curve.GT.pairing_check([hashed, signed], [-signer, other()]))
        return bool(curve.GT.pairing_check([-signer, other()], [hashed, signed]))
    except (ValueError, OverflowError):
        return False


def _curve() -> ModuleType:
    try:
        import py_arkworks_bls12381 as curve  # a device has none
    except ModuleNotFoundError:
        raise Refused(Reason.EXTRA_MISSING, group="verify", lacks="py_arkworks_bls12381") from None
    return curve
