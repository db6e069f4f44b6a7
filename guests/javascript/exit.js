// Exits with a status from within a function. The code after the call does not run.
import * as std from "qjs:std";

function leave() {
  try {
    console.log("leaving");
    std.exit(9);
  } finally {
    console.log("never");
  }
}
leave();
