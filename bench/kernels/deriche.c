// PolyBench's deriche: a recursive edge detection filter. It processes the rows and then the columns of an image, each
// in both directions.

#include "kernel.h"

// Computes e to the power of x for small x from its series, because the result of `exp` differs between platforms.
static double exponential(double x) {
    double sum = 1, term = 1;
    for (int i = 1; i < 30; i++) {
        term = term * x / i;
        sum += term;
    }
    return sum;
}

// Filters `length` values at a distance of `stride` in both directions, and adds the two results.
static void filter(int length, int stride, const double *in, double *out, double *forth, const double *c) {
    double before1 = 0, before2 = 0, value1 = 0;
    for (int i = 0; i < length; i++) {
        double value = in[(size_t)i * stride];
        forth[i] = c[0] * value + c[1] * value1 + c[4] * before1 + c[5] * before2;
        value1 = value;
        before2 = before1;
        before1 = forth[i];
    }
    double after1 = 0, after2 = 0, next1 = 0, next2 = 0;
    for (int i = length - 1; i >= 0; i--) {
        double back = c[2] * next1 + c[3] * next2 + c[4] * after1 + c[5] * after2;
        next2 = next1;
        next1 = in[(size_t)i * stride];
        after2 = after1;
        after1 = back;
        out[(size_t)i * stride] = forth[i] + back;
    }
}

int main(int argc, char **argv) {
    int rounds = kernel_size(argc, argv, 70);
    int width = 640, height = 400;
    double *image = kernel_memory((size_t)width * height, sizeof *image);
    double *smooth = kernel_memory((size_t)width * height, sizeof *smooth);
    double *forth = kernel_memory(width, sizeof *forth);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            image[i * width + j] = (double)((313 * i + 991 * j) % 65536) / 65535.0;
    double alpha = 0.25, e1 = exponential(-alpha), e2 = exponential(-2 * alpha);
    double k = (1 - e1) * (1 - e1) / (1 + 2 * alpha * e1 - e2);
    double c[6] = {k, k * e1 * (alpha - 1), k * e1 * (alpha + 1), -k * e2, 2 * e1, -e2};
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < height; i++)
            filter(width, 1, image + i * width, smooth + i * width, forth, c);
        for (int j = 0; j < width; j++)
            filter(height, width, smooth + j, image + j, forth, c);
    }
    Check check = {0};
    check_doubles(&check, image, (size_t)width * height);
    return check_print(&check);
}
