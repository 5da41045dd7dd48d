"""What a source says, what of it is secret, and for whom it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine import aws
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.baseline import (
    digest,
    parse_baseline,
    parse_baselines,
    recorded,
)
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.source_repositories import without_credentials
from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.sources import MAX_SOURCES, parse, sources_for
from ansible_collections.openfleet.patch.plugins.plugin_utils.errors import PatchError

INI = """[main]
name=A mirror
baseurl=https://someone:p%40ss@rpm.example/x?token=t0ken
   https://someone:p%40ss@rpm2.example/x
proxy=http://proxy.example:3128
proxy_username=gate
proxy_password=keeper
"""
LINE = "deb [arch=amd64 signed-by=/k.gpg] https://someone:p%40ss@deb.example/debian bookworm main contrib"
STANZA = """Types: deb
URIs: https://deb.example/debian http://someone:p%40ss@deb2.example
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEZ
"""


def baseline(*configurations: str, system: str = "DEBIAN", products: tuple[str, ...] = ("*",)) -> dict[str, Any]:
    rule = {"filters": {}, "approve_after_days": 0} if system != "DEBIAN" else {"filters": {}}
    sources = [
        {"name": f"source-{number}", "products": list(products), "configuration": text}
        for number, text in enumerate(configurations, 1)
    ]
    return {"name": "house", "operating_system": system, "approval_rules": [rule], "sources": sources}


def used(raw: dict[str, Any], family: str, product: str = "Any1") -> Any:
    found = sources_for(parse_baseline(raw)[0], product=product, family=family)
    assert found is not None
    return found


def test_a_section_becomes_a_repository_of_the_sources_name_and_is_checked() -> None:
    found = used(baseline(INI, system="REDHAT_ENTERPRISE_LINUX"), "rpm")
    assert found.text(credentials=False) == (
        "[source-1]\nname=A mirror\nenabled=1\n"
        "baseurl=https://rpm.example/x?token=t0ken https://rpm2.example/x\nproxy=http://proxy.example:3128\ngpgcheck=1\n"
    )
    opened = found.text(credentials=True)
    for word in ("username=someone\n", "password=p@ss\n", "proxy_username=gate\n", "proxy_password=keeper\n"):
        assert word in opened
        assert word not in found.text(credentials=False)
    assert found.described()[0]["repositories"] == [
        {"id": "source-1", "addresses": ["https://rpm.example/x", "https://rpm2.example/x"]}
    ]


def test_zypper_gets_credentials_in_the_address_since_it_takes_them_nowhere_else() -> None:
    text = "[main]\nbaseurl=https://rpm.example/x\nusername=some one\npassword=p@:/ss\n"
    found = used(baseline(text, system="SUSE"), "suse")
    assert "baseurl=https://some%20one:p%40%3A%2Fss@rpm.example/x\n" in found.text(credentials=True)
    assert "password" not in found.text(credentials=True)
    assert "baseurl=https://rpm.example/x\n" in found.text(credentials=False)


def test_sources_of_one_section_name_do_not_take_each_others_place() -> None:
    text = "[mirror]\nbaseurl=https://rpm.example/{}\n"
    found = used(baseline(text.format(1), text.format(2), system="REDHAT_ENTERPRISE_LINUX"), "rpm")
    assert [each.id for each in found.repositories] == ["mirror", "mirror-2"]
    assert "[mirror-2]\n" in found.text(credentials=True)


def test_apt_gets_a_line_or_a_stanza_and_credentials_in_a_file_of_their_own() -> None:
    found = used(baseline(LINE, STANZA), "deb")
    line, stanza = found.text(credentials=True).rstrip("\n").split("\n\n")
    assert line == "deb [arch=amd64 signed-by=/k.gpg] https://deb.example/debian bookworm main contrib"
    assert "URIs: https://deb.example/debian http://deb2.example\n" in stanza
    assert "\n .\n mDMEZ" in stanza
    assert found.netrc() == (
        "machine deb.example/debian login someone password p@ss\n"
        "machine http://deb2.example login someone password p@ss\n"
        "machine deb2.example login someone password p@ss\n"
    )


def test_a_line_as_in_apts_auth_conf_names_credentials_too() -> None:
    text = "deb https://deb.example/debian bookworm main\nmachine deb.example login someone password p@ss"
    found = used(baseline(text), "deb")
    assert found.netrc() == "machine deb.example login someone password p@ss\n"
    assert "p@ss" not in found.text(credentials=True)


@pytest.mark.parametrize(
    ("text", "family", "told"),
    [
        ("baseurl=https://rpm.example", "rpm", "no section"),
        ("[main]\nname=x", "rpm", "needs baseurl"),
        ("[main]\nbaseurl=rpm.example/x", "rpm", "no URL"),
        ("[main]\nbaseurl=https://rpm.example\nrubbish", "rpm", "'option=value'"),
        ("[main]\nbaseurl=https://rpm.example\ngpgcheck=0", "rpm", "signature is good"),
        ("[main]\nbaseurl=https://rpm.example\npkg_gpgcheck = no", "suse", "signature is good"),
        ("[main]\nbaseurl=https://rpm.example\nenabled=0", "rpm", "not enabled"),
        ("[main]\nbaseurl=https://rpm.example\ncachedir=/etc", "rpm", "none of a repository"),
        ("[a b]\nbaseurl=https://rpm.example", "rpm", "name is not of letters"),
        ("[main]\nbaseurl=https://a:b@rpm.example https://c:d@rpm.example", "rpm", "different credentials"),
        ("deb-src https://deb.example/debian bookworm main", "deb", "one line"),
        ("deb https://deb.example/debian bookworm", "deb", "no component"),
        ("deb deb.example bookworm main", "deb", "no URI"),
        ("deb [trusted=yes] https://deb.example/debian bookworm main", "deb", "nobody signed"),
        ("deb [ allow-insecure=yes ] https://deb.example/debian bookworm main", "deb", "nobody signed"),
        ("Types: deb\nURIs: https://deb.example\nSuites: x\nTrusted: yes", "deb", "nobody signed"),
        ("Types: deb\nSuites: x", "deb", "URIs and Suites"),
        ("Types: deb-src\nURIs: https://deb.example\nSuites: x", "deb", "Types: deb"),
        ("deb https://a:b%20c@deb.example/debian bookworm main", "deb", "a space"),
        ("[main]\nbaseurl=https://rpm.example\x07", "rpm", "control character"),
    ],
)
def test_what_a_package_manager_would_not_understand_or_not_check_is_refused(text: str, family: str, told: str) -> None:
    _repositories, problems = parse("source", text, family)
    assert any(told in problem for problem in problems), problems
    assert not any("://a:b" in problem for problem in problems)


def test_a_problem_names_its_place_and_more_than_twenty_are_refused() -> None:
    good = baseline(LINE)
    bad = baseline(*["deb nothing"] * (MAX_SOURCES + 1)) | {"name": "other"}
    with pytest.raises(PatchError) as caught:
        parse_baselines([good, bad])
    places = {each["where"]: each["message"] for each in caught.value.details["problems"]}
    assert "patch_baselines[1].sources[0].configuration" in places
    assert "at most 20" in places["patch_baselines[1].sources"]
    assert not any(place.startswith("patch_baselines[0]") for place in places)


def test_what_is_written_down_opens_nothing_and_is_valid_still() -> None:
    for text, family in ((INI, "rpm"), (LINE, "deb"), (STANZA, "deb")):
        plain = without_credentials(text)
        assert not [word for word in ("p%40ss", "someone", "keeper", "t0ken") if word in plain], plain
        assert parse("source", plain, family)[1] == []
        assert without_credentials(plain) == plain
    canonical = parse_baseline(baseline(INI, system="REDHAT_ENTERPRISE_LINUX"))[0]
    assert "keeper" not in json.dumps(recorded(canonical))
    assert digest(recorded(canonical)) == digest(canonical)
    other = parse_baseline(baseline(INI.replace("keeper", "another"), system="REDHAT_ENTERPRISE_LINUX"))[0]
    assert digest(other) == digest(canonical)


def test_credentials_on_http_and_certificates_nobody_looks_at_are_warned_about() -> None:
    text = "[main]\nbaseurl=http://someone:word@rpm.example/x\nsslverify=0\n"
    _baseline, warnings = parse_baseline(baseline(text, system="REDHAT_ENTERPRISE_LINUX"))
    told = [each for each in warnings if ".sources[0].configuration" in each]
    assert len(told) == 2
    assert "use https" in told[0]
    assert "word" not in " ".join(told)
    assert not [each for each in parse_baseline(baseline(LINE))[1] if ".sources" in each]


def test_products_decide_and_without_a_match_there_are_none() -> None:
    raw = parse_baseline(baseline(LINE, products=("Debian11", "Debian12")))[0]
    assert sources_for(raw, product="Debian12", family="deb") is not None
    assert sources_for(raw, product="Debian1", family="deb") is None


def test_an_export_for_aws_keeps_sources_whole() -> None:
    raw = {
        "Name": "house", "OperatingSystem": "REDHAT_ENTERPRISE_LINUX",
        "Sources": [{"Name": "mine", "Products": ["*"], "Configuration": INI}],
    }  # fmt: skip
    canonical = aws.from_aws(raw)
    assert aws.to_aws(canonical)["Sources"] == raw["Sources"]
