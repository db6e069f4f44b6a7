# Exits with a status, after the registered functions have run and buffers are flushed.
import atexit
import sys

atexit.register(print, "at exit")
try:
    sys.stdout.write("no line break")
    sys.exit(7)
except SystemExit as exit:
    print(":", exit.code)
    raise
finally:
    print("finally")
