// The execution order of promises, async functions, async generators and timers.
import * as os from "qjs:os";

const order = [];
const say = (what) => order.push(what);
const sleep = (turns) => new Promise((resolve) => os.setTimeout(resolve, turns * 20));
say("start");
queueMicrotask(() => say("microtask"));
Promise.resolve("then").then(say).then(() => say("then then"));
const later = (async () => {
  say("async body");
  await null;
  say("after await");
  try {
    await Promise.reject(new Error("rejected"));
  } catch (error) {
    say(`caught ${error.message}`);
  } finally {
    say("finally");
  }
  return "result";
})();
say("end of script");

async function* numbers() {
  for (let i = 0; i < 3; i++) {
    await sleep(0.1);
    yield i;
  }
}

say(await later);
sleep(4).then(() => say("second timer"));
sleep(1).then(() => say("first timer"));
await sleep(6);
console.log(order.join("\n"));
const collected = [];
for await (const n of numbers()) collected.push(n);
console.log(collected.join());
console.log(await Promise.all([1, Promise.resolve(2), sleep(0.1).then(() => 3)]).then((all) => all.join()));
console.log((await Promise.allSettled([Promise.reject(1), 2])).map((one) => one.status).join());
console.log(await Promise.race([sleep(5).then(() => "slow"), sleep(0.1).then(() => "fast")]));
console.log(await Promise.any([Promise.reject(1), Promise.resolve("any")]));
const { promise, resolve } = Promise.withResolvers();
resolve("resolved");
console.log(await promise);
try {
  await Promise.any([Promise.reject(new Error("a")), Promise.reject(new Error("b"))]);
} catch (error) {
  console.log(error.constructor.name, error.errors.length);
}
