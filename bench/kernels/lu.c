// PolyBench's lu: factors a matrix into a lower and an upper triangular matrix in place. Its dominant diagonal makes
// pivoting unnecessary.

#include "kernel.h"

static void factor(int n, double (*a)[n]) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (int j = i; j < n; j++)
            for (int k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
    }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 740);
    double (*a)[n] = kernel_memory(n, sizeof *a);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i][j] = i == j ? n : (double)((i * 7 + j * 3) % n) / n;
    factor(n, a);
    Check check = {0};
    check_doubles(&check, &a[0][0], (size_t)n * n);
    return check_print(&check);
}
