// Calls itself without end. QuickJS has no limit of its own for that under WASI, so its stack runs into the end of memory
// or the engine's limit: a trap.
console.log("before");
function forever() {
  return forever() + 1;
}
console.log(forever());
