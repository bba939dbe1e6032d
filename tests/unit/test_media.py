"""The device's half of an upload against servers that behave as no server should."""

from collections.abc import Generator
from hashlib import sha256

import msgspec
import pytest

from sync import media
from sync.messages import Request, Response
from sync.refusals import Reason, Refused

BODY = bytes(range(256)) * 4
DIGEST = sha256(BODY).hexdigest()


def wanted(**known: object) -> Response:
    body = {"stored": {}, "begun": {}, "previewed": ()} | known
    return Response(200, {}, msgspec.json.encode(body))


MISSING = wanted()
BARE = Response(201, {"location": "http://hub.example/device/blobs/u1"})
CREATED = Response(201, {**BARE.headers, "upload-offset": "500"})


def session() -> Generator[Request, Response, media.Sent]:
    file = media.Announced(DIGEST, len(BODY), "image/jpeg")
    return media.send_blob(media.reader(BODY), file, pace=media.Pace(500, fixed=True))


def play(*answers: Response) -> tuple[list[Request], media.Sent]:
    """Give one answer after the other."""
    sending, asked = session(), []
    asked.append(next(sending))
    try:
        for answer in answers:
            asked.append(sending.send(answer))
    except StopIteration as done:
        sent: media.Sent = done.value
        return asked, sent
    raise AssertionError(f"the session still asks {asked[-1].method}")


def moved(offset: object, status: int = 204) -> Response:
    return Response(status, {"upload-offset": str(offset)})


def problem(reason: Reason, status: int) -> Response:
    body = {"code": reason.code, "status": status, "details": {}}
    return Response(status, {}, msgspec.json.encode(body))


def test_a_file_goes_in_parts_to_where_the_server_says() -> None:
    asked, sent = play(MISSING, CREATED, moved(1000), moved(1024))

    assert [(one.method, one.path, len(one.body)) for one in asked[1:]] == [
        ("POST", "/device/blobs", 500),
        ("PATCH", "/device/blobs/u1", 500),
        ("PATCH", "/device/blobs/u1", 24),
    ]
    assert b"".join(one.body for one in asked[1:]) == BODY
    assert sent == media.Sent(sha256=DIGEST, bytes_sent=1024)


def test_a_server_that_is_elsewhere_is_asked_and_believed() -> None:
    asked, sent = play(MISSING, CREATED, moved(700, 409), moved(700, 200), moved(1024))

    assert [one.method for one in asked[1:]] == ["POST", "PATCH", "HEAD", "PATCH"]
    assert asked[-1].headers["upload-offset"] == "700"
    assert asked[-1].body == BODY[700:]
    assert sent.sha256 == DIGEST


def test_a_server_that_takes_no_bytes_with_an_announcement_is_sent_them_after() -> None:
    asked, _ = play(MISSING, BARE, moved(500), moved(1000), moved(1024))

    assert [one.method for one in asked] == ["POST", "POST", "PATCH", "PATCH", "PATCH"]
    assert b"".join(one.body for one in asked[2:]) == BODY


def test_a_forgotten_upload_is_created_again() -> None:
    asked, _ = play(MISSING, CREATED, Response(404), CREATED, moved(1000), moved(1024))

    assert [one.method for one in asked] == ["POST", "POST", "PATCH", "POST", "PATCH", "PATCH"]


def test_many_files_are_asked_for_at_once() -> None:
    files = {f"{n:064x}": n + 1 for n in range(media.WANTED_MAX + 1)}
    asking, asked = media.ask_known(files), []
    asked.append(next(asking))
    asked.append(asking.send(MISSING))
    with pytest.raises(StopIteration) as done:
        asking.send(wanted(stored={"a" * 64: ""}, begun={"b" * 64: {"id": "u1", "offset": 7}}))

    assert [len(msgspec.json.decode(one.body)["files"]) for one in asked] == [1000, 1]
    assert done.value.value == media.Known({"a" * 64: ""}, {"b" * 64: media.Begun("u1", 7)})


def test_what_the_server_knows_already_is_not_sent() -> None:
    stored = play(wanted(stored={DIGEST: "photo.unreadable"}))
    begun, _ = play(wanted(begun={DIGEST: {"id": "u1", "offset": 1000}}), moved(1024))

    assert stored[1] == media.Sent(DIGEST, 0, "photo.unreadable")
    assert (begun[1].method, begun[1].body) == ("PATCH", BODY[1000:])


def test_parts_double_when_they_arrive_and_halve_when_the_link_is_cut() -> None:
    pace, sizes = media.Pace(), []

    for happens in (pace.arrived,) * 3 + (pace.cut,) * 6 + (pace.arrived,):
        happens()
        sizes.append(pace.part_bytes // 1024)

    assert sizes == [128, 256, 256, 128, 64, 32, 16, 16, 16, 32]


def test_a_file_refused_for_its_digest_twice_is_given_up() -> None:
    hurt = problem(Reason.EVIDENCE_DIGEST_WRONG, 460)

    with pytest.raises(Refused) as refused:
        play(
            MISSING, CREATED,
            moved(1000), hurt, moved(0, 200),
            moved(500), moved(1000), hurt,
        )  # fmt: skip

    assert refused.value.reason is Reason.EVIDENCE_DIGEST_WRONG


@pytest.mark.parametrize(
    "answers",
    [
        (Response(200, {}, b"<html>Log in to this network</html>"),),
        (Response(502, {}, b"Bad Gateway"),),
        (MISSING, Response(201)),
        (MISSING, CREATED, moved(500)),
        (MISSING, CREATED, moved(1025)),
        (MISSING, CREATED, moved("many")),
        (MISSING, CREATED, moved(-1)),
    ],
)
def test_an_answer_that_no_server_of_ours_gives_is_told_apart(
    answers: tuple[Response, ...],
) -> None:
    with pytest.raises(Refused) as refused:
        play(*answers)

    assert refused.value.reason is Reason.ANSWER_STRANGE


def test_a_server_without_room_is_tried_later() -> None:
    with pytest.raises(Refused) as refused:
        play(MISSING, problem(Reason.STORAGE_FULL, 507))

    assert refused.value.reason is Reason.STORAGE_FULL


def test_two_ends_that_never_meet_give_up() -> None:
    dance = [problem(Reason.UPLOAD_OFFSET_WRONG, 409), moved(0, 200)] * 9

    with pytest.raises(Refused) as refused:
        play(MISSING, CREATED, *dance)

    assert refused.value.reason is Reason.UPLOAD_OFFSET_WRONG
