"""Twenty-eight pitfalls that bit other systems, and what finds each here: faults, or tests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from simulation.mutants import Mutant


class Pitfall(Struct, frozen=True):
    """What went wrong elsewhere, and the tests that hold it beside the mutants of its number."""

    number: int
    what: str
    tests: tuple[str, ...]  # file::function


PITFALLS = [
    Pitfall(
        1, "acknowledged before it was committed",
        ("api/test_device_pulls.py::test_nothing_is_acknowledged_that_could_not_be_committed",
         "storms/test_killed.py::test_a_server_killed_at_any_moment_keeps_what_it_acknowledged"),
    ),
    Pitfall(
        2, "a cursor skips the rows of a slower transaction",
        ("storms/test_ten_writers.py::test_a_cursor_skips_nothing_that_ten_writers_commit",
         "storms/test_ten_writers.py::test_the_same_storm_over_a_plain_sequence_loses_some"),
    ),
    Pitfall(
        3, "so does the half-fix by transaction ids",
        ("storms/test_ten_writers.py::test_a_cursor_skips_nothing_that_ten_writers_commit",
         "api/test_device_door.py::test_devices_that_push_at_once_get_dense_places"),
    ),
    Pitfall(
        4, "a page ends inside one transaction and loses the rest",
        ("properties/test_pull.py::test_one_transaction_of_ten_pages_is_told_whole",),
    ),
    Pitfall(
        5, "the checkpoint is written ahead of the data",
        ("storms/test_killed.py::test_a_device_killed_at_any_moment_keeps_what_it_said_it_recorded",
         "contracts/test_store.py::test_a_failed_transaction_leaves_nothing"),
    ),
    Pitfall(
        6, "a disagreement about the checkpoint starts all over on a bad link",
        ("unit/test_batches.py::test_a_snapshot_comes_in_pieces",
         "properties/test_slow_link.py::test_only_what_was_under_way_at_a_cut_goes_up_twice"),
    ),
    Pitfall(
        7, "the scope is not part of the cursor",
        ("properties/test_pull.py::test_scope_that_changes_between_two_pages_counts_at_once",),
    ),
    Pitfall(
        8, "where a filter has no hits nothing moves",
        ("properties/test_pull.py::test_what_is_out_of_scope_costs_nothing",
         "unit/test_hub.py::test_a_page_of_own_operations_still_moves_the_cursor"),
    ),
    Pitfall(
        9, "what leaves the scope stays on the device",
        ("unit/test_hub.py::test_a_bucket_that_is_no_longer_mine_is_dropped",
         "properties/test_pull.py::test_any_history_in_any_pages_leaves_what_is_in_scope"),
    ),
    Pitfall(
        10, "one bad operation blocks the queue, or a refusal deletes work",
        ("api/test_device_door.py::test_poison_is_kept_and_does_not_block",
         "api/test_device_door.py::test_a_bad_signature_stores_nothing_and_the_work_arrives_later"),
    ),
    Pitfall(
        11, "revisions explode when two edit in turn",
        ("unit/test_replica.py::test_two_who_answer_in_turn_write_as_little_as_at_first",),
    ),
    Pitfall(
        12, "a second push conflicts with the first",
        ("api/test_device_door.py::test_a_push_sent_twice_counts_once",),
    ),
    Pitfall(
        13, "what was deleted comes back when its tombstone has expired",
        ("properties/test_pull.py::test_a_tombstone_stays_for_half_a_year",
         "unit/test_hub.py::test_what_is_held_below_the_floor_is_read_anew_and_nothing_else"),
    ),
    Pitfall(
        14, "a trimmed history discards what was not sent",
        ("properties/test_pull.py::test_below_the_floor_reads_begin_anew_and_a_push_is_taken",),
    ),
    Pitfall(
        15, "a phone is restored or cloned, and its later work is dropped without a word",
        ("unit/test_lineage.py::test_a_restored_phone_that_wrote_on_takes_a_new_name_by_itself",
         "api/test_device_door.py::test_of_a_fork_both_histories_are_kept"),
    ),
    Pitfall(
        16, "a server is restored, and its clients believe that they are ahead",
        ("api/test_device_pulls.py"
         "::test_a_restored_server_is_known_by_its_ledger_though_nobody_told_it",
         "unit/test_restored_server.py"
         "::test_a_restored_server_gets_what_it_lost_from_retired_chains_too"),
    ),
    Pitfall(
        17, "one id comes again with another content, or twice at once",
        ("api/test_device_door.py::test_identical_pushes_at_once_count_once",),
    ),
    Pitfall(
        18, "what comes out of order is never drained",
        ("api/test_device_door.py"
         "::test_a_gap_is_refused_and_the_device_goes_back_to_the_end_of_the_ledger",),
    ),
    Pitfall(
        19, "another user on the phone wipes what was not sent",
        ("unit/test_replica.py::test_a_device_enrols_once",
         "cli/test_device_identity.py::test_each_person_sees_their_own_work_and_nobody_elses"),
    ),
    Pitfall(
        20, "a page that failed is passed over",
        ("properties/test_pull.py::test_a_snapshot_that_is_cut_goes_on_where_it_ended",),
    ),
    Pitfall(
        21, "the checksum itself is wrong, and all is read again for ever",
        ("api/test_device_pulls.py"
         "::test_damaged_memory_sets_off_the_alarm_once_and_is_read_again",
         "simulation/test_world.py::test_damaged_memory_is_noticed_and_read_again"),
    ),
    Pitfall(
        22, "a wrong clock blocks the sync, or wins",
        ("simulation/test_world.py::test_no_clock_decides_anything",
         "api/test_device_door.py::test_a_clock_years_wrong_is_noted_and_decides_nothing"),
    ),
    Pitfall(
        23, "signatures over JSON that each language writes otherwise",
        ("vectors/test_text_vectors.py",),
    ),
    Pitfall(
        24, "a resumed upload wedges at 409 or 423, or leaves a gap",
        ("api/test_evidence.py::test_a_small_file_cut_at_every_byte_resumes_there",
         "api/test_evidence.py::test_a_photo_cut_at_random_is_never_sent_twice",
         "clients/test_tus_clients.py::test_tuspy_gets_through_a_link_that_breaks"),
    ),
    Pitfall(25, "SQLite corrupts its log when it is reset", ("contracts/test_wal.py",)),
    Pitfall(
        26, "an aborted exchange leaves something behind on the server",
        ("api/test_device_pulls.py::test_nothing_is_acknowledged_that_could_not_be_committed",),
    ),
    Pitfall(
        27, "a conflict is forgotten by the next clean sync",
        ("api/test_conflicts.py"
         "::test_a_conflict_stays_listed_through_clean_syncs_until_it_is_superseded",),
    ),
    Pitfall(
        28, "a damaged body becomes a 500, or is refused for good",
        ("unit/test_hostile_pushes.py", "api/test_hostile_pushes.py"),
    ),
]  # fmt: skip

_HEAD = """# What the simulator notices (同步模拟)

Written by `make sim MUTANTS=1`; do not edit.

Seeded worlds run the device's and the server's own code, message by message, and check P1 to P14
(`tests/simulation/proofs.py`) after every step and at rest. `make test` runs 200 pure worlds and
10 against the app on each database (CI: 2,000 and 100), `make sim` 100,000 on all cores. A seed
that breaks something names itself; `make sim SEED=…` shows it again.

A simulator is worth what it notices. Each mutant below is a fault put into the code, and beside it
stands how many worlds, seeds from 0 on, it took until one broke.

## Pitfalls of other systems

| # | pitfall | mutants, and worlds that it took | tests |
| --- | --- | --- | --- |
"""

_REST = """
## Other mutants

| mutant | worlds that it took |
| --- | --- |
"""


def page(killed: "Sequence[tuple[Mutant, int]]") -> str:
    """Write docs/reference/simulation.md."""
    lines: list[str] = []
    for one in PITFALLS:
        mutants = [f"{m.name}: {seeds}" for m, seeds in killed if m.pitfall == one.number]
        tests = [f"`{test}`" for test in one.tests]
        cells = (str(one.number), one.what, "<br>".join(mutants), "<br>".join(tests))
        lines.append(f"| {' | '.join(cells)} |")
    others = [f"| {m.name} | {seeds} |" for m, seeds in killed if not m.pitfall]
    text = _HEAD + "\n".join(lines) + "\n"
    return text + _REST + "\n".join(others) + "\n"
