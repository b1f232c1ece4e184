# SPDX-License-Identifier: Apache-2.0
"""All figures that the scripts have left in FOLDER beside what was asked: the last table of `make bench`.

usage: summary.py FOLDER QUESTION... -- written as FOLDER/summary.csv too; fails if a figure is missed or none is there,
or if a question has left neither figures nor a table"""
import csv
import os
import sys

from runs import Results


def main():
    folder, questions = sys.argv[1], sys.argv[2:]
    results = Results(folder, "summary", ("question", "figure", "asked", "measured", "met"))
    counts = {"yes": 0, "NO": 0, "skipped": 0}
    print("%-10s %-70s %10s %14s  %s" % ("question", "figure", "asked", "measured", "met"))
    for question in questions:
        path = os.path.join(folder, question + ".figures.csv")
        rows = [] if os.path.exists(os.path.join(folder, question + ".csv")) else \
            [("nothing has been measured", "", "", "NO")]
        if os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as f:
                rows = list(csv.reader(f))[1:]
        for row in rows:
            print("%-10s %-70s %10s %14s  %s" % (question, *row))
            results.row(question, *row)
            counts[row[3]] += 1
    print("%d met, %d missed, %d skipped; %s/*.csv" % (*counts.values(), folder))
    results.write()
    sys.exit(counts["NO"] > 0 or counts["yes"] == 0)


main()
