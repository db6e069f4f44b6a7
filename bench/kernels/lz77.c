// LZ77 compression. The kernel finds matches with hash chains, encodes them like LZ4, decompresses the result and
// compares it with the input.

#include "kernel.h"

enum { WINDOW = 32768, HASHES = 8192, SHORTEST = 4, CHAIN = 24 };

static int32_t newest[HASHES];
static int32_t before[WINDOW];

static uint32_t hash(const uint8_t *at) {
    uint32_t word = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
    return word * 2654435761u >> 19;
}

static int match(const uint8_t *a, const uint8_t *b, int limit) {
    int length = 0;
    while (length < limit && a[length] == b[length])
        length++;
    return length;
}

static void enter(const uint8_t *in, int at) {
    uint32_t h = hash(in + at);
    before[at % WINDOW] = newest[h];
    newest[h] = at;
}

static int put_length(uint8_t *out, int to, int length) {
    for (; length >= 255; length -= 255)
        out[to++] = 255;
    out[to++] = (uint8_t)length;
    return to;
}

// A sequence is: the number of literals, the literals, the length of the match, and its distance.
static int pack(const uint8_t *in, int size, uint8_t *out) {
    int to = 0, plain = 0, at = 0;
    for (int i = 0; i < HASHES; i++)
        newest[i] = -1;
    while (at + SHORTEST <= size) {
        int best = 0, from = 0, candidate = newest[hash(in + at)];
        int limit = size - at;
        for (int tries = 0; tries < CHAIN && candidate >= 0 && at - candidate < WINDOW; tries++) {
            int length = match(in + candidate, in + at, limit);
            if (length > best)
                best = length, from = candidate;
            candidate = before[candidate % WINDOW];
        }
        if (best < SHORTEST) {
            enter(in, at++);
            continue;
        }
        to = put_length(out, to, at - plain);
        memcpy(out + to, in + plain, at - plain);
        to = put_length(out, to + (at - plain), best - SHORTEST);
        out[to++] = (uint8_t)(at - from);
        out[to++] = (uint8_t)((at - from) >> 8);
        for (int end = at + best; at < end; at++)
            if (at + SHORTEST <= size)
                enter(in, at);
        plain = at;
    }
    to = put_length(out, to, size - plain);
    memcpy(out + to, in + plain, size - plain);
    return to + size - plain;
}

static int get_length(const uint8_t *in, int *at) {
    int length = 0;
    while (in[*at] == 255)
        length += in[(*at)++];
    return length + in[(*at)++];
}

static int unpack(const uint8_t *in, int size, uint8_t *out) {
    int at = 0, to = 0;
    while (at < size) {
        int plain = get_length(in, &at);
        for (int i = 0; i < plain; i++)
            out[to++] = in[at++];
        if (at >= size)
            break;
        int length = get_length(in, &at) + SHORTEST;
        int distance = in[at] | in[at + 1] << 8;
        at += 2;
        for (int i = 0; i < length; i++, to++)
            out[to] = out[to - distance];
    }
    return to;
}

// Generates text from a few hundred words with very different frequencies.
static void write_text(uint8_t *text, int size, Random *random) {
    char words[300][10];
    for (int i = 0; i < 300; i++) {
        int length = 2 + random_below(random, 7);
        for (int k = 0; k < length; k++)
            words[i][k] = (char)('a' + random_below(random, 26));
        words[i][length] = '\0';
    }
    for (int at = 0; at < size;) {
        uint32_t bound = 1 + random_below(random, 300);
        const char *word = words[random_below(random, bound)];
        for (; *word != '\0' && at < size; word++)
            text[at++] = (uint8_t)*word;
        if (at < size)
            text[at++] = random_below(random, 12) == 0 ? '\n' : ' ';
    }
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 26);
    int size = 200000;
    uint8_t *text = kernel_memory(size, 1), *back = kernel_memory(size, 1);
    uint8_t *packed = kernel_memory(size + size / 100 + 1000, 1);
    Random random = {13};
    Check check = {0};
    for (int round = 0; round < rounds; round++) {
        write_text(text, size, &random);
        int length = pack(text, size, packed);
        kernel_expect(unpack(packed, length, back) == size && memcmp(text, back, size) == 0, "unpacked text");
        check_bytes(&check, packed, length);
    }
    return check_print(&check);
}
