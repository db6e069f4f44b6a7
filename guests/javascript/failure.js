// Ends with an uncaught exception: status 1 and a stack trace on standard error.
function inner(values) {
  return values.missing.field;
}
function outer() {
  return inner({});
}
console.log("before");
outer();
console.log("never");
