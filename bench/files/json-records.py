# Writes records as JSON to a file, reads them back, and prints their sums.

import json
import os
import zlib

records = [
    {"id": n, "name": "record %d" % n, "weights": [n * k % 997 / 8 for k in range(8)], "known": n % 3 == 0, "rest": None}
    for n in range(600)
]
with open("records.json", "w") as out:
    json.dump(records, out, sort_keys=True)
with open("records.json") as file:
    text = file.read()
os.remove("records.json")
back = json.loads(text)
assert back == records
print(len(back), int(sum(sum(record["weights"]) for record in back)), "%08x" % zlib.crc32(text.encode()))
