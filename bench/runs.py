# SPDX-License-Identifier: Apache-2.0
"""Running and timing things, and what comes of it: a CSV for each question, and figures beside what was asked."""
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

# OpenBLAS, which pack needs for low rank only, starts threads that spin while they have nothing to do and, under a limit,
# never give up asking for memory: no part of what one thread of mote takes.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def run(*args):
    """What a command prints; what it says on standard error only where it fails."""
    try:
        return subprocess.run([str(a) for a in args], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    except subprocess.CalledProcessError as e:
        sys.stderr.buffer.write(e.stderr)
        raise


def timed(*args):
    """What a command prints, and its seconds of processor time, user and system: other load counts less so."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = run(*args)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


def clocked(work, *args):
    """What a function gives, and the seconds of processor time that this process spends in it."""
    begin = time.process_time()
    out = work(*args)
    return out, time.process_time() - begin


def pack(mote, model, out, *options):
    """What `mote pack --json` says, and its seconds of processor time."""
    text, seconds = timed(mote, "pack", model, "-o", out, "--json", *options)
    return json.loads(text), seconds


def scratch():
    """A folder for this run only, in memory where that is possible."""
    return tempfile.TemporaryDirectory(prefix="mote-bench-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


class Results:
    """Rows of a question and its figures: FOLDER/NAME.csv, and FOLDER/NAME.figures.csv for summary.py."""

    def __init__(self, folder, name, columns=()):
        os.makedirs(folder, exist_ok=True)
        self.path, self.columns = os.path.join(folder, name), columns
        self.rows, self.figures = [], []

    def row(self, *cells):
        self.rows.append(cells)

    def figure(self, what, asked, measured, met):
        """A figure is met, missed, or (None) not measured, which counts as neither."""
        self.figures.append((what, asked, measured, {True: "yes", False: "NO", None: "skipped"}[met]))
        print("  %-68s %10s  asked %-9s %s" % (what, measured, asked, {True: "", False: "MISSED", None: "skipped"}[met]),
              flush=True)

    def most(self, what, value, limit, form="%.4f"):
        self.figure(what, "<= " + form % limit, form % value, value <= limit)

    def least(self, what, value, limit, form="%.0f"):
        self.figure(what, ">= " + form % limit, form % value, value >= limit)

    def skip(self, what, why):
        self.figure(what, "", why, None)

    def need(self, path):
        """Without this file there is nothing to measure: say so and exit."""
        if not os.path.exists(path):
            self.skip("all of it: " + os.path.basename(path), "not there")
            self.finish()

    def write(self):
        for end, head, rows in ((".csv", self.columns, self.rows),
                                (".figures.csv", ("figure", "asked", "measured", "met"), self.figures)):
            if rows:
                with open(self.path + end, "w", newline="", encoding="utf-8") as f:
                    w = csv.writer(f, lineterminator="\n")
                    w.writerow(head)
                    w.writerows(rows)

    def finish(self):
        """Write all of it and exit: 1 if a figure is missed."""
        self.write()
        sys.exit(any(f[3] == "NO" for f in self.figures))
