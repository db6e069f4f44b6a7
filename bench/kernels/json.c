// A JSON parser (RFC 8259) that builds a tree, and a writer that prints the tree as text. The kernel generates its
// input: records with numbers, strings with escapes, and nested lists.

#include "kernel.h"

typedef enum { NOTHING, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT } Kind;

// A value. The elements of an array or object are a linked list. A member of an object has a name.
typedef struct Value {
    Kind kind;
    int length;
    double number;
    char *text;
    char *name;
    struct Value *parts;
    struct Value *next;
} Value;

typedef struct {
    const char *at;
    int failed;
} Parser;

static Value *parse(Parser *parser, int depth);

static void skip(Parser *parser) {
    while (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\t' || *parser->at == '\r')
        parser->at++;
}

static int take(Parser *parser, char expected) {
    skip(parser);
    if (*parser->at != expected)
        return 0;
    parser->at++;
    return 1;
}

static int take_word(Parser *parser, const char *word) {
    size_t length = strlen(word);
    if (strncmp(parser->at, word, length) != 0)
        return 0;
    parser->at += length;
    return 1;
}

static int hex(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if ((digit | 32) >= 'a' && (digit | 32) <= 'f')
        return (digit | 32) - 'a' + 10;
    return -1;
}

// Writes the UTF-8 encoding of a code point below U+10000.
static char *put_point(char *to, int point) {
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 63));
    } else {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 63));
        *to++ = (char)(0x80 | (point & 63));
    }
    return to;
}

static char *unescape(Parser *parser, char *to) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = *parser->at++;
    if (letter == 'u') {
        int point = 0;
        for (int i = 0; i < 4; i++) {
            int digit = hex(*parser->at);
            parser->failed |= digit < 0;
            parser->at += digit >= 0;
            point = point << 4 | (digit & 15);
        }
        return put_point(to, point);
    }
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    parser->failed |= found == NULL;
    *to++ = found != NULL ? meanings[found - letters] : '?';
    return to;
}

static char *parse_string(Parser *parser) {
    const char *end = parser->at;
    while (*end != '"' && *end != '\0')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    char *text = kernel_memory(end - parser->at + 1, 1), *to = text;
    while (parser->at < end && !parser->failed) {
        char byte = *parser->at++;
        if (byte == '\\')
            to = unescape(parser, to);
        else
            *to++ = byte;
    }
    parser->failed |= *end != '"';
    parser->at = end + (*end == '"');
    return text;
}

// Exact for the generated input: at most 15 digits and a small exponent.
static double parse_number(Parser *parser) {
    int negative = *parser->at == '-', places = 0, digits = 0;
    parser->at += negative;
    double number = 0, scale = 1;
    for (; *parser->at >= '0' && *parser->at <= '9'; parser->at++, digits++)
        number = number * 10 + (*parser->at - '0');
    if (*parser->at == '.')
        for (parser->at++; *parser->at >= '0' && *parser->at <= '9'; parser->at++, places++)
            number = number * 10 + (*parser->at - '0');
    if ((*parser->at | 32) == 'e') {
        parser->at++;
        int sign = *parser->at == '-', exponent = 0;
        parser->at += *parser->at == '-' || *parser->at == '+';
        for (; *parser->at >= '0' && *parser->at <= '9'; parser->at++)
            exponent = exponent < 300 ? exponent * 10 + (*parser->at - '0') : exponent;
        places -= sign ? -exponent : exponent;
    }
    parser->failed |= digits == 0;
    for (int i = 0; i < (places < 0 ? -places : places); i++)
        scale *= 10;
    number = places < 0 ? number * scale : number / scale;
    return negative ? -number : number;
}

// Parses the elements up to the closing bracket as a linked list.
static void parse_parts(Parser *parser, Value *value, char end, int depth) {
    Value **last = &value->parts;
    if (take(parser, end))
        return;
    do {
        char *name = NULL;
        if (value->kind == OBJECT) {
            parser->failed |= !take(parser, '"');
            name = parse_string(parser);
            parser->failed |= !take(parser, ':');
        }
        *last = parse(parser, depth + 1);
        (*last)->name = name;
        last = &(*last)->next;
        value->length++;
    } while (!parser->failed && take(parser, ','));
    parser->failed |= !take(parser, end);
}

static Value *parse(Parser *parser, int depth) {
    Value *value = kernel_memory(1, sizeof *value);
    skip(parser);
    if (depth > 100) {
        parser->failed = 1;
    } else if (take(parser, '{')) {
        value->kind = OBJECT;
        parse_parts(parser, value, '}', depth);
    } else if (take(parser, '[')) {
        value->kind = ARRAY;
        parse_parts(parser, value, ']', depth);
    } else if (take(parser, '"')) {
        value->kind = STRING;
        value->text = parse_string(parser);
    } else if (take_word(parser, "true")) {
        value->kind = TRUE;
    } else if (take_word(parser, "false")) {
        value->kind = FALSE;
    } else if (!take_word(parser, "null")) {
        value->kind = NUMBER;
        value->number = parse_number(parser);
    }
    return value;
}

static void discard(Value *value) {
    while (value != NULL) {
        Value *next = value->next;
        discard(value->parts);
        free(value->text);
        free(value->name);
        free(value);
        value = next;
    }
}

static void check_value(Check *check, const Value *value) {
    for (; value != NULL; value = value->next) {
        check_word(check, value->kind);
        if (value->name != NULL)
            check_bytes(check, value->name, strlen(value->name));
        if (value->kind == NUMBER)
            check_double(check, value->number);
        if (value->kind == STRING)
            check_bytes(check, value->text, strlen(value->text));
        if (value->kind == ARRAY || value->kind == OBJECT)
            check_value(check, value->parts);
        check_word(check, (uint64_t)value->length);
    }
}

static char *put(char *to, const char *text) {
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

static char *put_decimal(char *to, uint32_t number) {
    char digits[10];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *put_words(char *to, Random *random) {
    static const char *words[] = {"amber", "brook", "cinder", "d\\u00fcne", "\\\"echo\\\"", "fern\\n", "granite", "\\u20ac 5"};
    for (int i = 2 + (int)random_below(random, 6); i > 0; i--) {
        to = put(to, words[random_below(random, 8)]);
        *to++ = ' ';
    }
    return to;
}

static char *put_record(char *to, int id, Random *random) {
    to = put_decimal(put(to, "  { \"id\": "), (uint32_t)id);
    to = put_decimal(put(to, ", \"weight\": -"), random_below(random, 1000));
    to = put_decimal(put(to, "."), random_below(random, 100000));
    to = put_decimal(put(to, ", \"size\": "), random_below(random, 1000));
    to = put_decimal(put(to, "e"), random_below(random, 6));
    to = put(put_words(put(to, ", \"name\": \""), random), "\",\n    \"tags\": [");
    for (int i = (int)random_below(random, 5); i > 0; i--)
        to = put(put_words(put(to, "\""), random), i > 1 ? "\", " : "\"");
    to = put(to, "], \"place\": {\"at\": [[");
    for (int i = 0; i < 6; i++)
        to = put(put_decimal(to, random_next(random)), i == 5 ? "]]" : i % 2 == 1 ? "], [" : ", ");
    return put(to, random_below(random, 2) == 0 ? ", \"known\": true}, \"rest\": null }" : ", \"known\": false} }");
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 80), records = 600;
    char *text = kernel_memory(records, 1000);
    Random random = {19};
    Check check = {0};
    for (int round = 0; round < rounds; round++) {
        char *to = put(text, "[\n");
        for (int i = 0; i < records; i++)
            to = put(put_record(to, i, &random), i + 1 < records ? ",\n" : "\n]\n");
        *to = '\0';
        Parser parser = {text, 0};
        Value *value = parse(&parser, 0);
        skip(&parser);
        kernel_expect(!parser.failed && *parser.at == '\0' && value->length == records, "the text as JSON");
        check_value(&check, value);
        discard(value);
    }
    return check_print(&check);
}
