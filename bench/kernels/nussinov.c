// PolyBench's nussinov: computes how many bases of a folded RNA strand can pair, by dynamic programming over all its
// substrings.

#include "kernel.h"

static double larger(double a, double b) {
    return a >= b ? a : b;
}

static void fold(int n, const unsigned char *base, double (*table)[n]) {
    for (int i = n - 1; i >= 0; i--)
        for (int j = i + 1; j < n; j++) {
            double best = larger(table[i][j - 1], table[i + 1][j]);
            double pair = i < j - 1 && base[i] + base[j] == 3 ? 1 : 0;
            best = larger(best, table[i + 1][j - 1] + pair);
            for (int k = i + 1; k < j; k++)
                best = larger(best, table[i][k] + table[k + 1][j]);
            table[i][j] = best;
        }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 920);
    unsigned char *base = kernel_memory(n, 1);
    double (*table)[n] = kernel_memory(n + 1, sizeof *table);
    Random random = {7};
    for (int i = 0; i < n; i++)
        base[i] = random_below(&random, 4);
    fold(n, base, table);
    Check check = {0};
    check_doubles(&check, &table[0][0], (size_t)n * n);
    return check_print(&check);
}
