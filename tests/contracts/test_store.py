"""One suite, three subjects: whatever keeps a replica's memory must behave alike."""

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sync import sqlite_file
from sync.refusals import Refused
from sync.sites import Site
from sync.sqlite_store import SqliteStore
from sync.store import File, MemoryStore, Mine, Row, Store, Theirs

ROW = Row("b1", "task", "t1", "r1", b"{}")
THEIRS = Theirs("d2:1", "b1", "h", "wang", b"\x00\xff")
FILE = File("f" * 64, 9, "image/jpeg")


def mine(n: int, inspection: str = "t1") -> Mine:
    return Mine(n, inspection, f"hash-{n}", b'{"n":%d}\xff\x00' % n)


RAW_KEY = "x'" + "2a" * 32 + "'"  # SQLCipher takes it as it is, which spares a test 0.3 s
KEYS = {"sqlite": "", "sqlcipher": RAW_KEY}


@pytest.fixture(params=["memory", *KEYS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = SqliteStore(tmp_path / "device.db", key=KEYS[request.param])
    yield opened
    opened.close()


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return KEYS[request.param]


def everything(store: Store) -> list[object]:
    return [
        store.get("key"),
        store.log(1, 100),
        store.noted(),
        store.rows("task"),
        store.theirs_of("b1"),
        sorted(store.revisions("b1")),
        store.files(),
    ]


def fill(store: Store) -> None:
    store.set("key", "value")
    store.append(mine(1))
    store.append(mine(2, "t2"))
    store.note(1, "parked", "op.unknown")
    store.put_row(ROW)
    store.put_theirs(THEIRS)
    store.put_file(FILE)


def test_a_new_store_is_empty(store: Store) -> None:
    assert everything(store) == ["", [], [], [], [], [], []]
    assert store.last() is None


def test_what_was_written_is_read(store: Store) -> None:
    with store.transaction():
        fill(store)

    noted = Mine(1, "t1", "hash-1", mine(1).raw, "parked", "op.unknown")
    assert store.get("key") == "value"
    assert store.log(1, 100) == [noted, mine(2, "t2")]
    assert store.log(2, 100) == [mine(2, "t2")]
    assert store.log(1, 1) == [noted]
    assert store.log(3, 100) == []
    assert store.last() == mine(2, "t2")
    assert store.log_of("t2") == [mine(2, "t2")]
    assert store.noted() == [noted]
    assert store.rows("task") == [ROW]
    assert store.theirs_of("b1") == [THEIRS]
    assert sorted(store.revisions("b1")) == [("op", "d2:1", "h"), ("task", "t1", "r1")]
    assert store.files() == [FILE]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with store.transaction():
        fill(store)
    before = everything(store)

    def fail() -> None:
        with store.transaction():
            store.set("key", "other")
            store.append(mine(3))
            store.note(2, "late", "")
            store.put_row(Row("b1", "task", "t2", "r", b"{}"))
            store.remove_row("b1", "task", "t1")
            store.put_theirs(Theirs("d2:2", "b1", "h", "wang", b""))
            store.put_file(File("e" * 64, 1, "x/y"))
            store.drop("b1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert everything(store) == before


def test_after_a_failed_transaction_the_next_one_works(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.append(mine(1))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    with store.transaction():
        store.append(mine(1))

    assert store.last() == mine(1)


def test_the_log_takes_only_the_next_number(store: Store) -> None:
    with store.transaction():
        store.append(mine(1))

    for n in (1, 3):
        with pytest.raises(AssertionError), store.transaction():
            store.append(mine(n))

    assert store.log(1, 100) == [mine(1)]


def test_a_row_is_replaced_in_its_bucket_and_stays_in_others(store: Store) -> None:
    with store.transaction():
        store.put_row(ROW)
        store.put_row(Row("b0", "task", "t1", "r0", b"0"))
        store.put_row(Row("b1", "task", "t1", "r2", b"2"))
    both, one = store.rows("task"), store.row("task", "t1")
    with store.transaction():
        store.remove_row("b1", "task", "t1")

    assert both == [one]
    assert store.row("task", "t1") == Row("b0", "task", "t1", "r0", b"0")
    assert store.row("checklist", "t1") is store.row("task", "t2") is None
    assert both == [Row("b1", "task", "t1", "r2", b"2")]
    assert store.rows("task") == [Row("b0", "task", "t1", "r0", b"0")]


def test_rows_come_by_kind_and_by_id(store: Store) -> None:
    with store.transaction():
        for entity in ("t3", "t1", "t2"):
            store.put_row(Row("b1", "task", entity, "r", b""))
        store.put_row(Row("b1", "checklist", "c", "r", b""))

    assert [row.id for row in store.rows("task")] == ["t1", "t2", "t3"]
    assert [row.id for row in store.rows("checklist")] == ["c"]


def test_a_dropped_bucket_takes_what_was_read_and_leaves_what_was_written(store: Store) -> None:
    with store.transaction():
        fill(store)
        store.put_row(Row("b2", "task", "t9", "r", b""))
        store.drop("b1")

    assert [row.id for row in store.rows("task")] == ["t9"]
    assert store.theirs_of("b1") == []
    assert list(store.revisions("b1")) == []
    assert len(store.log(1, 100)) == 2
    assert store.files() == [FILE]


def test_anothers_operation_is_kept_once(store: Store) -> None:
    with store.transaction():
        store.put_theirs(THEIRS)
        store.put_theirs(THEIRS)

    assert store.theirs_of("b1") == [THEIRS]
    assert store.theirs_of("b2") == []


def test_a_note_can_be_taken_back(store: Store) -> None:
    with store.transaction():
        fill(store)
        store.note(1, "", "")

    assert store.noted() == []


def test_files_keep_their_order_and_say_when_they_were_sent(store: Store) -> None:
    other = File("a" * 64, 5, "image/png")
    with store.transaction():
        store.put_file(FILE)
        store.put_file(other)
        store.put_file(File(FILE.sha256, 9, "image/jpeg", sent=True))

    assert [(file.sha256[0], file.sent) for file in store.files()] == [("f", True), ("a", False)]


# -- one file, several processes -----------------------------------------------------------------


def test_reopening_keeps_everything(tmp_path: Path, key: str) -> None:
    first = SqliteStore(tmp_path / "device.db", key=key)
    with first.transaction():
        fill(first)
    before = everything(first)
    first.close()

    again = SqliteStore(tmp_path / "device.db", key=key)

    assert everything(again) == before
    again.close()


def test_two_connections_see_each_others_commits_and_nothing_before(
    tmp_path: Path, key: str
) -> None:
    one, two = (SqliteStore(tmp_path / "device.db", key=key) for _ in range(2))

    with one.transaction():
        one.append(mine(1))
        during = two.last()
    after = two.last()

    assert during is None
    assert after == mine(1)
    one.close()
    two.close()


def _record(path: Path, key: str, name: str, times: int, go: Callable[[], object]) -> None:
    go()
    store = SqliteStore(path, key=key)
    for _ in range(times):
        with store.transaction():
            last = store.last()
            store.append(mine((last.n if last else 0) + 1, name))
    store.close()


def test_who_waits_too_long_for_another_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    first, second = SqliteStore(tmp_path / "device.db"), SqliteStore(tmp_path / "device.db")

    with first.transaction():
        first.set("key", "mine")
        with pytest.raises(Refused) as refused, second.transaction():
            second.set("key", "another's")

    assert refused.value.reason.code == "device.busy"
    assert second.get("key") == "mine"
    first.close()
    second.close()


def test_who_opens_a_file_while_another_makes_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    maker = sqlite3.connect(tmp_path / "device.db", isolation_level=None)

    class Waiting(sqlite3.Connection):
        def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE" and maker.in_transaction:  # what this one now waits for
                maker.execute("COMMIT")
            return super().execute(sql, values)

    maker.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Waiting))
    store = SqliteStore(tmp_path / "device.db")
    store.set("key", "mine")

    assert store.get("key") == "mine"
    store.close()
    maker.close()


def test_who_waits_too_long_for_a_file_that_another_makes_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    maker = sqlite3.connect(tmp_path / "device.db", isolation_level=None)

    maker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Refused) as refused:
        SqliteStore(tmp_path / "device.db")

    assert refused.value.reason.code == "device.busy"
    maker.close()


def test_processes_that_begin_and_record_at_once_take_turns_and_use_no_number_twice(
    tmp_path: Path, key: str
) -> None:
    path, names, times = tmp_path / "device.db", ["p1", "p2", "p3"], 40
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(len(names), timeout=20)  # one that cannot begin lets nobody wait
    workers = [
        spawn.Process(target=_record, args=(path, key, name, times, barrier.wait)) for name in names
    ]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    store = SqliteStore(path, key=key)
    log = store.log(1, 1000)
    store.close()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [one.n for one in log] == list(range(1, len(names) * times + 1))
    assert all(sum(one.inspection == name for one in log) == times for name in names)


# -- former names --------------------------------------------------------------------------------


def test_a_retired_log_is_kept_apart_and_a_new_one_begins(store: Store) -> None:
    with store.transaction():
        store.append(mine(1))
        store.append(mine(2, "t2"))
        store.note(2, "parked", "op.unknown")
        store.retire("d1")
        store.append(mine(1, "t3"))

    noted = Mine(2, "t2", "hash-2", mine(2).raw, "parked", "op.unknown")
    assert store.log(1, 9) == [mine(1, "t3")]
    assert store.log_of("t1") == []
    assert store.noted() == []
    assert store.retired("d1", 1, 9) == [mine(1), noted]
    assert store.retired("d1", 2, 9) == [noted]
    assert store.retired("d1", 1, 1) == [mine(1)]
    assert store.retired("d2", 1, 9) == []


def test_of_several_retired_logs_one_is_let_go(store: Store) -> None:
    with store.transaction():
        for device in ("d1", "d2"):
            store.append(mine(1))
            store.retire(device)
        store.forget("d1")

    assert store.retired("d1", 1, 9) == []
    assert store.retired("d2", 1, 9) == [mine(1)]


def test_a_failed_retirement_leaves_the_log_where_it_was(store: Store) -> None:
    with store.transaction():
        store.append(mine(1))

    def fail() -> None:
        with store.transaction():
            store.retire("d1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert store.log(1, 9) == [mine(1)]
    assert store.retired("d1", 1, 9) == []


def test_a_wiped_store_has_only_what_nobody_else_has(store: Store) -> None:
    with store.transaction():
        fill(store)
        store.put_file(File("a" * 64, 5, "image/png", sent=True))
        store.retire("d1")
        store.append(mine(1))
        store.set("identity", '{"enrolled":{"device":"d2"},"secret":"hush"}')
        store.set("acked", "1")
        store.set("file_key", "2a")

    store.wipe()

    assert everything(store) == ["", [], [], [], [], [], [FILE]]
    assert store.retired("d1", 1, 9) == []
    assert store.get("acked") == ""
    assert (store.get("revoked"), store.get("wiped")) == ("yes", "yes")
    assert store.get("file_key") == "2a"  # or the files that stay could not be opened
    assert "hush" not in store.get("identity")
    assert '"device":"d2"' in store.get("identity")


def test_no_trace_of_what_was_wiped_is_left_in_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "device.db")
    with store.transaction():
        store.append(Mine(1, "t1", "h", b"a very particular secret"))
        store.set("identity", '{"enrolled":{},"secret":"another particular secret"}')

    store.wipe()
    log = tmp_path / "device.db-wal"
    beside = log.read_bytes() if log.exists() else b""  # nobody has closed the file yet
    store.close()

    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"particular secret" not in left + beside


def test_no_trace_of_what_was_wiped_is_left_once_a_process_that_watched_is_gone(
    tmp_path: Path,
) -> None:
    store, other = (SqliteStore(tmp_path / "device.db") for _ in range(2))
    with store.transaction():
        store.append(Mine(1, "t1", "h", b"a very particular secret"))
        store.set("identity", '{"enrolled":{},"secret":"hush"}')
    other.last()
    store.file.run("PRAGMA busy_timeout=1")  # it would wait for the other

    store.wipe()
    store.close()
    seen = other.get("wiped")
    other.close()

    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert seen == "yes"
    assert b"particular secret" not in left


def test_a_snapshot_is_a_store_of_its_own(tmp_path: Path, key: str) -> None:
    store = SqliteStore(tmp_path / "device.db", key=key)
    with store.transaction():
        fill(store)

    store.snapshot(tmp_path / "copy.db")

    copy = SqliteStore(tmp_path / "copy.db", key=key)
    assert everything(copy) == everything(store)
    store.close()
    copy.close()


SITES = [
    (
        Site("S1", "城东冷库", "人民路1号", "cold-store", "330402", "A", "active", "JY1 JY2"),
        2**60 - 1,
    ),
    (Site("S2", "家和100%店", "中山路2号", "market", "330402", "B", "active", ""), 2**59),
    (Site("S3", "Café Nord", "中山路3号", "market", "330402", "B", "active", ""), 7),
]


def test_establishments_are_kept_by_bucket_and_found_by_words(store: Store) -> None:
    with store.transaction():
        store.put_sites("d:33", SITES)
        store.put_sites("d:3304", SITES[:1])
        store.put_sites("d:33", [(SITES[1][0]._replace(name="家和"), 5)])
        store.remove_sites("d:33", ["S3", "none"])

    assert store.sites_sum("d:33") == (2, (2**60 - 1 + 5) % 2**60)
    assert store.sites_sum("none") == (0, 0)
    assert [site.code for site in store.find_sites(["冷库", "jy2"], 9)] == ["S1"]
    assert [site.code for site in store.find_sites([], 9)] == ["S1", "S2"]
    assert store.find_sites(["%"], 9) == []
    assert len(store.find_sites([], 1)) == 1
    with store.transaction():
        store.drop("d:33")
    assert store.sites_sum("d:33") == (0, 0)
    assert store.sites_sum("d:3304") == (1, 2**60 - 1)


def test_pieces_of_a_file_are_kept_in_order(store: Store) -> None:
    with store.transaction():
        store.keep_piece("ab", 0, b"one")
        store.keep_piece("ab", 3, b"two")
        store.keep_piece("cd", 0, b"x")

    assert (store.pieces("ab"), store.pieces("ef")) == (b"onetwo", b"")
    with store.transaction():
        store.drop_pieces()
    assert store.pieces("ab") == b""
