"""Writes the Parquet files beside it, as pandas, pyarrow, polars and DuckDB write them.

Run by hand where a writer changes: `python write.py`, with pandas 3, pyarrow, polars and duckdb installed. Each file holds the
same six rows: units `a` and `b`, cycles 1 to 3, and `x` with the values 0, 1, 2, 3, 4, 5 in the type its name says.
"""

import datetime
import decimal
import pathlib

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pyarrow.parquet

FOLDER = pathlib.Path(__file__).parent
UNITS = ["a", "a", "a", "b", "b", "b"]
CYCLES = [1, 2, 3, 1, 2, 3]
X = [0, 1, 2, 3, 4, 5]
DAY = datetime.datetime(2026, 1, 1)


def write(name, **columns):
    """Writes a table of pyarrow; columns that are not given are plain."""
    table = {"unit": pyarrow.array(UNITS), "cycle": pyarrow.array(CYCLES, pyarrow.int64())}
    table["x"] = pyarrow.array([float(x) for x in X])
    table.update(columns)
    pyarrow.parquet.write_table(pyarrow.table(table), FOLDER / f"{name}.parquet")


for kind in ["int8", "int16", "uint8", "uint16", "float32"]:
    write(kind, cycle=pyarrow.array(CYCLES, kind), x=pyarrow.array(X, kind))
write("float16", x=pyarrow.array(numpy.array(X, numpy.float16)))
write("decimal", x=pyarrow.array([decimal.Decimal(x) for x in X], pyarrow.decimal128(9, 3)))
write("decimal256", x=pyarrow.array([decimal.Decimal(x) for x in X], pyarrow.decimal256(50, 2)))
write("boolean", x=pyarrow.array([x % 2 == 1 for x in X]))
write("large_string", unit=pyarrow.array(UNITS, pyarrow.large_string()))
write("string_view", unit=pyarrow.array(UNITS, pyarrow.string_view()))
write("binary", unit=pyarrow.array([unit.encode() for unit in UNITS]))
write("float_units", unit=pyarrow.array([7.0, 7.0, 7.0, 12.0, 12.0, 12.0]))
write("float16_units", unit=pyarrow.array(numpy.array([7, 7, 7, 12, 12, 12], numpy.float16)))
write("uuid", unit=pyarrow.array([bytes(15) + unit.encode() for unit in UNITS], pyarrow.uuid()))
columns = [pyarrow.array(UNITS), pyarrow.array(CYCLES), pyarrow.array([float(x) for x in X]), pyarrow.nulls(6), pyarrow.nulls(6)]
repeated = pyarrow.Table.from_arrays(columns, names=["unit", "cycle", "x", "note", "note"])
pyarrow.parquet.write_table(repeated, FOLDER / "repeated.parquet")

# Columns without numbers, read and not read.
stamps = pyarrow.array([DAY + datetime.timedelta(days=cycle) for cycle in CYCLES], pyarrow.timestamp("us"))
zoned = pyarrow.array(stamps.to_pylist(), pyarrow.timestamp("ns", tz="Europe/Berlin"))
write("timestamp", cycle=stamps)
write("date", cycle=pyarrow.array([(DAY + datetime.timedelta(days=cycle)).date() for cycle in CYCLES]))
write("duration", x=pyarrow.array([datetime.timedelta(seconds=x) for x in X]))
write("nested", x=pyarrow.array([[float(x)] for x in X]))
write("null", x=pyarrow.nulls(6))
write(
    "unread",
    at=stamps,
    zoned=zoned,
    day=pyarrow.array([DAY.date()] * 6),
    time=pyarrow.array([datetime.time(12)] * 6),
    span=pyarrow.array([datetime.timedelta(seconds=1)] * 6),
    list=pyarrow.array([[1]] * 6),
    struct=pyarrow.array([{"a": 1}] * 6),
    map=pyarrow.array([[("k", 1)]] * 6, pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    blob=pyarrow.array([b"\xff\x00"] * 6),
    nothing=pyarrow.nulls(6),
    kind=pyarrow.array(UNITS).dictionary_encode(),
    wide=pyarrow.array([decimal.Decimal(1)] * 6, pyarrow.decimal256(50, 2)),
)

# pandas: a category of text and one of numbers, its own nullable types, and an index that is a column.
frame = pandas.DataFrame({"unit": UNITS, "cycle": CYCLES, "x": X})
frame["unit"] = frame["unit"].astype("category")
frame["x"] = frame["x"].astype("category")
frame.to_parquet(FOLDER / "category.parquet")
frame = pandas.DataFrame({"unit": UNITS, "cycle": CYCLES, "x": X}).astype({"unit": "string", "cycle": "Int8", "x": "Float32"})
frame.set_index(["unit", "cycle"]).to_parquet(FOLDER / "pandas.parquet")

frame = polars.DataFrame({"unit": UNITS, "cycle": CYCLES, "x": X})
frame = frame.with_columns(
    polars.col("unit").cast(polars.Categorical), polars.col("cycle").cast(polars.UInt8), polars.col("x").cast(polars.Decimal(10, 2))
)
frame.write_parquet(FOLDER / "polars.parquet")
frame.with_columns(polars.col("unit").cast(polars.Enum(["a", "b"]))).write_parquet(FOLDER / "polars_enum.parquet")

rows = ", ".join(f"('{unit}', {cycle}, {x})" for unit, cycle, x in zip(UNITS, CYCLES, X))
duckdb.sql(
    f"copy (select unit::enum('a', 'b') as unit, cycle::utinyint as cycle, x::decimal(4, 1) as x, now() as seen, "
    f"interval 1 day as span, {{'k': 1}} as struct from (values {rows}) t(unit, cycle, x)) "
    f"to '{FOLDER / 'duckdb.parquet'}' (format parquet)"
)

# Times, each with a gap of one hour: pyarrow stores seconds as milliseconds, and old versions of Spark wrote 96 bits.
TIMES = [datetime.datetime(2026, 1, 1, hour) for hour in [0, 1, 3, 0, 1, 2]]
for name, kind, options in [
    ("pyarrow_seconds", pyarrow.timestamp("s"), {}),
    ("pyarrow_nanoseconds_utc", pyarrow.timestamp("ns", tz="UTC"), {}),
    ("pyarrow_int96", pyarrow.timestamp("ns"), {"use_deprecated_int96_timestamps": True}),
]:
    table = pyarrow.table({"unit": ["p"] * 3 + ["q"] * 3, "time": pyarrow.array(TIMES, type=kind), "x": [1.0, 2.0, 4.0, 5.0, 6.0, 7.0]})
    pyarrow.parquet.write_table(table, FOLDER / f"{name}.parquet", **options)
