// The C library: formatting, parsing, strings, searching and sorting, time, memory, mathematics, variable arguments,
// streams, exit handlers. It ends with status 3.
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static void formatting(void) {
    printf("[%d] [%5d] [%-5d] [%05d] [%+d] [%u] [%x] [%#X] [%o] [%c] [%%]\n", -42, 42, 42, 42, 42, 4000000000u, 255,
           255, 8, 'k');
    printf("[%lld] [%" PRIu64 "] [%zu] [%hhd] [%p]\n", LLONG_MIN, UINT64_MAX, sizeof(long), (signed char)200, NULL);
    printf("[%f] [%.2f] [%10.3e] [%g] [%g] [%a] [%.0f] [%+.1f]\n", M_PI, 2.675, 12345.678, 1e-5, 1e20, 1.5, 2.5, -0.0);
    printf("[%s] [%10s] [%-10s] [%.3s] [%*d] [%ls]\n", "text", "right", "left", "truncated", 6, 7, L"wide");
    printf("[%.17g] [%.17g] [%f] [%Lg]\n", 0.1, DBL_MAX, INFINITY, 1.25L);
    char small[8];
    printf("%d %s\n", snprintf(small, sizeof small, "%s", "longer than that"), small);
}

static void parsing(void) {
    char *end;
    printf("%ld %s\n", strtol("  -0x7fz", &end, 0), end);
    printf("%lu %ld\n", strtoul("777", NULL, 8), strtol("zz", NULL, 36));
    errno = 0;
    printf("%lld %d\n", strtoll("99999999999999999999", NULL, 10), errno == ERANGE);
    printf("%.17g %g %g %d\n", strtod("0.1e1abc", &end), strtod("0x1.8p1", NULL), strtod("inf", NULL), atoi("12 monkeys"));
    int day, year, count;
    char month[16];
    double value;
    count = sscanf("29 February 2024: 3.5e2", "%d %15s %d: %lf", &day, month, &year, &value);
    printf("%d %d %s %d %g\n", count, day, month, year, value);
}

static void strings(void) {
    char text[64] = "one,two,,three";
    for (char *save, *part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) printf("<%s>", part);
    printf("\n%s %s %zu %zu\n", strstr("a needle in hay", "need"), strrchr("a/b/c", '/'), strspn("aabbc", "ab"),
           strcspn("hello, world", ", "));
    printf("%d %d %d %d\n", strcmp("a", "b") < 0, strncmp("abc", "abd", 2), memcmp("\1", "\377", 1) < 0,
           strcasecmp("HeLLo", "hEllO"));
    char buffer[16] = "0123456789";
    memmove(buffer + 2, buffer, 8);
    strncat(buffer, "xyz", 2);
    printf("%s %d %d %c\n", buffer, isalpha('k') != 0, isspace('k'), toupper('k'));
    wchar_t wide[16];
    printf("%zu %d\n", mbstowcs(wide, "abc", 16), (int)wcslen(wide));
    printf("%s | %s\n", strerror(ENOENT), strerror(EINVAL));
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static void searching(void) {
    int numbers[1000];
    srand(1);
    for (int i = 0; i < 1000; i++) numbers[i] = (i * 7919) % 10007;
    qsort(numbers, 1000, sizeof *numbers, compare);
    int key = 7919 * 5 % 10007;
    int *found = bsearch(&key, numbers, 1000, sizeof *numbers, compare);
    int sorted = 1;
    for (int i = 1; i < 1000; i++) sorted &= numbers[i - 1] <= numbers[i];
    printf("%d %d %d %d\n", sorted, *found == key, bsearch(&(int){-1}, numbers, 1000, sizeof *numbers, compare) == NULL,
           rand() != rand());
    div_t parts = div(-17, 5);
    printf("%d %d %d %ld\n", parts.quot, parts.rem, abs(INT_MIN + 1), labs(-5L));
}

static double sum(int count, ...) {
    va_list values;
    va_start(values, count);
    double total = 0;
    for (int i = 0; i < count; i++) total += i % 2 ? va_arg(values, double) : va_arg(values, int);
    va_end(values);
    return total;
}

static void mathematics(void) {
    printf("%.10f %.10f %.10f %.10f\n", sin(1), exp(1), log(10), pow(2, 0.5));
    printf("%g %g %g %g %g\n", fmod(-7, 3), remainder(7, 4), floor(-1.5), ceil(-1.5), round(2.5));
    printf("%g %g %g %ld\n", hypot(3, 4), cbrt(27), fma(2, 3, 4), lrint(2.5));
    int exponent;
    double whole, fraction = frexp(10, &exponent);
    printf("%g %d %g %g %g\n", fraction, exponent, ldexp(0.5, 4), modf(3.75, &whole), whole);
    printf("%d %d %d %d\n", isnan(sqrt(-1)) != 0, isinf(1 / 0.0) != 0, signbit(-0.0) != 0, fpclassify(5e-324) == FP_SUBNORMAL);
    printf("%g %g\n", sum(4, 1, 2.5, 3, 4.25), (double)(float)0.1);
    uint32_t wrap = 0xffffffffu;
    printf("%u %d %d %d\n", wrap + 2, __builtin_popcountll(UINT64_MAX), __builtin_clz(1), __builtin_ctz(8));
    __int128 wide = (__int128)INT64_MAX * INT64_MAX;
    printf("%" PRIx64 "%016" PRIx64 " %" PRId64 "\n", (uint64_t)(wide >> 64), (uint64_t)wide, (int64_t)(wide / INT64_MAX));
}

static void memory(void) {
    enum { COUNT = 2000 };
    static char *blocks[COUNT];
    size_t good = 0;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = malloc(i * 7 % 4096 + 1);
        memset(blocks[i], (int)(i & 0xff), i * 7 % 4096 + 1);
    }
    for (size_t i = 0; i < COUNT; i += 2) free(blocks[i]);
    for (size_t i = 0; i < COUNT; i += 2) blocks[i] = calloc(16, i % 100 + 1);
    for (size_t i = 1; i < COUNT; i += 2) good += (unsigned char)blocks[i][i * 7 % 4096] == (i & 0xff);
    for (size_t i = 0; i < COUNT; i += 2) good += blocks[i][0] == 0;
    for (size_t i = 0; i < COUNT; i++) free(blocks[i]);
    char *grown = NULL;
    for (size_t size = 1; size <= 1 << 24; size *= 4) {
        grown = realloc(grown, size);
        grown[size - 1] = 'x';
    }
    volatile size_t too_much = SIZE_MAX / 2;
    printf("%zu %c %d %d\n", good, grown[(1 << 24) - 1], (uintptr_t)aligned_alloc(64, 128) % 64 == 0,
           malloc(too_much) == NULL);
    free(grown);
}

static void streams(void) {
    FILE *file = fopen("stream", "w+b");
    setvbuf(file, NULL, _IOFBF, 64);
    for (int i = 0; i < 500; i++) fprintf(file, "line %d\n", i);
    fpos_t mark;
    rewind(file);
    char line[32];
    int lines = 0;
    while (fgets(line, sizeof line, file))
        if (++lines == 250) fgetpos(file, &mark);
    fsetpos(file, &mark);
    int ok = fscanf(file, "line %d", &lines);
    printf("%d %d %d", ok, lines, feof(file) != 0);
    ungetc('!', file);
    printf(" %c %ld\n", getc(file), ftell(file));
    fclose(file);
    struct stat status;
    int descriptor = open("stream", O_RDWR | O_APPEND);
    printf("%zd %d", write(descriptor, "end", 3), fstat(descriptor, &status));
    printf(" %lld %d", (long long)status.st_size, S_ISREG(status.st_mode) != 0);
    printf(" %lld %d\n", (long long)lseek(descriptor, -3, SEEK_END), ftruncate(descriptor, 10));
    close(descriptor);
    printf("%d %d %d\n", access("stream", R_OK), access("none", F_OK), errno == ENOENT);
    printf("%d %d %d\n", mkdir("folder", 0777), rename("stream", "folder/moved"), rmdir("folder"));
    printf("%d %d %d\n", errno == ENOTEMPTY, unlink("folder/moved"), rmdir("folder"));
}

static void times(void) {
    time_t moment = 1709209861;
    struct tm *utc = gmtime(&moment);
    char text[64];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", utc);
    printf("%s %d\n", text, timegm(utc) == moment);
    struct timespec before, after, pause = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double slept = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("%d %d\n", slept >= 0.02 && slept < 10, time(NULL) > 1577836800);
}

static void last(void) {
    printf("last\n");
}

int main(int argc, char **argv) {
    atexit(last);
    for (int i = 1; i < argc; i++) printf("%s\n", argv[i]);
    printf("%s %s\n", getenv("NAME"), getenv("NOT_GIVEN") ? "given" : "absent");
    formatting();
    parsing();
    strings();
    searching();
    mathematics();
    memory();
    streams();
    times();
    uint8_t random[32] = {0};
    size_t zeros = 0;
    printf("%d", getentropy(random, sizeof random));
    for (size_t i = 0; i < sizeof random; i++) zeros += random[i] == 0;
    printf(" %d\n", zeros < 16);
    fflush(stdout);
    exit(3);
}
