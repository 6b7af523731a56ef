"""The SIMD levels: which instructions the built modules hold, and which level a process gets."""

import functools
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NamedTuple

import pytest

import cconv
from cconv import _core

PACKAGE = Path(cconv.__file__).parent
REALS = ("f32", "f64", "i32", "i64")
KERNELS = [f"{operator}_{real}" for operator in ("conv", "pool", "pool_grad") for real in REALS]
KERNELS += ["pool_u8", "pool_u16", "tiles_f32", "tiles_f64", "weight_grad_f32", "weight_grad_f64", "activations_f32",
            "activations_f64", "ordered_f64"]

# What /proc/cpuinfo lists for a CPU of the level, after the x86-64 psABI; "abm" is LZCNT.
CPU_FLAGS = {
    "generic": set(),
    "x86-64-v3": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"},
}
CPU_FLAGS["x86-64-v4"] = CPU_FLAGS["x86-64-v3"] | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}

X86 = platform.machine().lower() in ("x86_64", "amd64")
only_x86 = pytest.mark.skipif(not X86, reason="levels of x86-64")


def module_path(kernel, level):
    """The built module of, say, "conv_f32" at a level."""
    name = f"{kernel}_{level.replace('-', '_')}"
    paths = [PACKAGE / "_kernels" / (name + suffix) for suffix in EXTENSION_SUFFIXES]
    found = [path for path in paths if path.exists()]
    if not found and level not in _core.BUILT_LEVELS:
        pytest.skip(f"{level} was not built")
    assert found, f"{name} is not in {PACKAGE / '_kernels'}"
    return found[0]


class Code(NamedTuple):
    """How many instructions of each kind a module has; `mistaken`: how many may only look like one."""

    avx: int
    zmm: int
    fma: int
    mistaken: int


AVX = re.compile(r"\tv\w+ .*%[xyz]mm")
FMA = re.compile(r"\tvfn?m(add|sub)\w* ")


@functools.cache
def code_of(path):
    if not shutil.which("objdump"):
        return code_by_encoding(path)
    command = ["objdump", "-d", "--no-show-raw-insn", path]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) > 100, f"objdump shows no code in {path}"
    return Code(sum(AVX.search(line) is not None for line in lines), sum("%zmm" in line for line in lines),
                sum(FMA.search(line) is not None for line in lines), 0)


def byte_where(test):
    return b"[" + b"".join(re.escape(bytes([byte])) for byte in range(256) if test(byte)) + b"]"


# Packed multiply-adds as they are encoded: prefix, map 0F38, 66 (VEX: and 256 bits; EVEX: 512 bits), the
# opcodes x6 x7 x8 xA xC xE of rows 9, A and B.
OPCODE = byte_where(lambda b: b >> 4 in (0x9, 0xa, 0xb) and b & 0xf in (0x6, 0x7, 0x8, 0xa, 0xc, 0xe))
SIXTY_SIX = byte_where(lambda b: b & 7 == 5)
FMA_YMM = re.compile(b"\xc4" + byte_where(lambda b: b & 0x1f == 2) + SIXTY_SIX + OPCODE)
FMA_ZMM = re.compile(b"\x62" + byte_where(lambda b: b & 0xf == 2) + SIXTY_SIX
                     + byte_where(lambda b: b & 0x60 == 0x40) + OPCODE)


def code_by_encoding(path):
    """Without a disassembler: multiply-adds stand for AVX, 512-bit ones for zmm."""
    text = elf_text(path)
    ymm, zmm = len(FMA_YMM.findall(text)), len(FMA_ZMM.findall(text))
    return Code(ymm + zmm, zmm, ymm + zmm, 2 + len(text)//20_000)


def elf_text(path):
    """The .text section of a 64-bit ELF file."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        pytest.skip(f"no objdump, and {path.name} is not a 64-bit ELF file")
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)
    sections = [struct.unpack_from("<IIQQQQ", data, table + index*size) for index in range(count)]
    for name, _, _, _, start, length in sections:
        label = sections[names][4] + name
        if data[label:data.index(b"\0", label)] == b".text":
            return data[start:start + length]
    raise AssertionError(f"{path.name} has no .text section")


@only_x86
@pytest.mark.parametrize("kernel", KERNELS)
def test_generic_kernels_hold_no_avx(kernel):
    code = code_of(module_path(kernel, "generic"))
    assert code.avx <= code.mistaken


@only_x86
@pytest.mark.parametrize("kernel", KERNELS)
def test_v3_kernels_hold_avx_but_no_zmm(kernel):
    code = code_of(module_path(kernel, "x86-64-v3"))
    assert code.zmm <= code.mistaken
    if kernel.startswith("conv_f") or shutil.which("objdump"):
        assert code.avx > code.mistaken


@only_x86
@pytest.mark.parametrize("level", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("kernel", ["conv_f32", "conv_f64"])
def test_float_convolutions_multiply_and_add_in_one_instruction(kernel, level):
    code = code_of(module_path(kernel, level))
    assert code.fma > 50 + code.mistaken


@only_x86
@pytest.mark.parametrize("kernel", ["conv_f32", "conv_f64"])
def test_v4_convolutions_use_whole_registers(kernel):
    code = code_of(module_path(kernel, "x86-64-v4"))
    assert code.zmm > 50 + code.mistaken


@only_x86
def test_modules_that_every_cpu_loads_hold_no_avx():
    paths = [path for suffix in EXTENSION_SUFFIXES for path in PACKAGE.glob(f"*{suffix}")]
    assert any(path.name.startswith("_core.") for path in paths)
    for path in paths:
        assert code_of(path).avx <= code_of(path).mistaken, path


@only_x86
@pytest.mark.skipif(not shutil.which("objdump"), reason="nothing to compare the encodings with")
@pytest.mark.parametrize("level", ["generic", "x86-64-v3", "x86-64-v4"])
def test_reading_encodings_agrees_with_the_disassembly(level):
    """The check that machines without objdump rely on."""
    path = module_path("conv_f32", level)
    read, shown = code_by_encoding(path), code_of(path)
    assert (read.zmm > read.mistaken) == (shown.zmm > 0)
    assert (read.fma > 50 + read.mistaken) == (shown.fma > 50)


def run_python(code, level=None):
    """A fresh interpreter with CCONV_SIMD set to `level` (unset for None)."""
    environment = {name: value for name, value in os.environ.items() if name != "CCONV_SIMD"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if level is not None:
        environment["CCONV_SIMD"] = level
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def cpu_levels():
    """The levels of this CPU by /proc/cpuinfo; None where there is none."""
    try:
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return flags and [level for level, needed in CPU_FLAGS.items() if needed <= set(flags[1].split())]


SHOW = """
import sys, cconv
print(cconv.simd_level(), *sorted(name for name in sys.modules if name.startswith("cconv._kernels.")))
"""


@only_x86
@pytest.mark.skipif(not cpu_levels(), reason="no /proc/cpuinfo")
def test_the_available_levels_are_those_of_the_cpu():
    assert list(_core.LEVELS) == [level for level in cpu_levels() if level in _core.BUILT_LEVELS]


def test_without_the_variable_the_best_level_is_used():
    level, *_ = run_python(SHOW).stdout.split()
    assert level == _core.LEVELS[-1]


def test_an_empty_variable_counts_as_unset():
    level, *_ = run_python(SHOW, "").stdout.split()
    assert level == _core.LEVELS[-1]


@pytest.mark.parametrize("level", _core.LEVELS)
def test_the_variable_forces_a_level_and_loads_no_other_but_for_gradients_of_pools(level):
    result = run_python(SHOW, level)
    assert result.returncode == 0, result.stderr
    shown, *loaded = result.stdout.split()
    assert shown == level
    below = "x86-64-v3" if level == "x86-64-v4" and "x86-64-v3" in _core.BUILT_LEVELS else level
    levels = {kernel: below if kernel.startswith("pool_grad") else level for kernel in KERNELS}
    assert loaded == sorted(f"cconv._kernels.{kernel}_{levels[kernel].replace('-', '_')}" for kernel in KERNELS)


@pytest.mark.parametrize("level", ["sse9", "x86-64-v5", "X86-64-V3", "generic,x86-64-v3", " "])
def test_an_unknown_level_is_an_import_error_that_names_what_there_is(level):
    result = run_python("import cconv", level)
    assert result.returncode == 1
    message = result.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: ")
    assert "CCONV_SIMD" in message and repr(level) in message
    for available in _core.LEVELS:
        assert available in message


@pytest.mark.skipif(set(_core.LEVELS) == set(CPU_FLAGS), reason="this CPU has every level")
def test_a_level_that_the_cpu_lacks_is_an_import_error():
    level = next(level for level in CPU_FLAGS if level not in _core.LEVELS)
    result = run_python("import cconv", level)
    assert result.returncode == 1
    message = result.stderr.strip().splitlines()[-1]
    assert message.startswith("ImportError: ") and repr(level) in message and _core.LEVELS[0] in message


def test_this_process_runs_the_level_that_was_asked_for():
    assert cconv.simd_level() == (os.environ.get("CCONV_SIMD") or _core.LEVELS[-1])
