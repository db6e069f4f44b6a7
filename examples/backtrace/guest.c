// The guest of the example `backtrace`. This command compiles it to guest.wasm, with debug information:
//
//     clang --target=wasm32 -nostdlib -O1 -g -ffile-prefix-map=$PWD=. -Wl,--no-entry -o guest.wasm guest.c

__attribute__((import_module("host"), import_name("price"))) int price(int item);

static inline __attribute__((always_inline)) int share(int total, int people) {
    return total / people;
}

__attribute__((noinline)) static int split(int items, int people) {
    int total = 0;
    for (int i = 0; i < items; i++)
        total += price(i);
    return share(total, people);
}

__attribute__((export_name("bill"))) int bill(int items, int people) {
    return split(items, people) + 1;
}
