// AES-128 (FIPS 197) in counter mode over a buffer. Four tables combine SubBytes and MixColumns.

#include "kernel.h"

static uint8_t box[256];
static uint32_t table[4][256];

static uint8_t times_two(uint8_t x) {
    return (uint8_t)(x << 1 ^ (x >> 7) * 0x1b);
}

// Computes the S-box from its definition: the inverse in the field of 256 elements, then an affine map. `p` iterates
// over the powers of 3, and `q` over those of its inverse.
static void prepare(void) {
    uint8_t p = 1, q = 1;
    do {
        p = p ^ times_two(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if (q & 0x80)
            q ^= 0x09;
        uint8_t x = q ^ (uint8_t)(q << 1 | q >> 7) ^ (uint8_t)(q << 2 | q >> 6) ^ (uint8_t)(q << 3 | q >> 5) ^
                    (uint8_t)(q << 4 | q >> 4);
        box[p] = x ^ 0x63;
    } while (p != 1);
    box[0] = 0x63;
    for (int i = 0; i < 256; i++) {
        uint32_t s = box[i], two = times_two(box[i]);
        uint32_t word = two << 24 | s << 16 | s << 8 | (two ^ s);
        for (int k = 0; k < 4; k++) {
            table[k][i] = word;
            word = word >> 8 | word << 24;
        }
    }
}

static uint32_t substitute(uint32_t word) {
    return (uint32_t)box[word >> 24] << 24 | box[word >> 16 & 255] << 16 | box[word >> 8 & 255] << 8 | box[word & 255];
}

static void expand(const uint32_t key[4], uint32_t keys[44]) {
    uint8_t round = 1;
    memcpy(keys, key, 16);
    for (int i = 4; i < 44; i++) {
        uint32_t word = keys[i - 1];
        if (i % 4 == 0) {
            word = substitute(word << 8 | word >> 24) ^ (uint32_t)round << 24;
            round = times_two(round);
        }
        keys[i] = keys[i - 4] ^ word;
    }
}

static void encrypt(const uint32_t keys[44], uint32_t data[4]) {
    uint32_t s[4], t[4];
    for (int i = 0; i < 4; i++)
        s[i] = data[i] ^ keys[i];
    for (int round = 1; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            t[i] = table[0][s[i] >> 24] ^ table[1][s[(i + 1) & 3] >> 16 & 255] ^ table[2][s[(i + 2) & 3] >> 8 & 255] ^
                   table[3][s[(i + 3) & 3] & 255] ^ keys[4 * round + i];
        memcpy(s, t, sizeof s);
    }
    for (int i = 0; i < 4; i++)
        data[i] = keys[40 + i] ^ substitute((s[i] & 0xff000000) | (s[(i + 1) & 3] & 0xff0000) |
                                            (s[(i + 2) & 3] & 0xff00) | (s[(i + 3) & 3] & 0xff));
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 150);
    size_t words = 25000;
    uint32_t *buffer = kernel_memory(words, sizeof *buffer), keys[44];
    prepare();
    uint32_t example[4] = {0x00112233, 0x44556677, 0x8899aabb, 0xccddeeff};
    expand((const uint32_t[4]){0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f}, keys);
    encrypt(keys, example);
    kernel_expect(example[0] == 0x69c4e0d8 && example[3] == 0x70b4c55a, "AES-128 of FIPS 197, C.1");
    uint32_t counter = 0;
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < words; i += 4) {
            uint32_t stream[4] = {0x01234567, 0x89abcdef, 0, counter++};
            encrypt(keys, stream);
            for (int k = 0; k < 4; k++)
                buffer[i + k] ^= stream[k];
        }
    Check check = {0};
    for (size_t i = 0; i < words; i++)
        check_word(&check, buffer[i]);
    return check_print(&check);
}
