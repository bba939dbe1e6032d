"""How fixtures/vectors/texts.json was made: `python tests/vectors/text_vectors.py > …/texts.json`.

Once. Texts that look alike and are not the same bytes, and numbers that languages write in their
own ways: whoever hashes, signs or sorts anything but the bytes as they travel will differ here.
"""

import json
import sys
from typing import Any

import msgspec
from vectors.sync_vectors import LI, SECRETS, STAMP, WANG, folded, log

from sync import codec
from sync.ops import Answer, SetAnswers
from sync.upcasts import AddFinding1

HEAD = '"n":1,"e":"t","w":0,"m":0,"boot":"b"'
NFC, NFD = "caf\u00e9 \u1ec7", "cafe\u0301 e\u0323\u0302"
LINES = {
    "composed (NFC)": f'{{"t":"x/1",{HEAD},"k":"{NFC}"}}',
    "decomposed (NFD), the same to the eye": f'{{"t":"x/1",{HEAD},"k":"{NFD}"}}',
    "a compatibility character, full width": f'{{"t":"x/1",{HEAD},"k":"\uff21\ufb01\u212b"}}',
    "astral key and value": f'{{"t":"x/1",{HEAD},"\U00020bb7":"\U0001f9ca"}}',
    "the same, escaped as surrogates": f'{{"t":"x/1",{HEAD},"\\ud842\\udfb7":"\\ud83e\\uddca"}}',
    "escapes where none is needed": f'{{"t":"x/1",{HEAD},"k":"\\u0061\\/"}}',
    "a NUL, escaped": f'{{"t":"x/1",{HEAD},"k":"a\\u0000b"}}',
    "direction marks and a zero-width joiner": f'{{"t":"x/1",{HEAD},"k":"\u202e\u200d\u2066"}}',
    "line separators that are no line ends": f'{{"t":"x/1",{HEAD},"k":"\u2028\u2029\u0085"}}',
    "a byte order mark in front": f'\ufeff{{"t":"x/1",{HEAD}}}',
    "blanks and a carriage return": f' {{ "t" : "x/1" ,\t{HEAD} }}\r',
    "floats": f'{{"t":"x/1",{HEAD},"k":[1.0,1e0,10E-1,0.1,1e21,1e-7,-0.0,5e-324]}}',
    "integers beyond a double": f'{{"t":"x/1",{HEAD},"k":[9007199254740993,18446744073709551616]}}',
    "one key twice": f'{{"t":"x/1",{HEAD},"k":1,"k":2}}',
    "keys in another order": f'{{"k":1,{HEAD},"t":"x/1"}}',
}
# Sorted by code point (as UTF-8 bytes are), not by UTF-16 unit: there the last would come third.
KEYS = ["e\u0301", "z", "\u00e9", "\uff5e", "\U00020bb7"]


def lines() -> list[dict[str, str]]:
    made = []
    for name, line in LINES.items():
        raw = line.encode()
        made.append(
            {
                "name": name,
                "text": line,
                "utf8": raw.hex(),
                "hash": codec.link(codec.genesis(LI), raw),
                "header": codec.seal_body(SECRETS[LI], LI, raw),
            }
        )
    return made


def folds() -> list[dict[str, Any]]:
    keys = {key: Answer("pass", key) for key in reversed(KEYS)}
    composed, decomposed = (
        AddFinding1(n=1, text=text, basis='\U0001f9ca\u0000\u2028"\\/\u007f', **STAMP)
        for text in (NFC, NFD)
    )
    return [
        folded("keys are sorted by code point", log(LI, [SetAnswers(n=1, f=keys, **STAMP)])),
        folded("composed and escaped", log(LI, [composed])),
        folded("decomposed and escaped", log(LI, [decomposed])),
        folded(
            "composed and decomposed answers are not equal",
            log(LI, [SetAnswers(n=1, f={"1": Answer(NFC, kind="text")}, **STAMP)])
            + log(WANG, [SetAnswers(n=1, f={"1": Answer(NFD, kind="text")}, **STAMP)]),
        ),
    ]


def make() -> dict[str, Any]:
    keys = {"secret": SECRETS[LI], "public": codec.public_key(SECRETS[LI])}
    return {"device": LI, "genesis": codec.genesis(LI), **keys, "lines": lines(), "folds": folds()}


if __name__ == "__main__":
    json.dump(msgspec.to_builtins(make()), sys.stdout, ensure_ascii=True, indent=1)
    print()
