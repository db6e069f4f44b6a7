# Text: json, re, csv, string formatting, Unicode, diffs, encodings.
import base64
import configparser
import csv
import difflib
import html
import io
import json
import re
import string
import textwrap
import unicodedata
from urllib.parse import parse_qs, quote, urlsplit

document = {"name": "Kinglet", "weight": 5.5, "tags": ["small", "crowned"], "eggs": None, "sings": True, "ü": "\u2603"}
encoded = json.dumps(document, sort_keys=True)
print(encoded)
assert json.loads(encoded) == document
print(json.dumps([1, {"a": [2.0, 1e100, -0.0]}], indent=1, ensure_ascii=False))
for bad in ['{"a": }', "[1, 2", '"\\x"', "nul"]:
    try:
        json.loads(bad)
    except json.JSONDecodeError as error:
        print(error)

log = "2024-02-29 12:30:01 WARN disk=91% host=alpha\n2024-03-01 00:00:00 INFO disk=12% host=beta\n"
pattern = re.compile(r"^(?P<day>\d{4}-\d\d-\d\d) (?P<time>[\d:]+) (?P<level>[A-Z]+) .*?host=(\w+)$", re.MULTILINE)
for match in pattern.finditer(log):
    print(match.groupdict(), match.group(4), match.span("level"))
print(re.sub(r"(\w+)=(\w+)", lambda m: f"{m[2]}:{m[1]}", log).splitlines()[0])
print(re.split(r"[,;]\s*", "a, b;c,  d"), re.findall(r"(?<=\$)\d+(?:\.\d\d)?", "$5 and $12.50"))
print(re.fullmatch(r"(a|b)*?\1c", "ababbc") is not None, re.search(r"(?i)STRASSE", "strasse").group())

table = io.StringIO()
writer = csv.DictWriter(table, ["word", "length"])
writer.writeheader()
for word in ["plain", 'with "quotes"', "with, comma", "with\nbreak"]:
    writer.writerow({"word": word, "length": len(word)})
print(repr(table.getvalue()))
print([row["word"] for row in csv.DictReader(io.StringIO(table.getvalue()))])

print(f"{3.14159:8.3f}|{42:<6}|{42:^6}|{42:>+6}|{255:#x}|{255:08b}|{1234567.891:,.2f}|{0.000012345:e}|{0.75:.1%}")
print("%-5s|%05d|%x|%r" % ("ab", 42, 255, "é"), "{!r:>8}{:*^9}".format("x", "mid"))
print(string.Template("$who owes $$${amount}").substitute(who="Ada", amount=5))
print(textwrap.fill("The goldcrest is the smallest bird of Europe and weighs about as much as a coin.", 30))
print(textwrap.dedent("    a\n      b\n    c"), textwrap.shorten("one two three four", 12))

word = "Cafe\u0301 ½ ǆ ß"
print([unicodedata.normalize(form, word) == word for form in ("NFC", "NFD", "NFKC", "NFKD")])
print(word.upper(), word.casefold(), unicodedata.name("☃"), unicodedata.category("½"), "٣".isdigit(), int("٣"))
print("naïve ☃ 𝄞".encode(), "naïve ☃ 𝄞".encode("utf-16-le").hex(), b"\xff\xfeabc".decode("utf-8", "replace"))
print(base64.b64encode(bytes(range(10))).decode(), base64.b32decode("NNUW4Z3MMV2A===="))
print(html.escape("<a href='x'>&</a>"), html.unescape("&eacute;&#9731;"))
print(urlsplit("https://user@host:81/p/a?q=1#f").port, parse_qs("a=1&b=2&a=3"), quote("a b/ü"))
print("\n".join(difflib.unified_diff("one\ntwo\nthree".split(), "one\n2\nthree\nfour".split(), lineterm="")))

config = configparser.ConfigParser()
config.read_string("[paths]\nroot = /srv\ndata = %(root)s/data\n[flags]\nfast = yes\n")
print(config["paths"]["data"], config.getboolean("flags", "fast"), config.sections())
