"""检索索引: what SQLite and PostgreSQL do by themselves so that the search index stays right.

Whoever writes an establishment, its licences or its places on credit lists, a trigger empties its
terms in `folded`; `work.search` cuts them anew, and looks through what is still empty. See
docs/decisions/0016.
"""

from typing import Any

from sqlalchemy import Connection, Insert, Select, insert, literal
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

# Not in the metadata, because only one kind of database has each.
OWN_TABLES = ("search", "search_config", "search_data", "search_docsize", "search_idx")
OWN_INDEX = "ix_folded_cut"

_watched = ("code", "name", "address", "category", "division", "risk", "status", "key_object")
_beside = {"licence": ("code", "number"), "listing": ("code", "kind")}
_changed = " OR ".join(f"old.{one} IS NOT new.{one}" for one in _watched)
_cut = "INSERT INTO search (rowid, terms) VALUES (new.id, new.terms);"
_uncut = "INSERT INTO search (search, rowid, terms) VALUES ('delete', old.id, old.terms);"

_folded_new = (
    "CREATE TRIGGER folded_new AFTER INSERT ON establishment BEGIN "
    "INSERT INTO folded (establishment_id, terms) VALUES (new.id, '') "
    "ON CONFLICT (establishment_id) DO UPDATE SET terms = ''; END"
)


def _empty(row: str) -> str:
    """Empty the terms of the establishment that a row beside it belongs to."""
    return (
        "UPDATE folded SET terms = '' WHERE terms <> '' AND establishment_id = "
        f"(SELECT id FROM establishment WHERE code = {row}.code);"
    )


_search_new = (
    f"CREATE TRIGGER search_new AFTER INSERT ON folded WHEN new.terms <> '' BEGIN {_cut} END"
)

_sqlite = (
    # Terms come without brackets or quotes, so every ASCII mark that they use is a token's part.
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(terms, content='folded', "
    "content_rowid='id', detail=none, columnsize=0, tokenize=\"ascii tokenchars '#@'\")",
    *(
        f"DROP TRIGGER IF EXISTS {name}"
        for name in (
            "folded_new",
            "folded_stale",
            "folded_gone",
            "search_new",
            "search_changed",
            "search_gone",
            *(f"{table}_{what}" for table in _beside for what in ("new", "stale", "gone")),
        )
    ),
    _folded_new,
    f"CREATE TRIGGER folded_stale AFTER UPDATE OF {', '.join(_watched)} ON establishment "
    f"WHEN {_changed} BEGIN "
    "UPDATE folded SET terms = '' WHERE establishment_id = new.id; END",
    "CREATE TRIGGER folded_gone AFTER DELETE ON establishment BEGIN "
    "DELETE FROM folded WHERE establishment_id = old.id; END",
    # An external-content index: it forgets a row only when told the terms that it had.
    _search_new,
    f"CREATE TRIGGER search_gone AFTER DELETE ON folded WHEN old.terms <> '' BEGIN {_uncut} END",
    "CREATE TRIGGER search_changed AFTER UPDATE OF terms ON folded "
    "WHEN old.terms <> new.terms BEGIN "
    "INSERT INTO search (search, rowid, terms) "
    "SELECT 'delete', old.id, old.terms WHERE old.terms <> ''; "
    "INSERT INTO search (rowid, terms) SELECT new.id, new.terms WHERE new.terms <> ''; END",
    *(
        statement
        for table, watched in _beside.items()
        for statement in (
            f"CREATE TRIGGER {table}_new AFTER INSERT ON {table} BEGIN {_empty('new')} END",
            f"CREATE TRIGGER {table}_gone AFTER DELETE ON {table} BEGIN {_empty('old')} END",
            f"CREATE TRIGGER {table}_stale AFTER UPDATE OF {', '.join(watched)} ON {table} BEGIN "
            f"{_empty('old')} {_empty('new')} END",
        )
    ),
)

_row = ", ".join("{0}." + one for one in _watched)


def _empty_all(rows: str) -> str:
    """Empty the terms of the establishments that some rows beside them belong to.

    Of empty ones too: whoever is cutting them holds their lock, and would not see these rows.
    """
    return (
        "UPDATE folded SET terms = '' FROM establishment WHERE establishment.code IN "
        f"(SELECT code FROM {rows}) AND establishment_id = establishment.id;"
    )


_postgresql = (
    "DROP INDEX IF EXISTS ix_folded_terms",  # that held those without terms too
    "CREATE INDEX IF NOT EXISTS ix_folded_cut ON folded USING gin (string_to_array(terms, ' ')) "
    "WHERE terms <> ''",
    "CREATE OR REPLACE FUNCTION folded_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    # An id that is taken here would be one that `folded_gone` forgot; asking costs a third.
    "INSERT INTO folded (establishment_id, terms) SELECT id, '' FROM now_there; "
    "RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION folded_stale() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "UPDATE folded SET terms = '' FROM now_there n JOIN was_there o USING (id) "
    "WHERE folded.establishment_id = n.id "
    f"AND ({_row.format('n')}) IS DISTINCT FROM ({_row.format('o')}); RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION folded_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "DELETE FROM folded USING was_there WHERE establishment_id = was_there.id; "
    "RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION folded_none() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "TRUNCATE folded; RETURN NULL; END $$",
    "CREATE OR REPLACE TRIGGER folded_new AFTER INSERT ON establishment "
    "REFERENCING NEW TABLE AS now_there EXECUTE FUNCTION folded_new()",
    "CREATE OR REPLACE TRIGGER folded_stale AFTER UPDATE ON establishment "
    "REFERENCING OLD TABLE AS was_there NEW TABLE AS now_there EXECUTE FUNCTION folded_stale()",
    "CREATE OR REPLACE TRIGGER folded_gone AFTER DELETE ON establishment "
    "REFERENCING OLD TABLE AS was_there EXECUTE FUNCTION folded_gone()",
    "CREATE OR REPLACE TRIGGER folded_none AFTER TRUNCATE ON establishment "
    "EXECUTE FUNCTION folded_none()",
    "CREATE OR REPLACE FUNCTION beside_new() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"{_empty_all('now_there')} RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION beside_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"{_empty_all('was_there')} RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION beside_stale() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"{_empty_all('was_there')} {_empty_all('now_there')} RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION beside_none() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "UPDATE folded SET terms = ''; RETURN NULL; END $$",
    *(
        statement
        for table in _beside
        for statement in (
            f"CREATE OR REPLACE TRIGGER {table}_new AFTER INSERT ON {table} "
            "REFERENCING NEW TABLE AS now_there EXECUTE FUNCTION beside_new()",
            f"CREATE OR REPLACE TRIGGER {table}_gone AFTER DELETE ON {table} "
            "REFERENCING OLD TABLE AS was_there EXECUTE FUNCTION beside_gone()",
            f"CREATE OR REPLACE TRIGGER {table}_stale AFTER UPDATE ON {table} REFERENCING "
            "OLD TABLE AS was_there NEW TABLE AS now_there EXECUTE FUNCTION beside_stale()",
            f"CREATE OR REPLACE TRIGGER {table}_none AFTER TRUNCATE ON {table} "
            "EXECUTE FUNCTION beside_none()",
        )
    ),
)

_heal = (
    "INSERT INTO folded (establishment_id, terms) SELECT id, '' FROM establishment "
    "WHERE NOT EXISTS (SELECT 1 FROM folded WHERE establishment_id = establishment.id)",
    "DELETE FROM folded WHERE NOT EXISTS "
    "(SELECT 1 FROM establishment WHERE id = folded.establishment_id)",
)


def install(connection: Connection) -> None:
    """Put index and triggers in place, and queue what was written without them; may be repeated.

    A migration that builds a table anew on SQLite loses its triggers: every upgrade ends here.
    """
    own = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    for statement in (*own, *_heal):
        connection.exec_driver_sql(statement)


async def insert_many(connection: AsyncConnection, new: Insert, ids: Select[Any]) -> None:
    """Insert establishments from a query, and queue these ids in the order of the query.

    SQLite calls a trigger for each row, and copies the whole query first because there is one;
    so its triggers are away meanwhile. It is one transaction: nobody else sees it without.
    """
    if connection.dialect.name != "sqlite":
        await connection.execute(new)
        return
    for trigger in ("folded_new", "search_new"):
        await connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    await connection.execute(new)
    folded = SQLModel.metadata.tables["folded"]
    queued = ids.add_columns(literal(""))
    await connection.execute(insert(folded).from_select(["establishment_id", "terms"], queued))
    for trigger in (_folded_new, _search_new):
        await connection.exec_driver_sql(trigger)
