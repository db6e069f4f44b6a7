// Fannkuch: for every permutation of n numbers, counts reversals of the first k elements, where k is the first element,
// until the first element is 1. The results are the maximum and a sum with alternating signs.

#include "kernel.h"

enum { LARGEST = 16 };

static int flips(const int *permutation, int n) {
    int work[LARGEST], count = 0;
    memcpy(work, permutation, n * sizeof *work);
    for (int first = work[0]; first != 0; first = work[0]) {
        for (int i = 0, j = first; i < j; i++, j--) {
            int value = work[i];
            work[i] = work[j];
            work[j] = value;
        }
        count++;
    }
    return count;
}

// Computes the next permutation in the order of rotations. Returns 0 after the last one.
static int next(int *permutation, int *turns, int n) {
    for (int length = 2; length <= n; length++) {
        int first = permutation[0];
        for (int i = 0; i + 1 < length; i++)
            permutation[i] = permutation[i + 1];
        permutation[length - 1] = first;
        if (++turns[length - 1] < length)
            return 1;
        turns[length - 1] = 0;
    }
    return 0;
}

int main(int argc, char **argv) {
    int n = kernel_size(argc, argv, 10);
    kernel_expect(n <= LARGEST, "size");
    int permutation[LARGEST], turns[LARGEST] = {0};
    for (int i = 0; i < n; i++)
        permutation[i] = i;
    int most = 0, sum = 0, sign = 1;
    do {
        int count = flips(permutation, n);
        most = count > most ? count : most;
        sum += sign * count;
        sign = -sign;
    } while (next(permutation, turns, n));
    kernel_expect(n != 7 || (most == 16 && sum == 228), "seven pancakes");
    Check check = {0};
    check_word(&check, (uint64_t)most);
    check_word(&check, (uint64_t)(int64_t)sum);
    return check_print(&check);
}
