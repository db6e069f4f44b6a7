# Data: collections, itertools, functools, dataclasses, enum, heaps, packed structures, pickling, copying.
import array
import bisect
import copy
import functools
import heapq
import itertools
import operator
import pickle
import struct
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, Flag, auto
from typing import NamedTuple

print(Counter("mississippi").most_common(2), Counter(a=3) - Counter(a=1, b=2))
groups = defaultdict(list)
for word in "apple avocado banana blueberry cherry".split():
    groups[word[0]].append(word)
print(dict(groups))
queue = deque(range(5), maxlen=5)
queue.rotate(2)
queue.append(9)
print(queue, ChainMap({"a": 1}, {"a": 2, "b": 3})["b"])
order = OrderedDict.fromkeys("abc")
order.move_to_end("a")
print(list(order), namedtuple("Point", "x y")(1, 2)._replace(y=5))

print(list(itertools.islice(itertools.accumulate(itertools.count(1), operator.mul), 8)))
print(["".join(p) for p in itertools.permutations("abc", 2)], list(itertools.pairwise("abcd")))
print([(k, len(list(g))) for k, g in itertools.groupby("aaabbc")], list(itertools.batched("abcdefg", 3)))
print(list(itertools.zip_longest("ab", [1, 2, 3], fillvalue="-")), sum(1 for _ in itertools.product("abc", repeat=4)))


@functools.lru_cache(maxsize=None)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


print(fibonacci(60), fibonacci.cache_info().hits)
print(functools.reduce(lambda a, b: a * 10 + b, [1, 2, 3, 4]), functools.partial(int, base=2)("1011"))


@functools.singledispatch
def describe(value):
    return "something"


@describe.register
def _(value: int):
    return "a number"


@describe.register
def _(value: list):
    return f"a list of {len(value)}"


print(describe(1), describe([1, 2]), describe("x"))


@dataclass(order=True)
class Bird:
    weight: float
    name: str = field(compare=False)
    seen: list = field(default_factory=list, compare=False)


birds = [Bird(5.5, "goldcrest"), Bird(95.0, "blackbird"), Bird(18.0, "robin", ["garden"])]
print(min(birds).name, [bird.name for bird in sorted(birds, reverse=True)], asdict(birds[2]))
print(replace(birds[0], name="firecrest"))


class Colour(Enum):
    RED = 1
    GREEN = auto()


class Access(Flag):
    READ = auto()
    WRITE = auto()


print(Colour.GREEN, Colour["RED"].value, Access.READ | Access.WRITE, Access.READ in Access(3))


class Row(NamedTuple):
    key: str
    value: int = 0


print(Row("k"), sorted([Row("b", 1), Row("a", 2)], key=operator.attrgetter("value"))[0].key)

heap = []
for value in [5, 3, 8, 1, 9, 2]:
    heapq.heappush(heap, value)
print([heapq.heappop(heap) for _ in range(3)], heapq.nlargest(2, [4, 7, 1]), list(heapq.merge([1, 4], [2, 3])))
print(bisect.bisect_left([1, 3, 3, 7], 3), bisect.bisect([1, 3, 3, 7], 3))
packed = struct.pack("<bHiqd5s", -1, 65535, -123456, 1 << 40, 2.5, b"bytes")
print(packed.hex(), struct.unpack("<bHiqd5s", packed), struct.calcsize(">bHi"))
numbers = array.array("i", range(6))
view = memoryview(numbers)[::2]
numbers[2] = 77
print(view.tolist(), numbers.itemsize, bytes(memoryview(b"abcdef")[1:5:2]))

shared = [1, 2]
nested = {"a": shared, "b": shared, "t": (Row("x", 1), Colour.RED, birds[0])}
loaded = pickle.loads(pickle.dumps(nested))
print(loaded == nested, loaded["a"] is loaded["b"], loaded["a"] is shared)
deep, flat = copy.deepcopy(nested), copy.copy(nested)
shared.append(3)
print(deep["a"], flat["a"])
squares = {n: n * n for n in range(100_000)}
print(len(squares), sum(squares.values()), {1, 2, 3} ^ {3, 4}, sorted({"b": 1, "a": 2}.items()))
