// PolyBench's jacobi-2d: each cell becomes the mean of itself and its four neighbours. Two matrices
// alternate as source and destination.

#include "kernel.h"

static void step(int n, double (*restrict to)[n], double (*restrict from)[n]) {
    for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++)
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i + 1][j] + from[i - 1][j]);
}

int main(int argc, char **argv) {
    int steps = kernel_size(argc, argv, 250);
    int n = 360;
    double (*a)[n] = kernel_memory(n, sizeof *a);
    double (*b)[n] = kernel_memory(n, sizeof *b);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (double)(i * (j + 2) % 101) / n;
            b[i][j] = (double)(i * (j + 3) % 103) / n;
        }
    for (int t = 0; t < steps; t++) {
        step(n, b, a);
        step(n, a, b);
    }
    Check check = {0};
    check_doubles(&check, &a[0][0], (size_t)n * n);
    return check_print(&check);
}
