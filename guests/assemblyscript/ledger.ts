// Keeps a ledger. Every language here has the same program with the same output. It uses arguments, a variable,
// its input, files, clocks, maps, sorting, floats and the exit code. It calls WASI for files, because the shim has none.
import {
  errno, fd_close, fd_read, fd_readdir, fd_seek, fd_write, fdflags, lookupflags, oflags, path_open, path_rename,
  path_unlink_file, rights, whence,
} from "@assemblyscript/wasi-shim/assembly/bindings/wasi_snapshot_preview1";

/** The descriptor of the preopened directory. */
const FOLDER: u32 = 3;

class Account {
  count: i32 = 0;
  total: f64 = 0;
  squares: f64 = 0;
  constructor(public name: string) {}
}

/** Encodes a string. The bytes must outlive the pointer. */
class Bytes {
  buffer: ArrayBuffer;
  constructor(text: string) {
    this.buffer = String.UTF8.encode(text);
  }
  get at(): usize {
    return changetype<usize>(this.buffer);
  }
  get length(): i32 {
    return this.buffer.byteLength;
  }
}

/** The buffers for results of calls. */
const scratch: usize = memory.data(64);

function print(text: string): void {
  process.stdout.write(text + "\n");
}

function fixed(value: f64, digits: i32): string {
  const scale: i64 = <i64>Math.pow(10, digits);
  const all = <i64>Math.round(Math.abs(value) * <f64>scale);
  const sign = value < 0 ? "-" : "";
  return sign + (all / scale).toString() + "." + (all % scale).toString().padStart(digits, "0");
}

/** Parses a number of the input. Returns NaN for malformed text. */
function amountOf(text: string): f64 {
  if (text.length == 0) return NaN;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const digit = c >= 48 && c <= 57;
    if (!digit && c != 46 && !(c == 45 && i == 0)) return NaN;
  }
  return parseFloat(text);
}

function enter(ledger: Map<string, Account>, line: string): bool {
  const space = line.indexOf(" ");
  if (space < 0) return false;
  const amount = amountOf(line.substring(space + 1));
  if (isNaN(amount)) return false;
  const name = line.substring(0, space);
  if (!ledger.has(name)) ledger.set(name, new Account(name));
  const account = ledger.get(name);
  account.count++;
  account.total += amount;
  account.squares += amount * amount;
  return true;
}

function readInput(ledger: Map<string, Account>): i32 {
  let text = "";
  const part = new ArrayBuffer(100);
  for (let got = process.stdin.read(part); got > 0; got = process.stdin.read(part)) {
    text += String.UTF8.decode(part.slice(0, got));
  }
  const lines = text.split("\n");
  if (lines[lines.length - 1] == "") lines.pop();
  let hash: u64 = 14695981039346656037;
  let bad = 0;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    for (let j = 0; j < line.length; j++) hash = (hash ^ line.charCodeAt(j)) * 1099511628211;
    if (enter(ledger, line)) continue;
    print(`line ${i + 1}: cannot read \`${line}\``);
    bad++;
  }
  print("hash: " + hash.toString(16).padStart(16, "0"));
  return bad;
}

function table(ledger: Map<string, Account>): string {
  const sorted = ledger.values();
  sorted.sort((a, b) => (a.total != b.total ? (a.total < b.total ? 1 : -1) : a.name < b.name ? -1 : 1));
  let text = "";
  for (let i = 0; i < sorted.length; i++) {
    const account = sorted[i];
    const mean = account.total / account.count;
    const deviation = Math.sqrt(account.squares / account.count - mean * mean);
    text += account.name.padEnd(8) + " " + account.count.toString().padStart(3);
    text += " " + fixed(account.total, 2).padStart(10) + " " + fixed(mean, 4).padStart(10);
    text += " " + fixed(deviation, 3).padStart(9) + "\n";
  }
  return text;
}

function sortNumbers(): void {
  const numbers = new StaticArray<u64>(100000);
  let state: u64 = 42;
  for (let i = 0; i < numbers.length; i++) {
    state = state * 6364136223846793005 + 1442695040888963407;
    numbers[i] = state >> 11;
  }
  numbers.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  print(`sorted: ${numbers[0]} ${numbers[numbers.length / 2]} ${numbers[numbers.length - 1]}`);
}

function clocks(): void {
  let forward = true;
  let before = process.hrtime();
  for (let i = 0; i < 1000; i++) {
    const now = process.hrtime();
    if (now < before) forward = false;
    before = now;
  }
  const wall = Date.now() > 1577836800000 ? "after 2020" : "wrong";
  print("clocks: " + wall + ", " + (forward ? "forward" : "backward"));
}

/** Returns a descriptor, or -1 minus the error. */
function open(path: string, flags: u16, mode: u16, access: u64): i32 {
  const name = new Bytes(path);
  const error = path_open(FOLDER, lookupflags.SYMLINK_FOLLOW, name.at, name.length, flags, access, 0, mode, scratch);
  return error ? -1 - <i32>error : load<i32>(scratch);
}

function write(file: u32, text: string): void {
  const bytes = new Bytes(text);
  store<usize>(scratch, bytes.at);
  store<usize>(scratch, bytes.length, 4);
  if (fd_write(file, scratch, 1, scratch + 8) || load<i32>(scratch, 8) != bytes.length) abort("cannot write");
}

function read(file: u32, most: i32): string {
  const buffer = new ArrayBuffer(most);
  store<usize>(scratch, changetype<usize>(buffer));
  store<i32>(scratch, most, 4);
  if (fd_read(file, scratch, 1, scratch + 8)) abort("cannot read");
  return String.UTF8.decode(buffer.slice(0, load<i32>(scratch, 8)));
}

function listFolder(): void {
  const folder = open(".", oflags.DIRECTORY, 0, rights.FD_READDIR);
  const buffer = new ArrayBuffer(4096);
  const start = changetype<usize>(buffer);
  if (folder < 0 || fd_readdir(folder, start, 4096, 0, scratch)) abort("cannot list");
  const end = start + load<usize>(scratch);
  const names = new Array<string>();
  // An entry has 24 bytes: the cookie of the next entry, inode, length of the name, and kind. The name follows.
  for (let entry = start; entry < end; entry += 24 + load<u32>(entry, 16)) {
    const name = String.UTF8.decodeUnsafe(entry + 24, load<u32>(entry, 16));
    if (!name.startsWith(".")) names.push(name);
  }
  fd_close(folder);
  names.sort();
  print(["folder:"].concat(names).join(" "));
}

function files(path: string, text: string, accounts: i32): bool {
  let file = open(path, oflags.CREAT | oflags.TRUNC, 0, rights.FD_WRITE);
  if (file < 0) return false;
  write(file, text);
  fd_close(file);
  file = open(path, 0, fdflags.APPEND, rights.FD_WRITE);
  write(file, accounts.toString() + " accounts\n");
  fd_close(file);
  file = open(path, 0, 0, rights.FD_READ | rights.FD_SEEK);
  const content = read(file, 4096);
  fd_seek(file, -9, whence.END, scratch);
  const last = read(file, 8);
  fd_close(file);
  const lines = content.split("\n").length - 1;
  print(`file: ${content.length} bytes, ${lines} lines, at the end \`${last}\``);
  const from = new Bytes(path);
  const old = new Bytes(path + ".old");
  path_rename(FOLDER, from.at, from.length, FOLDER, old.at, old.length);
  listFolder();
  path_unlink_file(FOLDER, old.at, old.length);
  listFolder();
  print("missing: " + (open(path, 0, 0, rights.FD_READ) == -1 - errno.NOENT ? "yes" : "no"));
  return true;
}

function main(): i32 {
  const args = process.argv;
  if (args.length < 3) {
    process.stderr.write("usage: ledger TITLE FILE\n");
    return 64;
  }
  const currency = process.env.has("CURRENCY") ? process.env.get("CURRENCY") : "no currency";
  print(`${args[1]}, in ${currency}, ${args.length - 1} arguments`);
  const ledger = new Map<string, Account>();
  const bad = readInput(ledger);
  const text = table(ledger);
  process.stdout.write(text);
  sortNumbers();
  clocks();
  if (!files(args[2], text, ledger.size)) {
    process.stderr.write("ledger: cannot write " + args[2] + "\n");
    return 74;
  }
  return bad;
}

process.exit(main());
