# ruff: noqa
"""A stand-in for yum.misc."""

import os


def get_uuid(savepath):
    handle = open(savepath, "w")
    handle.write("0-0")
    handle.close()
    return "0-0"


def find_unfinished_transactions(yumlibpath="/var/lib/yum"):
    names = [name for name in os.listdir(yumlibpath) if name.startswith("transaction-all.")]
    return sorted(name[len("transaction-all.") :] for name in names if not name.endswith("disabled"))


def find_ts_remaining(timestamp, yumlibpath="/var/lib/yum"):
    """[(what was to be done, envra)] of what the list of things done does not have."""

    def lines(kind):
        path = "%s/transaction-%s.%s" % (yumlibpath, kind, timestamp)
        return open(path).read().splitlines() if os.path.exists(path) else []

    done = lines("done")
    return [tuple(line.split()) for line in lines("all") if line not in done]
