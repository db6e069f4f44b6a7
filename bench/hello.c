// The smallest program with output. It measures the time in which an engine starts and exits.

#include <stdio.h>

int main(void) {
    puts("Hello, world");
    return 0;
}
