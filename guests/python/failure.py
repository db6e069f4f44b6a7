# Ends with an uncaught exception: status 1 and a traceback on standard error.
import sys


def inner(values):
    return values[3]


def outer():
    try:
        return inner([1, 2])
    except IndexError as error:
        raise RuntimeError("the value is missing") from error


print("before")
sys.stdout.flush()
outer()
print("never")
