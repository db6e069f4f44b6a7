// Data: arrays, Map and Set, typed arrays, BigInt, sorting, floats, weak references.
const birds = [["goldcrest", 5.5], ["robin", 18], ["wren", 9], ["blackbird", 95]];
const weights = new Map(birds);
weights.set(NaN, "nan").delete("robin");
console.log(weights.size, weights.get(NaN), [...weights.keys()].join(), JSON.stringify(Object.fromEntries(weights)));
const odd = new Set([1, 3, 5, 7, 3, 1]);
console.log(odd.size, [...odd.union(new Set([2]))].join(), [...odd.intersection(new Set([3, 4, 5]))].join(), odd.has(-0));
console.log(JSON.stringify(Object.groupBy(birds, ([, weight]) => (weight < 10 ? "light" : "heavy"))));

const numbers = Array.from({ length: 20000 }, (_, i) => (i * 7919) % 20011);
console.log(numbers.toSorted((a, b) => a - b).slice(0, 4).join(), numbers.reduce((a, b) => a + b), numbers.indexOf(42));
console.log([3, 1, 10, 2].sort().join(), [3, 1, 2].toReversed().join(), [1, [2, [3, [4]]]].flat(Infinity).join());
console.log([5, 1, 4].with(1, 9).join(), [1, 2, 3, 4].findLast((n) => n % 2), [..."abc"].entries().next().value.join(), [,1].length);
const stable = ["bb", "a", "cc", "d"].sort((a, b) => a.length - b.length);
console.log(stable.join(), [1, 2, 3].includes(2), Array.isArray([]), [1, 2, 3, 4, 5].copyWithin(0, 3).join(), [].at(0));

const bytes = new Uint8Array([1, 2, 250, 255, 256, -1]);
const view = new DataView(bytes.buffer);
console.log(bytes.join(), view.getUint16(2), view.getInt32(0, true), new Uint8ClampedArray([300, -5, 1.5]).join());
const floats = new Float64Array([1.5, -0, NaN, Infinity]);
console.log(floats.join(), new Uint8Array(floats.buffer, 0, 8).join(), Object.is(floats[1], -0), new Float32Array([0.1])[0]);
console.log(new Int16Array([5, -3, 9]).sort().join(), bytes.subarray(1, 3).map((b) => b + 10).join());

const factorial = (n) => (n < 2n ? 1n : n * factorial(n - 1n));
console.log(factorial(40n), 2n ** 200n, -7n / 2n, -7n % 3n, BigInt.asUintN(64, -1n), BigInt("0xff"), 5n > 4, 2n == 2);
console.log((123456789n ** 5n).toString(36), (1n << 70n) >> 65n, ~5n, BigInt.asIntN(8, 200n), typeof 1n);
console.log(0.1 + 0.2, 1e300 * 1e10, -1 / 0, 5e-324, 2 ** 53 + 1, 7 % -3, -7 % 3, 1 / 3, Number.EPSILON, 123456789012345680000);
console.log(Math.hypot(3, 4), Math.sign(-3), Math.trunc(-4.7), Math.cbrt(27), Math.clz32(1), Math.fround(5.5), Math.round(-0.5), Math.atan2(1, 1));
console.log(1 << 31, 1 >>> 0, -1 >>> 28, 0xffffffff | 0, 5 & 6, 5 ^ 6, ~~-3.7, NaN === NaN, Object.is(NaN, NaN));

const objects = new WeakMap();
let key = {};
objects.set(key, "kept");
console.log(objects.get(key), objects.has({}), new WeakRef(key).deref() === key);
const frozen = Object.freeze({ a: 1, inner: {} });
frozen.inner.b = 2;
console.log(Object.isFrozen(frozen), JSON.stringify(frozen), JSON.stringify(Object.getOwnPropertyDescriptor(frozen, "a")));
let list = null;
for (let i = 0; i < 200000; i++) list = { next: i % 1000 ? list : null, i };
let length = 0;
for (; list; list = list.next) length++;
console.log(length);
