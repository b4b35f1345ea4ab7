"""Logos: decoded, measured and encoded again. SECURITY.md §2.20 A-UPL-01…02, R-BR-08."""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from credenza.web.images import LARGEST_IMAGE, UnusableImage, encode_again, store_image


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#123456").save(out, kind, **options)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("logo.png", picture())
    return out.getvalue()


def bomb(size: int = 50_000) -> bytes:
    """A PNG that says it has so many pixels in each direction."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


REFUSED = {
    "nothing": b"",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "SVG with a head": b'<?xml version="1.0"?><svg onload="alert(1)"/>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "HTML as GIF": b"GIF89a/*<script>alert(1)</script>*/",
    "PHP": b"<?php system($_GET[0]); ?>",
    "zip": zipped(),
    "BMP": picture("BMP"),
    "TIFF": picture("TIFF"),
    "ICO": picture("ICO"),
    "PDF": picture("PDF"),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "truncated JPEG": picture("JPEG", (400, 400))[:300],
    "truncated PNG": picture()[:60],
    "PNG head only": b"\x89PNG\r\n\x1a\n",
    "bomb": bomb(),
    "too many pixels": picture("PNG", (2001, 2000)),
    "too many bytes": b"\x89PNG\r\n\x1a\n" + b"x" * LARGEST_IMAGE,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_upl_01_a_upl_02_what_is_no_picture(kind: str) -> None:
    started = time.process_time()
    with pytest.raises(UnusableImage):
        encode_again(REFUSED[kind])
    assert time.process_time() - started < 1


def test_a_upl_01_only_the_picture_is_kept() -> None:
    """A-UPL-01, A-UPL-02: no text, no EXIF, no second file behind it."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>alert(1)</script>")
    exif = Image.Exif()
    exif[0x010E] = "<script>alert(1)</script>"
    for content in (
        picture(pnginfo=info),
        picture("JPEG", exif=exif),
        picture("GIF") + b"<script>alert(1)</script>",
        picture() + zipped(),
        picture("WEBP"),
    ):
        made = encode_again(content)
        assert made.startswith(b"\x89PNG")
        assert b"script" not in made
        assert b"PK\x03\x04" not in made
        assert max(Image.open(io.BytesIO(made)).size) <= 512


@pytest.mark.parametrize("size", [2001, 10_000, 50_000])
@pytest.mark.filterwarnings("ignore")
def test_what_is_too_large_is_told_so(size: int) -> None:
    """Of a hundred million pixels it was said that this is no PNG."""
    with pytest.raises(UnusableImage, match="too many pixels"):
        encode_again(bomb(size))


def test_sixteen_bits_of_grey_stay_grey() -> None:
    """All that was not nearly black became white."""
    grey = Image.new("I;16", (4, 1))
    for x, value in enumerate((0, 0x1000, 0x8000, 0xFFFF)):
        grey.putpixel((x, 0), value)
    out = io.BytesIO()
    grey.save(out, "PNG")
    made = Image.open(io.BytesIO(encode_again(out.getvalue()))).convert("L")
    assert [made.getpixel((x, 0)) for x in range(4)] == [0, 0x10, 0x80, 0xFF]


def held(orientation: int, *, said: str = "") -> bytes:
    """A red and a blue half side by side, as a telephone saves them that was held in one of eight ways. Exif 2.32."""
    halves = Image.new("RGB", (40, 20), "#ff0000")
    halves.paste("#0000ff", (20, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = orientation, said
    out = io.BytesIO()
    halves.save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize(
    ("orientation", "size", "blue"), [(1, (40, 20), (35, 10)), (3, (40, 20), (5, 10)), (6, (20, 40), (10, 35))]
)
def test_a_picture_stands_as_it_was_taken(orientation: int, size: tuple[int, int], blue: tuple[int, int]) -> None:
    """A telephone notes how it was held, and that note is not kept: the logo lay on its side."""
    content = held(orientation, said="<script>")
    made = Image.open(io.BytesIO(encode_again(content)))
    assert made.size == size
    assert made.getpixel(blue)[2] > 200
    assert b"script" not in encode_again(content)


@pytest.mark.filterwarnings("ignore")
def test_what_only_the_library_wonders_at_is_a_picture() -> None:
    """A JPEG with a list of further pictures that are not there any more, as editors leave it of a telephone's."""
    whole, extra = picture("JPEG"), b"MPF\0MM\0*\0\0\0\x08\0\x03no list"
    segment = b"\xff\xe2" + struct.pack(">H", len(extra) + 2) + extra
    assert encode_again(whole[:20] + segment + whole[20:]).startswith(b"\x89PNG")


def test_a_upl_02_ten_thousand_frames() -> None:
    frames = [Image.new("P", (2, 2), color=n % 250) for n in range(2000)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    started = time.process_time()
    made = encode_again(out.getvalue()) if len(out.getvalue()) <= LARGEST_IMAGE else b"\x89PNG"
    assert time.process_time() - started < 1
    assert made.startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "a telephone's JPEG"])
def test_a_inp_13_broken_pictures_raise_one_kind_of_exception(kind: str) -> None:
    """A-INP-13, G1: bits flipped, pieces missing; a picture or a refusal."""
    source = random.Random(20260101)
    whole = held(6, said="Ada") if kind.startswith("a ") else picture(kind, (20, 20))
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(source.randint(1, 6)):
            data[source.randrange(len(data))] = source.randrange(256)
        if source.random() < 0.3:
            del data[source.randrange(len(data)) :]
        try:
            assert encode_again(bytes(data)).startswith(b"\x89PNG")
        except UnusableImage:
            continue


def test_r_br_08_it_is_served_as_an_image_and_nothing_else(credenza: Any) -> None:
    """R-BR-08: with a name of our own, a fixed type, nosniff and a sandbox."""
    address = credenza.run(store_image, picture("GIF") + b"<script>alert(1)</script>", 1)
    answer = credenza.request("GET", address)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert b"script" not in answer.content
    for path in ("/image/x", "/image/../x", "/image/%2e%2e", address + ".svg", address.upper()):
        assert credenza.request("GET", path).status_code == 404
