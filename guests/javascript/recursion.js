// Recurses without end. QuickJS has no recursion limit under WASI, so its stack reaches the end of memory or the engine's
// limit, and the program traps.
console.log("before");
function forever() {
  return forever() + 1;
}
console.log(forever());
