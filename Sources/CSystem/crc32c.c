// CRC-32C three ways: slicing-by-8 tables everywhere, the SSE4.2 instruction on x86-64 in three
// interleaved streams (the instruction takes three cycles and one can start in each), and the
// ARMv8 instruction on arm64.
//
// The streams are joined by "advancing" a CRC over a run of zero bytes, which is a linear map of
// its 32 bits and so four table lookups. See "Fast CRC Computation for iSCSI Polynomial Using
// CRC32 Instruction" (Gopal et al., Intel, 2011).

#include "CSystem.h"
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#endif

#define POLYNOMIAL 0x82F63B78u
enum { LONG_BLOCK = 2048, SHORT_BLOCK = 256 };

static uint32_t slicing[8][256];
static uint32_t advance_long[4][256];
static uint32_t advance_short[4][256];
static int hardware;

static uint32_t advance_zeros(uint32_t crc, size_t zeros) {
    while (zeros--) crc = slicing[0][crc & 0xFF] ^ (crc >> 8);
    return crc;
}

static void fill_advance(uint32_t table[4][256], size_t zeros) {
    // The map is linear: the images of the 32 single bits give every other image by XOR.
    uint32_t images[32];
    for (int bit = 0; bit < 32; bit++) images[bit] = advance_zeros(1u << bit, zeros);
    for (int byte = 0; byte < 4; byte++)
        for (int value = 0; value < 256; value++) {
            uint32_t image = 0;
            for (int bit = 0; bit < 8; bit++)
                if (value >> bit & 1) image ^= images[byte * 8 + bit];
            table[byte][value] = image;
        }
}

static int detect_hardware(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") ? 1 : 0;
#elif defined(__aarch64__) && defined(__APPLE__)
    return 1;
#elif defined(__aarch64__) && defined(__linux__)
    return (getauxval(AT_HWCAP) >> 7) & 1;  // HWCAP_CRC32
#else
    return 0;
#endif
}

__attribute__((constructor)) static void fill_tables(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        slicing[0][value] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (int value = 0; value < 256; value++) {
            uint32_t previous = slicing[slice - 1][value];
            slicing[slice][value] = slicing[0][previous & 0xFF] ^ (previous >> 8);
        }
    fill_advance(advance_long, LONG_BLOCK);
    fill_advance(advance_short, SHORT_BLOCK);
    hardware = detect_hardware();
}

int csystem_crc32c_is_hardware(void) { return hardware; }

uint32_t csystem_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; length >= 8; next += 8, length -= 8) {
        uint32_t low = crc ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                              (uint32_t)next[3] << 24);
        crc = slicing[7][low & 0xFF] ^ slicing[6][low >> 8 & 0xFF] ^ slicing[5][low >> 16 & 0xFF] ^
              slicing[4][low >> 24] ^ slicing[3][next[4]] ^ slicing[2][next[5]] ^ slicing[1][next[6]] ^
              slicing[0][next[7]];
    }
    while (length--) crc = slicing[0][(crc ^ *next++) & 0xFF] ^ crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)

static inline uint64_t load64(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint32_t advance(uint32_t table[4][256], uint32_t crc) {
    return table[0][crc & 0xFF] ^ table[1][crc >> 8 & 0xFF] ^ table[2][crc >> 16 & 0xFF] ^ table[3][crc >> 24];
}

// Three streams of `block` bytes each, then joined.
#define THREE_STREAMS(block, table)                                                       \
    while (length >= 3 * (block)) {                                                       \
        uint64_t a = crc, b = 0, c = 0;                                                   \
        for (size_t at = 0; at < (block); at += 8) {                                      \
            a = _mm_crc32_u64(a, load64(next + at));                                      \
            b = _mm_crc32_u64(b, load64(next + (block) + at));                            \
            c = _mm_crc32_u64(c, load64(next + 2 * (block) + at));                        \
        }                                                                                 \
        crc = advance(table, advance(table, (uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;    \
        next += 3 * (block);                                                              \
        length -= 3 * (block);                                                            \
    }

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const uint8_t *next, size_t length) {
    crc = ~crc;
    THREE_STREAMS((size_t)LONG_BLOCK, advance_long)
    THREE_STREAMS((size_t)SHORT_BLOCK, advance_short)
    uint64_t wide = crc;
    for (; length >= 8; next += 8, length -= 8) wide = _mm_crc32_u64(wide, load64(next));
    crc = (uint32_t)wide;
    while (length--) crc = _mm_crc32_u8(crc, *next++);
    return ~crc;
}

#elif defined(__aarch64__)

__attribute__((target("crc"))) static uint32_t crc32c_instruction(uint32_t crc, const uint8_t *next, size_t length) {
    crc = ~crc;
    for (; length >= 8; next += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, next, sizeof word);
        crc = __crc32cd(crc, word);
    }
    while (length--) crc = __crc32cb(crc, *next++);
    return ~crc;
}

#else
#define crc32c_instruction csystem_crc32c_portable
#endif

uint32_t csystem_crc32c(uint32_t crc, const void *bytes, size_t length) {
    return hardware ? crc32c_instruction(crc, bytes, length) : csystem_crc32c_portable(crc, bytes, length);
}
