"""遮挡: of what is masked nothing can be seen, at every orientation and every size."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from sync import photos
from sync.layers import Mask

WIDTH, HEIGHT = 97, 61  # stored; not a multiple of what a JPEG is made of

masks = st.builds(
    Mask,
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(1, 120),
    st.integers(1, 120),
)
modes = st.sampled_from(["RGB", "L", "RGBA", "P", "LA", "1"])


def stored(image: Image.Image, orientation: int) -> bytes:
    """Write a picture without loss, as it lies in a file that says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "PNG", exif=exif)
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    orientation=st.integers(1, 8),
    boxes=st.lists(masks, min_size=1, max_size=4),
    mode=modes,
    edge=st.sampled_from([33, 64, 97, 1024]),
    secret=st.binary(min_size=WIDTH * HEIGHT, max_size=WIDTH * HEIGHT),
)
def test_pictures_that_differ_only_under_masks_are_published_as_the_same_bytes(
    orientation: int, boxes: list[Mask], mode: str, edge: int, secret: bytes
) -> None:
    scene = Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert(mode)
    changed = scene.copy()
    noise = Image.frombytes("L", (WIDTH, HEIGHT), secret).convert(mode)
    # what lies under the masks, found without the code that hides it: through an upright stencil
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(stored(scene, orientation)))).size
    stencil = Image.new("L", upright, 0)
    for box in boxes:
        corners = (box.x, box.y, box.x + box.w - 1, box.y + box.h - 1)
        ImageDraw.Draw(stencil).rectangle(corners, fill=255)
    changed.paste(noise, mask=_lying(stencil, orientation))

    published = photos.thumbnail(stored(scene, orientation), edge, masks=boxes)
    other = photos.thumbnail(stored(changed, orientation), edge, masks=boxes)

    assert published == other


def test_what_lies_beside_a_mask_is_still_seen() -> None:
    scene = Image.new("RGB", (WIDTH, HEIGHT), "white")

    for orientation in range(1, 9):
        body = photos.thumbnail(stored(scene, orientation), 97, masks=[Mask(8, 8, 24, 16)])
        seen = Image.open(io.BytesIO(body)).convert("L")

        assert seen.getpixel((20, 16)) < 5
        assert seen.getpixel((50, 40)) > 250
        assert seen.getpixel((20, 40)) > 250


def test_a_mask_counts_pixels_of_the_whole_jpeg_however_small_it_is_published() -> None:
    scene = Image.new("RGB", (1600, 1200), "white")
    scene.paste("red", (800, 600, 1200, 900))
    out = io.BytesIO()
    scene.save(out, "JPEG", quality=95)

    body = photos.thumbnail(out.getvalue(), 200, masks=[Mask(790, 590, 420, 320)])
    seen = Image.open(io.BytesIO(body))

    assert seen.size == (200, 150)
    assert all(max(one) - min(one) < 30 for one in seen.get_flattened_data())  # nothing is red
    assert seen.convert("L").getpixel((125, 94)) < 5
    assert seen.convert("L").getpixel((60, 40)) > 250


def _lying(upright: Image.Image, orientation: int) -> Image.Image:
    """Turn an upright picture as it lies in the file (TIFF 6.0, Orientation)."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(turn[orientation]) if orientation in turn else upright
