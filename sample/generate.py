#!/usr/bin/env python3
"""Writes the sample data (the 2013 New York flights and a generated shop) and the evaluation's wholesaler, as Parquet.

Two runs with the versions in requirements.txt give the same bytes: rows have a fixed order, choices are seeded, and
nothing in a file depends on the time or the machine. What the tables mean is in README.md beside this file.
"""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import flights
import shop
import wholesale

# Large enough to compress well, small enough that the flights split into parts that are read side by side.
ROW_GROUP_ROWS = 120_000
ZSTD_LEVEL = 19
# Columns that only rise take a fraction of the space as differences.
RISING = {"events": ["event_id", "occurred_at"], "orders": ["order_id", "ordered_at"], "order_items": ["order_id"]}
HERE = Path(__file__).resolve().parent
# What can be written: the function that makes its tables, and the folder they go to.
SETS = {
    "flights": (flights.tables, HERE / "data"),
    "shop": (shop.tables, HERE / "data"),
    "wholesale": (wholesale.tables, HERE.parent / "eval" / "wholesale" / "data"),
}


def write(name: str, table: pa.Table, path: Path) -> None:
    """Writes one table; columns are dictionary encoded unless they only rise."""
    table.validate(full=True)
    rising = RISING.get(name, [])
    pq.write_table(
        table.combine_chunks(),
        path,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=[column for column in table.column_names if column not in rising],
        column_encoding=dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
        write_statistics=True,
        store_schema=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="?", choices=["all", *SETS], default="all")
    parser.add_argument("--out", type=Path, help="folder to write to, instead of the one it belongs in")
    arguments = parser.parse_args()
    for name, (tables, home) in SETS.items():
        if arguments.what not in ("all", name):
            continue
        folder = arguments.out or home
        folder.mkdir(parents=True, exist_ok=True)
        for table_name, table in tables().items():
            path = folder / f"{table_name}.parquet"
            write(table_name, table, path)
            print(f"{table_name:12} {table.num_rows:>8,} rows {path.stat().st_size:>10,} bytes")


if __name__ == "__main__":
    main()
