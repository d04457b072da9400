# Burns CPU time in functions with known names.
#   python -X perf load.py SECONDS
import sys
import time


class Worker:
    def inner(self, rounds):
        return sum(i * i % 7 for i in range(rounds))

    def outer(self):
        return self.inner(20_000)


deadline = time.time() + float(sys.argv[1])
worker = Worker()
while time.time() < deadline:
    worker.outer()
