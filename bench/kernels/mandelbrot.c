// The Mandelbrot set: for each point of a grid, counts the iterations of z = z² + c until |z| exceeds the bound.

#include "kernel.h"

static int escape(double cx, double cy, int limit) {
    double x = 0, y = 0;
    for (int i = 0; i < limit; i++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4)
            return i;
        y = 2 * x * y + cy;
        x = xx - yy + cx;
    }
    return limit;
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 1650);
    Check check = {0};
    for (int i = 0; i < n; i++) {
        uint64_t row = 0;
        for (int j = 0; j < n; j++)
            row = row * 31 + (uint64_t)escape(3.0 * j / n - 2.25, 3.0 * i / n - 1.5, 200);
        check_word(&check, row);
    }
    return check_print(&check);
}
