// Indirect calls: the evaluation of an expression tree whose nodes have function pointers, and a list of filters that
// are applied to numbers.

#include "kernel.h"

typedef struct Node Node;
typedef int64_t (*Evaluate)(const Node *node, int64_t x);

struct Node {
    Evaluate evaluate;
    const Node *left, *right;
    int64_t number;
};

static int64_t of_number(const Node *node, int64_t x) {
    (void)x;
    return node->number;
}

static int64_t of_variable(const Node *node, int64_t x) {
    return x + node->number;
}

static int64_t of_sum(const Node *node, int64_t x) {
    return node->left->evaluate(node->left, x) + node->right->evaluate(node->right, x);
}

static int64_t of_difference(const Node *node, int64_t x) {
    return node->left->evaluate(node->left, x) - node->right->evaluate(node->right, x);
}

static int64_t of_product(const Node *node, int64_t x) {
    return (int64_t)((uint64_t)node->left->evaluate(node->left, x) * (uint64_t)node->right->evaluate(node->right, x)) %
           1000003;
}

static int64_t of_choice(const Node *node, int64_t x) {
    const Node *next = x & node->number ? node->left : node->right;
    return next->evaluate(next, x);
}

static const Evaluate leaves[] = {of_number, of_variable}, inner[] = {of_sum, of_difference, of_product, of_choice};

static Node *tree(Random *random, int depth) {
    Node *node = kernel_memory(1, sizeof *node);
    node->number = 1 + random_below(random, 7);
    if (depth == 0) {
        node->evaluate = leaves[random_below(random, 2)];
    } else {
        node->evaluate = inner[random_below(random, 4)];
        node->left = tree(random, depth - 1);
        node->right = tree(random, depth - 1);
    }
    return node;
}

typedef uint32_t (*Filter)(uint32_t x);

static uint32_t spread(uint32_t x) {
    return x * 0x9e3779b1u;
}

static uint32_t fold(uint32_t x) {
    return x ^ x >> 15;
}

static uint32_t turn(uint32_t x) {
    return x << 7 | x >> 25;
}

static uint32_t step(uint32_t x) {
    return x & 1 ? x * 3 + 1 : x / 2;
}

static const Filter filters[] = {spread, fold, turn, step};

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 10000);
    Random random = {31};
    Node *root = tree(&random, 11);
    Check check = {0};
    uint32_t x = 1;
    for (int round = 0; round < rounds; round++) {
        check_word(&check, (uint64_t)root->evaluate(root, round));
        for (int i = 0; i < 2000; i++)
            x = filters[(x >> 9 ^ i) & 3](x);
        check_word(&check, x);
    }
    return check_print(&check);
}
