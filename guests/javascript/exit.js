// Ends with a status of its own, out of a function, before what follows.
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
