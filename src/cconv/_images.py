"""Image files as arrays and back, without losing bits: 8 and 16 bit, grey and colour, alpha, through Pillow.

Design:
a. Pillow has no 16-bit colour mode: it keeps the upper byte of every sample. Its decoders can be asked for
   the lower byte as well, so such files (PNG, TIFF) are decoded twice. Writing them is 40 lines of PNG.
b. What an output format holds is a table, checked before any work: Pillow itself drops alpha for PPM, and
   converts for WebP and GIF, without a word.
c. A file is written next to its final place and renamed: nobody ever sees half of it.
d. Every failure is an ImageError whose text begins with the file's name.
"""

import contextlib
import errno
import io
import os
import secrets
import stat
import struct
import sys
import warnings
import zlib
from typing import NamedTuple

import numpy as np

# Kinds of image that can be filtered: what they are called and the format in the file, see _HOLDS.
_KINDS = {
    "L": "8-bit grey",
    "LA": "8-bit grey with alpha",
    "RGB": "8-bit colour",
    "RGBA": "8-bit colour with alpha",
    "CMYK": "8-bit CMYK",
    "I;16": "16-bit grey",
    "LA;16": "16-bit grey with alpha",
    "RGB;16": "16-bit colour",
    "RGBA;16": "16-bit colour with alpha",
    "I": "32-bit grey",
    "F": "floating-point grey",
}
# Modes that are read as one of the kinds: palettes, bits and premultiplied alpha cannot be filtered.
_CONVERTED = {
    "1": "L",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
}
# What each output format keeps as it is.
_HOLDS = {
    "PNG": ("L", "LA", "RGB", "RGBA", "I;16", "LA;16", "RGB;16", "RGBA;16"),
    "TIFF": ("L", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("L", "RGB", "RGBA"),
    "PPM": ("L", "RGB", "I;16"),
}
_SUFFIXES = {
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pnm": "PPM",
}
# 95 is the highest quality for which Pillow's documentation sees a use.
_SAVE_OPTIONS = {"JPEG": {"quality": 95}, "WEBP": {"quality": 95}}
_KEEPS_EXIF = ("JPEG", "PNG", "WEBP")


class CommandError(Exception):
    """Ends a command of ``python -m cconv`` with this one line on stderr and exit status 2."""


class ImageError(CommandError):
    """An image that cannot be read or written; the message names the file."""


class Picture(NamedTuple):
    """An image: samples in native byte order, (rows, columns) or (rows, columns, channels), alpha last."""

    pixels: np.ndarray
    kind: str  # a key of _KINDS
    metadata: dict  # icc_profile and exif as bytes, dpi: what Pillow's save takes

    @property
    def has_alpha(self):
        return self.kind.startswith(("LA", "RGBA"))

    @property
    def colours(self):
        """The channels without alpha, a view."""
        return self.pixels[..., :-1] if self.has_alpha else self.pixels

    def with_colours(self, colours):
        """The same image with other colours and its own alpha."""
        pixels = np.concatenate([colours, self.pixels[..., -1:]], axis=-1) if self.has_alpha else colours
        return self._replace(pixels=pixels)

    def describe(self):
        rows, columns = self.pixels.shape[:2]
        return f"{columns} x {rows}, {_KINDS[self.kind]}"


# Reading


def read_image(path):
    """The first frame of an image file, upright (its Exif orientation applied).

    Raises
    ------
    ImageError
        For a missing file, one that Pillow cannot read, and one whose samples would be cut to 8 bits.
    """
    Image = _pillow()
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise _file_error(path, error) from None
    try:
        with warnings.catch_warnings():
            # A large photograph is no reason for a warning; Pillow still refuses what can only be an attack.
            warnings.simplefilter("ignore")
            return _decode(Image, data, path)
    except (ImageError, MemoryError):
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(f"{path}: not an image that Pillow can read") from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise ImageError(f"{path}: cannot be read ({_one_line(error)})") from None


def _decode(Image, data, path):
    image = Image.open(io.BytesIO(data))
    tile = image.tile[0] if image.tile else None
    rawmode = ""
    if tile is not None:
        rawmode = tile[3] if isinstance(tile[3], str) else next(iter(tile[3] or ()), "")
        if tile[0] == "ppm" and image.mode == "RGB" and tile[3][1] > 255:
            raise ImageError(f"{path}: Pillow reads 16-bit colour PPM as 8-bit; convert it to PNG or TIFF")
    container, metadata = image.format, _metadata(image)
    key = image.info.get("transparency")

    if ";16" in str(rawmode) and not image.mode.startswith("I"):
        pixels, kind = _decode_16_bit_colour(Image, data, rawmode, path)
    else:
        if image.mode == "P":
            kind, key = ("RGBA", None) if key is not None else ("RGB", None)
            image = image.convert(kind)
        elif image.mode in _CONVERTED:
            key = None
            image = image.convert(_CONVERTED[image.mode])
        image = _upright(image)
        kind, pixels = image.mode, np.asarray(image)
        if kind.startswith("I;16"):
            kind, pixels = "I;16", pixels.astype(np.uint16)
        elif kind == "I" and container in ("PPM", "PNG"):
            # 16 bits at most, which Pillow reads (PNG: before version 11) as 32-bit integers.
            kind, pixels = "I;16", pixels.astype(np.uint16)
    if kind not in _KINDS:
        raise ImageError(f"{path}: images of mode {kind} are not supported; convert it to grey or RGB")
    if key is not None and kind in ("L", "RGB", "I;16", "RGB;16"):
        pixels, kind = _alpha_from_key(pixels, kind, key)
    return Picture(pixels, kind, metadata)


def _decode_16_bit_colour(Image, data, rawmode, path):
    """Upper and lower bytes decoded one after the other."""
    if rawmode == "LA;16B":
        # Four bytes a pixel, which Pillow takes for RGBA when told so: grey and alpha, each upper byte first.
        quads = np.asarray(_decode_as(Image, data, "RGBA"))
        return np.ascontiguousarray(quads).view(">u2").astype(np.uint16), "LA;16"
    kind, _, order = rawmode.partition(";16")
    if kind not in ("RGB", "RGBA") or order not in ("L", "B", "N"):
        raise ImageError(f"{path}: 16-bit images of mode {rawmode} are not supported; convert it to RGB")
    little = order == "L" or (order == "N" and sys.byteorder == "little")
    # Read with the other byte order, the decoder's "upper byte" is the lower one.
    upper = np.asarray(_upright(Image.open(io.BytesIO(data))))
    lower = np.asarray(_upright(_decode_as(Image, data, f"{kind};16{'B' if little else 'L'}")))
    return upper.astype(np.uint16) << 8 | lower, f"{kind};16"


def _decode_as(Image, data, rawmode):
    image = Image.open(io.BytesIO(data))
    tiles = []
    for tile in image.tile:
        arguments = rawmode if isinstance(tile[3], str) else (rawmode, *tile[3][1:])
        tiles.append(getattr(type(tile), "_make", tuple)((*tile[:3], arguments)))
    image.tile = tiles
    image.load()
    return image


def _upright(image):
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _metadata(image):
    metadata = {key: image.info[key] for key in ("icc_profile", "dpi") if image.info.get(key)}
    # A TIFF's "Exif" is its whole directory: sizes and offsets of the old pixels among them.
    if image.format in ("JPEG", "MPO", "PNG", "WEBP"):
        exif = image.getexif()
        orientation = exif.pop(0x0112, None)  # it will have been applied
        if exif:
            metadata["exif"] = exif.tobytes()
        if orientation is not None:
            exif[0x0112] = orientation
    return metadata


def _alpha_from_key(pixels, kind, key):
    """A PNG's transparent colour as an alpha channel: filtered colours would not match it any more."""
    limit = np.iinfo(pixels.dtype).max
    matches = pixels == np.asarray(key)
    alpha = np.where(matches.all(axis=-1) if pixels.ndim == 3 else matches, 0, limit).astype(pixels.dtype)
    kind = {"L": "LA", "RGB": "RGBA", "I;16": "LA;16", "RGB;16": "RGBA;16"}[kind]
    return np.dstack([pixels, alpha]), kind


# Writing


def check_output(path, kind=None):
    """Refuse an output file that cannot be written, or whose format does not hold `kind`: before any work."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _SUFFIXES:
        got = f"got {suffix!r}" if suffix else "got none"
        raise ImageError(f"{path}: the file's extension must be one of {', '.join(_SUFFIXES)}, {got}")
    format = _SUFFIXES[suffix]
    if kind is not None and kind not in _HOLDS[format]:
        others = [other for other, kinds in _HOLDS.items() if kind in kinds]
        raise ImageError(f"{path}: {format} does not hold {_KINDS[kind]} images, only {' and '.join(others)}")
    directory = os.path.dirname(os.path.realpath(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise _file_error(path, error) from None
    if mode is not None and not stat.S_ISREG(mode):
        raise ImageError(f"{path}: is {'a directory' if stat.S_ISDIR(mode) else 'not a regular file'}")
    if not os.path.isdir(directory):
        raise ImageError(f"{path}: there is no directory {directory}")
    if not os.access(directory if mode is None else path, os.W_OK):
        raise ImageError(f"{path}: permission denied")


def write_image(path, picture):
    """Write `picture` in the format of the file's extension, all of it or nothing."""
    Image = _pillow()
    check_output(path, picture.kind)
    format = _SUFFIXES[os.path.splitext(path)[1].lower()]
    with replacing(path) as file:
        if picture.kind in ("LA;16", "RGB;16", "RGBA;16"):
            _write_16_bit_png(file, picture)
            return
        metadata = dict(picture.metadata)
        if format not in _KEEPS_EXIF:
            metadata.pop("exif", None)
        image = Image.fromarray(np.ascontiguousarray(picture.pixels))
        if picture.kind == "CMYK":  # fromarray takes four channels for RGBA
            image = Image.frombytes("CMYK", image.size, image.tobytes())
        image.save(file, format=format, **metadata, **_SAVE_OPTIONS.get(format, {}))


@contextlib.contextmanager
def replacing(path):
    """A binary file that takes the place of `path` once the block is done, or leaves no trace."""
    target = os.path.realpath(path)
    scratch = os.path.join(os.path.dirname(target), f".cconv-{secrets.token_hex(8)}.tmp")
    try:
        # Not tempfile, whose files only their owner may read: any new file gets 0o666 less the umask.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(scratch, flags, 0o666)
        try:
            with open(descriptor, "w+b") as file:
                yield file
            with contextlib.suppress(FileNotFoundError):
                os.chmod(scratch, stat.S_IMODE(os.stat(target).st_mode))
            os.replace(scratch, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
            raise
    except OSError as error:
        raise _file_error(path, error) from None


def _write_16_bit_png(file, picture):
    rows, columns, channels = picture.pixels.shape
    samples = picture.pixels.astype(">u2").reshape(rows, columns * channels).view(np.uint8)
    # Filter 1 of the PNG specification: each byte minus the one a pixel before it.
    filtered = np.empty((rows, samples.shape[1] + 1), np.uint8)
    filtered[:, 0] = 1
    filtered[:, 1:] = samples
    step = 2 * channels
    filtered[:, 1 + step :] -= samples[:, :-step]

    def chunk(name, data):
        file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))

    colour_type = {2: 4, 3: 2, 4: 6}[channels]
    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, colour_type, 0, 0, 0))
    if "icc_profile" in picture.metadata:
        chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.metadata["icc_profile"]))
    if "exif" in picture.metadata:
        chunk(b"eXIf", picture.metadata["exif"].removeprefix(b"Exif\0\0"))
    if "dpi" in picture.metadata:
        per_metre = [round(float(dots) / 0.0254) for dots in picture.metadata["dpi"]]
        chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    packed = zlib.compress(filtered)
    for start in range(0, len(packed), 2**30):  # a chunk holds less than 2 GiB
        chunk(b"IDAT", packed[start : start + 2**30])
    chunk(b"IEND", b"")


# Errors


def _pillow():
    try:
        from PIL import Image
    except ImportError:
        raise CommandError("images need Pillow, which is not installed: pip install pillow") from None
    return Image


def _file_error(path, error):
    reasons = {
        errno.ENOENT: "no such file",
        errno.EISDIR: "is a directory",
        errno.EACCES: "permission denied",
    }
    return ImageError(f"{path}: {reasons.get(error.errno) or _one_line(error.strerror or error)}")


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
