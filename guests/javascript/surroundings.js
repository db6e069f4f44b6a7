// The environment of a program: arguments, a variable, input, and its exit.
import * as std from "qjs:std";
import * as os from "qjs:os";

console.log(scriptArgs.join("|"), std.getenv("NAME"), std.getenv("NOT_GIVEN"), Object.keys(std.getenviron()).includes("NAME"));
console.log(std.in.getline(), "/", std.in.readAsString().split("\n").length, std.in.getline());
const before = os.now();
os.sleep(20);
const slept = os.now() - before;
console.log(slept >= 19 && slept < 1e7, os.platform, performance.now() >= 0, Math.random() !== Math.random());
std.out.puts("to standard output\n");
std.out.flush();
std.err.puts("to standard error\n");
print(typeof std.gc, new Date().getFullYear() > 2020);
