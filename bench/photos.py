"""How fast submissions with a photo are taken in (带照片上传), and what a link that breaks wastes.

A submission is a signed push of one record over HTTP, then its photo of 200 kB in one request.
Every round also writes a slice bare: the same files and rows with nothing but the driver, durable.
"""

import os
import random
import sys
from argparse import Namespace
from base64 import b64encode
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

import msgspec
from _crew import Crew, Send, Slice, inserting
from _stage import (
    KINDS,
    ROOT,
    SHAPES,
    Client,
    Databases,
    Kind,
    Server,
    Signed,
    arguments,
    client,
    granian,
    serving,
    show,
    stage,
    sync_ms,
)
from msgspec import Struct

from cli.device_files import Courier
from sync import media
from sync.media import Announced
from sync.messages import decode_answer_head

sys.path.append(str(ROOT / "tests"))
from simulation.slow_link import Keeper, SlowLink

PHOTO_BYTES = 200_000
PART = "application/offset+octet-stream"
LINK_PHOTOS, LINK_PHOTO_BYTES = 6, 400_000
LINK_RATE, LINK_LATENCY, LINK_CUT_S = 8_000, 0.3, 20.0  # 64 kbit/s


class Result(Struct, frozen=True):
    """One line of the table: medians over the rounds, and the worst ratio."""

    database: Kind
    clients: int
    bare: float  # submissions a second: files and rows, durable, by four processes
    pushes: float  # a second, of one record each, without photos
    submissions: float  # a second
    ratio: float  # submissions to bare, in the same round
    ratio_worst: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float  # of the server's processes, for one submission
    memory_mb: float


class Link(Struct, frozen=True):
    """What went over a slow link."""

    held_back: bool  # something on the way passes on whole requests only
    cuts: int
    payload: int  # bytes of files
    twice: float  # the part of them that had gone before
    other: float  # frames, questions and handshakes, beside the payload
    seconds: float
    used: float  # the time in which the photos could have gone, of the time it took


def main() -> None:
    options = _options()
    results, disk = measure(options)
    links = [slow_link(held_back=held_back) for held_back in (False, True)]
    if options.json:
        facts = {"sync_ms": round(disk, 3), "photo_bytes": PHOTO_BYTES, "links": links}
        sys.stdout.buffer.write(msgspec.json.encode({**facts, "results": results}) + b"\n")
        return
    show(
        f"Submissions with a photo of {PHOTO_BYTES:,} B; a durable write takes {disk:.3f} ms",
        ["database"],
        ["clients", "bare/s", "pushes/s", "submissions/s", "of bare", "worst", "p50 ms", "p95 ms",
         "cpu ms", "MB"],
        [
            [r.database, str(r.clients), f"{r.bare:,.0f}", f"{r.pushes:,.0f}",
             f"{r.submissions:,.0f}", f"{r.ratio:.3f}", f"{r.ratio_worst:.3f}", f"{r.p50_ms:.1f}",
             f"{r.p95_ms:.1f}", f"{r.cpu_ms:.1f}", f"{r.memory_mb:.0f}"]
            for r in results
        ],
    )  # fmt: skip
    show(
        f"{LINK_PHOTOS} photos at {LINK_RATE * 8 // 1000} kbit/s, {LINK_LATENCY} s each way, cut "
        f"every {LINK_CUT_S} s: bytes and a clock, no waiting",
        ["on the way"],
        ["cuts", "MB", "sent twice", "other bytes", "minutes", "of the link"],
        [
            ["whole requests only" if one.held_back else "passed on as it comes", str(one.cuts),
             f"{one.payload / 1e6:.2f}", f"{one.twice:.1%}", f"{one.other:.1%}",
             f"{one.seconds / 60:.1f}", f"{one.used:.0%}"]
            for one in links
        ],
    )  # fmt: skip


def slow_link(*, held_back: bool) -> Link:
    """Send photos through a link that is cut, and count what went over it."""
    chance = random.Random(5)
    bodies = [chance.randbytes(LINK_PHOTO_BYTES) for _ in range(LINK_PHOTOS)]
    link = SlowLink(
        Keeper(), lambda: LINK_CUT_S, rate=LINK_RATE, latency=LINK_LATENCY, held_back=held_back
    )
    courier = Courier(link.ask, token="bench", wait=link.wait)
    for body in bodies:
        file = Announced(sha256(body).hexdigest(), len(body), "image/jpeg")
        courier.send(media.reader(body), file)
    needed = sum(map(len, bodies))
    return Link(
        held_back=held_back,
        cuts=link.broken,
        payload=link.payload,
        twice=1 - needed / link.payload,
        other=link.other / link.payload,
        seconds=link.clock,
        used=needed / LINK_RATE / link.clock,
    )


def measure(options: Namespace) -> tuple[list[Result], float]:
    """Measure every database with every number of clients."""
    results: list[Result] = []
    command = partial(granian, workers=options.workers)
    with stage(tuple(options.database), options.folder) as (databases, folder):
        disk = sync_ms(folder)
        pushes = (2 * options.rounds + 1) * options.each
        crowd = [
            client(number, SHAPES["record"], pushes=pushes, size=1)
            for number in range(sum(options.clients))
        ]
        photos = {signed.header: Photo(signed.header) for one in crowd for signed in one.pushes}
        assert len({photo.sha256 for photo in photos.values()}) == len(crowd) * pushes
        databases.prepare(crowd)
        for kind in options.database:
            (folder / kind).mkdir()  # or the second would find the files of the first
            with serving(databases.copy(kind), folder / kind, command) as server:
                rest = iter(crowd)
                for clients in options.clients:
                    some = list(islice(rest, clients))
                    results.append(
                        _cell(databases, server, kind, some, photos, folder, options.each)
                    )
    return results, disk


def _cell(
    databases: Databases,
    server: Server,
    kind: Kind,
    crowd: list[Client],
    photos: "dict[str, Photo]",
    folder: Path,
    each: int,
) -> Result:
    rounds: list[tuple[Slice, Slice, Slice]] = []
    used, total = 0.0, len(crowd[0].pushes)
    with Crew(crowd, submitting, server.port, photos) as crew:
        crew.run(0, each)  # warms up
        for first in range(each, total, 2 * each):
            before = server.cpu()
            submitted = crew.run(first, first + each)
            used += server.cpu() - before
            with Crew(crowd, submitting, server.port, None) as pushers:
                pushed = pushers.run(first + each, first + 2 * each)
            url = databases.copy(kind)
            with Crew(crowd, writing, url, photos, folder) as writers:
                writers.run(0, 1)
                bare = writers.run(first, first + each)
            rounds.append((submitted, pushed, bare))
    ratios = [submitted.rate / bare.rate for submitted, _, bare in rounds]
    took = [ms for submitted, _, _ in rounds for ms in submitted.batches_ms]
    return Result(
        database=kind,
        clients=len(crowd),
        bare=median(bare.rate for _, _, bare in rounds),
        pushes=median(pushed.rate for _, pushed, _ in rounds),
        submissions=median(submitted.rate for submitted, _, _ in rounds),
        ratio=median(ratios),
        ratio_worst=min(ratios),
        p50_ms=median(took),
        p95_ms=quantiles(took, n=20)[-1],
        cpu_ms=used * 1000 / len(took),
        memory_mb=server.memory(),
    )


# -- what a client does --------------------------------------------------------------------------


class Photo:
    """A picture of its own for each submission; its bytes are put together when they are sent."""

    def __init__(self, name: str) -> None:
        self._comment = sha256(name.encode()).digest()
        self.sha256 = sha256(self.body()).hexdigest()

    def body(self) -> bytes:
        """Give the same picture with a comment that no other has."""
        length = (2 + len(self._comment)).to_bytes(2, "big")
        return b"\xff\xd8\xff\xfe" + length + self._comment + PICTURE[2:]


def _picture() -> bytes:
    """Take a picture of two megapixels that fills 200 kB."""
    from io import BytesIO

    from PIL import Image

    noise = Image.effect_noise((800, 600), 40).resize((1600, 1200)).convert("RGB")
    body = b""
    for quality in range(90, 5, -5):
        out = BytesIO()
        noise.save(out, "JPEG", quality=quality)
        body = out.getvalue()
        if len(body) <= PHOTO_BYTES:
            break
    filler = PHOTO_BYTES - len(body)
    return body + random.Random(1).randbytes(max(0, filler))


PICTURE = _picture()


def submitting(port: int, photos: dict[str, Photo] | None) -> Send:
    """Push over one kept connection, then send the photo with the token that the answer gave."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def send(signed: Signed) -> int:
        busy = 0
        pushed = {"sync-signature": signed.header}
        while (answer := ask("/sync/v1", pushed, signed.body))[0] == HTTPStatus.SERVICE_UNAVAILABLE:
            busy += 1
        assert answer[0] == HTTPStatus.OK, answer[1].decode()
        head = decode_answer_head(answer[1].split(b"\n", 1)[0])
        assert head.ack.n >= signed.last
        if photos is not None:
            photo = photos[signed.header]
            headers = {
                "authorization": f"Bearer {head.upload}",
                "tus-resumable": "1.0.0",
                "upload-length": str(len(photo.body())),
                "upload-metadata": f"sha256 {_base64(photo.sha256)},mime {_base64('image/jpeg')}",
                "content-type": PART,
            }
            while (sent := ask("/device/blobs", headers, photo.body()))[0] == 503:
                busy += 1
            assert sent[0] == HTTPStatus.CREATED, sent[1].decode()
        return busy

    return send


def writing(url: str, photos: dict[str, Photo], folder: Path) -> Send:
    """Write a file and insert a row, each durable: no signature, no chain, no projection."""
    insert = inserting(url, "bare")
    home = folder / f"bare-{os.getpid()}"
    home.mkdir()

    def send(signed: Signed) -> int:
        photo = photos[signed.header]
        partial = home / "partial"
        with partial.open("wb") as out:
            out.write(photo.body())
            out.flush()
            os.fsync(out.fileno())
        partial.rename(home / photo.sha256)
        handle = os.open(home, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
        return insert(signed)

    return send


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _options() -> Namespace:
    parser = arguments("How fast submissions with a photo are taken in.", KINDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=100, help="submissions of a client in a round")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
