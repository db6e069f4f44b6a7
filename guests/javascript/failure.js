// Ends with an exception that nothing catches: status 1 and a stack on standard error.
function inner(values) {
  return values.missing.field;
}
function outer() {
  return inner({});
}
console.log("before");
outer();
console.log("never");
