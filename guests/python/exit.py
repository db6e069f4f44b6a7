# Ends with a status of its own; what was registered and buffered is done first.
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
