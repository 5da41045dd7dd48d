# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database behind the compliance store: its tables, their versions, and errors that tell no password.

SQLAlchemy is optional and imported when a store is opened, never before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

from ..errors import PatchError

BUSY_SECONDS = 60
"""How long a writer waits for the others."""
_MIGRATION_LOCK = 0x6F70656E
_DRIVERS = ("sqlite", "postgresql")


def sqlalchemy() -> Any:
    """The library; raises ``no_sqlalchemy``."""
    try:
        import sqlalchemy as library
    except ImportError as error:
        raise PatchError(
            "no_sqlalchemy",
            f"the compliance store needs SQLAlchemy 2 on the controller ({error}). Install it into the Python that runs"
            " Ansible: pip install 'SQLAlchemy>=2'; for PostgreSQL also 'psycopg[binary]'",
        ) from None
    if int(library.__version__.split(".")[0]) < 2:
        raise PatchError("no_sqlalchemy", f"the compliance store needs SQLAlchemy 2, found {library.__version__}")
    return library


@cache
def tables() -> SimpleNamespace:
    """Tables of the newest version. Times are UTC text as documents have them, so that they compare as text."""
    sa = sqlalchemy()
    metadata = sa.MetaData()
    text, big = sa.Text, sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return SimpleNamespace(
        metadata=metadata,
        version=sa.Table("openfleet_version", metadata, sa.Column("version", sa.Integer, nullable=False)),
        runs=sa.Table(
            "openfleet_runs",
            metadata,
            sa.Column("run_id", text, primary_key=True),
            sa.Column("as_of", text, nullable=False),
            sa.Column("started_at", text, nullable=False),
        ),
        documents=sa.Table(
            "openfleet_documents",
            metadata,
            sa.Column("id", big, primary_key=True, autoincrement=True),
            sa.Column("host", text, nullable=False),
            sa.Column("run_id", text, nullable=False),
            sa.Column("finished_at", text, nullable=False),
            sa.Column("operation", text, nullable=False),
            sa.Column("reboot_option", text),
            sa.Column("verdict", text, nullable=False),
            sa.Column("readable", sa.Boolean, nullable=False),
            sa.Column("baseline_digest", text),
            sa.Column("digest", text, nullable=False),
            sa.Column("chain", text, nullable=False),
            sa.Column("body", sa.LargeBinary, nullable=False),
            sa.Index("openfleet_documents_host", "host", "finished_at", "id"),
            sa.UniqueConstraint("run_id", "host", "digest", name="openfleet_documents_once"),
        ),
        outcomes=sa.Table(
            "openfleet_outcomes",
            metadata,
            sa.Column("run_id", text, primary_key=True),
            sa.Column("host", text, primary_key=True),
            sa.Column("body", text, nullable=False),
        ),
        starts=sa.Table(
            "openfleet_chain_starts",
            metadata,
            sa.Column("host", text, primary_key=True),
            sa.Column("chain", text, nullable=False),
        ),
        spans=sa.Table(
            "openfleet_spans",
            metadata,
            sa.Column("id", big, primary_key=True, autoincrement=True),
            sa.Column("host", text, nullable=False),
            sa.Column("patch_id", text, nullable=False),
            sa.Column("version", text, nullable=False),
            sa.Column("closed_at", text),
            sa.Column("body", text, nullable=False),
            sa.Index("openfleet_spans_host", "host", "closed_at"),
        ),
        first_seen=sa.Table(
            "openfleet_first_seen",
            metadata,
            sa.Column("operating_system", text, primary_key=True),
            sa.Column("product", text, primary_key=True),
            sa.Column("name", text, primary_key=True),
            sa.Column("arch", text, primary_key=True),
            sa.Column("version", text, primary_key=True),
            sa.Column("first_seen", text, nullable=False),
            sa.Column("repository_date", text),
        ),
        words=sa.Table(
            "openfleet_span_words",
            metadata,
            sa.Column("word", text, primary_key=True),
            sa.Column("span_id", big, primary_key=True),
            sa.Index("openfleet_span_words_span", "span_id"),
        ),
    )


Migration = Callable[[Any], None]


def _create(*names: str) -> Migration:
    def migrate(connection: Any) -> None:
        for name in names:
            getattr(tables(), name).create(connection)

    return migrate


MIGRATIONS: dict[int, Migration] = {
    1: _create("runs", "documents", "outcomes", "starts"),
    2: _create("spans", "words"),
    3: _create("first_seen"),
}
"""What leads to each version from the one before. A released one is never changed; a change is a new one."""
SPANS_SINCE = 2


class Database:
    """One engine for one URL. ``fill_spans`` fills the tables of version 2 from the documents that are there."""

    def __init__(self, url: str) -> None:
        sa = sqlalchemy()
        self._secrets = _secrets(url)
        try:
            parsed = sa.make_url(url if "://" in url else f"sqlite:///{Path(url).expanduser()}")
        except (ValueError, sa.exc.ArgumentError) as error:
            raise self._error(error) from None
        if parsed.get_backend_name() not in _DRIVERS:
            raise PatchError(
                "bad_store_url", f"a store is SQLite or PostgreSQL, not {parsed.get_backend_name()}; see docs/store.md"
            )
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.shown = parsed.render_as_string(hide_password=True)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite:
            _make_private_file(parsed.database)
        try:
            self._engine = sa.create_engine(parsed, pool_pre_ping=not self.sqlite)
        except (ImportError, sa.exc.SQLAlchemyError) as error:
            raise self._error(error) from None
        if self.sqlite:
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection that sees one state of the store."""
        with self._connected(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self, lock: int | None = None) -> Iterator[Any]:
        """A transaction that is kept whole or not at all. ``lock``: writers with the same number take turns."""
        with self._connected(self._engine.execution_options(openfleet_writes=True)) as connection:
            if lock is not None and not self.sqlite:
                connection.execute(sqlalchemy().text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            yield connection

    @contextmanager
    def _connected(self, engine: Any) -> Iterator[Any]:
        sa = sqlalchemy()
        try:
            with engine.begin() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise self._error(error) from None

    def migrate(self, fill_spans: Migration) -> None:
        """Bring the tables to the newest version; raises ``store_too_new`` for one that a later release made."""
        sa = sqlalchemy()
        if self._version() == max(MIGRATIONS):
            return
        with self.writing(_MIGRATION_LOCK) as connection:
            tables().version.create(connection, checkfirst=True)
            known = connection.execute(sa.select(tables().version.c.version)).scalar()
            if known is not None and known > max(MIGRATIONS):
                raise PatchError(
                    "store_too_new",
                    f"{self.shown} has version {known}, this release knows {max(MIGRATIONS)}: a newer release of the"
                    " collection has used it. Use that release here too",
                )
            for version in range((known or 0) + 1, max(MIGRATIONS) + 1):
                MIGRATIONS[version](connection)
                if version == SPANS_SINCE:
                    fill_spans(connection)
            connection.execute(tables().version.delete())
            connection.execute(tables().version.insert().values(version=max(MIGRATIONS)))

    def close(self) -> None:
        """Give connections back; a forked process must not share them."""
        self._engine.dispose()

    def _version(self) -> int | None:
        sa = sqlalchemy()
        with self.reading() as connection:
            if not sa.inspect(connection).has_table(tables().version.name):
                return None
            found: int | None = connection.execute(sa.select(tables().version.c.version)).scalar()
            return found

    def _error(self, error: BaseException) -> PatchError:
        told = str(getattr(error, "orig", None) or error).strip().partition("\n[SQL")[0]
        for secret in self._secrets:
            told = told.replace(secret, "***")
        shown = getattr(self, "shown", "the store")
        return PatchError(
            "store_failed",
            f"{shown}: {told}. Nothing of this step was kept; documents are still in the run directory, so mend it and"
            " store them again",
        )


def _secrets(url: str) -> list[str]:
    """Every form in which the password of ``url`` could come back in a message, the longest first."""
    head, separator, tail = url.partition("://")
    credentials = tail.rpartition("@")[0] if separator else ""
    written = credentials.partition(":")[2]
    found = {written, url if written else ""}
    try:
        found.add(str(sqlalchemy().make_url(url).password or ""))
    except (ValueError, sqlalchemy().exc.ArgumentError):
        pass
    found |= {quote(each) for each in found} | {quote_plus(each) for each in found}
    return sorted((each for each in found if each), key=len, reverse=True)


def _make_private_file(name: str | None) -> None:
    if not name or name == ":memory:":
        raise PatchError("bad_store_url", "the store needs a file, such as sqlite:////srv/patching/compliance.db")
    try:
        Path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(name, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise PatchError("store_failed", f"{name} cannot be opened for writing ({error.strerror})") from None


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction begins leaves reads outside of it.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin_sqlite(connection: Any) -> None:
    # A writer that began as a reader cannot wait for another one: SQLite refuses it at once.
    writes = connection.get_execution_options().get("openfleet_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
