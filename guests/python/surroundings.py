# The environment of a program: arguments, a variable, input.
import os
import platform
import sys

print(sys.argv)
print(os.environ["NAME"], os.environ.get("NOT_GIVEN"), len(os.environ) >= 1)
first = input()
print(repr(first), [line.rstrip("\n") for line in sys.stdin])
print(repr(sys.stdin.read()))
print(sys.platform, sys.byteorder, sys.maxsize, sys.version_info[:2], platform.python_implementation())
print(len(os.urandom(16)), os.urandom(16) != os.urandom(16), hash("x") == hash("x"))
sys.stdout.buffer.write(b"bytes \xe2\x98\x83\n")
sys.stdout.flush()
print("to standard error", file=sys.stderr)
