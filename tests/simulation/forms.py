"""What devices of simulated worlds fill in, and an operation that no program of today knows."""

from sync import checklist
from sync.ops import Op

FORM = checklist.parse(
    b"""
code = "sim"
version = "1"
title = {en = "A short form", zh = "\xe7\xae\x80\xe8\xa1\xa8"}
[[sections]]
title = {en = "All", zh = "\xe5\x85\xa8\xe9\x83\xa8"}
[[sections.items]]
ref = "1.1"
text = {en = "Licence shown", zh = "\xe4\xba\xae\xe8\xaf\x81"}
basis = {en = "Law 1", zh = "\xe6\xb3\x951"}
[[sections.items]]
ref = "1.2"
text = {en = "Hands washed", zh = "\xe6\xb4\x97\xe6\x89\x8b"}
basis = {en = "Law 2", zh = "\xe6\xb3\x952"}
[[outcomes]]
code = "ok"
label = {en = "Meets", zh = "\xe7\xac\xa6\xe5\x90\x88"}
handling = "none"
[[rules]]
clause = "1"
outcome = "ok"
text = {en = "Otherwise", zh = "\xe5\x85\xb6\xe4\xbb\x96"}
"""
)
REFS = [item.ref for item in FORM.items]


class Newer(Op, frozen=True, kw_only=True, tag="answers.set/9"):
    """An operation of a program that this version does not know."""

    hint: str
