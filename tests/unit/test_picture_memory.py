"""Of a picture that is masked, shown or hashed there is one copy in memory, not one for each step.

A second one is taken of what is transparent, to weigh its colours as it is made smaller, and of
what has to be turned to colours.

Each is done in a process that may take little more than the pixels.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SIZE = (6000, 4000)
BYTES = 4 * SIZE[0] * SIZE[1]  # in memory, with colours
SPARE = 64 * 1024 * 1024  # for what is read ahead, and for what was made small

DO = """
import io, resource, sys
from pathlib import Path
from PIL import Image
from sync import photos
from sync.layers import Mask

def small():
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "PNG")
    return out.getvalue()

def work(source):
    {work}

work(small())  # all that is imported late
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + {most}, resource.RLIM_INFINITY))
work(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("large")
    exif = Image.Exif()
    exif[0x0112] = 6
    paths: dict[str, Path] = {}
    for mode, kind in (("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG")):
        paths[mode] = folder / mode
        image = Image.linear_gradient("L").resize(SIZE).convert("RGB").convert(mode)
        image.save(paths[mode], kind, exif=exif, compress_level=1)
    return paths


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process takes")
@pytest.mark.parametrize(
    ("mode", "work", "most"),
    [
        ("RGB", "photos.thumbnail(source, masks=[Mask(1, 2, 9, 9)])", BYTES + SPARE),
        ("RGBA", "photos.thumbnail(source, masks=[Mask(1, 2, 9, 9)])", 2 * BYTES + SPARE),
        ("P", "photos.thumbnail(source, masks=[Mask(1, 2, 9, 9)])", 2 * BYTES + SPARE),
        ("CMYK", "photos.thumbnail(source, masks=[Mask(1, 2, 9, 9)])", 2 * BYTES + SPARE),
        ("RGB", "photos.thumbnail(source, 2048)", BYTES + SPARE),
        ("RGB", "photos.fingerprint(source) or photos.opened(source).load()", BYTES + SPARE),
        ("RGB", "assert not photos.probe(source).flag", BYTES + SPARE),
    ],
)
def test_of_a_large_picture_there_is_one_copy_at_a_time_or_two_if_transparent(
    pictures: dict[str, Path], mode: str, work: str, most: int
) -> None:
    script = DO.format(work=work, most=most)

    done = subprocess.run(
        [sys.executable, "-c", script, pictures[mode]], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
