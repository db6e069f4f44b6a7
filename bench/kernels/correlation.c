// PolyBench's correlation: the correlation of all pairs of columns of a table.

#include <math.h>

#include "kernel.h"

static void normalise(int rows, int columns, double (*data)[columns]) {
    for (int j = 0; j < columns; j++) {
        double mean = 0, deviation = 0;
        for (int i = 0; i < rows; i++)
            mean += data[i][j];
        mean /= rows;
        for (int i = 0; i < rows; i++)
            deviation += (data[i][j] - mean) * (data[i][j] - mean);
        deviation = sqrt(deviation / rows);
        deviation = deviation <= 0.1 ? 1 : deviation;
        for (int i = 0; i < rows; i++)
            data[i][j] = (data[i][j] - mean) / (sqrt((double)rows) * deviation);
    }
}

static void correlate(int rows, int columns, double (*restrict data)[columns], double (*restrict result)[columns]) {
    for (int i = 0; i < columns; i++) {
        result[i][i] = 1;
        for (int j = i + 1; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < rows; k++)
                sum += data[k][i] * data[k][j];
            result[i][j] = sum;
            result[j][i] = sum;
        }
    }
}

int main(int argc, char **argv) {
    int columns = kernel_size(argc, argv, 640), rows = columns + columns / 5;
    double (*data)[columns] = kernel_memory(rows, sizeof *data);
    double (*result)[columns] = kernel_memory(columns, sizeof *result);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            data[i][j] = (double)(i * j % 101) / columns + i;
    normalise(rows, columns, data);
    correlate(rows, columns, data, result);
    Check check = {0};
    check_doubles(&check, &result[0][0], (size_t)columns * columns);
    return check_print(&check);
}
