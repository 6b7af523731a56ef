/* What the core asks of compiler, CPU and operating system. */
#ifndef CCONV_PLATFORM_H
#define CCONV_PLATFORM_H

#ifdef _OPENMP
#include <omp.h>
#define CCONV_HAS_OPENMP 1
#else
#define CCONV_HAS_OPENMP 0
static int omp_get_max_threads(void) { return 1; }
static int omp_get_num_procs(void) { return 1; }
#endif

#if defined(_M_X64)
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

/* The level that this CPU has *and* the operating system saves the registers of. */
static int cconv_cpu_level(void)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();               /* checks XGETBV too */
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi")
          && __builtin_cpu_supports("bmi2")))
        return 0;
    unsigned int a, b, c, d;            /* the rest of x86-64-v3, which a hypervisor may hide */
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & 0x20400000) != 0x20400000)          /* MOVBE, F16C */
        return 0;
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(c & 0x20))                    /* LZCNT */
        return 0;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")
          && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
        return 1;
    return 2;
#elif defined(_M_X64)
    int r[4];
    __cpuidex(r, 0, 0);
    if (r[0] < 7)
        return 0;
    __cpuidex(r, 1, 0);
    if ((r[2] & 0x18001000) != 0x18001000)      /* FMA, OSXSAVE, AVX */
        return 0;
    unsigned long long saved = _xgetbv(0);
    __cpuidex(r, 7, 0);
    if ((saved & 6) != 6 || (r[1] & 0x128) != 0x128)        /* BMI1, AVX2, BMI2 */
        return 0;
    if ((saved & 0xe6) != 0xe6 || (r[1] & 0xd0030000u) != 0xd0030000u)      /* F, DQ, CD, BW, VL */
        return 1;
    return 2;
#else
    return 0;
#endif
}
/* Let go of this thread's OpenMP workers. GNU's runtime keeps a pool per thread, which a forked child inherits
 * without its threads and waits for, for ever; released before the fork, parent and child each start a new one.
 * Other runtimes mend themselves after a fork, and some hang if paused. 0: done, or not needed. */
#if CCONV_HAS_OPENMP && defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
static int cconv_release_workers(void)
{
    int (*pause)(int);
    int failed = 0;
    void *runtime;
    Dl_info where;
    /* which runtime is in use shows only at run time: distributions exchange one for another */
    if (!dladdr((void *)omp_get_max_threads, &where) || !(runtime = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD)))
        return -1;
    if (!dlsym(runtime, "kmp_get_blocktime")) {             /* GNU's */
        pause = (int (*)(int))dlsym(runtime, "omp_pause_resource_all");
        failed = !pause || pause(2) != 0;                   /* 2: omp_pause_hard */
    }
    dlclose(runtime);
    return failed;
}
#else
static int cconv_release_workers(void) { return 0; }
#endif
/* Counters shared by threads. */
#if defined(_MSC_VER) && !defined(__clang__)
#include <windows.h>
static int cconv_load(const int *counter) { return *(const volatile int *)counter; }
static void cconv_store(int *counter, int value) { InterlockedExchange((volatile LONG *)counter, value); }
static void cconv_add(int *counter, int value) { InterlockedExchangeAdd((volatile LONG *)counter, value); }
#else
static int cconv_load(const int *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }
static void cconv_store(int *counter, int value) { __atomic_store_n(counter, value, __ATOMIC_RELAXED); }
static void cconv_add(int *counter, int value) { __atomic_fetch_add(counter, value, __ATOMIC_RELAXED); }
#endif

/* A clock that never goes back. */
#ifdef _WIN32
#include <windows.h>
static long long cconv_nanoseconds(void)
{
    LARGE_INTEGER ticks, rate;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&rate);
    return (long long)((double)ticks.QuadPart * 1e9 / (double)rate.QuadPart);
}
#else
#include <time.h>
static long long cconv_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}
#endif

/* Whether kernels are written with vectors (_kernels/simd.h), or fall back to scalars. */
#if defined(__GNUC__) && !defined(CCONV_SCALAR)
#define CCONV_HAS_VECTORS 1
#else
#define CCONV_HAS_VECTORS 0
#endif
#define CCONV_STRING_OF(number) #number
#define CCONV_STRING(number) CCONV_STRING_OF(number)
#ifdef __VERSION__
#define CCONV_COMPILER __VERSION__
#elif defined(_MSC_VER)
#define CCONV_COMPILER "MSVC " CCONV_STRING(_MSC_VER)
#else
#define CCONV_COMPILER "unknown"
#endif

#endif
