// Text: regular expressions, JSON, template literals, Unicode, numbers as text.
const log = "2024-02-29 WARN disk=91%\n2024-03-01 INFO disk=12%\n";
for (const match of log.matchAll(/^(?<day>\d{4}-\d\d-\d\d) (?<level>[A-Z]+) disk=(?<disk>\d+)%$/gm)) {
  const { day, level, disk } = match.groups;
  console.log(match.index, day, level, Number(disk) + 1);
}
console.log("one two".replace(/(\w+) (\w+)/, "$2 $1"), "a-b_c".split(/[-_]/).join("|"), "aBc".replace(/b/gi, (m) => `<${m}>`));
console.log(/(?<=\$)\d+(\.\d\d)?/.exec("cost: $12.50")[0], /^(?:a|ab)(?!c)/.test("abc"), /\p{Lu}\p{Ll}+/u.exec("été Émile")[0]);
const sticky = /foo/y;
sticky.lastIndex = 3;
console.log(sticky.test("barfoo"), sticky.lastIndex, /(a+)+b/.test("a".repeat(20) + "b"), "x".padStart(3, "ab"));

const value = { name: "Kinglet", list: [1, 2.5, null, undefined, true], nested: { when: new Date(0), skip() {} } };
console.log(JSON.stringify(value));
console.log(JSON.stringify(value, (key, value) => (typeof value === "number" ? value * 2 : value), 1));
console.log(JSON.parse('{"a": [1, {"b": "\\u2603"}]}', (key, value) => (Array.isArray(value) ? value.length : value)).a);
for (const bad of ['{"a": }', "[1, 2", "{'a': 1}"]) {
  try {
    JSON.parse(bad);
  } catch (error) {
    console.log(error instanceof SyntaxError);
  }
}

const tag = (parts, ...values) => parts.raw.join("_") + values.join("+");
console.log(tag`a\n${1}b${2}c`, `${[1, 2]} ${{}} ${null}`);
console.log([..."☃𝄞é"].length, "☃𝄞é".length, "𝄞".codePointAt(0).toString(16), "e\u0301".normalize() === "é", "ß".toUpperCase());
console.log((255).toString(16), (0.1 + 0.2).toString(), (1e21).toString(), (1234.5678).toFixed(2), (0.00001234).toPrecision(2));
console.log(parseInt("12px"), Number(""), Number("0x1f"), +"1e3", parseFloat(".5abc"), (-1.5).toFixed(0), (25).toString(36));
console.log("abc".at(-1), "a,b,,c".split(","), " trim ".trim() + "|", "abcabc".replaceAll("b", "x"), "b" > "a", "é" < "z");
console.log(new Date(Date.UTC(2024, 1, 29, 12, 30)).toISOString(), new Date("2024-02-30T00:00:00Z").getUTCDate(), Date.now() > 1.5e12);
console.log(encodeURIComponent("a b/ü"), decodeURIComponent("%E2%98%83"), escape("ü"));
