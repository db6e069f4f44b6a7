// Files through the modules std and os. It leaves the directory unchanged.
import * as std from "qjs:std";
import * as os from "qjs:os";

const check = (what, error) => {
  if (error) throw new Error(`${what}: ${std.strerror(-error)}`);
};
check("mkdir", os.mkdir("work"));
let file = std.open("work/a.txt", "w");
file.puts("first\nsecond ☃\n");
file.printf("%d %5.2f %s|%x\n", 42, 3.14159, "text", 255);
file.close();
file = std.open("work/a.txt", "a");
file.puts("appended\n");
file.close();
console.log(std.loadFile("work/a.txt"));
file = std.open("work/a.txt", "r");
console.log(file.getline(), file.tell(), file.seek(-9, std.SEEK_END), file.readAsString().trim(), file.eof());
file.close();
const [stat, error] = os.stat("work/a.txt");
console.log(error, stat.size, (stat.mode & os.S_IFMT) === os.S_IFREG, stat.mtime > 1.5e12);

const fd = os.open("work/b.bin", os.O_RDWR | os.O_CREAT);
const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
console.log(os.write(fd, bytes.buffer, 0, 256), os.seek(fd, 250, std.SEEK_SET));
const tail = new Uint8Array(10);
console.log(os.read(fd, tail.buffer, 0, 10), tail.join(), os.read(fd, tail.buffer, 0, 10), os.close(fd));

check("rename", os.rename("work/a.txt", "work/c.txt"));
const names = (path) => os.readdir(path)[0].filter((name) => !name.startsWith(".")).sort().join();
console.log(names("work"), os.readdir("work/none")[1] === -std.Error.ENOENT);
console.log(std.open("work/none", "r"), std.open("../outside", "w"), os.mkdir("work") === -std.Error.EEXIST);
check("remove", os.remove("work/b.bin"));
check("remove", os.remove("work/c.txt"));
check("remove", os.remove("work"));
console.log(names(".").includes("work"), os.remove("work") === -std.Error.ENOENT);
