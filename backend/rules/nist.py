"""NIST 随机信标 2.0: a pulse a minute, from one operator, so only as one of several sources.

`outputValue` is the SHA-512 of the signed fields and the signature; that much is proved from the
pulse alone. The RSA signature is proved only if the certificate is given too.
Source: NISTIR 8213 (draft), section 4.
"""

import re
from collections.abc import Mapping
from hashlib import sha512
from typing import Literal, TypeAlias

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Kind = Literal["text", "hex", "u32", "u64"]
_Part: TypeAlias = str | int | list[dict[str, str]] | dict[str, str | int]

FIELDS: dict[str, Kind] = {  # in the order in which they are signed
    "uri": "text",
    "version": "text",
    "cipherSuite": "u32",
    "period": "u32",
    "certificateId": "hex",
    "chainIndex": "u64",
    "pulseIndex": "u64",
    "timeStamp": "text",
    "localRandomValue": "hex",
    "external.sourceId": "hex",
    "external.statusCode": "u32",
    "external.value": "hex",
    "previous": "hex",
    "hour": "hex",
    "day": "hex",
    "month": "hex",
    "year": "hex",
    "precommitmentValue": "hex",
    "statusCode": "u32",
}
SIGNATURE = "signatureValue"
CERTIFICATE = "certificate"  # ours: the DER bytes in hex
_HEX = re.compile("(?:[0-9a-fA-F]{2})+")
_NUMBER = re.compile("0|[1-9][0-9]{0,19}")


def flatten(pulse: Mapping[str, object]) -> dict[str, str]:
    """Bring a pulse as it is downloaded into named texts; what is not signed falls away.

    Raise ValidationError for what has not the shape of a pulse.
    """
    flat: dict[str, str] = {}
    for name, value in msgspec.convert(pulse, dict[str, _Part]).items():
        if isinstance(value, list):
            flat |= {one["type"]: one["value"] for one in value if {"type", "value"} <= one.keys()}
        elif isinstance(value, dict):
            flat |= {f"{name}.{inner}": str(one) for inner, one in value.items()}
        else:
            flat[name] = str(value)
    return {name: flat[name] for name in (*FIELDS, SIGNATURE) if name in flat}


def output(proof: Mapping[str, str]) -> str | None:
    """Compute a pulse's value from its fields, in lower-case hex; none if they are not a pulse."""
    message, signature = _message(proof), proof.get(SIGNATURE, "")
    if message is None or _HEX.fullmatch(signature) is None:
        return None
    return sha512(message + bytes.fromhex(signature)).hexdigest()


def signed(proof: Mapping[str, str]) -> bool:
    """Whether the certificate in the proof signed the pulse (RSA, PKCS #1 v1.5, SHA-512)."""
    message, given = _message(proof), proof.get(CERTIFICATE, "")
    if message is None or _HEX.fullmatch(given) is None:
        return False
    try:
        key = x509.load_der_x509_certificate(bytes.fromhex(given)).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        signature = bytes.fromhex(proof[SIGNATURE])
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA512())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError):
        return False
    return True


def _message(proof: Mapping[str, str]) -> bytes | None:
    parts: list[bytes] = []
    for name, kind in FIELDS.items():
        part = _field(kind, proof.get(name, ""))
        if part is None:
            return None
        parts.append(part)
    return b"".join(parts)


def _field(kind: Kind, value: str) -> bytes | None:
    if kind in ("u32", "u64"):
        width = 4 if kind == "u32" else 8
        if _NUMBER.fullmatch(value) is None or int(value) >= 1 << 8 * width:
            return None
        return int(value).to_bytes(width, "big")
    if kind == "hex" and _HEX.fullmatch(value) is None:
        return None
    body = value.encode() if kind == "text" else bytes.fromhex(value)
    return len(body).to_bytes(4, "big") + body
