# The language: generators, closures, classes, exceptions, context managers, matching, coroutines, limits.
import contextlib
import gc
import sys
import weakref


def countdown(n):
    try:
        while n:
            received = yield n
            n = received if received is not None else n - 1
    finally:
        print("countdown ends")


steps = countdown(5)
print(next(steps), next(steps), steps.send(2), list(steps))


def delegate():
    result = yield from (x * x for x in range(3))
    yield result


print(list(delegate()), sum(x for x in range(1000) if x % 7 == 0))


def counter():
    count = 0

    def step(by=1, *rest, **named):
        nonlocal count
        count += by + sum(rest) + named.get("bonus", 0)
        return count

    return step


step = counter()
print(step(), step(5), step(1, 2, 3, bonus=10))


class Meta(type):
    def __new__(cls, name, bases, body, **options):
        made = super().__new__(cls, name, bases, body)
        made.options = options
        return made


class Shape(metaclass=Meta, registered=True):
    shapes = []

    def __init_subclass__(cls, **options):
        super().__init_subclass__()
        Shape.shapes.append(cls.__name__)

    @property
    def area(self):
        raise NotImplementedError

    def __lt__(self, other):
        return self.area < other.area

    def __repr__(self):
        return f"{type(self).__name__}({self.area})"


class Square(Shape):
    __slots__ = ("side",)

    def __init__(self, side):
        self.side = side

    @property
    def area(self):
        return self.side**2


class Doubled(Square):
    @property
    def area(self):
        return 2 * super().area


print(sorted([Square(3), Doubled(2), Square(1)]), Shape.shapes, Shape.options, [c.__name__ for c in Doubled.__mro__])


@contextlib.contextmanager
def region(name):
    print("enter", name)
    try:
        yield name.upper()
    except KeyError as error:
        print("swallowed", error)
    finally:
        print("leave", name)


with region("a") as a, region("b"):
    print(a)
    raise KeyError("missing")


def risky(n):
    try:
        return 10 // n
    except ZeroDivisionError as error:
        raise ValueError(f"bad {n}") from error
    else:
        print("never")
    finally:
        print("tried", n)


try:
    risky(0)
except ValueError as error:
    print(error, repr(error.__cause__))
try:
    raise ExceptionGroup("several", [ValueError(1), TypeError("two")])
except* TypeError as group:
    print("types", group.exceptions)
except* ValueError as group:
    print("values", group.exceptions)


def classify(value):
    match value:
        case 0 | 1:
            return "small"
        case int(n) if n < 0:
            return f"negative {n}"
        case [first, *rest]:
            return f"{first} and {len(rest)} more"
        case {"kind": "bird", "name": str(name)}:
            return name
        case Square(side=side):
            return f"side {side}"
        case _:
            return "other"


print([classify(v) for v in [1, -5, [1, 2, 3], {"kind": "bird", "name": "wren"}, Square(4), 2.5]])


class Later:
    def __await__(self):
        return (yield "waiting")


async def coroutine():
    return await Later() + await Later()


running = coroutine()
print(running.send(None), running.send(20))
try:
    running.send(22)
except StopIteration as stop:
    print(stop.value)


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


print(deep(900))
try:
    deep(sys.getrecursionlimit() + 10)
except RecursionError as error:
    print(type(error).__name__)
try:
    exec("def broken(:\n  pass")
except SyntaxError as error:
    print(error.msg, error.lineno)
print(eval("[n for n in range(3)]"), (lambda *a, k=1: (a, k))(1, 2, k=3), *range(3), sep="|")


class Node:
    pass


a, b = Node(), Node()
a.other, b.other = b, a
watch = weakref.ref(a)
del a, b
gc.collect()
print(watch() is None)
total = 0
for i in range(200_000):
    total = (total * 31 + i) & 0xFFFFFFFF
print(total)
