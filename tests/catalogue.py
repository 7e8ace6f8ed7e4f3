"""What PostgreSQL's own catalogue says of a schema, in the words of its own printer.

The schema's name is taken out of the texts, so that two schemas can be compared by equality.
"""

from urllib.parse import urlsplit

import psycopg

COLUMNS = """
  SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         pg_get_expr(d.adbin, d.adrelid)
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
"""
CONSTRAINTS = """
  SELECT c.relname, o.conname, pg_get_constraintdef(o.oid)
  FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
  WHERE o.connamespace = %s::regnamespace
"""
INDEXES = """
  SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_class c
  WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'i'
"""
FUNCTIONS = """
  SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
  WHERE p.pronamespace = %s::regnamespace AND p.prokind IN ('f', 'p')
"""
TRIGGERS = """
  SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal
"""
POLICIES = """
  SELECT c.relname, p.polname, p.polcmd::text, p.polroles::regrole[]::text,
         pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
  WHERE c.relnamespace = %s::regnamespace
"""
RELATIONS = """
  SELECT c.relname, c.relkind::text, c.relrowsecurity, c.relacl::text, c.reloptions::text,
         pg_get_viewdef(c.oid)
  FROM pg_class c WHERE c.relnamespace = %s::regnamespace
"""
COLUMN_GRANTS = """
  SELECT c.relname, a.attname, a.attacl::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = %s::regnamespace AND a.attacl IS NOT NULL
"""
EVERYTHING = {
    "relation": RELATIONS,
    "column": COLUMNS,
    "column grant": COLUMN_GRANTS,
    "constraint": CONSTRAINTS,
    "index": INDEXES,
    "function": FUNCTIONS,
    "trigger": TRIGGERS,
    "policy": POLICIES,
}


def read(cursor, query: str, schema: str) -> set[tuple]:
    """The answer of one of the queries above. Leaves the search path as it was."""
    cursor.execute("SELECT current_setting('search_path')")
    [(search_path,)] = cursor.fetchall()
    cursor.execute("SELECT set_config('search_path', '', false)")  # every name with its schema
    cursor.execute(query, [schema])
    rows = cursor.fetchall()
    cursor.execute("SELECT set_config('search_path', %s, false)", [search_path])
    return {tuple(_without(f"{schema}.", value) for value in row) for row in rows}


def everything(url: str) -> set[tuple]:
    """All that is in both schemas of a database, whatever its owner is called."""
    owner = urlsplit(url).username
    with psycopg.connect(url) as session:
        return {
            (schema, kind, *(_without(owner, value) for value in row))
            for schema in ("public", "calsync")
            for kind, query in EVERYTHING.items()
            for row in read(session.cursor(), query, schema)
        }


def _without(name: str, value):
    return value.replace(name, "") if isinstance(value, str) else value
