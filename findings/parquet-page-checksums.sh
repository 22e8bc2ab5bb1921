#!/usr/bin/env bash
# Guess: a Parquet file whose pages carry checksums (CRC32 in the page header) is safe from a changed byte: readers notice, or can be told to look.
# What happens: polars and DuckDB read the changed value, of data pages and of dictionaries, and have no parameter to look (none of
#   polars.scan_parquet or read_parquet names checksums; DuckDB has none in read_parquet or its settings). pyarrow looks only with
#   page_checksum_verification=True. And polars and DuckDB write no checksums that pyarrow could look at: a changed byte in their files is read even so.
# Versions: PyPI pyarrow 26.0.1, polars 2.1.0, duckdb 2.0.1.
# Source: pyarrow.parquet.write_table(write_page_checksum), read_table(page_checksum_verification); polars.scan_parquet; DuckDB's read_parquet.
set -Eeuo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'tail -n 20 "$work/log" >&2 || true' ERR
cd "$work"

python3 -m venv venv >log 2>&1
venv/bin/pip install --quiet pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1 >log 2>&1

cat >seen.py <<'PY'
import inspect
from pathlib import Path

import duckdb
import polars
import pyarrow
import pyarrow.parquet

table = pyarrow.table({
    "plain": pyarrow.array([b"balance=1000 of %05d" % i for i in range(200)], pyarrow.binary()),
    "word": pyarrow.array([[b"state=good", b"state=held", b"state=zero"][i % 3] for i in range(200)], pyarrow.binary()),
})


def write_pyarrow(name):
    pyarrow.parquet.write_table(table, name, compression="NONE", use_dictionary=["word"], write_page_checksum=True)


def write_polars(name):
    polars.from_arrow(table).write_parquet(name, compression="uncompressed", statistics=False)


def write_duckdb(name):
    source = table
    duckdb.sql(f"copy (select * from source) to '{name}' (format parquet, compression uncompressed)")


def change(name, text, at):
    """Changes one byte of the first place where the text stands: no smallest or largest value, so that is in a page."""
    data = bytearray(Path(name).read_bytes())
    data[data.index(text) + at] ^= 1
    Path(name).write_bytes(data)


READERS = {
    "pyarrow": lambda name: pyarrow.parquet.read_table(name).to_pydict(),
    "pyarrow, told to look": lambda name: pyarrow.parquet.read_table(name, page_checksum_verification=True).to_pydict(),
    "polars": lambda name: polars.read_parquet(name).to_dict(as_series=False),
    "duckdb": lambda name: duckdb.sql(f"select * from '{name}'").to_arrow_table().to_pydict(),
}


def outcome(read, name):
    try:
        seen = read(name)
    except OSError as refused:
        return "refused" if "CRC checksum verification failed" in str(refused) else f"another error: {refused}"
    return "read as good" if seen == table.to_pydict() else "changed value read"


print(f"pyarrow {pyarrow.__version__}, polars {polars.__version__}, duckdb {duckdb.__version__}")
for column, text, at in (("plain", b"balance=1000 of 00100", 8), ("word", b"state=held", 6)):
    write_pyarrow("a.parquet")
    print("pyarrow's file with checksums, whole: " + "; ".join(f"{who}: {outcome(read, 'a.parquet')}" for who, read in READERS.items()))
    change("a.parquet", text, at)
    for who, read in READERS.items():
        print(f"  a byte of column {column} changed, {who}: {outcome(read, 'a.parquet')}")
for who, write in (("polars", write_polars), ("duckdb", write_duckdb)):
    write("b.parquet")
    change("b.parquet", b"balance=1000 of 00100", 8)
    print(f"{who}'s file, a byte changed, pyarrow told to look: {outcome(READERS['pyarrow, told to look'], 'b.parquet')}")
named = [p for f in (polars.read_parquet, polars.scan_parquet) for p in inspect.signature(f).parameters]
named += [p for (ps,) in duckdb.sql("select parameters from duckdb_functions() where function_name = 'read_parquet'").fetchall() for p in ps]
named += [s for (s,) in duckdb.sql("select name from duckdb_settings() where name ilike '%parquet%'").fetchall()]
print(f"parameters of polars and duckdb that name checksums: {[p for p in named if 'checksum' in p or 'crc' in p or 'verif' in p]}")
PY
venv/bin/python seen.py >seen 2>log

echo "expected by the guess: every changed byte refused, at least with a parameter; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what these versions did" >&2; exit 1; }
pyarrow 26.0.1, polars 2.1.0, duckdb 2.0.1
pyarrow's file with checksums, whole: pyarrow: read as good; pyarrow, told to look: read as good; polars: read as good; duckdb: read as good
  a byte of column plain changed, pyarrow: changed value read
  a byte of column plain changed, pyarrow, told to look: refused
  a byte of column plain changed, polars: changed value read
  a byte of column plain changed, duckdb: changed value read
pyarrow's file with checksums, whole: pyarrow: read as good; pyarrow, told to look: read as good; polars: read as good; duckdb: read as good
  a byte of column word changed, pyarrow: changed value read
  a byte of column word changed, pyarrow, told to look: refused
  a byte of column word changed, polars: changed value read
  a byte of column word changed, duckdb: changed value read
polars's file, a byte changed, pyarrow told to look: changed value read
duckdb's file, a byte changed, pyarrow told to look: changed value read
parameters of polars and duckdb that name checksums: []
END
