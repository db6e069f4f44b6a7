// Keeps a ledger. Every language here has the same program with the same output. It uses arguments, a variable,
// its input, files, clocks, a hash table, sorting, floats and the exit code.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Account {
    char *name;
    int count;
    double total, squares;
    struct Account *next;
} Account;

enum { BUCKETS = 16, NUMBERS = 100000, MAX_LINE = 256, MAX_NAMES = 64 };

static Account *buckets[BUCKETS];
static int accounts;
static uint64_t hash = 14695981039346656037u;

static void hash_text(const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
}

static Account *account(const char *name) {
    unsigned index = 0;
    for (const char *c = name; *c; c++) index = index * 31 + (unsigned char)*c;
    Account **place = &buckets[index % BUCKETS];
    for (; *place; place = &(*place)->next)
        if (strcmp((*place)->name, name) == 0) return *place;
    *place = calloc(1, sizeof **place);
    (*place)->name = strdup(name);
    accounts++;
    return *place;
}

// Parses a line `NAME AMOUNT`. Returns false if the line is malformed.
static bool enter(char *line) {
    char *space = strchr(line, ' ');
    if (!space) return false;
    *space = 0;
    char *end;
    double amount = strtod(space + 1, &end);
    bool good = end != space + 1 && *end == 0;
    if (good) {
        Account *to = account(line);
        to->count++;
        to->total += amount;
        to->squares += amount * amount;
    }
    *space = ' ';
    return good;
}

static int read_input(void) {
    char line[MAX_LINE];
    int bad = 0;
    for (int number = 1; fgets(line, sizeof line, stdin); number++) {
        line[strcspn(line, "\n")] = 0;
        hash_text(line);
        if (!enter(line)) {
            printf("line %d: cannot read `%s`\n", number, line);
            bad++;
        }
    }
    printf("hash: %016" PRIx64 "\n", hash);
    return bad;
}

static int by_total(const void *left, const void *right) {
    const Account *a = *(Account *const *)left, *b = *(Account *const *)right;
    if (a->total != b->total) return a->total < b->total ? 1 : -1;
    return strcmp(a->name, b->name);
}

static char *table(void) {
    Account **sorted = malloc(accounts * sizeof *sorted);
    int count = 0;
    for (int i = 0; i < BUCKETS; i++)
        for (Account *a = buckets[i]; a; a = a->next) sorted[count++] = a;
    qsort(sorted, count, sizeof *sorted, by_total);
    size_t room = 80 * (count + 1), used = 0;
    char *text = malloc(room);
    for (int i = 0; i < count; i++) {
        Account *a = sorted[i];
        double mean = a->total / a->count;
        double deviation = sqrt(a->squares / a->count - mean * mean);
        used += snprintf(text + used, room - used, "%-8s %3d %10.2f %10.4f %9.3f\n", a->name, a->count, a->total, mean,
                         deviation);
    }
    free(sorted);
    return text;
}

static int by_value(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void sort_numbers(void) {
    uint64_t *numbers = malloc(NUMBERS * sizeof *numbers), state = 42;
    for (int i = 0; i < NUMBERS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        numbers[i] = state >> 11;
    }
    qsort(numbers, NUMBERS, sizeof *numbers, by_value);
    printf("sorted: %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", numbers[0], numbers[NUMBERS / 2], numbers[NUMBERS - 1]);
    free(numbers);
}

static int by_name(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void list_folder(void) {
    char *names[MAX_NAMES];
    int count = 0;
    DIR *folder = opendir(".");
    for (struct dirent *entry; folder && (entry = readdir(folder)) && count < MAX_NAMES;)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    closedir(folder);
    qsort(names, count, sizeof *names, by_name);
    printf("folder:");
    for (int i = 0; i < count; i++) printf(" %s", names[i]);
    printf("\n");
}

static bool files(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file) return false;
    fputs(text, file);
    fclose(file);
    file = fopen(path, "a");
    fprintf(file, "%d accounts\n", accounts);
    fclose(file);
    file = fopen(path, "r");
    int bytes = 0, lines = 0;
    for (int c; (c = getc(file)) != EOF; bytes++) lines += c == '\n';
    fseek(file, -9, SEEK_END);
    char last[10] = {0};
    size_t got = fread(last, 1, 8, file);
    fclose(file);
    printf("file: %d bytes, %d lines, at the end `%.*s`\n", bytes, lines, (int)got, last);
    char old[MAX_LINE];
    snprintf(old, sizeof old, "%s.old", path);
    rename(path, old);
    list_folder();
    unlink(old);
    list_folder();
    printf("missing: %s\n", !fopen(path, "r") && errno == ENOENT ? "yes" : "no");
    return true;
}

static void clocks(void) {
    struct timespec before, now;
    clock_gettime(CLOCK_MONOTONIC, &before);
    bool forward = true;
    for (int i = 0; i < 1000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec < before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec < before.tv_nsec)) forward = false;
        before = now;
    }
    printf("clocks: %s, %s\n", time(NULL) > 1577836800 ? "after 2020" : "wrong", forward ? "forward" : "backward");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: ledger TITLE FILE\n");
        return 64;
    }
    const char *currency = getenv("CURRENCY");
    printf("%s, in %s, %d arguments\n", argv[1], currency ? currency : "no currency", argc - 1);
    int bad = read_input();
    char *text = table();
    fputs(text, stdout);
    sort_numbers();
    clocks();
    if (!files(argv[2], text)) {
        fprintf(stderr, "ledger: cannot write %s\n", argv[2]);
        return 74;
    }
    free(text);
    return bad;
}
