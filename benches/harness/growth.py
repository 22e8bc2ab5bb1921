"""How cost grows: one thing is 1, 4 and 16 times as large, all else stays."""
import os, shutil

from chart import panels
from measure import rounds_of, run, summary
from roots import SNAPSHOT, bytes_below, convert, export, made

TIMES = (1, 4, 16)
# At 1: WALs of 4 MiB, regions, MiB of the table. Where one grows, the others stay as they are.
WALS, WAL_MIB, REGIONS, TABLE_MIB = 4, 4, 4, 32


def root(options, wals, regions, mib):
    # Two families, so two files a region.
    kib = max(64, mib * 1024 // (2 * regions))
    of_root = ["--regions", regions, "--file-size", f"{kib}KiB"]
    of_wals = ["--wals", wals, "--wal-size", f"{WAL_MIB}MiB"]
    return made(options, f"growth-{wals}-{regions}-{mib}", of_root, of_wals)


def sizes(grows, times):
    wals = WALS * times if grows == "WALs" else WALS
    regions = REGIONS * times if grows == "regions" else REGIONS
    return wals, regions, TABLE_MIB * times if grows == "table" else TABLE_MIB


def measured(options, grows, times):
    """Convert, cut and restore of one root."""
    at = root(options, *sizes(grows, times))
    home = os.path.join(options.work, "growth-repository")
    shutil.rmtree(home, ignore_errors=True)
    export(options.tidegate, at, home)
    convert(options.tidegate, at, home)
    until_end = ["--from", home, "--snapshot", SNAPSHOT, "--until", "end", "--progress", "never"]
    names = (f"restored-{number}" for number in range(1000))
    contenders = {
        "convert": lambda to: convert(options.tidegate, at, to),
        "cut": lambda _: run([options.tidegate, "cut", *until_end]),
        "restore": lambda _: run([options.tidegate, "restore", *until_end, "--to", home, "--as", next(names)]),
    }
    taken = rounds_of(options, f"{grows} {times}x", contenders, lambda: None)
    size = {"wal_bytes": bytes_below(at, "oldWALs"), "table_bytes": bytes_below(at, "data")}
    shutil.rmtree(home, ignore_errors=True)
    return [{"grows": grows, "times": times, "work": work, **size, **summary(results)} for work, results in taken.items()]


def growth(options):
    """The lines, and the picture of them."""
    lines = [line for grows in ("WALs", "regions", "table") for times in TIMES for line in measured(options, grows, times)]
    return lines, picture(lines)


def picture(lines):
    titles = {
        "WALs": f"WALs: 1x is {WALS} of {WAL_MIB} MiB",
        "regions": f"Regions: 1x is {REGIONS}",
        "table": f"Table: 1x is {TABLE_MIB} MiB",
    }

    def panel(grows, field):
        series = {}
        for line in lines:
            if line["grows"] == grows:
                series.setdefault(line["work"], []).append((line["times"], line[field]))
        return titles[grows], series

    # Not wall seconds: they tell more of what else the machine did. They are in the document.
    rows = [
        ("CPU seconds", [panel(grows, "median_cpu_seconds") for grows in titles]),
        ("peak MiB", [panel(grows, "peak_mib") for grows in titles]),
    ]
    return panels("How the cost of convert, cut and restore grows (medians; both axes logarithmic)", rows)
