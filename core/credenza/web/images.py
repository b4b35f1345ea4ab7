"""Logos: decoded, measured, encoded again, and served from our own origin. OWASP ASVS V5."""

from __future__ import annotations

import asyncio
import io

from ..outbound import Refused, fetch
from ..settings import Settings
from ..store.provider import delete_images, image_key, save_image

LARGEST_IMAGE = 2 * 1024 * 1024
"""Bytes of a picture that is uploaded or fetched."""
MAX_PIXELS = 4_000_000
LARGEST = 512  # pixels on the longer side
SMALL = 128  # of one that somebody else may have kept
TOO_LARGE = "The image has too many pixels; 512 by 512 is enough."
ORIENTATION = 0x0112  # Exif 2.32
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
PLACE = "/image/"  # where they are served


class UnusableImage(Exception):
    """The message is for the person who chose the file."""


def encode_again(content: bytes, largest: int = LARGEST) -> bytes:
    """A PNG with the same picture and nothing else: no metadata, no second file hidden behind it."""
    if not content or len(content) > LARGEST_IMAGE:
        raise UnusableImage(f"Choose an image of at most {LARGEST_IMAGE // 1024 // 1024} MB.")
    from PIL import Image, ImageOps, UnidentifiedImageError  # here: a logo comes once in a while

    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise UnusableImage(TOO_LARGE)
        image.seek(0)
        if image.mode.startswith("I"):  # 16 bits of grey, of which the conversion would make white
            image = image.point(lambda value: value / 256).convert("L")
        picture = image.convert("RGBA")
        # A telephone only notes how it was held. The rest of its notes, which may be odd, is not even looked at.
        picture.info = {}
        picture.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
        picture = ImageOps.exif_transpose(picture)
    except UnusableImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusableImage(TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise UnusableImage("This is not a PNG, JPEG, WebP or GIF image, or it is damaged.") from error
    picture.thumbnail((largest, largest))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


async def store_image(content: bytes, now: int, *, keep: bool = True, owner: str = "") -> str:
    """Keep an uploaded image (or only see whether it could be kept); returns its address on our origin.

    With an `owner` (40 hexadecimal digits) it is smaller, and goes with `delete_images`. Raises UnusableImage.
    """
    encoded = await asyncio.to_thread(encode_again, content, SMALL if owner else LARGEST)
    key = await save_image(encoded, "image/png", now, owner=owner) if keep else image_key(encoded)
    return PLACE + key


async def keep_image(owner: str, address: str) -> None:
    """Of all images of an owner, keep the one at this address only."""
    await delete_images(owner, but=address.removeprefix(PLACE))


async def fetch_image(settings: Settings, url: str, now: int, *, keep: bool = True) -> str:
    """Fetch a picture once, from an https address, and keep our own copy; returns its address on our origin.

    Raises UnusableImage.
    """
    if not url.startswith("https://"):
        raise UnusableImage("Give an address that begins with https://.")
    try:
        status, _, content = await fetch(settings, url, limit=LARGEST_IMAGE, accept="image/*")
    except Refused as error:
        raise UnusableImage(f"It cannot be fetched: {error}.") from error
    if status != 200:
        raise UnusableImage(f"The address answered with {status}.")
    return await store_image(content, now, keep=keep)
