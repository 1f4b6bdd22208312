"""A policy walk as a careful user of sqlglot would write it: parse once, walk the tree once.

walk.py POLICY.json < STATEMENTS.jsonl

POLICY.json: {"relations": {table: [column, ...]}, "restricted_columns": ["table.column", ...], "schemas": ["", schema]}.
Each statement is {"sql", "dialect"}. Prints one JSON line: statements, verdicts for one second of CPU in the best of five
rounds, and whether sqlglot's parser was the compiled one.
"""

import json
import logging
import sys
import time

import sqlglot
import sqlglot.parser
from sqlglot import exp

DIALECTS = {"datafusion": "", "postgres": "postgres", "bigquery": "bigquery"}
READING = (exp.Query, exp.Table, exp.Values, exp.Pivot)
WRITING = tuple(
    getattr(exp, name)
    for name in (
        "Alter Analyze Attach Cache Command Comment Commit Copy Create Declare Delete Describe Detach Drop Execute Export "
        "Get Grant Insert Install Into Kill LoadData Lock Merge Pragma Predict Put Refresh Revoke Rollback Set Show "
        "Summarize Transaction TruncateTable Uncache Update Use"
    ).split()
    if hasattr(exp, name)
)


class Policy:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
        self.tables = {name.lower() for name in known["relations"]}
        self.schemas = set(known["schemas"])
        pairs = [name.split(".") for name in known["restricted_columns"]]
        self.guarded_tables = {table for table, _ in pairs}
        self.guarded_columns = {column for _, column in pairs}

    def verdict(self, sql, dialect):
        """None where the statement may run, or else why not."""
        try:
            parsed = [tree for tree in sqlglot.parse(sql, read=DIALECTS[dialect]) if tree is not None]
        except (sqlglot.errors.SqlglotError, RecursionError):
            return "syntax"
        if len(parsed) != 1 or not isinstance(parsed[0], READING):
            return "statement"
        return self.walk(parsed[0])

    def walk(self, tree):
        named, tables, columns, stars = set(), [], [], []
        for node in tree.walk():
            if isinstance(node, WRITING):
                return "writes"
            if isinstance(node, exp.Anonymous):
                return "function"
            if isinstance(node, exp.CTE):
                named.add(node.alias.lower())
            elif isinstance(node, exp.Table):
                tables.append(node)
            elif isinstance(node, exp.Column):
                columns.append(node)
            elif isinstance(node, exp.Star):
                stars.append(node)
        guarded = False
        for table in tables:
            if not isinstance(table.this, exp.Identifier):
                return "table function"
            schema, _, name = f"{table.db}.{table.name}".lower().rpartition(".")
            schema = schema.rpartition(".")[2]
            if not schema and name in named:
                continue
            if name not in self.tables or schema not in self.schemas:
                return "table"
            guarded |= name in self.guarded_tables
        if not guarded:
            return None
        if any(isinstance(star.parent, (exp.Select, exp.Column)) for star in stars):
            return "star"
        return "column" if any(self.shows(column) for column in columns) else None

    def shows(self, column):
        """Whether a restricted column is more than counted."""
        if column.name.lower() not in self.guarded_columns:
            return False
        around = column.parent
        if isinstance(around, exp.Distinct):
            around = around.parent
            return not isinstance(around, exp.Count)
        return not isinstance(around, (exp.Count, exp.Is))


def main():
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    policy = Policy(sys.argv[1])
    statements = [json.loads(line) for line in sys.stdin if line.strip()]
    best = 0.0
    for _ in range(6):
        began = time.process_time()
        for statement in statements:
            policy.verdict(statement["sql"], statement["dialect"])
        best = max(best, len(statements) / (time.process_time() - began))
    compiled = sqlglot.parser.__file__.endswith(".so")
    print(json.dumps({"statements": len(statements), "per_cpu_second": best, "compiled": compiled}))


main()
