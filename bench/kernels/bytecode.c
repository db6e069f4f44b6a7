// A bytecode interpreter for a stack machine, with one switch in a loop. It runs three programs, which are written as
// bytecode below: a sieve, recursive Fibonacci numbers, and Collatz sequences.

#include "kernel.h"

enum Code {
    PUSH, LOAD, STORE, FETCH, KEEP, ADD, SUB, MUL, REM, HALF, LESS, EQUAL, JUMP, UNLESS, CALL, RETURN, ARGUMENT, DROP, HALT,
};

// One instruction. The operand is a constant, the number of a variable, or an index into the program.
typedef struct {
    int32_t code;
    int32_t operand;
} Instruction;

enum { MEMORY = 20000 };

static int64_t memory[MEMORY];

// Runs a program with `argument` as variable 0. Returns the top of the stack at its end.
static int64_t run(const Instruction *program, int64_t argument) {
    int64_t stack[512], variables[8] = {argument};
    struct {
        int32_t back;
        int32_t base;
    } frames[128];
    int top = 0, depth = 0, base = 0;
    for (int32_t at = 0;;) {
        Instruction instruction = program[at++];
        int32_t operand = instruction.operand;
        switch (instruction.code) {
        case PUSH:
            stack[top++] = operand;
            break;
        case LOAD:
            stack[top++] = variables[operand];
            break;
        case STORE:
            variables[operand] = stack[--top];
            break;
        case FETCH:
            stack[top - 1] = memory[stack[top - 1] % MEMORY];
            break;
        case KEEP:
            top -= 2;
            memory[stack[top + 1] % MEMORY] = stack[top];
            break;
        case ADD:
            top--;
            stack[top - 1] += stack[top];
            break;
        case SUB:
            top--;
            stack[top - 1] -= stack[top];
            break;
        case MUL:
            top--;
            stack[top - 1] *= stack[top];
            break;
        case REM:
            top--;
            stack[top - 1] %= stack[top];
            break;
        case HALF:
            stack[top - 1] /= 2;
            break;
        case LESS:
            top--;
            stack[top - 1] = stack[top - 1] < stack[top];
            break;
        case EQUAL:
            top--;
            stack[top - 1] = stack[top - 1] == stack[top];
            break;
        case JUMP:
            at = operand;
            break;
        case UNLESS:
            if (stack[--top] == 0)
                at = operand;
            break;
        case CALL:
            frames[depth].back = at;
            frames[depth++].base = base;
            base = top - 1;
            at = operand;
            break;
        case RETURN: {
            int64_t result = stack[top - 1];
            top = base;
            stack[top++] = result;
            at = frames[--depth].back;
            base = frames[depth].base;
            break;
        }
        case ARGUMENT:
            stack[top++] = stack[base + operand];
            break;
        case DROP:
            top--;
            break;
        default:
            return stack[top - 1];
        }
    }
}

// The number of primes below variable 0.
static const Instruction sieve[] = {
    {PUSH, 2}, {STORE, 1},                                                       // n = 2
    {LOAD, 1}, {LOAD, 0}, {LESS, 0}, {UNLESS, 13},                               // 2: mark all n as possible
    {PUSH, 1}, {LOAD, 1}, {KEEP, 0},                                             //
    {LOAD, 1}, {PUSH, 1}, {ADD, 0}, {JUMP, 43},                                  //
    {PUSH, 0}, {STORE, 3}, {PUSH, 2}, {STORE, 1},                                // 13: count = 0, n = 2
    {LOAD, 1}, {LOAD, 0}, {LESS, 0}, {UNLESS, 41},                               // 17: while n < limit
    {LOAD, 1}, {FETCH, 0}, {UNLESS, 45},                                         //   if it is still possible
    {LOAD, 3}, {PUSH, 1}, {ADD, 0}, {STORE, 3},                                  //     count++
    {LOAD, 1}, {PUSH, 2}, {MUL, 0}, {STORE, 2},                                  //     m = 2 n
    {LOAD, 2}, {LOAD, 0}, {LESS, 0}, {UNLESS, 45},                               // 32: while m < limit
    {PUSH, 0}, {LOAD, 2}, {KEEP, 0}, {JUMP, 50}, {HALT, 0},                      //       strike m out
    {LOAD, 3}, {HALT, 0},                                                        // 41: the count
    {STORE, 1}, {JUMP, 2},                                                       // 43: n++ of the first loop
    {LOAD, 1}, {PUSH, 1}, {ADD, 0}, {STORE, 1}, {JUMP, 17},                      // 45: n++ of the second
    {LOAD, 2}, {LOAD, 1}, {ADD, 0}, {STORE, 2}, {JUMP, 32},                      // 50: m += n
};

// The Fibonacci number at the index in variable 0, by recursion.
static const Instruction fibonacci[] = {
    {LOAD, 0}, {CALL, 3}, {HALT, 0},                                             //
    {ARGUMENT, 0}, {PUSH, 2}, {LESS, 0}, {UNLESS, 9}, {ARGUMENT, 0}, {RETURN, 0}, // 3: below 2
    {ARGUMENT, 0}, {PUSH, 1}, {SUB, 0}, {CALL, 3},                               // 9
    {ARGUMENT, 0}, {PUSH, 2}, {SUB, 0}, {CALL, 3},                               //
    {ADD, 0}, {RETURN, 0},                                                       //
};

// The sum of the lengths of the Collatz sequences of all numbers up to variable 0.
static const Instruction collatz[] = {
    {PUSH, 0}, {STORE, 3},                                                       //
    {PUSH, 0}, {LOAD, 0}, {LESS, 0}, {UNLESS, 34},                               // 2: while n > 0
    {LOAD, 0}, {STORE, 1},                                                       //   m = n
    {LOAD, 1}, {PUSH, 1}, {EQUAL, 0}, {UNLESS, 17},                              // 8: m is 1
    {LOAD, 0}, {PUSH, 1}, {SUB, 0}, {STORE, 0}, {JUMP, 2},                       //
    {LOAD, 3}, {PUSH, 1}, {ADD, 0}, {STORE, 3},                                  // 17: length++
    {LOAD, 1}, {PUSH, 2}, {REM, 0}, {UNLESS, 30},                                //
    {LOAD, 1}, {PUSH, 3}, {MUL, 0}, {JUMP, 36}, {HALT, 0},                       //   m = 3 m + 1
    {LOAD, 1}, {HALF, 0}, {STORE, 1}, {JUMP, 8},                                 // 30: m = m / 2
    {LOAD, 3}, {HALT, 0},                                                        // 34
    {PUSH, 1}, {ADD, 0}, {STORE, 1}, {JUMP, 8},                                  // 36
};

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 12);
    kernel_expect(run(sieve, 100) == 25, "primes below 100");
    kernel_expect(run(fibonacci, 10) == 55, "the tenth Fibonacci number");
    kernel_expect(run(collatz, 3) == 8, "three Collatz sequences");
    Check check = {0};
    for (int round = 0; round < rounds; round++) {
        check_word(&check, (uint64_t)run(sieve, MEMORY - round));
        check_word(&check, (uint64_t)run(fibonacci, 20 + round % 2));
        check_word(&check, (uint64_t)run(collatz, 3000 + round));
    }
    return check_print(&check);
}
