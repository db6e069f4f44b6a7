// PolyBench's 2mm: D = alpha A B C + beta D, as two matrix products. The inner loop is the sum over a column.

#include "kernel.h"

static void multiply(int n, double alpha, double beta, double (*restrict to)[n], double (*restrict a)[n],
                     double (*restrict b)[n]) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = to[i][j] * beta;
            for (int k = 0; k < n; k++)
                sum += alpha * a[i][k] * b[k][j];
            to[i][j] = sum;
        }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 430);
    double (*a)[n] = kernel_memory(n, sizeof *a);
    double (*b)[n] = kernel_memory(n, sizeof *b);
    double (*c)[n] = kernel_memory(n, sizeof *c);
    double (*d)[n] = kernel_memory(n, sizeof *d);
    double (*product)[n] = kernel_memory(n, sizeof *product);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (double)((i * j + 1) % n) / n;
            b[i][j] = (double)(i * (j + 1) % n) / n;
            c[i][j] = (double)((i * (j + 3) + 1) % n) / n;
            d[i][j] = (double)(i * (j + 2) % n) / n;
        }
    multiply(n, 1.5, 0.0, product, a, b);
    multiply(n, 1.0, 1.2, d, product, c);
    Check check = {0};
    check_doubles(&check, &d[0][0], (size_t)n * n);
    return check_print(&check);
}
