"""The command line: ``python -m cconv``."""

import argparse
import math
import os
import sys

import numpy as np

import cconv
from cconv import _images, filters
from cconv._images import CommandError

_PROGRAM = "python -m cconv"
# Gradients are two kernels; their magnitude is what "--kernel sobel" means.
_GRADIENTS = {
    "sobel": ("sobel-x", "sobel-y"),
    "prewitt": ("prewitt-x", "prewitt-y"),
    "scharr": ("scharr-x", "scharr-y"),
    "roberts": ("roberts-falling", "roberts-rising"),
}
_BOUNDARIES = ("reflect", "symmetric", "edge", "wrap", "constant")
# A kernel of 1001 x 1001 takes a million operations a pixel; a larger one is a slip of the finger.
_LARGEST_SIZE = 1001
_LARGEST_SIGMA = 125.0

_DESCRIPTION = "Convolution for NumPy arrays: a demonstration, and a filter for image files."
_EXAMPLES = """\
examples:
  python -m cconv demo
  python -m cconv filter photo.jpg --kernel sharpen -o sharp.png
  python -m cconv COMMAND --help
"""
_DEMO = """\
Filter a photograph and run a small convolutional layer on it: box blur,
Gaussian blur, sharpening, Sobel edges, a strided layer of eight filters with
bias and ReLU, a max-pool. Every result is compared with SciPy's (the pool with
NumPy's) and both are timed, in turns. Prints a table, writes a picture.
"""
_DEMO_EXAMPLES = """\
examples:
  python -m cconv demo
  python -m cconv demo holiday.jpg -o holiday-demo.png --threads 2

Needs SciPy, matplotlib and Pillow, cconv's optional extra "demo".
"""
_FILTER = """\
Filter an image with a named kernel: grey or colour, 8 or 16 bit. Size, bit
depth and alpha channel stay as they are (palettes become RGB). The kernel is
correlated with every channel; results are rounded half to even and limited to
the range of the bit depth. A negative response, as laplacian and sobel-x have,
becomes 0 unless --abs or --offset is given.
"""
_FILTER_EXAMPLES = """\
examples:
  python -m cconv filter --list
  python -m cconv filter photo.jpg --kernel sharpen -o sharp.png
  python -m cconv filter photo.jpg --kernel gaussian --sigma 3 -o soft.jpg
  python -m cconv filter scan16.png --kernel sobel --scale 0.25 -o edges.png
  python -m cconv filter a.png --kernel emboss --offset half -o relief.png

sobel, prewitt, scharr and roberts are gradient magnitudes: the root of the sum
of the squares of their two kernels' responses.
Reads what Pillow reads, 16-bit colour from PNG and TIFF only. Writes png, tif,
jpg, webp, bmp and ppm. Needs Pillow, cconv's optional extra "images".
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        # argparse prints the usage in front of it, several lines that hide the one that matters
        raise CommandError(f"{' '.join(message.split())} (see {self.prog} --help)")


class _ListKernels(argparse.Action):
    """--list, which like --help needs no other argument."""

    def __call__(self, parser, namespace, values, option_string=None):
        rows = [(name, filters.describe(name)) for name in filters.names()]
        rows += [(name, f"gradient magnitude of {' and '.join(pair)}") for name, pair in _GRADIENTS.items()]
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            print(f"{name:{width}}  {text}")
        parser.exit()


def main(arguments=None):
    """Run a command line and return its exit status: 0, 2 for errors, 130 after Ctrl-C."""
    try:
        try:
            options = _parser().parse_args(arguments)
            status = options.run(options)
            sys.stdout.flush()
            return status
        except SystemExit as stop:  # --help, --version, --list
            sys.stdout.flush()
            return stop.code or 0
    except CommandError as error:
        return _failed(str(error))
    except MemoryError as error:
        return _failed(f"not enough memory {error}".strip())
    except KeyboardInterrupt:
        print(f"{_PROGRAM}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe (| head) has gone. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _failed(message):
    print(f"{_PROGRAM}: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


# The parser


def _parser():
    parser = _Parser(
        prog=_PROGRAM,
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cconv {cconv.__version__}")
    parser.set_defaults(run=lambda options: parser.print_help() or 0)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name, run, summary, description=None, epilog=None):
        added = commands.add_parser(
            name,
            help=summary,
            description=description or summary[0].upper() + summary[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    demo = command("demo", _run_demo, "the main job on a photograph, against SciPy", _DEMO, _DEMO_EXAMPLES)
    photograph = "a photograph (default: one that an installed library carries)"
    demo.add_argument("image", metavar="IMAGE", nargs="?", help=photograph)
    picture = "the picture to write (default: %(default)s)"
    demo.add_argument("-o", "--output", metavar="PNG", default="cconv-demo.png", help=picture)
    _add_threads(demo)

    summary = "filter an image file with a named kernel"
    apply = command("filter", _run_filter, summary, _FILTER, _FILTER_EXAMPLES)
    apply.add_argument("image", metavar="IMAGE", help="the image to filter")
    apply.add_argument("-k", "--kernel", metavar="NAME", required=True, help="one of --list")
    written = "the file to write, in the format of its extension"
    apply.add_argument("-o", "--output", metavar="OUT", required=True, help=written)
    apply.add_argument("--list", action=_ListKernels, nargs=0, help="list the kernels and exit")
    extent = f"extent of the kernel, 1 to {_LARGEST_SIZE}, where it takes one"
    apply.add_argument("--size", type=_size, metavar="N", help=extent)
    deviation = f"standard deviation in pixels, at most {_LARGEST_SIGMA:g}, where it takes one"
    apply.add_argument("--sigma", type=_sigma, metavar="S", help=deviation)
    apply.add_argument(
        "--boundary",
        choices=_BOUNDARIES,
        default="reflect",
        metavar="MODE",
        help=f"beyond the edges: {', '.join(_BOUNDARIES)} (default: %(default)s; see numpy.pad)",
    )
    absolute = "take the absolute value of the response"
    apply.add_argument("--abs", action="store_true", dest="absolute", help=absolute)
    apply.add_argument("--scale", type=_finite, default=1.0, metavar="F", help="then multiply it by F")
    apply.add_argument(
        "--offset",
        type=_offset,
        default=0.0,
        metavar="V",
        help="then add V, a grey value, or 'half' for the middle of the range",
    )
    _add_threads(apply)

    command("info", _run_info, "print versions, the instruction set in use, and threads")
    return parser


def _add_threads(parser):
    parser.add_argument("--threads", type=_threads, metavar="N", help="threads to use (default: one per CPU)")


def _checked(text, convert, accept, takes):
    try:
        value = convert(text)
    except ValueError:
        value = None
    if value is None or not accept(value):
        raise argparse.ArgumentTypeError(f"must be {takes}, got {text!r}")
    return value


def _size(text):
    return _checked(text, int, lambda n: 1 <= n <= _LARGEST_SIZE, f"an integer from 1 to {_LARGEST_SIZE}")


def _sigma(text):
    takes = f"a number > 0 and at most {_LARGEST_SIGMA:g}"
    return _checked(text, float, lambda s: 0 < s <= _LARGEST_SIGMA, takes)


def _threads(text):
    return _checked(text, int, lambda n: n >= 1, "an integer >= 1")


def _finite(text):
    return _checked(text, float, math.isfinite, "a number")


def _offset(text):
    return "half" if text == "half" else _checked(text, float, math.isfinite, "a number or 'half'")


# The commands


def _run_info(options):
    cconv.show_config()
    return 0


def _run_demo(options):
    from cconv import _demo

    return _demo.run(options.image, options.output, options.threads)


def _run_filter(options):
    kernels = _kernels(options)
    _images.check_output(options.output)
    picture = _images.read_image(options.image)
    _images.check_output(options.output, picture.kind)
    _images.write_image(options.output, _filtered(picture, kernels, options))
    shape = " x ".join(str(n) for n in kernels[0].shape)
    print(f"{options.output}: {picture.describe()}, {options.kernel} ({shape})")
    return 0


def _kernels(options):
    known = (*filters.names(), *_GRADIENTS)
    if options.kernel not in known:
        raise CommandError(f"--kernel must be one of {', '.join(known)}, got {options.kernel!r}")
    names = _GRADIENTS.get(options.kernel, (options.kernel,))
    try:
        return [filters.named(name, size=options.size, sigma=options.sigma) for name in names]
    except ValueError as error:
        raise CommandError(f"--{error}") from None  # the message begins with size or sigma


def _filtered(picture, kernels, options):
    samples = picture.colours
    # float32 has 16 bits to spare over 8-bit samples, and is twice as fast
    real = np.float32 if samples.dtype in (np.uint8, np.float32) else np.float64
    response = None
    for kernel in kernels:
        part = cconv.correlate(
            samples,
            kernel.astype(real),
            "same",
            boundary=options.boundary,
            axes=(0, 1),
            num_threads=options.threads,
        )
        response = part if response is None else np.hypot(response, part)
    if options.absolute:
        np.abs(response, out=response)
    if samples.dtype.kind == "f":
        offset = 0.5 if options.offset == "half" else options.offset
        return picture.with_colours(response * real(options.scale) + real(offset))
    limits = np.iinfo(samples.dtype)
    offset = (limits.max + limits.min + 1) / 2 if options.offset == "half" else options.offset
    response *= real(options.scale)
    response += real(offset)
    np.rint(response, out=response)
    np.clip(response, limits.min, limits.max, out=response)
    return picture.with_colours(response.astype(samples.dtype))


if __name__ == "__main__":
    sys.exit(main())
