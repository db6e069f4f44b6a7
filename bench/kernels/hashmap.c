// A hash map from strings to numbers, with open addressing and backward shift deletion. The kernel counts, finds,
// removes and reinserts words.

#include "kernel.h"

typedef struct {
    char *key;
    uint32_t hash;
    int32_t value;
} Entry;

typedef struct {
    Entry *entries;
    uint32_t mask;
    uint32_t count;
} Map;

static uint32_t hash(const char *key) {
    uint32_t h = 2166136261u;
    for (; *key != '\0'; key++)
        h = (h ^ (uint8_t)*key) * 16777619u;
    return h;
}

// Returns the key's entry, or the free entry at which to insert it.
static uint32_t place(const Map *map, const char *key, uint32_t h) {
    uint32_t at = h & map->mask;
    while (map->entries[at].key != NULL && (map->entries[at].hash != h || strcmp(map->entries[at].key, key) != 0))
        at = (at + 1) & map->mask;
    return at;
}

static void grow(Map *map) {
    Entry *old = map->entries;
    uint32_t size = map->mask + 1;
    map->mask = 2 * size - 1;
    map->entries = kernel_memory(2 * (size_t)size, sizeof(Entry));
    for (uint32_t i = 0; i < size; i++)
        if (old[i].key != NULL)
            map->entries[place(map, old[i].key, old[i].hash)] = old[i];
    free(old);
}

// Returns the value of a key. Inserts a missing key with the value 0.
static int32_t *value(Map *map, const char *key) {
    uint32_t h = hash(key), at = place(map, key, h);
    if (map->entries[at].key != NULL)
        return &map->entries[at].value;
    if (++map->count * 4 > (map->mask + 1) * 3) {
        grow(map);
        at = place(map, key, h);
    }
    char *own = kernel_memory(strlen(key) + 1, 1);
    strcpy(own, key);
    map->entries[at] = (Entry){own, h, 0};
    return &map->entries[at].value;
}

static int drop(Map *map, const char *key) {
    uint32_t at = place(map, key, hash(key));
    if (map->entries[at].key == NULL)
        return 0;
    free(map->entries[at].key);
    map->entries[at].key = NULL;
    map->count--;
    // An entry that was displaced beyond the gap moves into it.
    for (uint32_t next = (at + 1) & map->mask; map->entries[next].key != NULL; next = (next + 1) & map->mask) {
        uint32_t home = map->entries[next].hash & map->mask;
        if (((next - home) & map->mask) >= ((next - at) & map->mask)) {
            map->entries[at] = map->entries[next];
            map->entries[next].key = NULL;
            at = next;
        }
    }
    return 1;
}

static void write_key(char *key, uint32_t number) {
    static const char *syllables[] = {"ka", "lo", "mir", "ten", "su", "vo", "ras", "ip"};
    for (int i = 0; i < 6; i++, number >>= 3)
        for (const char *from = syllables[number & 7]; *from != '\0'; from++)
            *key++ = *from;
    *key = '\0';
}

int main(int argc, char **argv) {
    int count = kernel_size(argc, argv, 2000000);
    Map map = {kernel_memory(16, sizeof(Entry)), 15, 0};
    Random random = {29};
    char key[32];
    uint64_t removed = 0;
    for (int i = 0; i < count; i++) {
        // Small numbers are more frequent.
        uint32_t bound = 1 + random_below(&random, 60000);
        write_key(key, random_below(&random, bound));
        if (random_below(&random, 8) == 0)
            removed += drop(&map, key);
        else
            *value(&map, key) += i & 15;
    }
    Check check = {0};
    check_word(&check, map.count);
    check_word(&check, removed);
    for (uint32_t i = 0; i <= map.mask; i++)
        if (map.entries[i].key != NULL) {
            check_bytes(&check, map.entries[i].key, strlen(map.entries[i].key));
            check_word(&check, (uint64_t)map.entries[i].value);
        }
    return check_print(&check);
}
