"""Faults put into the production code, one at a time: a simulator is worth what it kills."""

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from simulation import memory_openings
from simulation.memory_hub import MemoryHub
from simulation.world import World

from sync import (
    codec,
    exchange,
    hub,
    lineage,
    merge,
    naming,
    opened,
    pages,
    particulars,
    reading,
)
from sync.device_log import DeviceLog
from sync.replica import Replica
from sync.store import MemoryStore

SEEDS_MAX = 400


class Mutant(Struct, frozen=True):
    """A function's text with one part replaced."""

    name: str
    owner: Any  # a module or a class
    function: str
    old: str
    new: str
    rot: bool = False  # it takes damaged memory to show
    pitfall: int = 0  # of those that pitfalls.py lists


MUTANTS = [
    # -- the merge -------------------------------------------------------------------------------
    Mutant(
        "merge by order of arrival", merge, "fold",
        "sorted({r.id: r for r in given}.values(), key=lambda r: (r.hash, r.id))",
        "list({r.id: r for r in given}.values())",
    ),
    Mutant(
        "the newest clock wins instead of the smallest hash", merge, "fold",
        "key=lambda r: (r.hash, r.id)", "key=lambda r: (-r.op.w, r.id)", pitfall=22,
    ),
    Mutant(
        "superseding ignored", merge, "_items",
        "replaced.setdefault(ref, set()).update(names)",
        "replaced.setdefault(ref, set())",
    ),
    Mutant(
        "everyone's last answer wins, nobody disagrees", merge, "_item",
        "    standing.sort(", "    standing = standing[-1:]\n    standing.sort(", pitfall=27,
    ),
    Mutant("late operations applied", merge, "_sealed", "late.append(r.id)", "inside.append(r)"),
    Mutant(
        "one signature seals", merge, "_signed",
        "set(INSPECTORS) <= set(roles)", "bool(set(INSPECTORS) & set(roles))",
    ),
    Mutant(
        "of an item answered twice nothing is told", merge, "_unmarked",
        "count == len(items)", "True",
    ),
    Mutant("a signature is overlooked", merge, "_unmarked", "return False", "continue"),
    Mutant("a covered range loses its end", merge, "_within", "<= ranges", "< ranges"),
    # -- what is recorded on site ----------------------------------------------------------------
    Mutant(
        "of a sample recorded anew the tests are lost", naming, "renamed",
        "return replace(op, sample=names.get(op.sample, op.sample))", "return op",
    ),
    Mutant(
        "a test of a sample that is not here disappears", particulars, "_under",
        "if shown.sample in here else lost", "if shown.sample in here else []",
    ),
    Mutant(
        "what came last of a kind is all that is shown", particulars, "_each",
        "for one in told if", "for one in told[-1:] if",
    ),
    Mutant(
        "the strokes come after the signature", Replica, "sign",
        "self.record(inspection, *drawn, make)", "self.record(inspection, make, *drawn)",
    ),
    # -- opened on site --------------------------------------------------------------------------
    Mutant(
        "an act opens as often as it is recorded", hub.Docket, "admit",
        'if verdict.verdict == "ok" and op.e not in self.facts:', 'if verdict.verdict == "ok":',
    ),
    Mutant(
        "who comes later takes what another opened", hub, "_opens",
        "first not in (None, (who, act)) or (known is not None and first is None)", "False",
    ),
    Mutant(
        "what follows an opening in the same push is held back", hub.Docket, "admit",
        '{who: "lead", second: "second"},', "{},",
    ),
    Mutant(
        "who opens it alone may record in it", hub.Docket, "admit",
        "self.opened.append(Opened(op, who, second))", "self.opened.append(Opened(op, who, who))",
    ),
    Mutant(
        "what waited for an opening goes on waiting", memory_openings, "begin",
        "if waits and", "if False and",
    ),
    Mutant(
        "nobody sees what was just opened", opened, "held",
        "for name, body in _kept(store).items()]", "for name, body in ()]",
    ),
    Mutant(
        "what a server gave to others stays on the device that opened it", opened,
        "let_go_of_others", "let_go(store, row.id)", "pass",
    ),
    # -- the server ------------------------------------------------------------------------------
    Mutant(
        "no idempotence", hub, "judge",
        "return Extends(len(push.hashes))", "return Extends(0)", pitfall=17,
    ),
    Mutant("known operations are counted wrongly", hub, "judge",
           "return Extends(index)", "return Extends(max(index - 1, 0))"),
    Mutant(
        "signature not checked", codec, "check_body",
        "if not (whole and verifies(public, body_text(sender, digest), signature)):",
        "if False:", pitfall=28,
    ),
    Mutant(
        "digest of the body not checked", codec, "check_body",
        "if not (whole and verifies", "if not (verifies", pitfall=28,
    ),
    Mutant(
        "a poison operation blocks its batch", hub, "admit",
        'return Verdict(kind, inspection, "quarantined", refusal.code)', "raise Refused(refusal)",
        pitfall=10,
    ),
    Mutant(
        "a lot of so many as no number says counts", hub, "admit",
        " or _unusable(op, waived)", "",
    ),
    Mutant(
        "an unknown kind blocks its batch", hub, "admit",
        'return Verdict(kind, inspection, "parked", Reason.OP_UNKNOWN.code)', "raise", pitfall=10,
    ),
    Mutant(
        "a revoked device still counts", hub, "admit",
        "if revoked and Reason.DEVICE_REVOKED.code not in waived:", "if False:",
    ),
    Mutant(
        "quarantined operations are told to others", hub, "place",
        'seq = feed_n if verdict.verdict == "ok" else None', "seq = feed_n",
    ),
    Mutant("the cursor skips one", pages, "page", "upto = rows[-1][0]", "upto = rows[-1][0] + 1",
           pitfall=4),
    Mutant("the cursor runs to the end of the feed", pages, "page",
           "upto = rows[-1][0]", "upto = feed_n", pitfall=2),
    Mutant(
        "a bucket of which one is relieved is not dropped", pages, "cursor",
        "tuple(map(Drop, dict.fromkeys(gone)))", "()", pitfall=9,
    ),
    Mutant("only the first new bucket is told", pages, "page",
           "upto < feed_n or done < len(missing)", "upto < feed_n", pitfall=7),
    Mutant(
        "a bucket in pieces keeps what has gone meanwhile", pages, "page",
        "if after or not _gone(event)", "if not _gone(event)", pitfall=13,
    ),
    Mutant(
        "tombstones that are forgotten bring back what they buried", pages, "cursor",
        "pull.have and pull.seq < floor", "False", pitfall=13,
    ),
    Mutant(
        "what came after a snapshot is not told", pages, "page",
        "after, since = boot.as_of, boot.as_of or feed_n",
        "after, since = (feed_n if boot.snapshot else 0), feed_n",
    ),
    Mutant(
        "acknowledged before it was stored", MemoryHub, "ask", "raise Died", "return answer",
        pitfall=1,
    ),
    Mutant(
        "a server restored from a backup goes on as before", pages, "cursor",
        'pull.epoch not in ("", epoch) or pull.seq > feed_n', "pull.seq > feed_n", pitfall=16,
    ),
    # -- the device ------------------------------------------------------------------------------
    Mutant(
        "outbox cleared before the answer", exchange, "exchange",
        "response = yield request",
        'replica.store.set("acked", str(replica.acked() + len(batch)))\n'
        "        response = yield request", pitfall=10,
    ),
    Mutant(
        "an answer is applied piece by piece", exchange, "exchange",
        "with replica.store.transaction():\n            if replica.identity != identity:",
        "if True:\n            if replica.identity != identity:", pitfall=5,
    ),
    Mutant(
        "an overtaken page is applied", exchange, "exchange",
        "overtaken = (acked, *told) != asked", "overtaken = False",
    ),
    Mutant(
        "a failed transaction leaves its traces", MemoryStore, "transaction",
        "vars(self).update(before)", "pass", pitfall=5,
    ),
    Mutant(
        "drop not applied", reading, "absorb",
        "case Drop(b=bucket):\n                replica.store.drop(bucket)", "case Drop(b=bucket):",
        pitfall=9,
    ),
    Mutant(
        "a piece of a bucket passes for the whole", reading, "absorb",
        "if event.whole:", "if True:",
    ),
    Mutant(
        "a snapshot is not read", reading, "absorb",
        "for told in _snapshot(replica, event):", "for told in ():",
    ),
    Mutant(
        "a removed row stays", reading, "_apply",
        "replica.store.remove_row(event.b, event.kind, event.id)", "pass",
    ),
    Mutant(
        "own operations are taken for another's", reading, "_apply",
        "if device == replica.identity.enrolled.device:", "if False:",
    ),
    Mutant(
        "what the server said is forgotten", exchange, "_settle",
        "replica.store.note(mine.n, d, why)", "pass",
    ),
    Mutant(
        "the last operation is not signed for", Replica, "sign",
        "if not isinstance(r.op, Sign)]", "if not isinstance(r.op, Sign)][:-1]",
    ),
    Mutant(
        "what a restored server has lost is not sent again", exchange, "_rewound",
        'replica.store.set("acked", "0")', "pass", pitfall=16,
    ),
    # -- former names ----------------------------------------------------------------------------
    Mutant(
        "an act counts as often as it was recorded", merge, "_once",
        "if not again:", "if True:",
    ),
    Mutant(
        "what was recorded anew refers to the former names", lineage, "reissue",
        "renamed(op, names)", "op", pitfall=15,
    ),
    Mutant(
        "of what was recorded anew the first record is forgotten", lineage, "reissue",
        "orig=op.orig or mine.hash", "orig=''",
    ),
    Mutant(
        "the last operation beyond the fork is left behind", lineage, "take_over",
        "reissue(replica, device, log[kept:])", "reissue(replica, device, log[kept:-1])",
        pitfall=15,
    ),
    Mutant(
        "what the ledger has of a former chain does not count here", lineage, "take_over",
        "_let_count(replica, old, log[:kept], notes)", "pass",
    ),
    Mutant(
        "the former chain is thrown away at once", lineage, "take_over",
        "replica.keep_retired((*replica.retired(), Retired(old, kept)))",
        "store.forget(device)",
    ),
    Mutant(
        "a retired chain is let go before a backup holds it", lineage, "watch",
        "if one.until > head.durable", "if False",
    ),
    Mutant(
        "a restored server is not offered the retired chains", lineage, "offer",
        "yield from _offer(replica, one)", "yield from ()", pitfall=16,
    ),
    Mutant(
        "a restored phone does not look at its own tail", lineage, "mend",
        "if found.tail:", "if False:", pitfall=15,
    ),
    Mutant(
        "a wrong checksum is not noticed", reading, "absorb",
        "if whole and _differs(replica, b, event.check)", "if False", rot=True, pitfall=21,
    ),
    # -- pitfalls that nothing above stands for --------------------------------------------------
    Mutant(
        "what was acknowledged is sent again", exchange, "_settle",
        "until = max(head.ack.n, acked)", "until = max(min(head.ack.n, first), acked)",
        pitfall=6,
    ),
    Mutant(
        "the scope is what it was when the cursor began", pages, "cursor",
        "if bucket in scope)\n    part", "if True)\n    part", pitfall=7,
    ),
    Mutant(
        "where nothing is in scope the cursor stays", pages, "page",
        "list(at.told), feed_n, pull.limit", "list(at.told), pull.seq, pull.limit", pitfall=8,
    ),
    Mutant(
        "an answer names all that was ever said", Replica, "answer",
        "for s in standing[r].standing)",
        "for s in (*standing[r].standing, *standing[r].overruled))", pitfall=11,
    ),
    Mutant(
        "a second answer does not know of the first", Replica, "answer",
        "for r in answers if r in standing}", "for r in answers if r in standing and not standing}",
        pitfall=12,
    ),
    Mutant(
        "a cursor that is too old takes the outbox with it", reading, "absorb",
        "if not event.reads:\n",
        'if event.reads:\n                    replica.store.set("acked", str(replica.head()[0]))\n'
        "                else:\n", pitfall=14,
    ),
    Mutant(
        "nobody looks which ledger a phone knows", pages, "cursor", "if regressed or", "if",
        pitfall=16,
    ),
    Mutant(
        "another text passes under a known number", hub, "judge",
        "if hash_ != hash_at[n]:", "if False:", pitfall=17,
    ),
    Mutant(
        "what comes out of turn is taken", hub, "judge", "return Gap()", "return Extends(0)",
        pitfall=18,
    ),
    Mutant(
        "who enrols on a phone that is somebody's wipes it", DeviceLog, "enrol",
        'if self.store.get("identity"):', "if False:", pitfall=19,
    ),
    Mutant(
        "a page that was not applied is passed over", exchange, "exchange",
        "overtaken = (acked, *told) != asked",
        "overtaken = (acked, *told) != asked\n"
        '            replica.store.set("seq", str(events[-1].next))', pitfall=20,
    ),
    Mutant(
        "the checksum counts what is on its way", reading, "_differs",
        "if mine.n <= acked and", "if", pitfall=21,
    ),
    Mutant(
        "hashes are over JSON that was written again", hub, "read",
        "codec.chain(head.prev, raws)",
        "codec.chain(head.prev, [msgspec.json.encode(msgspec.json.decode(r)) for r in raws])",
        pitfall=23,
    ),
    Mutant(
        "what an aborted exchange began stays", MemoryHub, "_undo",
        "self.dies, self.state, self.made = 0, before, made", "self.dies = 0", pitfall=26,
    ),
    Mutant(
        "a desk closes a conflict without a word of the others", merge, "_items",
        "replaced.setdefault(ref, set()).update(names)",
        "replaced.setdefault(ref, set()).update(list(names)[:1])", pitfall=27,
    ),
]  # fmt: skip


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """Run with the fault in place."""
    original = vars(mutant.owner)[mutant.function]
    plain = inspect.unwrap(original)
    source = textwrap.dedent(inspect.getsource(plain))
    assert source.count(mutant.old) == 1, f"{mutant.name}: the code has changed\n{source}"
    scope: dict[str, Any] = {}
    text = source.replace(mutant.old, mutant.new)
    exec(compile(text, mutant.name, "exec"), vars(sys.modules[plain.__module__]), scope)
    ours = ("sync.", "backend.", "simulation.")  # and whoever imported the function by its name
    modules = [module for name, module in sys.modules.items() if name.startswith(ours)]
    users = [mutant.owner, *(module for module in modules if module is not mutant.owner)]
    users = [user for user in users if vars(user).get(mutant.function) is original]
    for user in users:
        setattr(user, mutant.function, scope[mutant.function])
    try:
        yield
    finally:
        for user in users:
            setattr(user, mutant.function, original)


def seeds_to_kill(mutant: Mutant, seeds_max: int = SEEDS_MAX) -> int | None:
    """Count the seeds it takes until a world notices, or give None."""
    with mutated(mutant):
        return next((seed + 1 for seed in range(seeds_max) if _notices(mutant, seed)), None)


def _notices(mutant: Mutant, seed: int) -> bool:
    """Tell whether an invariant breaks in a world, or something else because of it."""
    try:
        World(seed, rot=mutant.rot).run()
    except Exception:
        return True
    return False
