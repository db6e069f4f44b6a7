// CRC-32 (the polynomial of Ethernet, zip and PNG): one byte at a time with one table, and eight bytes with eight.

#include "kernel.h"

static uint32_t table[8][256];

static void prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

static uint32_t by_bytes(uint32_t crc, const uint8_t *bytes, size_t length) {
    crc = ~crc;
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ table[0][(crc ^ bytes[i]) & 255];
    return ~crc;
}

static uint32_t word(const uint8_t *bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t by_eights(uint32_t crc, const uint8_t *bytes, size_t length) {
    size_t eights = length / 8 * 8;
    crc = ~crc;
    for (size_t i = 0; i < eights; i += 8) {
        uint32_t low = word(bytes + i) ^ crc, high = word(bytes + i + 4);
        crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
              table[3][high & 255] ^ table[2][high >> 8 & 255] ^ table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
    return by_bytes(~crc, bytes + eights, length - eights);
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 240);
    size_t length = 250007;
    uint8_t *buffer = kernel_memory(length, 1);
    prepare();
    kernel_expect(by_bytes(0, (const uint8_t *)"123456789", 9) == 0xcbf43926, "CRC-32 of 123456789");
    kernel_expect(by_eights(0, (const uint8_t *)"123456789", 9) == 0xcbf43926, "CRC-32 of 123456789 by eights");
    Random random = {11};
    for (size_t i = 0; i < length; i++)
        buffer[i] = random_next(&random);
    Check check = {0};
    uint32_t crc = 0;
    for (int round = 0; round < rounds; round++) {
        crc = by_bytes(crc, buffer, length);
        check_word(&check, crc);
        crc = by_eights(crc, buffer, length);
        check_word(&check, crc);
        buffer[round * 4099 % length] ^= crc;
    }
    return check_print(&check);
}
