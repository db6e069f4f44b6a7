// Regular expressions: compiles patterns (. [] ^ $ * + ? | and groups) to a small program for a Pike machine. The
// machine follows all paths in parallel, so that matching is linear in the length of the text.

#include "kernel.h"

enum { MOST = 400 };

typedef enum { BYTE, ANY, SET, SPLIT, GOTO, BEGIN, END, MATCH } Code;

typedef struct {
    Code code;
    int x, y;
} Step;

typedef struct {
    Step steps[MOST];
    int count;
    uint8_t sets[20][32];
    int set_count;
    const char *at;
} Program;

static void alternatives(Program *program);

static int emit(Program *program, Code code, int x, int y) {
    kernel_expect(program->count < MOST, "room for the pattern");
    program->steps[program->count] = (Step){code, x, y};
    return program->count++;
}

// Shifts the instructions from `at` on by one, to insert an instruction before them.
static void insert(Program *program, int at, Code code, int x, int y) {
    emit(program, GOTO, 0, 0);
    for (int i = program->count - 1; i > at; i--) {
        Step step = program->steps[i - 1];
        if (step.code == SPLIT || step.code == GOTO) {
            step.x += step.x >= at;
            step.y += step.code == SPLIT && step.y >= at;
        }
        program->steps[i] = step;
    }
    program->steps[at] = (Step){code, x, y};
}

static void set(Program *program) {
    uint8_t *bits = program->sets[program->set_count];
    int negated = *program->at == '^';
    memset(bits, 0, 32);
    program->at += negated;
    for (; *program->at != ']'; program->at++) {
        int first = (uint8_t)*program->at, last = first;
        if (program->at[1] == '-' && program->at[2] != ']') {
            last = (uint8_t)program->at[2];
            program->at += 2;
        }
        for (int byte = first; byte <= last; byte++)
            bits[byte / 8] |= (uint8_t)(1 << byte % 8);
    }
    program->at++;
    for (int i = 0; i < 32 && negated; i++)
        bits[i] = (uint8_t)~bits[i];
    emit(program, SET, program->set_count++, 0);
}

static void atom(Program *program) {
    char byte = *program->at++;
    switch (byte) {
    case '(':
        alternatives(program);
        program->at++;
        break;
    case '[':
        set(program);
        break;
    case '.':
        emit(program, ANY, 0, 0);
        break;
    case '^':
        emit(program, BEGIN, 0, 0);
        break;
    case '$':
        emit(program, END, 0, 0);
        break;
    case '\\':
        byte = *program->at++;
        // fall through
    default:
        emit(program, BYTE, (uint8_t)byte, 0);
    }
}

static void repeated(Program *program) {
    int start = program->count;
    atom(program);
    for (;; program->at++) {
        if (*program->at == '*') {
            insert(program, start, SPLIT, start + 1, 0);
            emit(program, GOTO, start, 0);
            program->steps[start].y = program->count;
        } else if (*program->at == '+') {
            emit(program, SPLIT, start, program->count + 1);
        } else if (*program->at == '?') {
            insert(program, start, SPLIT, start + 1, 0);
            program->steps[start].y = program->count;
        } else {
            return;
        }
    }
}

static void alternatives(Program *program) {
    int start = program->count;
    while (*program->at != '\0' && *program->at != ')' && *program->at != '|')
        repeated(program);
    if (*program->at != '|')
        return;
    program->at++;
    insert(program, start, SPLIT, start + 1, 0);
    int over = emit(program, GOTO, 0, 0);
    program->steps[start].y = program->count;
    alternatives(program);
    program->steps[over].x = program->count;
}

static void compile(Program *program, const char *pattern) {
    program->count = program->set_count = 0;
    program->at = pattern;
    alternatives(program);
    emit(program, MATCH, 0, 0);
}

// A set of program counters. `seen` is the number of the round in which a program counter was last added.
typedef struct {
    int places[MOST];
    int count;
} Places;

static uint32_t seen[MOST];
static uint32_t now;

static int add(const Program *program, Places *places, int at, int first, int last) {
    if (seen[at] == now)
        return 0;
    seen[at] = now;
    Step step = program->steps[at];
    switch (step.code) {
    case GOTO:
        return add(program, places, step.x, first, last);
    case SPLIT: {
        int matched = add(program, places, step.x, first, last);
        return matched | add(program, places, step.y, first, last);
    }
    case BEGIN:
        return first && add(program, places, at + 1, first, last);
    case END:
        return last && add(program, places, at + 1, first, last);
    case MATCH:
        return 1;
    default:
        places->places[places->count++] = at;
        return 0;
    }
}

static int accepts(const Program *program, Step step, uint8_t byte) {
    switch (step.code) {
    case BYTE:
        return step.x == byte;
    case SET:
        return program->sets[step.x][byte / 8] >> byte % 8 & 1;
    default:
        return 1;
    }
}

// Returns the lowest end of any match in the text, or -1 without a match.
static int search(const Program *program, const char *text, int length) {
    static Places lists[2];
    Places *here = &lists[0], *next = &lists[1];
    here->count = 0;
    now++;
    for (int i = 0;; i++) {
        if (add(program, here, 0, i == 0, i == length))
            return i;
        if (i == length)
            return -1;
        next->count = 0;
        now++;
        int matched = 0;
        for (int k = 0; k < here->count; k++) {
            int at = here->places[k];
            if (accepts(program, program->steps[at], (uint8_t)text[i]))
                matched |= add(program, next, at + 1, 0, i + 1 == length);
        }
        if (matched)
            return i + 1;
        Places *swap = here;
        here = next;
        next = swap;
    }
}

static int find(const char *pattern, const char *text) {
    static Program program;
    compile(&program, pattern);
    return search(&program, text, (int)strlen(text));
}

static const char *patterns[] = {
    "[a-z]+@[a-z]+\\.(com|org|net)$",
    "(a|b)*abb(c|d)+e",
    "^[0-9]+-[0-9]+-[0-9]+ .*x",
    "(fo?o|ba?r)+ ?(qu?x|zap)",
    "q[^u]",
    "((ab?)*c)*d",
    "x.*y.*z",
    "a?a?a?a?a?a?a?a?a?a?aaaaaaaaaa",
};

static int write_line(char *line, Random *random) {
    static const char letters[] = "aaaabbbcdefoorquxyz019-.@ ";
    static const char *words[] = {"abb", "foo", "bar", "qux", "@mail.org", "2026-11-21 ", "cde", "zap"};
    int length = 0;
    while (length < 60) {
        if (random_below(random, 8) == 0) {
            const char *word = words[random_below(random, 8)];
            for (; *word != '\0'; word++)
                line[length++] = *word;
        } else {
            line[length++] = letters[random_below(random, sizeof letters - 1)];
        }
    }
    line[length] = '\0';
    return length;
}

int main(int argc, char **argv) {
    int lines = kernel_size(argc, argv, 10000);
    kernel_expect(find("(a|b)*abb", "xxbabb") == 6 && find("^b", "ab") == -1 && find("a+b?$", "caab") == 4, "matches");
    static Program programs[sizeof patterns / sizeof *patterns];
    int count = sizeof patterns / sizeof *patterns;
    for (int i = 0; i < count; i++)
        compile(&programs[i], patterns[i]);
    Random random = {23};
    Check check = {0};
    for (int i = 0; i < lines; i++) {
        char line[100];
        int length = write_line(line, &random);
        for (int k = 0; k < count; k++)
            check_word(&check, (uint64_t)(int64_t)search(&programs[k], line, length));
    }
    return check_print(&check);
}
