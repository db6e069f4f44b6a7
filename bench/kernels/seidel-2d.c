// PolyBench's seidel-2d: each cell becomes the mean of its neighbourhood of nine cells, in place. A cell therefore
// depends on the previous one.

#include "kernel.h"

static void sweep(int n, double (*a)[n]) {
    for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++)
            a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] + a[i][j + 1] +
                       a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) /
                      9.0;
}

int main(int argc, char **argv) {
    int sweeps = kernel_size(argc, argv, 400);
    int n = 360;
    double (*a)[n] = kernel_memory(n, sizeof *a);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[i][j] = (double)(i * (j + 2) % 101) / n;
    for (int t = 0; t < sweeps; t++)
        sweep(n, a);
    Check check = {0};
    check_doubles(&check, &a[0][0], (size_t)n * n);
    return check_print(&check);
}
