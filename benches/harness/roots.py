"""The roots that contenders read: made by `fixtures make-root` and `make-wals` from a seed, once, and kept in --work."""
import os, shutil, subprocess, sys

from measure import run, size_of

SNAPSHOT = "bench"
LARGE_MIB, WAL_MIB = 512, 128


def made(options, name, of_root, of_wals=()):
    """A root with these options; of_wals is nothing for a root without edits after its snapshot."""
    root = os.path.join(options.work, name)
    said = f"{' '.join(map(str, of_root))} -- {' '.join(map(str, of_wals))}\n"
    done = os.path.join(options.work, f"{name}.made")
    if os.path.exists(done) and open(done).read() == said:
        return root
    print(f"making {root}", file=sys.stderr)
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run([options.fixtures, "make-root", root, *map(str, of_root)], check=True, stdout=sys.stderr)
    if of_wals:
        subprocess.run([options.fixtures, "make-wals", root, *map(str, of_wals)], check=True, stdout=sys.stderr)
    with open(done, "w") as file:
        file.write(said)
    return root


def table(options, shape):
    """A table of --gib GiB, half of it FAST_DIFF and SNAPPY, half plain: large files, small ones of a block, or both."""
    gib = options.gib or {"large": 2, "mixed": 1.125, "small": 0.125}[shape]
    large = {"large": gib, "mixed": gib * 8 / 9, "small": 0}[shape] * 1024
    small = {"large": 0, "mixed": gib / 9, "small": gib}[shape] * 1024
    # Two families, so twice as many stores as regions.
    regions = max(2, round(large / LARGE_MIB / 2))
    stores = 2 * regions
    of_root = ["--regions", regions, "--files", 1 if large else 0, "--file-size", f"{max(1, round(large / stores))}MiB"]
    # A small file is 42 or 71 KiB, and most tables have some of each.
    of_root += ["--small-files", round(small * 16 / stores)]
    return made(options, f"{shape}-{gib}", of_root)


def wals(options, shape):
    """A root with --gib GiB of WALs, plain or with HBase's dictionaries; and their paths."""
    count = max(1, round((options.gib or 1) * 1024 / WAL_MIB))
    how = ["--dictionary"] if shape == "dictionary" else []
    of_wals = ["--wals", count, "--wal-size", f"{WAL_MIB}MiB", *how]
    root = made(options, f"wals-{shape}-{count}", ["--file-size", "1MiB"], of_wals)
    return root, wal_files(root)


def wal_files(root):
    """The WALs of edits of a root: not that of hbase:meta."""
    files = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(root, "oldWALs")) for name in names]
    return sorted(path for path in files if not path.endswith(".meta"))


def edits_onto(options, mib):
    """A root with a table of four files of this many MiB, and --gib GiB of WALs (half a GiB) after its snapshot."""
    count = max(1, round((options.gib or 0.5) * 1024 / WAL_MIB))
    return made(options, f"edits-{mib}-{count}", ["--regions", 2, "--file-size", f"{mib}MiB"], ["--wals", count])


def repository(options, binary, root):
    """The snapshot exported and the WALs converted by a build of its own: another build's batches may be in another format."""
    to = os.path.join(options.work, f"repository.{len(options.made)}")
    shutil.rmtree(to, ignore_errors=True)
    options.made.append(to)
    export(binary, root, to)
    convert(binary, root, to)
    return to


def export(binary, root, to, *more):
    return run([binary, "export", "--from", root, "--snapshot", SNAPSHOT, "--to", to, "--progress", "never", *more])


def convert(binary, root, to, *more):
    return run([binary, "convert", "--from", root, "--to", to, "--progress", "never", "--output", "json", *more])


def bytes_below(*parts):
    return size_of(os.path.join(*parts))[0]
