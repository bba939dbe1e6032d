import io

import msgspec
import pytest
from PIL import Image

from backend.prints import facts
from sync import layers, photos
from sync.layers import Arrow, Box, Layer, Words
from sync.merge import Evidence
from sync.ops import EvidenceRole
from sync.refusals import Reason, Refused

DRAWN = Layer(
    w=1200,
    h=800,
    shapes=(
        Box(x=60, y=40, w=300, h=200),
        Arrow(from_x=1100, from_y=700, to_x=700, to_y=500),
        Words(x=80, y=420, text="无遮盖 open food"),
    ),
)


def picture(size: tuple[int, int] = (1200, 800)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    return out.getvalue()


def red(image: Image.Image, at: tuple[int, int]) -> bool:
    """Tell whether there is ink near a point; a thin line of a JPEG is pale."""
    near = image.crop((at[0] - 3, at[1] - 3, at[0] + 4, at[1] + 4))
    return any(one[0] - one[1] > 60 for one in near.get_flattened_data())


def test_an_annotation_is_read_as_it_was_written() -> None:
    assert layers.read(msgspec.json.encode(DRAWN)) == DRAWN


def test_an_annotation_is_drawn_where_it_was_drawn_at_every_size() -> None:
    for edge in (1200, 600, 300):
        seen = Image.open(io.BytesIO(photos.thumbnail(picture(), edge, layers=[DRAWN])))
        scale = edge / 1200

        assert red(seen, (round(200 * scale), round(40 * scale) + 1))
        assert red(seen, (round(900 * scale), round(600 * scale)))
        assert not red(seen, (round(200 * scale), round(140 * scale)))


def test_an_annotation_drawn_over_a_small_rendition_fits_the_picture() -> None:
    half = Layer(w=600, h=400, shapes=(Box(x=30, y=20, w=150, h=100),))

    seen = Image.open(io.BytesIO(photos.thumbnail(picture(), 1200, layers=[half])))

    assert red(seen, (200, 41))


def test_chinese_in_an_annotation_is_written_and_not_boxed() -> None:
    def of(text: str) -> bytes:
        layer = Layer(w=1200, h=800, shapes=(Words(x=80, y=420, text=text),))
        return photos.thumbnail(picture(), layers=[layer])

    assert of("无遮盖") != of("无标签")
    assert of("无遮盖") == of("无遮盖")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"w":10,"h":10,"shapes":[]}',
        b'{"w":0,"h":10,"shapes":[{"kind":"box","x":0,"y":0,"w":1,"h":1}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"box","x":0,"y":0,"w":1,"h":70000}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"box","x":-1,"y":0,"w":1,"h":1}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"circle","x":0,"y":0,"w":1,"h":1}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"box","x":0,"y":0,"w":1,"h":1,"href":"http://x"}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"text","x":0,"y":0,"text":"a\\u0007"}]}',
        b'{"w":10,"h":10,"shapes":[{"kind":"text","x":0,"y":0,"text":"' + b"a" * 201 + b'"}]}',
        b"[" * 60_000,
        b" " * (layers.BYTES_MAX + 1),
    ],
)
def test_what_is_no_annotation_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        layers.read(body)

    assert refused.value.reason is Reason.LAYER_WRONG


def piece(
    blob: str, *, of: str = "p", role: EvidenceRole = "annotation", voided: str = ""
) -> Evidence:
    mime = layers.MIME if role else "image/png"
    return Evidence(
        op=f"d:{blob}", who="w", blob=blob, size=1, mime=mime, item="", caption="", voided=voided,
        of=of, role=role,
    )  # fmt: skip


def test_only_the_annotations_of_a_picture_that_stand_are_drawn_over_it() -> None:
    evidence = [
        piece("c"),
        piece("a"),
        piece("x", of="other"),
        piece("y", role="document"),
        piece("z", voided="误标"),
        piece("p", of="", role=""),
    ]

    assert layers.over(evidence, "p") == ["a", "c"]


def test_an_annotation_that_cannot_be_read_leaves_the_others() -> None:
    assert layers.readable([b"{", msgspec.json.encode(DRAWN)]) == [DRAWN]


def test_a_document_shows_a_picture_with_what_was_drawn_over_it() -> None:
    plain = facts.picture("image/png", picture())
    drawn = facts.picture("image/png", picture(), [DRAWN])

    assert plain.has == drawn.has == "picture"
    assert not red(Image.open(io.BytesIO(plain.jpeg)), (80, 16))
    assert red(Image.open(io.BytesIO(drawn.jpeg)), (80, 16))
