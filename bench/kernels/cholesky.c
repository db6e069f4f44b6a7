// PolyBench's cholesky: factors a symmetric, positive-definite matrix into L Lᵀ with a lower triangular L, in place. A
// dominant diagonal makes the matrix positive-definite.

#include <math.h>

#include "kernel.h"

static void factor(int n, double (*a)[n]) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
        for (int k = 0; k < i; k++)
            a[i][i] -= a[i][k] * a[i][k];
        a[i][i] = sqrt(a[i][i]);
    }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 900);
    double (*a)[n] = kernel_memory(n, sizeof *a);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            a[i][j] = i == j ? n : (double)(i * j % n) / n;
    factor(n, a);
    Check check = {0};
    for (int i = 0; i < n; i++)
        check_doubles(&check, a[i], i + 1);
    return check_print(&check);
}
