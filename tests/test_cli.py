"""``python -m cconv``: the images it writes, sample for sample; its errors, one line each; the demo."""

import contextlib
import io
import itertools
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import cconv
from cconv import filters
from cconv.__main__ import main

Image = pytest.importorskip("PIL.Image")

KINDS = ("L", "LA", "RGB", "RGBA", "I;16", "LA;16", "RGB;16", "RGBA;16")
CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I": 1}
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's, by number of channels


# Helpers: a PNG writer and reader of their own, so that other code judges the 16 bits.


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def write_png(path, pixels, *extra):
    """Samples of 8 or 16 bits, unfiltered; `extra` chunks stand before the data."""
    rows, columns, channels = np.atleast_3d(pixels).shape
    bits = 8 * pixels.itemsize
    header = struct.pack(">IIBBBBB", columns, rows, bits, COLOUR_TYPES[channels], 0, 0, 0)
    lines = np.atleast_3d(pixels).astype(f">u{pixels.itemsize}").tobytes()
    step = len(lines) // rows
    data = b"".join(b"\0" + lines[row * step : (row + 1) * step] for row in range(rows))
    body = [png_chunk(b"IDAT", zlib.compress(data)), png_chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join([png_chunk(b"IHDR", header), *extra, *body]))


def read_png(path):
    """What `write_image` may have written: 16 bits, every line filtered with 0 or 1."""
    data, chunks = path.read_bytes()[8:], {}
    while data:
        (length,) = struct.unpack(">I", data[:4])
        name, body = data[4:8], data[8 : 8 + length]
        assert struct.pack(">I", zlib.crc32(name + body)) == data[8 + length : 12 + length]
        chunks[name] = body
        data = data[12 + length :]
    columns, rows, bits, colour_type = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    channels = {value: key for key, value in COLOUR_TYPES.items()}[colour_type]
    assert bits == 16
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, -1)
    assert set(lines[:, 0]) <= {0, 1}
    plain = lines[:, 1:].reshape(rows, columns, -1).copy()
    filtered = lines[:, 0] == 1
    plain[filtered] = np.cumsum(plain[filtered], axis=1, dtype=np.uint8)
    return plain.view(">u2").astype(np.uint16).reshape(rows, columns, channels)


def write_16_bit_tiff(path, pixels, order, compressed):
    """One strip of RGB samples."""
    rows, columns, channels = pixels.shape
    data = pixels.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compressed else data
    depths = 8 + len(data)  # the offset of the bit depths, which do not fit into their tag
    tags = [
        (256, 4, 1, columns),
        (257, 4, 1, rows),
        (258, 3, channels, depths),
        (259, 4, 1, 8 if compressed else 1),
        (262, 4, 1, 2),  # RGB
        (273, 4, 1, 8),  # the strip's offset
        (277, 4, 1, channels),
        (278, 4, 1, rows),
        (279, 4, 1, len(data)),
    ]
    directory = depths + 2 * channels
    path.write_bytes(
        struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, directory)
        + data
        + struct.pack(f"{order}{channels}H", *[16] * channels)
        + struct.pack(f"{order}H", len(tags))
        + b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
        + b"\0\0\0\0"
    )


def random_pixels(kind, shape=(19, 23), seed=7):
    mode, _, bits = kind.partition(";")
    dtype = np.uint16 if bits else np.uint8
    channels = CHANNELS[mode]
    size = shape if channels == 1 else (*shape, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, size, dtype, endpoint=True)


def read_back(path, kind):
    if kind in ("LA;16", "RGB;16", "RGBA;16"):
        return read_png(path)
    with Image.open(path) as image:
        assert image.mode == kind
        return np.array(image)


def expected_response(samples, kernel, boundary="reflect"):
    """Correlation in float64, tap by tap."""
    rows, columns = kernel.shape
    pads = [(rows // 2, rows - 1 - rows // 2), (columns // 2, columns - 1 - columns // 2)]
    padded = np.pad(samples.astype(np.float64), pads + [(0, 0)] * (samples.ndim - 2), boundary)
    total = np.zeros(samples.shape)
    for i, j in itertools.product(range(rows), range(columns)):
        total += kernel[i, j] * padded[i : i + samples.shape[0], j : j + samples.shape[1]]
    return total


def stored(response, dtype):
    limits = np.iinfo(dtype)
    return np.clip(np.rint(response), limits.min, limits.max).astype(dtype)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    write_png(path, random_pixels("RGB"))
    return path


def apply(source, target, *options):
    """Run the filter command."""
    return main(["filter", str(source), "-o", str(target), "-k", *options])


def one_error_line(capsys, arguments):
    """The error line of a command that fails with status 2."""
    assert main([str(a) for a in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and captured.err.endswith("\n")
    assert captured.err.startswith("python -m cconv: error: ") and "Traceback" not in captured.err
    return captured.err


# Images


@pytest.mark.parametrize("kind", KINDS)
def test_identity_keeps_every_sample_kind_and_depth(tmp_path, kind, capsys):
    pixels = random_pixels(kind)
    write_png(tmp_path / "in.png", pixels)
    assert apply(tmp_path / "in.png", tmp_path / "out.png", "identity") == 0
    np.testing.assert_array_equal(np.squeeze(read_back(tmp_path / "out.png", kind)), pixels)
    assert "23 x 19" in capsys.readouterr().out


@pytest.mark.parametrize("boundary", ["reflect", "symmetric", "edge", "wrap", "constant"])
@pytest.mark.parametrize("kind", KINDS)
def test_filtered_samples_are_rounded_and_limited_and_alpha_is_untouched(tmp_path, kind, boundary):
    pixels = random_pixels(kind)
    write_png(tmp_path / "in.png", pixels)
    target = tmp_path / "out.png"
    assert apply(tmp_path / "in.png", target, "unsharp", "--size", "5", "--boundary", boundary) == 0
    result = np.squeeze(read_back(target, kind))
    kernel = filters.unsharp(size=5)
    if kind.startswith(("LA", "RGBA")):
        np.testing.assert_array_equal(result[..., -1], pixels[..., -1])
        result, pixels = result[..., :-1], pixels[..., :-1]
    expected = stored(expected_response(pixels, kernel, boundary), pixels.dtype)
    assert (expected == 0).any() and (expected == np.iinfo(pixels.dtype).max).any()  # both limits are met
    # a float32 response within 1e-4 of a half may be rounded to the other side
    assert np.abs(result.astype(int) - expected).max() <= (1 if pixels.itemsize == 1 else 0)
    assert (result != expected).mean() < 0.001


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint8, "L"), (np.uint16, "I;16")])
def test_halves_are_rounded_to_even(tmp_path, dtype, suffix):
    ramp = np.tile(np.arange(12, dtype=dtype), (4, 1))
    write_png(tmp_path / "in.png", ramp)
    assert apply(tmp_path / "in.png", tmp_path / "o.png", "box", "--size", "2") == 0
    # the window of an even size reaches one sample back: means 0.5, 1.5, 2.5, ... (the first reflects: 0.5)
    expected = np.rint([0.5, *(np.arange(11) + 0.5)])
    np.testing.assert_array_equal(read_back(tmp_path / "o.png", suffix), np.tile(expected, (4, 1)))


def test_sobel_is_the_gradient_magnitude(tmp_path, photo):
    out = tmp_path / "edges.png"
    assert apply(photo, out, "sobel", "--scale", "0.2") == 0
    pixels = random_pixels("RGB")
    x, y = (expected_response(pixels, filters.sobel(axis)) for axis in (1, 0))
    expected = stored(0.2 * np.hypot(x, y), np.uint8)
    result = read_back(out, "RGB")
    assert np.abs(result.astype(int) - expected).max() <= 1 and (result != expected).mean() < 0.001


@pytest.mark.parametrize(
    ("options", "finish"),
    [
        ([], lambda r: r),
        (["--abs"], np.abs),
        (["--offset", "half", "--scale", "0.25"], lambda r: 0.25 * r + 128),
        (["--offset", "-10.5", "--abs", "--scale", "-1"], lambda r: -np.abs(r) - 10.5),
    ],
)
def test_abs_then_scale_then_offset(tmp_path, options, finish):
    pixels = random_pixels("L")
    write_png(tmp_path / "in.png", pixels)
    out = tmp_path / "out.png"
    assert apply(tmp_path / "in.png", out, "laplacian", *options) == 0
    response = expected_response(pixels, filters.laplacian())
    assert response.min() < 0
    np.testing.assert_array_equal(read_back(out, "L"), stored(finish(response), np.uint8))


@pytest.mark.parametrize("name", [*filters.names(), "sobel", "prewitt", "scharr", "roberts"])
def test_every_listed_kernel_runs(tmp_path, photo, name):
    out = tmp_path / "out.png"
    assert apply(photo, out, name, "--threads", "1") == 0
    assert read_back(out, "RGB").shape == (19, 23, 3)


@pytest.mark.parametrize(
    ("mode", "written"),
    [("P", "RGB"), ("1", "L"), ("PA", "RGBA"), ("YCbCr", "RGB"), ("CMYK", "CMYK"), ("F", "F")],
)
def test_other_modes_become_the_nearest_that_can_be_filtered(tmp_path, mode, written):
    with Image.fromarray(random_pixels("RGB")) as colour:
        source = colour.convert("P").convert("PA") if mode == "PA" else colour.convert(mode)
    suffix = "tif" if mode in ("CMYK", "F", "YCbCr") else "png"
    if mode == "PA":  # no file holds it: a palette with transparency is read as P
        source = source.convert("P")
        source.info["transparency"] = 3
    source.save(tmp_path / f"in.{suffix}")
    out = tmp_path / f"out.{suffix}"
    assert apply(tmp_path / f"in.{suffix}", out, "identity") == 0
    with Image.open(out) as result, Image.open(tmp_path / f"in.{suffix}") as original:
        assert result.mode == written
        np.testing.assert_array_equal(np.asarray(result), np.asarray(original.convert(written)))


@pytest.mark.parametrize("kind", ["L", "RGB", "I;16", "RGB;16"])
def test_a_transparent_colour_becomes_alpha(tmp_path, kind):
    pixels = random_pixels(kind)
    key = np.atleast_1d(pixels[3, 4])
    write_png(tmp_path / "in.png", pixels, png_chunk(b"tRNS", key.astype(">u2").tobytes()))
    assert apply(tmp_path / "in.png", tmp_path / "o.png", "identity") == 0
    with_alpha = {"L": "LA", "RGB": "RGBA", "I;16": "LA;16", "RGB;16": "RGBA;16"}[kind]
    result = read_back(tmp_path / "o.png", with_alpha)
    opaque = (np.atleast_3d(pixels) != key).any(axis=2)
    assert not opaque.all()
    np.testing.assert_array_equal(result[..., -1], np.where(opaque, np.iinfo(pixels.dtype).max, 0))
    np.testing.assert_array_equal(result[..., :-1], np.atleast_3d(pixels))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_colour_tiff_is_read_with_all_its_bits(tmp_path, order, compressed):
    pixels = random_pixels("RGB;16")
    write_16_bit_tiff(tmp_path / "in.tif", pixels, order, compressed)
    assert apply(tmp_path / "in.tif", tmp_path / "out.png", "identity") == 0
    np.testing.assert_array_equal(read_png(tmp_path / "out.png"), pixels)


def test_opencv_reads_the_16_bit_png(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pixels = random_pixels("RGB;16")
    write_png(tmp_path / "in.png", pixels)
    assert apply(tmp_path / "in.png", tmp_path / "out.png", "identity") == 0
    blue_first = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(blue_first[..., ::-1], pixels)


def test_pgm_of_16_bits_stays_16_bits(tmp_path):
    pixels = random_pixels("I;16")
    (tmp_path / "in.pgm").write_bytes(b"P5 23 19 65535\n" + pixels.astype(">u2").tobytes())
    assert apply(tmp_path / "in.pgm", tmp_path / "out.pgm", "identity") == 0
    assert (tmp_path / "out.pgm").read_bytes().endswith(pixels.astype(">u2").tobytes())


def test_images_come_out_upright_with_their_profile_and_resolution(tmp_path):
    pixels = random_pixels("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to be upright
    exif[0x010E] = "a description"
    with Image.fromarray(pixels) as image:
        image.save(tmp_path / "in.png", exif=exif, icc_profile=b"a profile", dpi=(300, 300))
    for kernel in ("identity", "box"):
        out = tmp_path / f"{kernel}.png"
        assert apply(tmp_path / "in.png", out, kernel) == 0
        with Image.open(out) as result:
            assert result.info["icc_profile"] == b"a profile"
            assert round(result.info["dpi"][0]) == 300
            assert dict(result.getexif()) == {0x010E: "a description"}
            if kernel == "identity":
                np.testing.assert_array_equal(np.asarray(result), np.rot90(pixels, -1))


# Files


def test_a_file_can_replace_itself(photo):
    assert apply(photo, photo, "box") == 0
    assert os.listdir(photo.parent) == [photo.name]
    expected = stored(expected_response(random_pixels("RGB"), filters.box()), np.uint8)
    np.testing.assert_array_equal(read_back(photo, "RGB"), expected)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
def test_permissions_are_those_of_a_new_file_or_of_the_file_replaced(tmp_path, photo):
    out = tmp_path / "out.png"
    before = os.umask(0o027)
    try:
        assert apply(photo, out, "box") == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o640
        out.chmod(0o604)
        assert apply(photo, out, "sharpen") == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o604
    finally:
        os.umask(before)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_a_link_is_followed_not_replaced(tmp_path, photo):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "there" / "real.png")
    assert apply(photo, tmp_path / "link.png", "box") == 0
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "there" / "real.png").is_file()


@pytest.mark.parametrize(
    ("failure", "status"),
    [(KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 2), (MemoryError(), 2)],
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path, photo, monkeypatch, capsys, failure, status
):
    out = tmp_path / "out.png"
    out.write_bytes(b"the old file")

    def half_a_save(self, file, **options):
        file.write(b"half a picture")
        raise failure

    monkeypatch.setattr(Image.Image, "save", half_a_save)
    assert apply(photo, out, "box") == status
    assert out.read_bytes() == b"the old file"
    assert sorted(os.listdir(tmp_path)) == ["out.png", "photo.png"]
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    if status == 2:
        assert ("out.png: No space left on device" in error) or ("not enough memory" in error)


# Errors


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("filter nothing.png -k box -o o.png", "nothing.png: no such file"),
        ("filter . -k box -o o.png", r"\.: is a directory"),
        ("filter text.png -k box -o o.png", "text.png: not an image that Pillow can read"),
        ("filter empty.png -k box -o o.png", "empty.png: not an image that Pillow can read"),
        ("filter cut.png -k box -o o.png", r"cut.png: cannot be read \(.*truncated"),
        ("filter photo.png -k blur -o o.png", "--kernel must be one of .*sharpen.*, got 'blur'"),
        ("filter photo.png -k emboss --size 5 -o o.png", "--size does not apply to 'emboss'"),
        ("filter photo.png -k box --sigma 2 -o o.png", "--sigma does not apply to 'box'"),
        ("filter photo.png -k identity --size 4 -o o.png", "--size must be odd .* got 4"),
        ("filter photo.png -k box --size 0 -o o.png", "--size: must be .* 1 to 1001, got '0'"),
        ("filter photo.png -k box --size big -o o.png", "--size: must be .*, got 'big'"),
        ("filter photo.png -k log --sigma nan -o o.png", "--sigma: must be .*, got 'nan'"),
        ("filter photo.png -k box --threads 0 -o o.png", "--threads: must be .*, got '0'"),
        ("filter photo.png -k box --scale inf -o o.png", "--scale: must be .*, got 'inf'"),
        ("filter photo.png -k box --offset x -o o.png", "--offset: must be .*'half', got 'x'"),
        ("filter photo.png -k box --boundary odd -o o.png", "--boundary: invalid choice: 'odd'"),
        ("filter photo.png -k box -o out", "out: the file's extension must be .*png.*, got none"),
        ("filter photo.png -k box -o o.gif", "o.gif: the file's extension must be .*, got '.gif'"),
        ("filter photo.png -k box -o no/o.png", "no/o.png: there is no directory .*no"),
        ("filter photo.png -k box -o text.png/o.png", "text.png/o.png: Not a directory"),
        ("filter photo.png -k box -o dir.png", "dir.png: is a directory"),
        ("filter alpha.png -k box -o o.jpg", "JPEG does not hold 8-bit colour with alpha images, only PNG"),
        ("filter deep.png -k box -o o.tif", "TIFF does not hold 16-bit colour images, only PNG"),
        ("filter deep.ppm -k box -o o.png", "deep.ppm: Pillow reads 16-bit colour PPM as 8-bit"),
        ("filter photo.png -o o.png", "the following arguments are required: -k/--kernel .*--help"),
        ("filter", "the following arguments are required: IMAGE"),
        ("filter photo.png -k box -o o.png --colour", "unrecognized arguments: --colour"),
        ("paint", "invalid choice: 'paint'"),
        ("demo nothing.jpg", "nothing.jpg: no such file"),
        ("demo photo.png -o o.jpg", "o.jpg: the demo's picture is a PNG"),
        ("demo photo.png -o no/o.png", "no/o.png: there is no directory"),
        ("demo photo.png --threads two", "--threads: must be an integer >= 1, got 'two'"),
        ("demo photo.png", "photo.png: the demo takes images of 32 x 32 pixels or more, got 23 x 19"),
    ],
)
def test_errors_are_one_line_that_names_what_is_wrong(tmp_path, photo, monkeypatch, capsys, command, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:-700])
    (tmp_path / "dir.png").mkdir()
    write_png(tmp_path / "alpha.png", random_pixels("RGBA"))
    write_png(tmp_path / "deep.png", random_pixels("RGB;16"))
    (tmp_path / "deep.ppm").write_bytes(b"P6 23 19 65535\n" + random_pixels("RGB;16").tobytes())
    before = sorted(os.listdir(tmp_path))
    if command.startswith("demo"):
        pytest.importorskip("scipy")
        pytest.importorskip("matplotlib")
    assert re.search(message, one_error_line(capsys, command.split()))
    assert sorted(os.listdir(tmp_path)) == before


def test_a_missing_pillow_is_named_with_the_command_that_installs_it(photo, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "PIL", None)
    error = one_error_line(capsys, ["filter", photo, "-k", "box", "-o", photo])
    assert error.endswith("images need Pillow, which is not installed: pip install pillow\n")


def test_damaged_files_never_end_in_a_traceback(tmp_path, photo, capsys):
    whole = photo.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(60):
        damaged = bytearray(whole)
        for position in rng.integers(8, len(whole), 4):
            damaged[position] ^= int(rng.integers(1, 256))
        (tmp_path / "damaged.png").write_bytes(damaged)
        status = apply(tmp_path / "damaged.png", tmp_path / "out.png", "box")
        error = capsys.readouterr().err
        assert (status, error.count("\n")) in ((0, 0), (2, 1)), error


# Help, information, processes


@pytest.mark.parametrize("command", [[], ["demo"], ["filter"], ["info"]])
def test_help_fits_a_terminal_and_gives_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert command == ["info"] or "examples:\n  python -m cconv" in text


def test_no_command_shows_the_help(capsys):
    assert main([]) == 0
    assert "commands:" in capsys.readouterr().out


def test_list_names_every_kernel_once(capsys):
    assert main(["filter", "--list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(listed) == sorted([*filters.names(), "sobel", "prewitt", "scharr", "roberts"])


def test_info_is_show_config(capfd):
    assert main(["info"]) == 0
    shown = capfd.readouterr().out
    assert cconv.simd_level() in shown and np.__version__ in shown


def run(*arguments, **options):
    command = [sys.executable, "-m", "cconv", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_as_a_process(tmp_path, photo):
    done = run("filter", photo, "--kernel", "gaussian", "--sigma", "1.5", "-o", tmp_path / "out.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'out.png'}: 23 x 19, 8-bit colour, gaussian (13 x 13)\n"
    failed = run("filter", tmp_path / "nothing.png", "--kernel", "box", "-o", tmp_path / "out2.png")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == f"python -m cconv: error: {tmp_path / 'nothing.png'}: no such file\n"
    assert not (tmp_path / "out2.png").exists()
    assert run("--version").stdout == f"cconv {cconv.__version__}\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX pipe")
def test_a_closed_pipe_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        command = [sys.executable, "-m", "cconv", "filter", "--list"]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 141 and done.stderr == b""


@pytest.mark.skipif(os.name != "posix", reason="SIGINT")
def test_ctrl_c_ends_the_demo_with_130_and_no_picture(tmp_path):
    for module in ("scipy", "matplotlib"):
        pytest.importorskip(module)
    write_png(tmp_path / "in.png", random_pixels("RGB", (400, 600)))
    command = [sys.executable, "-m", "cconv", "demo", "in.png", "--threads", "1"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with contextlib.closing(process.stderr), contextlib.closing(process.stdout):
        assert process.stderr.readline().startswith("[1/7]")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert rest.splitlines()[-1] == "python -m cconv: interrupted" and "Traceback" not in rest
    assert os.listdir(tmp_path) == ["in.png"]


# The demo


@pytest.fixture
def quick_demo(monkeypatch):
    for module in ("scipy", "matplotlib"):
        pytest.importorskip(module)
    from cconv import _demo

    monkeypatch.setattr(_demo, "_SECONDS", 0.0)
    return _demo


@pytest.mark.parametrize("kind", ["L", "LA", "RGB", "RGBA;16"])
@pytest.mark.parametrize("shape", [(48, 65), (131, 33), (32, 200)])
def test_demo_agrees_with_scipy_and_draws(tmp_path, quick_demo, kind, shape, capsys):
    write_png(tmp_path / "in.png", random_pixels(kind, shape))
    out = tmp_path / "demo.png"
    assert main(["demo", str(tmp_path / "in.png"), "-o", str(out), "--threads", "2"]) == 0
    captured = capsys.readouterr()
    assert [line.split("]")[0] for line in captured.err.splitlines()] == [f"[{n}/7" for n in range(1, 8)]
    rows = [line for line in captured.out.splitlines() if re.search(r"\de[-+]\d\d$", line)]
    assert [row.split()[0] for row in rows] == ["box", "Gaussian", "sharpen", "Sobel", "conv2d", "max_pool2d"]
    differences = [float(row.split()[-1]) for row in rows]
    assert max(differences[:-1]) < 2e-6 and differences[-1] == 0
    assert f"{shape[1]} x {shape[0]} pixels" in captured.out
    with Image.open(out) as picture:
        assert picture.format == "PNG" and picture.width > 1000
        assert len(np.unique(np.asarray(picture.convert("L")))) > 100


def test_demo_fails_when_a_result_differs(tmp_path, quick_demo, monkeypatch, capsys):
    write_png(tmp_path / "in.png", random_pixels("RGB", (40, 40)))
    right = cconv.max_pool2d
    monkeypatch.setattr(cconv, "max_pool2d", lambda *args, **options: right(*args, **options) + 1e-3)
    assert main(["demo", str(tmp_path / "in.png"), "-o", str(tmp_path / "demo.png")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: larger difference than 1e-05: max_pool2d 2 x 2"


def test_demo_finds_a_photograph(quick_demo):
    path, label = quick_demo._find_photograph()
    with Image.open(path) as image:
        assert image.mode == "RGB" and min(image.size) >= 400
    assert " from " in label


@pytest.mark.parametrize("missing", [("scipy",), ("PIL", "matplotlib")])
def test_demo_names_what_is_missing(monkeypatch, capsys, missing):
    from cconv import _demo

    find = _demo.importlib.util.find_spec
    monkeypatch.setattr(
        _demo.importlib.util, "find_spec", lambda name: None if name in missing else find(name)
    )
    error = one_error_line(capsys, ["demo"])
    packages = [
        name for name in ("scipy", "matplotlib", "pillow") if name.replace("pillow", "PIL") in missing
    ]
    assert f"needs {' and '.join(packages)}, not installed: pip install {' '.join(packages)}\n" in error


def test_layer_filters_have_unit_weight_and_know_what_they_look_for():
    from cconv import _demo

    weight, bias, titles = _demo.layer_weights()
    assert weight.shape == (8, 3, 7, 7) and weight.dtype == np.float32 and bias.shape == (8,)
    np.testing.assert_allclose(np.abs(weight).sum(axis=(1, 2, 3)), 1, rtol=1e-6)
    grey = np.ones((3, 7, 7))
    even = dict(zip(titles, (weight * grey).sum(axis=(1, 2, 3)), strict=True))
    assert even.pop("bright areas") == pytest.approx(1, rel=1e-6)
    assert max(map(abs, even.values())) < 1e-6
    rising, falling = np.eye(7)[::-1], np.eye(7)
    answers = {
        stripes: dict(zip(titles, (weight * drawn).sum(axis=(1, 2, 3)), strict=True))
        for stripes, drawn in (("rising stripes", rising), ("falling stripes", falling))
    }
    for stripes, answer in answers.items():
        other = {"rising stripes": "falling stripes", "falling stripes": "rising stripes"}[stripes]
        assert answer[stripes] > 2 * abs(answer[other])


def test_importing_the_command_line_imports_nothing_optional():
    code = (
        "import sys, cconv.__main__; print([m for m in ('PIL', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr


def test_output_with_several_threads_is_the_same(tmp_path, photo):
    for threads in ("1", "3"):
        out = tmp_path / f"{threads}.png"
        assert apply(photo, out, "gaussian", "--threads", threads) == 0
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "3.png").read_bytes()


def test_stdout_gone_is_not_a_file(photo, monkeypatch):
    """`main` in a process whose stdout is no file (a notebook) still reports."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert apply(photo, photo, "box") == 0
    assert stream.getvalue().startswith(str(photo))
