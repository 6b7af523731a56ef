"""Build: one extension per (operator, real type, SIMD level), and the core that picks among them.

Everything that is not about compiling stands in pyproject.toml. Environment:
    CCONV_BUILD_JOBS    compilers that run at a time (default: the CPUs that this process may use)
    CCONV_BUILD_LEVELS  comma-separated levels to build (default: all that the machine's architecture has)
    CCONV_OPENMP=0      build without threads
    CCONV_SCALAR=1      build without vector extensions, as for a compiler that has none (MSVC): slow, for tests
    CCONV_SANITIZE=1    build with AddressSanitizer and UndefinedBehaviorSanitizer (see .ci/sanitize)
"""
import os
import platform
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from glob import glob

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = "src/cconv"
# Nothing compiled is pickled: plans and layers are Python, and say how; the code for it was 15 KB of the wheel.
DIRECTIVES = {"language_level": "3", "freethreading_compatible": True, "autotestdict": False, "auto_pickle": False}
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
NARROW_REALS = {"u8": 108, "u16": 116}          # maxima and minima only
FLOATING_REALS = {real: code for real, code in REALS.items() if code < 100}
OPERATORS = {"conv": REALS, "pool": REALS | NARROW_REALS, "pool_grad": REALS, "tiles": FLOATING_REALS,
             "weight_grad": FLOATING_REALS, "activations": FLOATING_REALS, "ordered": {"f64": 64}}
SCALAR = [("CCONV_SCALAR", "1")] if os.environ.get("CCONV_SCALAR") == "1" else []
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
JOBS = int(os.environ.get("CCONV_BUILD_JOBS") or CPUS)

if sys.platform == "win32":
    COMPILE, LINK = ["/O2", "/fp:precise"], []
    OPENMP_COMPILE, OPENMP_LINK = ["/openmp"], []
else:
    # -g0: setuptools passes Python's own -g, which makes modules 10 times as large.
    # Nothing unwinds through C: without the tables, 2 % less to download; calls without a table of jumps, 0.8 % less.
    COMPILE = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden",
               "-fno-asynchronous-unwind-tables", "-fno-plt"]
    LINK = ["-Wl,-s", "-Wl,--build-id=none"]
    OPENMP_COMPILE, OPENMP_LINK = ["-fopenmp"], ["-fopenmp"]
    if sys.platform == "darwin":
        LINK = []
        # a Python for two architectures would have both compiled at once, and a level's -march belongs to one
        os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")
        OPENMP_COMPILE, OPENMP_LINK = [], []        # two OpenMP runtimes in one process abort there
if os.environ.get("CCONV_OPENMP") == "0":
    OPENMP_COMPILE, OPENMP_LINK = [], []
if os.environ.get("CCONV_SANITIZE") == "1":
    # Python's own flags contain -fwrapv, which switches the search for signed overflow off without a word
    LINK = ["-fsanitize=address,undefined"]
    # what vmath.h computes needs the FMAs of the level, which -O1 alone does not make
    COMPILE += ["-O1", "-fexpensive-optimizations", "-g1", "-fno-omit-frame-pointer", "-fno-wrapv",
                "-fno-sanitize-recover=undefined", *LINK]

# The micro-kernels: predictive commoning keeps values across iterations and so spills every accumulator (half the
# speed); loop distribution turns setting them to zero into memset, and so does it; the peeling limits let GCC unroll a
# whole register tile (with -O2 it does not: a third of the speed); contraction is the FMA. Loops are vectors already
# where that counts: GCC makes vectors only of loops that then have no ends (with all it can, the modules are a third
# larger, the build takes twice as long, and no call is faster). The others are about size alone: fewer copies of
# functions, loops and paths make the modules a sixth smaller. A module grows by 15 % for functions copied to where they
# are called: with 10, a depthwise 14x14 took 1.33 times as long, and unlimited, the module of convolutions is half as
# large again.
GCC_KERNEL = ["-ffp-contract=fast", "-fno-predictive-commoning", "-fno-tree-loop-distribute-patterns",
              "--param=max-completely-peel-times=64", "--param=max-completely-peeled-insns=20000",
              "-fno-ipa-cp-clone", "-fno-unswitch-loops", "-fno-split-loops", "-fno-split-paths",
              "-fno-gcse-after-reload", "-fvect-cost-model=very-cheap", "--param=inline-unit-growth=15"]
# Gradients of pools are many short loops, of which GCC is to make what it can: 1.2 to 8 times as fast.
GCC_VECTORS = ["-fvect-cost-model=dynamic", "--param=vect-epilogues-nomask=0"]
# A level that only CPUs of before 2013 take, or cheap ones of before 2021, has to cost the others little: 0.4 MB of the
# wheel instead of 0.9 with -O2. Layers and filters of floats take twice as long for it, depthwise ones 4 to 6 times;
# what has no vectors then, 4 to 20 times.
GCC_SMALL = ["-Os"]
SMALL_VECTORS = {(operator, real) for operator in ("conv", "weight_grad") for real in FLOATING_REALS}
# What a level leaves to the one below, which is as fast: 80 gradients of pools took 1.02 times as long at v4 as at v3.
LEFT_TO = {("pool_grad", "x86-64-v4"): "x86-64-v3"}
LEFT_TO = {own: below for own, below in LEFT_TO.items() if below in LEVELS}
# `ordered`: the same products and sums as SciPy's, each rounded.
UNCONTRACTED = [] if sys.platform == "win32" else ["-ffp-contract=off"]

# Python's own flags have -fwrapv: sums of integers wrap. That counters do was 2.5 % of the code.
UNWRAPPED = [] if sys.platform == "win32" else ["-fno-wrapv"]


def is_gcc():
    if sys.platform in ("win32", "darwin"):
        return False
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    return "clang" not in subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout


def extensions():
    """One Extension per module, as .pyx; `directives` says how Cython is to translate it."""
    kernel_flags = COMPILE + OPENMP_COMPILE
    if is_gcc():
        kernel_flags += GCC_KERNEL
    elif sys.platform != "win32":
        kernel_flags += ["-ffp-contract=fast"]

    def extension(name, source, macros, flags, directives):
        made = Extension(name, [source], define_macros=macros, extra_compile_args=flags,
                         extra_link_args=LINK + OPENMP_LINK, depends=glob(f"{PACKAGE}/**/*.h", recursive=True),
                         include_dirs=[PACKAGE, f"{PACKAGE}/_kernels", numpy.get_include()])
        made.directives = directives
        return made

    core_macros = [*SCALAR, ("CCONV_LEVELS", '"' + ",".join(LEVELS) + '"'),
                   ("CCONV_LEFT_TO", '"' + ",".join("/".join((*own, below)) for own, below in LEFT_TO.items()) + '"'),
                   ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]

    def core(name, directives=DIRECTIVES):
        # What handles arguments is no slower with -O2, and half as large as with -O3; with -Os a quarter smaller yet,
        # but the shortest calls, which end in _core, took 1.07 times as long.
        flags = COMPILE + OPENMP_COMPILE
        if sys.platform != "win32":
            flags += ["-O2" if name == "_core" else "-Os"]
        return extension(f"cconv.{name}", f"{PACKAGE}/{name}.pyx", core_macros, flags, directives)

    made = [core(name) for name in ("_core", "_activations", "_limits", "_memory", "_ordered",
                                    "_pool_gradient", "_pooling", "_weight_gradient")]
    # the C API's functions have no GIL to raise a ZeroDivisionError with
    made.append(core("capi", DIRECTIVES | {"cdivision": True}))
    beside_others = len(LEVELS) > 1 and is_gcc()
    for level, march in LEVELS.items():
        small = level == "generic" and beside_others
        for operator, reals in OPERATORS.items():
            if (operator, level) in LEFT_TO:
                continue
            for real, code in reals.items():
                name = f"cconv._kernels.{operator}_{real}_{level.replace('-', '_')}"
                # a table of functions has no state to make in phases: 0.7 KB less of each of 49 modules
                macros = [("CCONV_REAL", str(code)), ("CYTHON_PEP489_MULTI_PHASE_INIT", "0")]
                macros += [("CCONV_SIGNED", "1")] if operator.startswith("pool") else []
                macros += SCALAR or ([("CCONV_SCALAR", "1")] if small and (operator, real) not in SMALL_VECTORS else [])
                flags = kernel_flags + march + (GCC_SMALL if small else [])
                flags += UNWRAPPED if real in FLOATING_REALS else []
                flags += GCC_VECTORS if operator == "pool_grad" and is_gcc() else []
                flags += UNCONTRACTED if operator == "ordered" else []
                made.append(extension(name, f"{PACKAGE}/_kernels/{operator}.pyx", macros, flags, KERNEL_DIRECTIVES))
    return made


class ParallelBuild(build_ext):
    """build_ext that translates and compiles a module per CPU at a time.

    Cython runs as a command for each module: cythonize() writes every module of one .pyx to the same C file, and flags
    leak between extensions that share a source.
    """

    def initialize_options(self):
        super().initialize_options()
        self.parallel = JOBS

    def build_extensions(self):
        with ThreadPoolExecutor(JOBS) as pool:
            for extension, source in zip(self.extensions, pool.map(translate, self.extensions), strict=True):
                extension.sources = [source]
        super().build_extensions()


def translate(extension):
    """Path of the extension's C file, made anew if a Cython source is younger."""
    target = f"build/cython/{extension.name}.c"
    youngest = max(map(os.path.getmtime, [*glob(f"{PACKAGE}/**/*.p[yx][xd]", recursive=True), "setup.py"]))
    if os.path.exists(target) and os.path.getmtime(target) > youngest:
        return target
    os.makedirs("build/cython", exist_ok=True)
    options = [word for item in extension.directives.items() for word in ("-X", "{}={}".format(*item))]
    subprocess.run([sys.executable, "-m", "cython", *options, "-I", "src", "--module-name", extension.name,
                    extension.sources[0], "-o", target + ".part"], check=True)
    os.replace(target + ".part", target)
    return target


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": ParallelBuild})
