import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from backend.blobs import Blobs

BODY = b"a photograph of a freezer door " * 40


def named(body: bytes) -> str:
    return sha256(body).hexdigest()


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


async def test_a_file_is_whole_once_its_digest_was_checked(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = named(BODY)

    taken = [
        await blobs.append("u1", at=0, chunk=BODY[:100]),
        await blobs.append("u1", at=100, chunk=BODY[100:]),
    ]
    before = await blobs.has(digest)
    finished = await blobs.finish("u1", sha256=digest, size=len(BODY))

    assert taken == [True, True]
    assert not before
    assert finished
    assert await blobs.read(digest) == BODY
    assert files(tmp_path) == [f"whole/{digest[:2]}/{digest}"]


async def test_a_chunk_counts_only_where_the_file_ends(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    await blobs.append("u1", at=0, chunk=b"0123456789")

    beyond = await blobs.append("u1", at=11, chunk=b"x")
    before = await blobs.append("u1", at=4, chunk=b"x")

    assert (beyond, before) == (False, False)
    assert await blobs.offset("u1") == 10


async def test_of_two_senders_at_one_place_one_is_told_to_look_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    await blobs.append("u1", at=0, chunk=b"0123456789")

    taken = await asyncio.gather(
        *(blobs.append("u1", at=10, chunk=bytes([n]) * 1000) for n in range(8))
    )

    assert sorted(taken) == [False] * 7 + [True]
    assert await blobs.offset("u1") == 1010


@pytest.mark.parametrize(
    ("arrived", "size"), [(b"", 0), (BODY[:-1], len(BODY)), (BODY[:-1] + b"?", len(BODY))]
)
async def test_a_file_that_is_not_what_was_announced_is_never_published(
    tmp_path: Path, arrived: bytes, size: int
) -> None:
    blobs = Blobs(tmp_path)
    digest = named(BODY) if size else named(b"")
    await blobs.append("u1", at=0, chunk=arrived)

    finished = await blobs.finish("u1", sha256=digest, size=size)

    assert not finished
    assert not await blobs.has(digest)
    assert files(tmp_path) == []


async def test_every_single_bit_flip_is_noticed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    body = BODY[:32]
    finished = []

    for bit in range(len(body) * 8):
        hurt = bytearray(body)
        hurt[bit // 8] ^= 1 << bit % 8
        await blobs.append("u1", at=0, chunk=bytes(hurt))
        finished.append(await blobs.finish("u1", sha256=named(body), size=len(body)))

    assert not any(finished)
    assert files(tmp_path) == []


async def test_the_same_file_twice_is_kept_once_and_not_written_to_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = named(BODY)
    for upload in ("u1", "u2"):
        await blobs.append(upload, at=0, chunk=BODY)

    finished = [await blobs.finish(u, sha256=digest, size=len(BODY)) for u in ("u1", "u2", "u1")]
    late = await blobs.append("u1", at=len(BODY), chunk=b"more")

    assert finished == [True, True, True]
    assert not late
    assert await blobs.read(digest) == BODY
    assert len(files(tmp_path)) == 1


async def test_another_store_on_the_same_folder_goes_on_where_the_first_was_killed(
    tmp_path: Path,
) -> None:
    await Blobs(tmp_path).append("u1", at=0, chunk=BODY[:500])

    blobs = Blobs(tmp_path)
    offset = await blobs.offset("u1")
    await blobs.append("u1", at=offset, chunk=BODY[500:])
    finished = await blobs.finish("u1", sha256=named(BODY), size=len(BODY))

    assert offset == 500
    assert finished


async def test_what_a_killed_store_left_of_a_file_goes_when_it_comes_by_another_way(
    tmp_path: Path,
) -> None:
    blobs, digest = Blobs(tmp_path), named(BODY)
    await blobs.append(digest, at=0, chunk=BODY[:100])  # as far as the killed one had come
    await blobs.append("u1", at=0, chunk=BODY)

    finished = await blobs.finish("u1", sha256=digest, size=len(BODY))

    assert finished
    assert files(tmp_path) == [f"whole/{digest[:2]}/{digest}"]
