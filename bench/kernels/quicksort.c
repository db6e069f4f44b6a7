// Quicksort of 32-bit numbers: the median of three is the pivot, only the smaller part recurses, and insertion sort
// handles short ranges.

#include "kernel.h"

static void insertion(int32_t *a, int count) {
    for (int i = 1; i < count; i++) {
        int32_t value = a[i];
        int at = i;
        for (; at > 0 && a[at - 1] > value; at--)
            a[at] = a[at - 1];
        a[at] = value;
    }
}

static void swap(int32_t *a, int32_t *b) {
    int32_t value = *a;
    *a = *b;
    *b = value;
}

// Partitions around the pivot. Returns the length of the first part.
static int split(int32_t *a, int count) {
    int last = count - 1, middle = last / 2;
    if (a[middle] < a[0])
        swap(&a[middle], &a[0]);
    if (a[last] < a[0])
        swap(&a[last], &a[0]);
    if (a[last] < a[middle])
        swap(&a[last], &a[middle]);
    int32_t pivot = a[middle];
    int i = -1, j = count;
    for (;;) {
        do
            i++;
        while (a[i] < pivot);
        do
            j--;
        while (a[j] > pivot);
        if (i >= j)
            return j + 1;
        swap(&a[i], &a[j]);
    }
}

static void quicksort(int32_t *a, int count) {
    while (count > 12) {
        int first = split(a, count);
        if (first < count - first) {
            quicksort(a, first);
            a += first;
            count -= first;
        } else {
            quicksort(a + first, count - first);
            count = first;
        }
    }
    insertion(a, count);
}

int main(int argc, char **argv) {
    int count = kernel_size(argc, argv, 2000000);
    int32_t *a = kernel_memory(count, sizeof *a);
    Random random = {17};
    Check check = {0};
    for (int round = 0; round < 2; round++) {
        // Once with different numbers, once with many equal numbers.
        for (int i = 0; i < count; i++)
            a[i] = (int32_t)(round == 0 ? random_next(&random) : random_below(&random, 1000));
        quicksort(a, count);
        for (int i = 1; i < count; i++)
            kernel_expect(a[i - 1] <= a[i], "order");
        check_bytes(&check, a, (size_t)count * sizeof *a);
    }
    return check_print(&check);
}
