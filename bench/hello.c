// The smallest program that says something: what is measured with it is the engine's own start and end.

#include <stdio.h>

int main(void) {
    puts("Hello, world");
    return 0;
}
