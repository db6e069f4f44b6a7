# Files in the current directory: pathlib, os, shutil, glob, archives, a database. It leaves the directory unchanged.
import bz2
import glob
import gzip
import io
import os
import shutil
import sqlite3
import stat
import tarfile
import zipfile
from pathlib import Path

root = Path("work")
root.mkdir()
(root / "deep" / "er").mkdir(parents=True)
(root / "a.txt").write_text("first\nsecond\nthird\n", encoding="utf-8")
(root / "deep" / "b.bin").write_bytes(bytes(range(256)))

with open(root / "a.txt", "r+", encoding="utf-8") as file:
    print(file.readline().strip(), file.tell(), file.seek(0, io.SEEK_END), file.write("fourth\n"))
with open(root / "a.txt", "a", encoding="utf-8") as file:
    print("fifth", file=file)
print((root / "a.txt").read_text().split(), (root / "a.txt").stat().st_size)
with open(root / "deep" / "b.bin", "rb") as file:
    file.seek(250)
    print(file.read(), file.read(), os.fstat(file.fileno()).st_size)
os.truncate(root / "a.txt", 5)
print((root / "a.txt").read_text(), stat.S_ISDIR(os.stat(root).st_mode), os.path.getmtime(root) > 1.5e9)

os.rename(root / "a.txt", root / "c.txt")
shutil.copy(root / "c.txt", root / "deep" / "er" / "d.txt")
for folder, folders, names in sorted(os.walk(root)):
    print(folder, sorted(folders), sorted(names))
print(sorted(glob.glob("work/**/*.*", recursive=True)), sorted(p.name for p in root.rglob("*.txt")))
for index in range(200):
    (root / "deep" / f"{index:03}").touch()
print(len(os.listdir(root / "deep")), sum(entry.is_file() for entry in os.scandir(root / "deep")))

for action in [
    lambda: open("work/none"),
    lambda: os.mkdir("work"),
    lambda: os.rmdir("work"),
    lambda: open("work", "w"),
    lambda: open("work/c.txt/x"),
    lambda: open("../outside", "w"),
]:
    try:
        action()
        print("it worked")
    except OSError as error:
        print(type(error).__name__)

for opener, name in [(gzip.open, "g.gz"), (bz2.open, "b.bz2")]:
    with opener(root / name, "wt") as file:
        file.write("squeezed " * 1000)
    with opener(root / name, "rt") as file:
        print(name, len(file.read()), (root / name).stat().st_size < 200)
with zipfile.ZipFile(root / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("inner/one.txt", "1" * 1000)
    archive.write(root / "c.txt", "two.txt")
with zipfile.ZipFile(root / "z.zip") as archive:
    print(archive.namelist(), archive.read("two.txt"), archive.testzip())
with tarfile.open(root / "t.tar", "w") as archive:
    archive.add(root / "deep" / "er", "er")
with tarfile.open(root / "t.tar") as archive:
    print(sorted(archive.getnames()))

database = sqlite3.connect(":memory:")
database.execute("create table bird (name text primary key, weight real)")
database.executemany("insert into bird values (?, ?)", [("goldcrest", 5.5), ("robin", 18), ("wren", 9)])
print(database.execute("select name, weight * 2 from bird where weight < 10 order by name desc").fetchall())
try:
    database.execute("insert into bird values ('wren', 1)")
except sqlite3.IntegrityError as error:
    print(error)
print(database.execute("select count(*), avg(weight), group_concat(upper(name)) from bird").fetchone())

shutil.rmtree(root)
print(root.exists(), os.getcwd())
