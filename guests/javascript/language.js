// The language: closures, classes, generators, destructuring, proxies, symbols, exceptions.
const counter = (() => {
  let count = 0;
  return { step: (by = 1, ...rest) => (count += by + rest.reduce((a, b) => a + b, 0)), get count() { return count; } };
})();
counter.step();
counter.step(1, 2, 3);
console.log(counter.count);

class Shape {
  static #made = 0;
  #name;
  constructor(name) {
    this.#name = name;
    Shape.#made++;
  }
  static get made() {
    return Shape.#made;
  }
  get area() {
    return 0;
  }
  toString() {
    return `${this.#name} of ${this.area}`;
  }
  static isShape(value) {
    return #name in value;
  }
}
class Square extends Shape {
  side = 1;
  constructor(side) {
    super(new.target.name);
    this.side = side;
  }
  get area() {
    return this.side ** 2;
  }
}
class Doubled extends Square {
  get area() {
    return 2 * super.area;
  }
}
const shapes = [new Square(3), new Doubled(2)];
console.log(String(shapes[0]), `${shapes[1]}`, Shape.made, Shape.isShape(shapes[0]), Shape.isShape({}), shapes[1] instanceof Shape);

function* walk(tree) {
  if (!tree) return 0;
  const left = yield* walk(tree.left);
  yield tree.value;
  const right = yield* walk(tree.right);
  return left + right + 1;
}
const tree = { value: 2, left: { value: 1 }, right: { value: 4, left: { value: 3 } } };
console.log([...walk(tree)], Math.max(...walk(tree)));
const talk = (function* () {
  try {
    const got = yield "first";
    yield got * 2;
  } finally {
    console.log("cleaned");
  }
})();
console.log(talk.next().value, talk.next(21).value, talk.return("end").value, talk.next().done);

const { a, b: { c = 5, ...others } = {}, ...rest } = { a: 1, b: { d: 2, e: 3 }, f: 4 };
const [first, , third = "default", ...tail] = [1, 2, undefined, 4, 5];
console.log(a, c, JSON.stringify(others), JSON.stringify(rest), first, third, tail);
console.log(null ?? "other", undefined?.x?.y, 0 || "falsy", ((x) => x?.())(null), typeof null, typeof (() => 1), void 0);

const seen = [];
const proxy = new Proxy({ real: 1 }, {
  get: (target, key) => (seen.push(`get ${String(key)}`), Reflect.get(target, key) ?? "made up"),
  has: (target, key) => key.startsWith("r"),
  deleteProperty: () => false,
});
console.log(proxy.real, proxy.other, "right" in proxy, "wrong" in proxy, Reflect.deleteProperty(proxy, "real"), seen.join());
const range = { from: 1, to: 4, *[Symbol.iterator]() { for (let i = this.from; i <= this.to; i++) yield i; } };
console.log([...range], Array.from(range, (n) => n * n), Object.fromEntries(range[Symbol.iterator]().map((n) => [`k${n}`, n])));
console.log(`${{ [Symbol.toPrimitive]: (hint) => hint }}`, Symbol.for("x") === Symbol.for("x"), Symbol("d").description);

function risky(n) {
  try {
    if (n === 0) throw new RangeError("zero", { cause: "a test" });
    return "fine";
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `${error.name}: ${error.message} (${error.cause})`;
  } finally {
    seen.length = 0;
  }
}
console.log(risky(0), risky(1), seen.length);
for (const wrong of [() => null.x, () => undefined(), () => nowhere, () => new Array(-1), () => 1n + 1, () => Symbol() + ""]) {
  try {
    wrong();
  } catch (error) {
    console.log(error.constructor.name);
  }
}
const deep = (n) => (n === 0 ? 0 : 1 + deep(n - 1));
console.log(deep(1000));
outer: for (let i = 0; i < 3; i++) {
  for (let j = 0; j < 3; j++) {
    if (j === 1) continue outer;
    if (i === 2) break outer;
    console.log("loop", i, j);
  }
}
var hoisted = typeof later;
function later() {}
console.log(hoisted, (() => { "use strict"; try { undeclared = 1; } catch { return "strict"; } })(), eval("1 + 1"), new Function("x", "return x * 2")(4));
let total = 0;
for (let i = 0; i < 300000; i++) total = (Math.imul(total, 31) + i) >>> 0;
console.log(total);
