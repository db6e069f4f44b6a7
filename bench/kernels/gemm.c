// PolyBench's gemm: C = beta C + alpha A B on square matrices. The inner loop is over a row of B.

#include "kernel.h"

static void gemm(int n, double alpha, double beta, double (*restrict c)[n], double (*restrict a)[n],
                 double (*restrict b)[n]) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            c[i][j] *= beta;
        for (int k = 0; k < n; k++)
            for (int j = 0; j < n; j++)
                c[i][j] += alpha * a[i][k] * b[k][j];
    }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 540);
    double (*a)[n] = kernel_memory(n, sizeof *a);
    double (*b)[n] = kernel_memory(n, sizeof *b);
    double (*c)[n] = kernel_memory(n, sizeof *c);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (double)(i * (j + 1) % n) / n;
            b[i][j] = (double)(i * (j + 2) % n) / n;
            c[i][j] = (double)((i * j + 1) % n) / n;
        }
    gemm(n, 1.5, 1.2, c, a, b);
    Check check = {0};
    check_doubles(&check, &c[0][0], (size_t)n * n);
    return check_print(&check);
}
