// Counts generated words with a map, regular expressions, sorting and JSON. The argument is the number of rounds.

let state = 12345;
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return Math.floor((state / 4294967296) * n);
};

const syllables = ["ka", "lo", "mir", "ten", "su", "vo", "ras", "ip"];
const word = () => Array.from({ length: 1 + below(3) }, () => syllables[below(syllables.length)]).join("");

const rounds = Number(scriptArgs[1]);
const counts = new Map();
for (let round = 0; round < rounds; round++) {
  const line = Array.from({ length: 50 }, word).join(round % 2 ? " " : ", ");
  for (const [found] of line.matchAll(/[a-z]+/g)) counts.set(found, (counts.get(found) ?? 0) + 1);
}

const rows = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([text, count]) => ({ text, count }));
let sum = 0;
for (const character of JSON.stringify(rows)) sum = (Math.imul(sum, 31) + character.charCodeAt(0)) >>> 0;
console.log(rounds, rows.length, sum.toString(16));
