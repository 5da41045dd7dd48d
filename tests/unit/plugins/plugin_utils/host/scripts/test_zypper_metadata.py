"""What the zypper reader takes from metadata, under every awk found: SUSE has gawk, the lab's hosts have mawk."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from host_scripts import FOLDER

AWKS = [["gawk"], ["gawk", "--posix"], ["mawk"], ["busybox", "awk"], ["original-awk"]]
PRIMARY = """<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">
<package type="rpm">
  <name>other</name><arch>noarch</arch><version epoch="0" ver="9" rel="9"/><format><rpm:vendor>X</rpm:vendor></format>
</package>
<package type="rpm">
  <name>acme</name>
  <arch>x86_64</arch>
  <version epoch="1" ver="1.1" rel="3.1"/>
  <summary>a &lt;name&gt;other&lt;/name&gt; of its own</summary>
  <time file="5" build="1767225600"/>
  <size package="10" installed="20" archive="30"/>
  <format>
    <rpm:vendor>SUSE LLC &lt;https://www.suse.com/&gt;</rpm:vendor>
    <rpm:sourcerpm>acme-1.1-3.1.src.rpm</rpm:sourcerpm>
    <rpm:provides><rpm:entry name="acme" flags="EQ" epoch="1" ver="1.1" rel="3.1"/></rpm:provides>
  </format>
</package>
</metadata>
"""
UPDATES = """<updates>
<update from="maint@suse.de" status="stable" type="security" version="2">
  <id>SUSE-1</id>
  <title>one</title>
  <issued date="1768003200"/>
  <updated date="1772368200"/>
  <severity>important</severity>
  <message>Read
this.</message>
  <references>
    <reference href="https://x/?a=1" id="CVE-2026-1" title="t" type="cve"/>
    <reference href="https://x" id="77" title="t" type="bugzilla"></reference>
    <reference href="https://x" id="x" title="t" type="self"/>
  </references>
  <pkglist><collection>
    <package name="acme" epoch="1" version="1.1" release="3.1" arch="x86_64" src="acme.src.rpm">
      <filename>acme.rpm</filename>
      <reboot_suggested>1</reboot_suggested>
      <restart_suggested/>
      <relogin_suggested>false</relogin_suggested>
    </package>
    <package version="9" release="9" name="other" epoch="0" arch="noarch"><filename>o</filename></package>
  </collection></pkglist>
</update>
<update type="optional" status="stable" version="1"><id>SUSE-2</id><issued date="1"/><pkglist><collection>
<package name="other" version="9" release="9" epoch="0" arch="noarch"/></collection></pkglist></update>
</updates>
"""
LICENCES = (
    '<susedata><package pkgid="1" name="acme" arch="x86_64"><version epoch="1" ver="1.1" rel="3.1"/><eula>Pay</eula>'
    '</package><package pkgid="2" name="acme" arch="i586"><version epoch="1" ver="1.1" rel="3.1"/></package></susedata>'
)
EXPECTED = [
    "P\tacme\tx86_64\t1\t1.1\t3.1\t1767225600\t10\t20\tSUSE LLC &lt;https://www.suse.com/&gt;\tacme-1.1-3.1.src.rpm",
    "p",
    "U\tSUSE-1\t2\tsecurity\tstable\timportant\t1768003200\t1772368200\t message reboot restart",
    "R\tcve\tCVE-2026-1",
    "R\tbugzilla\t77",
    "K\tacme\tx86_64\t1\t1.1\t3.1",
    "u",
    "L\tacme\tx86_64\t1\t1.1\t3.1",
]


def read(tmp_path: Path, awk: list[str], files: dict[str, str]) -> list[str]:
    """Lines of the section for a repository called u with these files, D, M and V apart."""
    repository = tmp_path / "raw" / "u" / "repodata"
    repository.mkdir(parents=True)
    index = "".join(f'<data><location href="repodata/{name}.gz"/></data>' for name in files)
    # Its layout is that of the files.
    lines = any("\n" in text for text in files.values())
    index = f"<repomd><revision>1</revision>{index}</repomd>".replace("<data>", "\n<data>" if lines else "<data>")
    (repository / "repomd.xml").write_text(index)
    for name, text in files.items():
        (repository / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "names").write_text("acme\nanother\n")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "awk"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which(awk[0])} {" ".join(awk[1:])} "$@"\n')
    wrapper.chmod(0o755)
    script = f'. "{FOLDER}/zypper_metadata.sh"; of_raw={tmp_path}/raw of_work={tmp_path} of_disabled="|"; of_metadata'
    environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "D\tu"
    assert re.fullmatch(r"M\t\d+", lines[1])
    assert lines[2] == "V\t1"
    return lines[3:]


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
@pytest.mark.parametrize("one_line", [False, True], ids=["as published", "on one line"])
def test_only_what_is_installed_is_passed_on_whatever_the_layout(
    tmp_path: Path, awk: list[str], one_line: bool
) -> None:
    if shutil.which(awk[0]) is None:
        pytest.skip(f"this machine has no {awk[0]}")
    files = {
        "1-primary.xml": PRIMARY,
        "2-updateinfo.xml": UPDATES,
        "3-susedata.xml": LICENCES,
        "4-other.xml": "<other/>",
    }
    if one_line:
        files = {name: re.sub(r"\s*\n\s*", " ", text) for name, text in files.items()}
    assert read(tmp_path, awk, files) == EXPECTED


def test_a_list_that_was_cut_says_nothing_of_its_end(tmp_path: Path) -> None:
    awk = next(words for words in AWKS if shutil.which(words[0]))
    assert read(tmp_path, awk, {"primary.xml": PRIMARY[: PRIMARY.index("</metadata>")]}) == EXPECTED[:1]


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_patches_that_were_cut_are_unreadable_and_not_none(tmp_path: Path, awk: list[str]) -> None:
    if shutil.which(awk[0]) is None:
        pytest.skip(f"this machine has no {awk[0]}")
    cut = UPDATES[: UPDATES.index('<update type="optional"')]
    files = {"updateinfo.xml": cut, "2-updateinfo.xml": "", "3-updateinfo.xml": "<updates />"}
    assert read(tmp_path, awk, files) == [
        *EXPECTED[2:6], "X\tupdateinfo.xml.gz", "X\t2-updateinfo.xml.gz", "u",
    ]  # fmt: skip
