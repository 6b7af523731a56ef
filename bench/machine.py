"""What the machine can do: its FMA peak and its copy bandwidth, measured without any code of cconv's."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

# Independent multiply-adds in registers, nothing else: 24 chains (AVX-512: 32 registers) or 12 (16 registers)
# cover the 4 cycles x 2 units that an FMA takes, with registers left for the two constants. The chains are
# spelled out because a compiler that leaves the loop over them rolled keeps them in memory.
_SOURCE = """
#define FOUR(DO, i) DO(i) DO(i + 1) DO(i + 2) DO(i + 3)
#define TWELVE(DO, i) FOUR(DO, i) FOUR(DO, i + 4) FOUR(DO, i + 8)
#if defined(__AVX512F__)
enum { BYTES = 64, CHAINS = 24 };
#define ALL(DO) TWELVE(DO, 0) TWELVE(DO, 12)
#else
#if defined(__AVX__)
enum { BYTES = 32, CHAINS = 12 };
#else
enum { BYTES = 16, CHAINS = 12 };
#endif
#define ALL(DO) TWELVE(DO, 0)
#endif
#define START(i) acc[i] = b * (i);
#define STEP(i) acc[i] = acc[i] * a + b;
#define ADD(i) sum += acc[i];
#define LOOP(REAL)                                                                  \\
    typedef REAL REAL##_vector __attribute__((vector_size(BYTES)));                 \\
    REAL REAL##_loop(long n, REAL factor, REAL term) {                              \\
        REAL##_vector acc[CHAINS], sum = {0}, a = sum + factor, b = sum + term;     \\
        ALL(START)                                                                  \\
        for (long j = 0; j < n; j++) { ALL(STEP) }                                  \\
        ALL(ADD)                                                                    \\
        return sum[0];                                                              \\
    }                                                                               \\
    long REAL##_flop(void) { return 2L * CHAINS * (BYTES / (long) sizeof(REAL)); }
LOOP(float)
LOOP(double)
"""


def _compile(folder, isa):
    """The loop above as a loaded library, built for this CPU or for `isa`; None without a compiler that can."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    source, library = Path(folder, "peak.c"), Path(folder, "peak.so")
    source.write_text(_SOURCE)
    native = (["-march=native", "-mprefer-vector-width=512"], ["-march=native"], ["-mcpu=native"], [])
    for flags in (["-march=x86-64-v3"],) if isa else native:
        command = [compiler, "-O3", "-ffp-contract=fast", *flags, "-shared", "-fPIC", "-o", library, source]
        if compiler and subprocess.run(command, capture_output=True).returncode == 0:
            return ctypes.CDLL(str(library))
    return None


def _together(work, threads):
    """Seconds that `threads` calls of `work(index)` take side by side, thread start not counted."""
    times = []
    barrier = threading.Barrier(threads, action=lambda: times.append(time.perf_counter()))

    def one(index):
        barrier.wait()
        work(index)
        barrier.wait()

    workers = [threading.Thread(target=one, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return times[1] - times[0]


def fma_peak(threads, isa=None, rounds=15):
    """{"float32": GFLOP/s, "float64": GFLOP/s, "how": what was measured} on `threads` threads, `isa` None or "avx2"."""
    with tempfile.TemporaryDirectory() as folder:
        library = _compile(folder, isa)
        if library is None:
            return _matmul_peak(rounds)
        peak = {"how": "compiled loop of independent multiply-adds"}
        for dtype, real in (("float32", ctypes.c_float), ("float64", ctypes.c_double)):
            prefix = real.__name__.removeprefix("c_")
            loop, flop = library[f"{prefix}_loop"], library[f"{prefix}_flop"]()
            loop.argtypes, loop.restype = (ctypes.c_long, real, real), real
            n = 100_000
            while (seconds := _loop_seconds(loop, n, threads)) < 0.03:
                n *= 2
            seconds = min(seconds, *(_loop_seconds(loop, n, threads) for _ in range(rounds)))
            peak[dtype] = n * flop * threads / seconds / 1e9
        return peak


def _loop_seconds(loop, n, threads):
    return _together(lambda _: loop(n, 0.5, 1.0), threads)


def _matmul_peak(rounds):
    """Without a compiler: a large product by NumPy's BLAS, which stays somewhat under the peak."""
    peak, n = {"how": "NumPy matmul (no C compiler found)"}, 1536
    for dtype in ("float32", "float64"):
        a = np.ones((n, n), dtype)
        best = np.inf
        for _ in range(rounds + 1):
            start = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - start)
        peak[dtype] = 2 * n**3 / best / 1e9
    return peak


def copy_bandwidth(threads, rounds=8):
    """GB/s of copying arrays that no cache holds; bytes read and bytes written both count."""
    try:
        level3 = Path("/sys/devices/system/cpu/cpu0/cache/index3/size").read_text().strip()
        level3 = int(level3.rstrip("K")) << 10
    except (OSError, ValueError):
        level3 = 64 << 20
    size = min(max(4 * level3, 128 << 20), 512 << 20) // 8 // threads * threads
    source, target = np.ones(size), np.zeros(size)
    parts = list(zip(np.split(source, threads), np.split(target, threads), strict=True))

    def work(index):
        np.copyto(parts[index][1], parts[index][0])

    best = min(_together(work, threads) for _ in range(rounds + 1))
    return 2 * source.nbytes / best / 1e9


def cpu_name():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
