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
MISSING = Response(200, {}, msgspec.json.encode({"stored": {}, "begun": {}}))
CREATED = Response(201, {"location": "http://hub.example/device/blobs/u1"})


def session() -> Generator[Request, Response, media.Sent]:
    return media.send_blob(
        media.reader(BODY), sha256=DIGEST, size=len(BODY), mime="image/jpeg", part_bytes=500
    )


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
    asked, sent = play(MISSING, CREATED, moved(500), moved(1000), moved(1024))

    assert [(one.method, one.path, len(one.body)) for one in asked[2:]] == [
        ("PATCH", "/device/blobs/u1", 500),
        ("PATCH", "/device/blobs/u1", 500),
        ("PATCH", "/device/blobs/u1", 24),
    ]
    assert b"".join(one.body for one in asked[2:]) == BODY
    assert sent == media.Sent(sha256=DIGEST, bytes_sent=1024)


def test_a_server_that_is_elsewhere_is_asked_and_believed() -> None:
    asked, sent = play(MISSING, CREATED, moved(500), moved(700, 409), moved(700, 200), moved(1024))

    assert [one.method for one in asked[2:]] == ["PATCH", "PATCH", "HEAD", "PATCH"]
    assert asked[-1].headers["upload-offset"] == "700"
    assert asked[-1].body == BODY[700:]
    assert sent.sha256 == DIGEST


def test_a_forgotten_upload_is_created_again() -> None:
    asked, _ = play(
        MISSING, CREATED, moved(500), Response(404), CREATED, moved(500), moved(1000), moved(1024)
    )

    assert [one.method for one in asked] == [
        "POST", "POST", "PATCH", "PATCH", "POST", "PATCH", "PATCH", "PATCH",
    ]  # fmt: skip


def test_a_file_refused_for_its_digest_twice_is_given_up() -> None:
    hurt = problem(Reason.EVIDENCE_DIGEST_WRONG, 460)

    with pytest.raises(Refused) as refused:
        play(
            MISSING, CREATED,
            moved(500), moved(1000), hurt, moved(0, 200),
            moved(500), moved(1000), hurt,
        )  # fmt: skip

    assert refused.value.reason is Reason.EVIDENCE_DIGEST_WRONG


@pytest.mark.parametrize(
    "answers",
    [
        (Response(200, {}, b"<html>Log in to this network</html>"),),
        (Response(502, {}, b"Bad Gateway"),),
        (MISSING, Response(201)),
        (MISSING, CREATED, moved(0)),
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
