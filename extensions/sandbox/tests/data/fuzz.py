"""Changes whatever it can reach for a second, from several threads: fuzz.py SEED WORK OUTSIDE"""
import ctypes
import os
import random
import sys
import threading
import time

seed, work, outside = int(sys.argv[1]), sys.argv[2], sys.argv[3]
names = ["a", "b", "c", "d", "link", "up", "out", "..", ".", ".git", "hooks", "config", "kept", "f", "g", "mount"]
starts = [".", work, outside, "/proc/self/cwd", "/proc/self/root" + outside, work + "/out", work + "/a/up", work + "/.git"]
libc = ctypes.CDLL(None)


def path(rand):
    parts = [rand.choice(names) for _ in range(rand.randrange(5))]
    return "/".join([rand.choice(starts), *parts]) + rand.choice(["", "", "", "/"])


def change(rand):
    one, other = path(rand), path(rand)
    folder = os.open(rand.choice(starts), os.O_RDONLY)
    below = "/".join(rand.choice(names) for _ in range(rand.randrange(1, 4)))
    flags = rand.choice([os.O_WRONLY | os.O_CREAT, os.O_RDWR, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, os.O_APPEND | os.O_WRONLY])
    try:
        act = rand.randrange(16)
        if act < 4:
            where = (one, None) if act < 3 else (below, folder)
            file = os.open(where[0], flags | rand.choice([0, os.O_NOFOLLOW, os.O_EXCL]), dir_fd=where[1])
            os.write(file, b"changed")
            os.close(file)
        elif act < 6:
            os.rename(one, other)
        elif act == 6:
            libc.renameat2(-100, one.encode(), -100, other.encode(), 2)
        elif act == 7:
            os.link(one, other)
        elif act < 10:
            os.symlink(one, other)
        elif act == 10:
            os.mkdir(one)
        elif act == 11:
            os.unlink(one)
        elif act == 12:
            os.rmdir(one)
        elif act == 13:
            os.chmod(one, 0o640)
        elif act == 14:
            os.utime(one, (1, 1))
        else:
            os.truncate(one, 3)
    finally:
        os.close(folder)


def run(number):
    rand = random.Random(seed * 16 + number)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            change(rand)
        except OSError:
            pass


threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
