# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance store: every document of every run, added and never changed, answering as run directories do."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..engine.digests import CHAIN_START, canonical_digest, chained
from ..errors import PatchError
from ..questions.checked import why_not_document
from ..questions.spans import Span
from .database import Database, sqlalchemy, tables
from .kept_spans import advance_spans, rebuild_spans

Document = dict[str, Any]
Outcome = dict[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """As ``fleet.history.RunInfo``."""

    run_id: str
    as_of: str
    started_at: str


class ComplianceStore:
    """Opened by URL (``sqlite:////path``, ``postgresql://user@host/name``) or by the path of an SQLite file.

    Raises ``no_sqlalchemy``, ``bad_store_url``, ``store_failed`` (with the password struck out) or
    ``store_too_new``. Methods that read are those of ``fleet.history.FileHistory``.
    """

    def __init__(self, url: str) -> None:
        self.problems: list[str] = []
        self.database = Database(url)
        try:
            self.database.migrate(self._fill_spans)
        except PatchError:
            self.database.close()
            raise

    def close(self) -> None:
        """Give connections back."""
        self.database.close()

    def add_run(self, run_id: str, as_of: str, started_at: str) -> None:
        """A run that is known already stays as it is."""
        runs = tables().runs
        with self.database.writing(_lock_of(run_id)) as connection:
            if connection.execute(sqlalchemy().select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is None:
                connection.execute(runs.insert().values(run_id=run_id, as_of=as_of, started_at=started_at))

    def add_document(self, document: Document, *, forgotten_before: str | None = None) -> bool:
        """Keep a document; False if this very one is there already. All of it is kept or nothing.

        The chain of the host goes on with it, and so do the spans in which its patches are open.
        ``forgotten_before``: what ended before then (UTC text) is not taken either where the host has a newer document:
        in the chain it would come behind those, where ``forget`` never reaches it.
        """
        problem = why_not_document(document)
        if problem is not None:
            raise PatchError("bad_document", f"this is no document: {problem}")
        sa, documents = sqlalchemy(), tables().documents
        host, digest = document["host"], canonical_digest(document)
        with self.database.writing(_lock_of(host)) as connection:
            same = sa.select(documents.c.id).where(
                documents.c.run_id == document["run"]["id"], documents.c.host == host, documents.c.digest == digest
            )
            if connection.execute(same).first() is not None:
                return False
            newest, last_reading = connection.execute(
                sa.select(
                    sa.func.max(documents.c.finished_at),
                    sa.func.max(documents.c.finished_at).filter(documents.c.readable.is_(True)),
                ).where(documents.c.host == host)
            ).one()
            finished_at = document["times"]["finished_at"]
            if forgotten_before is not None and finished_at < min(forgotten_before, newest or ""):
                return False
            row = {
                "host": host,
                "run_id": document["run"]["id"],
                "finished_at": finished_at,
                "operation": document["operation"],
                "reboot_option": document["reboot_option"],
                "verdict": document["verdict"],
                "readable": document["error"] is None,
                "baseline_digest": (document["baseline"] or {}).get("digest"),
                "digest": digest,
                "chain": chained(self._chain(connection, host), digest),
                "body": zlib.compress(json.dumps(document, separators=(",", ":")).encode("utf-8")),
            }
            connection.execute(documents.insert().values(row))
            if newest is None or finished_at >= newest:
                advance_spans(connection, document, last_reading)
            else:
                rebuild_spans(connection, host, self._all_of(connection, host))
        return True

    def add_outcome(self, run_id: str, host: str, outcome: Outcome) -> None:
        """The newest outcome of a host in a run; it replaces an earlier one."""
        outcomes = tables().outcomes
        with self.database.writing(_lock_of(host)) as connection:
            connection.execute(outcomes.delete().where(outcomes.c.run_id == run_id, outcomes.c.host == host))
            connection.execute(outcomes.insert().values(run_id=run_id, host=host, body=json.dumps(outcome)))

    def forget(self, before: str) -> int:
        """Delete documents that ended before ``before`` (UTC text), but each host's newest; the number of them.

        Runs without documents, their outcomes and spans closed before then go as well. The chain of a host goes on.
        """
        sa, t = sqlalchemy(), tables()
        documents, gone = t.documents, 0
        hosts = self._hosts()
        for host in hosts:
            with self.database.writing(_lock_of(host)) as connection:
                newest = sa.select(sa.func.max(documents.c.id)).where(documents.c.host == host).scalar_subquery()
                # A chain has no holes: what is older than the first document to keep goes, nothing behind it.
                keep = sa.select(sa.func.min(documents.c.id)).where(
                    documents.c.host == host, documents.c.finished_at >= before
                )
                first = connection.execute(keep).scalar() or connection.execute(sa.select(newest)).scalar()
                old = sa.and_(documents.c.host == host, documents.c.id < first)
                last = connection.execute(
                    sa.select(documents.c.chain).where(old).order_by(documents.c.id.desc()).limit(1)
                ).scalar()
                if last is None:
                    continue
                gone += connection.execute(documents.delete().where(old)).rowcount
                connection.execute(t.starts.delete().where(t.starts.c.host == host))
                connection.execute(t.starts.insert().values(host=host, chain=last))
                closed = sa.select(t.spans.c.id).where(t.spans.c.host == host, t.spans.c.closed_at < before)
                connection.execute(t.words.delete().where(t.words.c.span_id.in_(closed)))
                connection.execute(t.spans.delete().where(t.spans.c.host == host, t.spans.c.closed_at < before))
        with self.database.writing() as connection:
            kept = sa.select(documents.c.run_id)
            empty = sa.and_(t.runs.c.started_at < before, t.runs.c.run_id.not_in(kept))
            connection.execute(
                t.outcomes.delete().where(t.outcomes.c.run_id.in_(sa.select(t.runs.c.run_id).where(empty)))
            )
            connection.execute(t.runs.delete().where(empty))
        return gone

    def verify(self) -> Iterator[tuple[str, str, str]]:
        """``(host, run_id, what is wrong)`` for every document that is not what was kept, or does not follow the one
        before it."""
        sa, documents = sqlalchemy(), tables().documents
        for host in self._hosts():
            with self.database.reading() as connection:
                previous = self._start(connection, host)
                names = ("run_id", "finished_at", "verdict", "digest", "chain", "body")
                columns = [documents.c[name] for name in names]
                for run_id, finished_at, verdict, digest, chain, body in connection.execute(
                    sa.select(*columns).where(documents.c.host == host).order_by(documents.c.id)
                ):
                    found = _readable(body)
                    if found is None or canonical_digest(found) != digest:
                        yield host, run_id, "the document was changed after it was stored"
                    elif _columns_of(found) != (host, run_id, finished_at, verdict):
                        yield host, run_id, "its columns say something else than the document"
                    if chained(previous, digest) != chain:
                        yield host, run_id, "it does not follow the one before it: a document was removed or changed"
                    previous = chain

    def runs(self) -> list[StoredRun]:
        """All runs, oldest first."""
        runs = tables().runs
        with self.database.reading() as connection:
            found = connection.execute(
                sqlalchemy()
                .select(runs.c.run_id, runs.c.as_of, runs.c.started_at)
                .order_by(runs.c.started_at, runs.c.run_id)
            )
            return [StoredRun(*row) for row in found]

    def run_documents(self, run_id: str) -> Iterator[Document]:
        """The newest document of every host of one run."""
        self._known_run(run_id)
        documents = tables().documents
        return self._newest_where(documents.c.run_id == run_id)

    def run_document(self, run_id: str, host: str) -> Document | None:
        """The newest document of one host in one run."""
        documents = tables().documents
        found = self._newest_where(documents.c.run_id == run_id, documents.c.host == host)
        return next(found, None)

    def run_hosts(self, run_id: str) -> set[str]:
        """Names of the hosts that left a document in one run."""
        self._known_run(run_id)
        documents = tables().documents
        with self.database.reading() as connection:
            return set(
                connection.execute(
                    sqlalchemy().select(documents.c.host).distinct().where(documents.c.run_id == run_id)
                ).scalars()
            )

    def outcomes(self, run_id: str) -> dict[str, Outcome]:
        """The newest outcome of every host of one run."""
        outcomes = tables().outcomes
        with self.database.reading() as connection:
            found = connection.execute(
                sqlalchemy().select(outcomes.c.host, outcomes.c.body).where(outcomes.c.run_id == run_id)
            )
            return {host: json.loads(body) for host, body in found}

    def run_statuses(self, run_id: str, status_of: Callable[[Document | None, Outcome | None], str]) -> dict[str, str]:
        """Host to its word in one run."""
        outcomes, documents = self.outcomes(run_id), tables().documents
        statuses = {host: status_of(None, outcome) for host, outcome in outcomes.items()}
        with self.database.reading() as connection:
            found = connection.execute(
                sqlalchemy()
                .select(documents.c.host, documents.c.verdict)
                .where(documents.c.run_id == run_id)
                .order_by(documents.c.id)
            )
            statuses.update({host: status_of({"verdict": verdict}, outcomes.get(host)) for host, verdict in found})
        return statuses

    def newest(self) -> Iterator[Document]:
        """Each host's newest document, by name."""
        return self._newest_where()

    def host_documents(self, host: str) -> Iterator[Document]:
        """All documents of one host, in the order of their end."""
        sa, documents = sqlalchemy(), tables().documents
        after: tuple[str, int] = ("", 0)
        while True:
            # By small pages: a connection that stays open while somebody thinks keeps others from writing.
            with self.database.reading() as connection:
                page = connection.execute(
                    sa.select(documents.c.finished_at, documents.c.id, documents.c.body)
                    .where(documents.c.host == host)
                    .where(sa.tuple_(documents.c.finished_at, documents.c.id) > sa.tuple_(*after))
                    .order_by(documents.c.finished_at, documents.c.id)
                    .limit(50)
                ).all()
            for finished_at, number, body in page:
                after = (finished_at, number)
                yield _document(body)
            if not page:
                return

    def each_host(self) -> Iterator[Iterator[Document]]:
        """For one host after the other all of its documents."""
        return (self.host_documents(host) for host in self._hosts())

    def no_reboot_installs(self) -> dict[str, str]:
        """Host to the end of its newest Install with the reboot option NoReboot."""
        documents = tables().documents
        return self._latest(documents.c.operation == "Install", documents.c.reboot_option == "NoReboot")

    def last_readings(self) -> dict[str, str]:
        """Host to the end of its newest document that could be read."""
        return self._latest(tables().documents.c.readable.is_(True))

    def where(self, wanted: str, *, closed_too: bool = False) -> Iterator[dict[str, Any]]:
        """As ``questions.spans.where``, from the spans that are kept instead of all documents."""
        sa, t = sqlalchemy(), tables()
        query = (
            sa.select(t.spans.c.body)
            .join(t.words, t.words.c.span_id == t.spans.c.id)
            .where(t.words.c.word == wanted.casefold())
            .order_by(t.spans.c.host, t.spans.c.id)
        )
        if not closed_too:
            query = query.where(t.spans.c.closed_at.is_(None))
        read = self.last_readings()
        with self.database.reading() as connection:
            bodies = connection.execute(query).scalars().all()
        for body in bodies:
            span = Span(**json.loads(body))
            if span.closed_at is None:
                span.last_seen = read.get(span.host, span.last_seen)
            yield span.as_dict()

    def _newest_where(self, *conditions: Any) -> Iterator[Document]:
        sa, documents = sqlalchemy(), tables().documents
        ranked = sa.select(
            documents.c.id,
            documents.c.host,
            sa.func.row_number()
            .over(partition_by=documents.c.host, order_by=(documents.c.finished_at.desc(), documents.c.id.desc()))
            .label("place"),
        ).where(*conditions)
        inner = ranked.subquery()
        with self.database.reading() as connection:
            ids = (
                connection.execute(sa.select(inner.c.id).where(inner.c.place == 1).order_by(inner.c.host))
                .scalars()
                .all()
            )
        for number in ids:
            with self.database.reading() as connection:
                body = connection.execute(sa.select(documents.c.body).where(documents.c.id == number)).scalar()
            if body is not None:
                yield _document(body)

    def _latest(self, *conditions: Any) -> dict[str, str]:
        sa, documents = sqlalchemy(), tables().documents
        with self.database.reading() as connection:
            found = connection.execute(
                sa.select(documents.c.host, sa.func.max(documents.c.finished_at))
                .where(*conditions)
                .group_by(documents.c.host)
            )
            return {str(host): str(at) for host, at in found}

    def _fill_spans(self, connection: Any) -> None:
        documents = tables().documents
        for host in connection.execute(sqlalchemy().select(documents.c.host).distinct()).scalars().all():
            rebuild_spans(connection, host, self._all_of(connection, host))

    def _all_of(self, connection: Any, host: str) -> Iterator[Document]:
        documents = tables().documents
        ids = connection.execute(
            sqlalchemy()
            .select(documents.c.id)
            .where(documents.c.host == host)
            .order_by(documents.c.finished_at, documents.c.id)
        ).scalars()
        for number in ids.all():
            yield _document(
                connection.execute(sqlalchemy().select(documents.c.body).where(documents.c.id == number)).scalar()
            )

    def count(self) -> int:
        """Number of documents."""
        with self.database.reading() as connection:
            number: int = connection.execute(
                sqlalchemy().select(sqlalchemy().func.count(tables().documents.c.id))
            ).scalar()
            return number

    def digests(self) -> list[tuple[str, str, str]]:
        """``(host, run id, digest)`` of every document."""
        documents = tables().documents
        with self.database.reading() as connection:
            found = connection.execute(
                sqlalchemy()
                .select(documents.c.host, documents.c.run_id, documents.c.digest)
                .order_by(documents.c.host, documents.c.id)
            )
            return [(str(host), str(run_id), str(digest)) for host, run_id, digest in found]

    def heads(self) -> dict[str, str]:
        """Host to the newest link of its chain."""
        with self.database.reading() as connection:
            return {host: self._chain(connection, host) for host in self._hosts()}

    def chains(self, host: str) -> set[str]:
        """All links of a host's chain, the one that retention left as its beginning included."""
        documents = tables().documents
        with self.database.reading() as connection:
            found = connection.execute(sqlalchemy().select(documents.c.chain).where(documents.c.host == host)).scalars()
            return {self._start(connection, host), *found}

    def _hosts(self) -> list[str]:
        documents = tables().documents
        with self.database.reading() as connection:
            found = connection.execute(sqlalchemy().select(documents.c.host).distinct().order_by(documents.c.host))
            return list(found.scalars())

    def _known_run(self, run_id: str) -> None:
        if run_id not in {run.run_id for run in self.runs()}:
            raise PatchError("no_run", f"there is no run {run_id[:60]!r} in {self.database.shown}")

    def _start(self, connection: Any, host: str) -> str:
        starts = tables().starts
        known = connection.execute(sqlalchemy().select(starts.c.chain).where(starts.c.host == host)).scalar()
        return known or CHAIN_START

    def _chain(self, connection: Any, host: str) -> str:
        documents = tables().documents
        query = sqlalchemy().select(documents.c.chain).where(documents.c.host == host).order_by(documents.c.id.desc())
        return connection.execute(query.limit(1)).scalar() or self._start(connection, host)


def _document(body: bytes) -> Document:
    found: Document = json.loads(zlib.decompress(body))
    return found


def _readable(body: bytes) -> Document | None:
    try:
        return _document(body)
    except (zlib.error, ValueError):
        return None


def _columns_of(document: Document) -> tuple[str, str, str, str]:
    return document["host"], document["run"]["id"], document["times"]["finished_at"], document["verdict"]


def _lock_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:7], "big")
