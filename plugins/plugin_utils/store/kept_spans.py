# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spans of a host in the store: carried on with each document, built anew where one came late."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..questions.spans import Span, SpanKey, advance
from .database import sqlalchemy, tables

Document = dict[str, Any]


def advance_spans(connection: Any, document: Document, last_reading: str | None) -> None:
    """Carry the open spans of the document's host on; ``last_reading``: the end of its last readable scan before."""
    spans, host = tables().spans, document["host"]
    rows = connection.execute(
        sqlalchemy().select(spans.c.id, spans.c.body).where(spans.c.host == host, spans.c.closed_at.is_(None))
    ).all()
    still_open: dict[SpanKey, Span] = {}
    stored: dict[SpanKey, tuple[int, str]] = {}
    for number, body in rows:
        span = Span(**json.loads(body))
        # Only changes are written: an open span was last seen when its host was last read.
        span.last_seen = last_reading or span.last_seen
        still_open[span.key] = span
        stored[span.key] = number, _without_time(span)
    closed = advance(still_open, document)
    for span in [*still_open.values(), *closed]:
        known = stored.get(span.key)
        if known is None or known[1] != _without_time(span):
            write_span(connection, span, known[0] if known else None)


def rebuild_spans(connection: Any, host: str, documents: Iterable[Document]) -> None:
    """All spans of a host from all of its documents, oldest first.

    What is open since a document that was forgotten stays so.
    """
    t, sa = tables(), sqlalchemy()
    began: dict[SpanKey, str] = {}
    for body in connection.execute(sa.select(t.spans.c.body).where(t.spans.c.host == host)).scalars():
        known = Span(**json.loads(body))
        began[known.key] = min(known.since, began.get(known.key, known.since))
    mine = sa.select(t.spans.c.id).where(t.spans.c.host == host)
    connection.execute(t.words.delete().where(t.words.c.span_id.in_(mine)))
    connection.execute(t.spans.delete().where(t.spans.c.host == host))
    spans: dict[SpanKey, Span] = {}
    begun = False
    for document in documents:
        for span in advance(spans, document):
            write_span(connection, span, None)
        if not begun and document["error"] is None:
            begun = True
            for span in spans.values():
                span.since = min(span.since, began.get(span.key, span.since))
    for span in spans.values():
        write_span(connection, span, None)


def write_span(connection: Any, span: Span, number: int | None) -> None:
    """``number``: the row that it replaces; None for a new one."""
    t = tables()
    row = {
        "host": span.host,
        "patch_id": span.patch_id,
        "version": span.version,
        "closed_at": span.closed_at,
        "body": json.dumps(vars(span)),
    }
    if number is None:
        number = connection.execute(t.spans.insert().values(row)).inserted_primary_key[0]
    else:
        connection.execute(t.spans.update().where(t.spans.c.id == number).values(row))
        connection.execute(t.words.delete().where(t.words.c.span_id == number))
    connection.execute(t.words.insert(), [{"word": word, "span_id": number} for word in sorted(span.words())])


def _without_time(span: Span) -> str:
    return json.dumps({**vars(span), "last_seen": None})
