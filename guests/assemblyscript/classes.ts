// AssemblyScript's runtime and library: classes, interfaces, generics, the collector, maps and sets, typed arrays,
// strings, numbers, SIMD-free mathematics. It ends with status 3.
function print(text: string): void {
  process.stdout.write(text + "\n");
}

interface Named {
  name(): string;
}
abstract class Shape implements Named {
  static made: i32 = 0;
  constructor(protected label: string) {
    Shape.made++;
  }
  abstract area(): f64;
  name(): string {
    return this.label + " of " + this.area().toString();
  }
}
class Square extends Shape {
  constructor(private side: f64) {
    super("square");
  }
  area(): f64 {
    return this.side * this.side;
  }
}
class Circle extends Shape {
  constructor(public radius: f64) {
    super("circle");
  }
  area(): f64 {
    return 3 * this.radius ** 2;
  }
  get diameter(): f64 {
    return 2 * this.radius;
  }
  @operator("+")
  joined(other: Circle): Circle {
    return new Circle(this.radius + other.radius);
  }
}

class Stack<T> {
  private items: T[] = [];
  push(item: T): this {
    this.items.push(item);
    return this;
  }
  pop(): T {
    if (this.items.length == 0) throw new Error("empty");
    return this.items.pop();
  }
  get size(): i32 {
    return this.items.length;
  }
}

enum Colour {
  Red,
  Green = 5,
  Blue,
}

function classes(): void {
  const shapes: Shape[] = [new Square(3), new Circle(2), new Circle(1)];
  shapes.sort((a, b) => <i32>(a.area() - b.area()));
  print(shapes.map<string>((shape) => (shape as Named).name()).join("; ") + " " + Shape.made.toString());
  const circle = shapes[0];
  if (circle instanceof Circle) print(((circle as Circle) + new Circle(4)).diameter.toString());
  const stack = new Stack<string>().push("a").push("b");
  print(stack.pop() + stack.size.toString() + Colour.Blue.toString() + nameof<Square>() + sizeof<f64>().toString());
  let maybe: Square | null = null;
  print(maybe === null ? "null" : "not null");
}

function collections(): void {
  const counts = new Map<string, i32>();
  const words = "the cat and the dog and the bird".split(" ");
  for (let i = 0; i < words.length; i++) counts.set(words[i], (counts.has(words[i]) ? counts.get(words[i]) : 0) + 1);
  const keys = counts.keys().sort();
  print(keys.map<string>((key) => key).join() + " " + counts.get("the").toString() + " " + counts.delete("cat").toString());
  const odd = new Set<i32>();
  for (let i = 0; i < 1000; i++) odd.add((i * 7) % 31);
  print(odd.size.toString() + " " + odd.has(30).toString());
  const squares = new Map<i32, i32>();
  for (let i = 0; i < 20000; i++) squares.set(i, i * i);
  print(squares.size.toString() + " " + squares.get(141).toString());
  const numbers = [5, 3, 8, 1];
  print(numbers.slice(1).concat([9, 9]).reverse().join() + " " + numbers.reduce((a, b) => a + b, 0).toString());
  print(numbers.indexOf(8).toString() + numbers.includes(2).toString() + numbers.findIndex((n) => n < 4).toString());
  const bytes = Uint8Array.wrap(String.UTF8.encode("naïve ☃"));
  print(bytes.length.toString() + " " + bytes.subarray(2, 4).join() + " " + String.UTF8.decode(bytes.buffer));
  const floats = new Float64Array(4);
  floats.set([1.5, 2.5, -0.5, 1e300]);
  print(floats.sort().join() + " " + floats.map((x) => x * 2).at(0).toString());
  const view = new DataView(new ArrayBuffer(16));
  view.setInt32(0, -2, true);
  view.setFloat32(4, 1.5);
  print(view.getUint16(0).toString() + " " + view.getUint64(0, true).toString());
}

function text(): void {
  const line = "  Kinglet, Regulus; bird ";
  print(line.trim().toUpperCase() + "|" + line.replaceAll("i", "1") + "|" + line.indexOf("let").toString());
  print("a,b,,c".split(",").length.toString() + "abc".charAt(1) + "x".repeat(3) + "abc".slice(-2) + "☃".codePointAt(0).toString());
  print("b".localeCompare("a").toString() + ("a" < "b").toString() + "7".padStart(3, "0") + "abcabc".lastIndexOf("bc").toString());
  print(parseInt("-42").toString() + " " + parseFloat("2.5e3").toString() + " " + I64.parseInt("7fffffffffffffff", 16).toString());
  print((0.1 + 0.2).toString() + " " + (1e21).toString() + " " + (255).toString(16) + " " + (-0.0).toString() + " " + (5e-324).toString());
  print(u64.MAX_VALUE.toString() + " " + i64.MIN_VALUE.toString() + " " + f32.MAX_VALUE.toString() + " " + NaN.toString());
}

function arithmetic(): void {
  print(<string>(<i32>7 / -2).toString() + " " + (<i32>-7 % 3).toString() + " " + (<u8>300).toString() + " " + (<i8>200).toString());
  print(rotl<u32>(0x80000001, 4).toString(16) + " " + clz<i64>(1).toString() + " " + popcnt<u32>(255).toString() + " " + bswap<u32>(1).toString());
  print(Math.sqrt(2).toString() + " " + Math.pow(2, 0.5).toString() + " " + Math.hypot(3, 4).toString() + " " + Math.trunc(-2.7).toString());
  print((Math.abs(Math.sin(1) - 0.8414709848078965) < 1e-15).toString() + " " + nearest(2.5).toString() + " " + Mathf.floor(-1.5).toString());
  print(reinterpret<u64>(1.5).toString(16) + " " + select<i32>(1, 2, false).toString() + " " + (<i32>Infinity).toString());
  let state: u32 = 1;
  for (let i = 0; i < 1000000; i++) state = state * 1664525 + 1013904223;
  print(state.toString());
}

class Node {
  constructor(public left: Node | null, public right: Node | null) {}
  count(): i32 {
    const left = this.left, right = this.right;
    return 1 + (left ? left.count() : 0) + (right ? right.count() : 0);
  }
}
function grow(depth: i32): Node {
  return depth ? new Node(grow(depth - 1), grow(depth - 1)) : new Node(null, null);
}

function collector(): void {
  const kept = grow(10);
  for (let i = 0; i < 200; i++) grow(8);
  __collect();
  print(kept.count().toString() + " " + (memory.size() < 200).toString());
  let text = "";
  for (let i = 0; i < 2000; i++) text += (i % 10).toString();
  print(text.length.toString());
}

print(process.argv.slice(1).join("|") + " " + process.env.get("NAME") + " " + process.env.has("NOT_GIVEN").toString());
classes();
collections();
text();
arithmetic();
collector();
const before = process.hrtime();
print((process.hrtime() >= before).toString() + " " + (Date.now() > 1577836800000).toString() + " " + (Math.random() != Math.random()).toString());
process.exit(3);
