// Counts the placements of n queens on a board without an attack, by recursion over bit sets.

#include "kernel.h"

static uint32_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right) {
    if (columns == all)
        return 1;
    uint32_t count = 0;
    for (uint32_t free = all & ~(columns | left | right); free != 0; free &= free - 1) {
        uint32_t queen = free & -free;
        count += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return count;
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 14);
    kernel_expect(place(255, 0, 0, 0) == 92, "eight queens");
    Check check = {0};
    for (int i = 1; i <= n; i++)
        check_word(&check, place((1u << i) - 1, 0, 0, 0));
    return check_print(&check);
}
