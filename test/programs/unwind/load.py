"""Burns CPU time in what Python programs do: nested calls, sort keys, regular expressions, JSON, comprehensions, threads.

    python3 load.py SECONDS
"""

import collections
import functools
import hashlib
import json
import re
import sys
import threading
import time
import zlib

deadline = time.time() + float(sys.argv[1] if len(sys.argv) > 1 else 10)
pattern = re.compile(r"(\w+)-(\d+)")


def descend(depth, leaf):
    if depth == 0:
        return leaf()
    # Every third call goes through C, as callbacks do.
    if depth % 3 == 0:
        return functools.reduce(lambda total, item: total + descend(item, leaf), [depth - 1], 1)
    return descend(depth - 1, leaf) + 1


class Shape:
    def __init__(self, size):
        self.size = size

    def __lt__(self, other):
        return self.size < other.size

    @property
    def area(self):
        return self.size**2


def sorting():
    shapes = [Shape(i * 7919 % 1000) for i in range(500)]
    return len(sorted(shapes)) + len(sorted(shapes, key=lambda shape: shape.area))


def regexps():
    text = "alpha-1 beta-22 gamma-333 " * 50
    return len(pattern.findall(text)) + len(pattern.sub(lambda match: match[2], text))


def parsing():
    value = {"list": [{"id": i, "name": f"item {i}"} for i in range(200)]}
    return len(json.loads(json.dumps(value, indent=1))["list"])


def counting():
    counts = collections.Counter(f"key {i % 100}" for i in range(1000))
    return sum(value for key, value in counts.items() if key.endswith("7"))


def compressing():
    data = b"some text that is compressed " * 200
    return len(zlib.decompress(zlib.compress(data))) + hashlib.sha256(data).digest()[0]


def failing():
    try:
        return {}["missing"]
    except KeyError as error:
        return len(str(error))


def numbers():
    return sum(i * i for i in range(2000)) % 7 + 3**2000 % 1000007


leaves = [sorting, regexps, parsing, counting, compressing, failing, numbers]


def run():
    total = 0
    rounds = 0
    while time.time() < deadline:
        total += descend(10 + rounds % 30, leaves[rounds % len(leaves)])
        rounds += 1
    return total


thread = threading.Thread(target=run)
thread.start()
run()
thread.join()
