// The common code of the kernels: size from the command line, pseudo-random input, and the checksum that they print.
// All engines and native code print the same checksum: integers have fixed widths, floating-point code calls only the
// square root, and operations keep their order (compile without contraction and without fast math).

#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Returns the first argument, by default `usual`. Exits with status 2 if it is not positive.
static inline int kernel_size(int argc, char **argv, int usual) {
    int size = argc > 1 ? atoi(argv[1]) : usual;
    if (size < 1) {
        fputs("the size is a positive number\n", stderr);
        exit(2);
    }
    return size;
}

// Allocates zeroed memory. Exits with status 3 if it cannot.
static inline void *kernel_memory(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

// A pseudo-random number generator: xorshift with a final multiplication.
typedef struct {
    uint64_t state;
} Random;

static inline uint32_t random_next(Random *random) {
    uint64_t x = random->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dull) >> 32);
}

// Returns a number that is less than `below`.
static inline uint32_t random_below(Random *random, uint32_t below) {
    return (uint32_t)(((uint64_t)random_next(random) * below) >> 32);
}

// Returns a number from 0 to 1 exclusive, with 32 bits of precision.
static inline double random_unit(Random *random) {
    return random_next(random) * (1.0 / 4294967296.0);
}

// A checksum that depends on all words and their order.
typedef struct {
    uint64_t sum;
} Check;

static inline void check_word(Check *check, uint64_t word) {
    uint64_t x = (check->sum ^ word) * 0x9e3779b97f4a7c15ull;
    check->sum = x ^ (x >> 29);
}

static inline void check_double(Check *check, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    check_word(check, bits);
}

static inline void check_doubles(Check *check, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        check_double(check, values[i]);
}

static inline void check_bytes(Check *check, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word = word << 8 | at[i];
        if (i % 8 == 7) {
            check_word(check, word);
            word = 0;
        }
    }
    check_word(check, word);
    check_word(check, count);
}

// Prints the checksum as 16 hexadecimal digits; the program's exit status.
static inline int check_print(const Check *check) {
    char line[17];
    for (int i = 0; i < 16; i++)
        line[i] = "0123456789abcdef"[check->sum >> (60 - 4 * i) & 15];
    line[16] = '\0';
    return puts(line) < 0;
}

// Ends the program when a published test vector is missed: then the kernel itself is wrong.
static inline void kernel_expect(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s: not the published result\n", what);
        exit(4);
    }
}

#endif
