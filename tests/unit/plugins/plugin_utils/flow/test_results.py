"""Values go in plain and come out marked."""

from __future__ import annotations

from datetime import date, datetime, timezone

from ansible.parsing.dataloader import DataLoader

from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError
from ansible_collections.openfleet.patch.plugins.plugin_utils.flow.results import failed, plain


def test_arguments_lose_every_type_of_ansible() -> None:
    loaded = DataLoader().load("a: [1, x, 2.5, true, null]\nb: {c: 2026-11-20}\n", file_name="/x.yml")
    clean = plain(loaded)
    assert clean == {"a": [1, "x", 2.5, True, None], "b": {"c": "2026-11-20"}}

    def types(value: object) -> set[type]:
        inner = list(value.items()) if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
        return {type(value)}.union(*(types(each) for each in inner))

    assert types(clean) <= {dict, list, tuple, str, int, float, bool, type(None)}


def test_dates_become_iso_text() -> None:
    assert plain([date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=timezone.utc)]) == [
        "2026-11-20",
        "2026-11-20T12:00:00+00:00",
    ]


def test_a_failed_result_keeps_what_is_known() -> None:
    result = failed(PatchError("bad_answer", "{{ 7 }}", size=3), document={"host": "a"}, nothing=None)
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["msg"] == "{{ 7 }}"
    assert result["error"] == {"kind": "bad_answer", "message": "{{ 7 }}", "size": 3}
    assert result["document"] == {"host": "a"}
    assert "nothing" not in result
