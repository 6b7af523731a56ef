"""Build: one extension per (operator, real type, SIMD level), and the core that picks among them.

Everything that is not about compiling stands in pyproject.toml. Environment:
    CCONV_BUILD_JOBS    compilers that run at a time (default: the CPUs that this process may use)
    CCONV_BUILD_LEVELS  comma-separated levels to build (default: all that the machine's architecture has)
    CCONV_OPENMP=0      build without threads
"""
import os
import platform
import sys
import sysconfig

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = "src/cconv"
DIRECTIVES = {"language_level": 3, "freethreading_compatible": True, "autotestdict": False}
KERNEL_DIRECTIVES = DIRECTIVES | {"boundscheck": False, "wraparound": False, "cdivision": True}

# What -march a level needs. "generic" takes none: whatever the compiler's baseline is (SSE2, NEON).
LEVELS = {"generic": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    if sys.platform == "win32":
        LEVELS |= {"x86-64-v3": ["/arch:AVX2"], "x86-64-v4": ["/arch:AVX512"]}
    else:
        # GCC tunes v4 for 256-bit vectors unless it is told
        LEVELS |= {"x86-64-v3": ["-march=x86-64-v3"], "x86-64-v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
if os.environ.get("CCONV_BUILD_LEVELS"):
    wanted = os.environ["CCONV_BUILD_LEVELS"].split(",")
    LEVELS = {level: LEVELS[level] for level in wanted}

REALS = {"f32": 32, "f64": 64, "i32": 132, "i64": 164}
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
JOBS = int(os.environ.get("CCONV_BUILD_JOBS") or CPUS)

if sys.platform == "win32":
    COMPILE, LINK = ["/O2", "/fp:precise"], []
    OPENMP_COMPILE, OPENMP_LINK = ["/openmp"], []
else:
    # -g0: setuptools passes Python's own -g, which makes modules 10 times as large.
    COMPILE, LINK = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"], ["-Wl,-s"]
    OPENMP_COMPILE, OPENMP_LINK = ["-fopenmp"], ["-fopenmp"]
    if sys.platform == "darwin":
        LINK = []
        OPENMP_COMPILE, OPENMP_LINK = [], []        # two OpenMP runtimes in one process abort there
if os.environ.get("CCONV_OPENMP") == "0":
    OPENMP_COMPILE, OPENMP_LINK = [], []

# The micro-kernels: predictive commoning keeps values across iterations and so spills every accumulator (half the
# speed); loop distribution turns setting them to zero into memset, and so does it; the peeling limits let GCC unroll a
# whole register tile; contraction is the FMA.
GCC_KERNEL = ["-ffp-contract=fast", "-fno-predictive-commoning", "-fno-tree-loop-distribute-patterns",
              "--param=max-completely-peel-times=64", "--param=max-completely-peeled-insns=20000"]


def is_gcc():
    if sys.platform in ("win32", "darwin"):
        return False
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return "clang" not in os.path.basename(compiler.split()[0])


def extensions():
    """All extensions, translated.

    Flags that are given before cythonize leak between extensions that share a source, and so does the C file unless
    each has a build directory of its own: so cythonize one at a time, then set the flags on what it returns.
    """
    kernel_flags = COMPILE + OPENMP_COMPILE + (GCC_KERNEL if is_gcc() else
                                               [] if sys.platform == "win32" else ["-ffp-contract=fast"])
    jobs = [("cconv._core", f"{PACKAGE}/_core.pyx",
             [("CCONV_LEVELS", '"' + ",".join(LEVELS) + '"'), ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
             COMPILE + OPENMP_COMPILE)]
    for level, march in LEVELS.items():
        for real, code in REALS.items():
            for operator in ("conv", "pool"):
                name = f"cconv._kernels.{operator}_{real}_{level.replace('-', '_')}"
                macros = [("CCONV_REAL", str(code))] + ([("CCONV_SIGNED", "1")] if operator == "pool" else [])
                jobs.append((name, f"{PACKAGE}/_kernels/{operator}.pyx", macros, kernel_flags + march))

    def translate(job):
        name, source, macros, flags = job
        [extension] = cythonize([Extension(name, [source])], build_dir=f"build/cython/{name}", include_path=["src"],
                                compiler_directives=DIRECTIVES if name == "cconv._core" else KERNEL_DIRECTIVES,
                                quiet=True)
        extension.define_macros = macros
        extension.extra_compile_args = flags
        extension.extra_link_args = LINK + OPENMP_LINK
        extension.include_dirs = [PACKAGE, f"{PACKAGE}/_kernels", numpy.get_include()]
        extension.depends = [f"{PACKAGE}/_kernels/simd.h", f"{PACKAGE}/_platform.h"]
        return extension

    return [translate(job) for job in jobs]


class ParallelBuild(build_ext):
    """build_ext with a compiler per CPU: one after the other takes twice as long on two cores."""

    def initialize_options(self):
        super().initialize_options()
        self.parallel = JOBS


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": ParallelBuild})
