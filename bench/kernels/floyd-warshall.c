// PolyBench's floyd-warshall: the shortest paths between all pairs of nodes of a dense graph.

#include "kernel.h"

static void shorten(int n, double (*way)[n]) {
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double by = way[i][k] + way[k][j];
                way[i][j] = way[i][j] < by ? way[i][j] : by;
            }
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 480);
    double (*way)[n] = kernel_memory(n, sizeof *way);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            way[i][j] = i * j % 7 + 1;
            if ((i + j) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0)
                way[i][j] = 999;
        }
    shorten(n, way);
    Check check = {0};
    check_doubles(&check, &way[0][0], (size_t)n * n);
    return check_print(&check);
}
