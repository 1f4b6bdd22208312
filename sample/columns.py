"""Short spellings of column types, and rows as columns, shared by all generated data. Knows nothing of any table."""

from decimal import Decimal

import pyarrow as pa

KINDS = {
    # Calendar and clock parts and small counts.
    "small": pa.int16(),
    # Identifiers and measures: wide enough that multiplying two of them does not overflow.
    "int": pa.int32(),
    "real": pa.float64(),
    "text": pa.string(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "money": pa.decimal128(10, 2),
}


def schema(spec: str) -> pa.Schema:
    """Reads `name:kind` pairs; a `?` after the kind allows NULL."""
    fields = []
    for pair in spec.split():
        name, kind = pair.split(":")
        fields.append(pa.field(name, KINDS[kind.rstrip("?")], nullable=kind.endswith("?")))
    return pa.schema(fields)


def require(condition: bool, sentence: str) -> None:
    """Stops the run with a sentence when the data is not what the README promises."""
    if not condition:
        raise SystemExit(f"sample data refused: {sentence}")


def to_table(rows: list[dict], wanted: pa.Schema) -> pa.Table:
    """Rows as columns, cents as decimals with two places."""
    arrays = []
    for field in wanted:
        values = [row[field.name] for row in rows]
        if pa.types.is_decimal(field.type):
            values = [Decimal(value).scaleb(-2) for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=wanted)
