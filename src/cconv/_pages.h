/* Large blocks of memory from the operating system, which may have an unused one's contents back while it is kept. */
#ifndef CCONV_PAGES_H
#define CCONV_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#endif

#if defined(_WIN32)
#include <malloc.h>
static void *cconv_take_aligned(size_t size, size_t alignment) { return _aligned_malloc(size, alignment); }
static void cconv_give_aligned(void *memory) { _aligned_free(memory); }
#else
static void *cconv_take_aligned(size_t size, size_t alignment)
{
    void *memory;
    return posix_memalign(&memory, alignment, size) ? NULL : memory;
}
static void cconv_give_aligned(void *memory) { free(memory); }
#endif

#ifdef MADV_FREE
#define CCONV_LENDS 1
#define CCONV_HUGE_PAGE ((size_t)2 << 20)
#define CCONV_HEAD ((size_t)64 << 10)       /* before a block, for what describes it: no page is larger */

/* `size` bytes, a multiple of CCONV_HEAD, that begin with a huge page and have CCONV_HEAD bytes before them. */
static void *cconv_take_pages(size_t size)
{
    size_t slack = CCONV_HEAD + CCONV_HUGE_PAGE;
    if (size > SIZE_MAX - slack)
        return NULL;
    char *begin = (char *)mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == (char *)MAP_FAILED)
        return NULL;
    char *block = (char *)(((uintptr_t)begin + slack) / CCONV_HUGE_PAGE * CCONV_HUGE_PAGE);
    if (block - CCONV_HEAD > begin)
        munmap(begin, (size_t)(block - CCONV_HEAD - begin));
    if (begin + size + slack > block + size)
        munmap(block + size, (size_t)(begin + slack - block));
#ifdef MADV_HUGEPAGE
    madvise(block, size, MADV_HUGEPAGE);
#endif
    return block;
}

static void cconv_give_pages(void *block, size_t size)
{
    munmap((char *)block - CCONV_HEAD, size + CCONV_HEAD);
}

/* Until it is written to again, the system may take the memory for something else. 0: it may not. */
static int cconv_lend_pages(void *block, size_t size)
{
    return madvise(block, size, MADV_FREE) == 0;
}
#else
#define CCONV_LENDS 0
#define CCONV_HEAD ((size_t)64)
static void *cconv_take_pages(size_t size) { (void)size; return NULL; }
static void cconv_give_pages(void *block, size_t size) { (void)block; (void)size; }
static int cconv_lend_pages(void *block, size_t size) { (void)block; (void)size; return 0; }
#endif

#endif
