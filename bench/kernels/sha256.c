// SHA-256 (FIPS 180-4) of a few megabytes: each round hashes a buffer that contains the previous digest.

#include "kernel.h"

// The fractional parts of the cube roots of the first 64 primes are computed, not listed: `fraction` finds the 32 bits
// after the point by bisection on integers.
static uint32_t constants[64];

static uint32_t fraction(uint64_t prime, int root) {
    // The largest x with x^root <= prime * 2^(32 root), in 128 bits.
    uint64_t low = 0, high = (uint64_t)1 << 36;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        unsigned __int128 square = (unsigned __int128)middle * middle;
        int fits;
        if (root == 2)
            fits = square <= (unsigned __int128)prime << 64;
        else // The cube needs 108 bits, its bound 105.
            fits = square * middle <= (unsigned __int128)prime << 96;
        if (fits)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static uint32_t start[8];

static void prepare(void) {
    int found = 0;
    for (uint32_t n = 2; found < 64; n++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= n; d++)
            prime &= n % d != 0;
        if (!prime)
            continue;
        constants[found] = fraction(n, 3);
        if (found < 8)
            start[found] = fraction(n, 2);
        found++;
    }
}

static uint32_t rotate(uint32_t x, int by) {
    return x >> by | x << (32 - by);
}

static void block(uint32_t state[8], const uint8_t *bytes) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)bytes[4 * i] << 24 | bytes[4 * i + 1] << 16 | bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + w[i - 7] + (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + one;
        d = c, c = b, b = a, a = one + two;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256(const uint8_t *bytes, size_t length, uint8_t digest[32]) {
    uint32_t state[8];
    memcpy(state, start, sizeof state);
    size_t whole = length / 64 * 64, rest = length - whole;
    for (size_t i = 0; i < whole; i += 64)
        block(state, bytes + i);
    uint8_t last[128] = {0};
    memcpy(last, bytes + whole, rest);
    last[rest] = 0x80;
    size_t end = rest < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++)
        last[end - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    for (size_t i = 0; i < end; i += 64)
        block(state, last + i);
    for (int i = 0; i < 32; i++)
        digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 170);
    size_t length = 100000;
    uint8_t *buffer = kernel_memory(length, 1), digest[32];
    prepare();
    sha256((const uint8_t *)"abc", 3, digest);
    kernel_expect(digest[0] == 0xba && digest[1] == 0x78 && digest[30] == 0x15 && digest[31] == 0xad, "SHA-256 of abc");
    for (size_t i = 0; i < length; i++)
        buffer[i] = (uint8_t)(i * 31 >> 3);
    for (int round = 0; round < rounds; round++) {
        sha256(buffer, length, digest);
        memcpy(buffer + (size_t)round * 997 % (length - 32), digest, 32);
    }
    Check check = {0};
    check_bytes(&check, digest, 32);
    return check_print(&check);
}
