"""Version order of rpm and Debian."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from functools import cmp_to_key
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.openfleet.patch.plugins.plugin_utils.engine.versions import compare, split

# Each list is in rising order; pairs are compared both ways.
RPM_ORDER = [
    "1.0~rc1-1",
    "1.0~rc1^git1-1",
    "1.0~rc2-1",
    "1.0-1",
    "1.0-1.el9",
    "1.0-2",
    "1.0-10",
    "1.0^git1~pre-1",
    "1.0^git1-1",
    "1.0^git2-1",
    "1.0A-1",
    "1.0Zz-1",
    "1.0a-1",
    "1.0.a-1.1",
    "1.0alpha-1",
    "1.0b-1",
    "1.0.1-1",
    "1.1-1",
    "1.10-1",
    "10-1",
    "1:0.1-1",
]
DEB_ORDER = [
    "1.0~~-1",
    "1.0~rc1-1",
    "1.0-1~bpo11+1",
    "1.0-1",
    "1.0-1ubuntu0.1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0-10",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.10-1",
    "1:0.1-1",
    "2:0.0.1-1",
]
RPM_EQUAL = [("1.0-1", "0:1.0-1"), ("1.05-1", "1.5-1"), ("1.0-1", "1_0-1"), ("1..0-1", "1.0-1"), ("1.0-1", "1.0-01")]
DEB_EQUAL = [("1.0-1", "0:1.0-1"), ("1.0", "1.0-0"), ("1.01-1", "1.1-1"), ("1.1-01", "1.1-1")]


@pytest.mark.parametrize(("scheme", "order"), [("rpm", RPM_ORDER), ("deb", DEB_ORDER)])
def test_versions_sort_as_the_package_manager_sorts_them(scheme: str, order: list[str]) -> None:
    for (i, a), (j, b) in itertools.product(enumerate(order), repeat=2):
        assert compare(a, b, scheme) == (i > j) - (i < j), (a, b)


@pytest.mark.parametrize(("scheme", "pairs"), [("rpm", RPM_EQUAL), ("deb", DEB_EQUAL)])
def test_different_writing_can_be_the_same_version(scheme: str, pairs: list[tuple[str, str]]) -> None:
    for one, other in pairs:
        assert compare(one, other, scheme) == 0 == compare(other, one, scheme), (one, other)


texts = st.lists(st.sampled_from([*"0019aBz.~^+_-", "10", "rc"]), max_size=7).map("".join)
epochs = st.sampled_from(["", "0:", "1:", "01:"])
written = st.tuples(epochs, texts, texts.map(lambda text: f"-{text}" if text else "")).map("".join)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(["rpm", "deb", "plain"]), written, written, written)
def test_every_order_is_total(scheme: str, one: str, other: str, third: str) -> None:
    assert compare(one, one, scheme) == 0
    assert compare(one, other, scheme) == -compare(other, one, scheme)
    low, middle, high = sorted((one, other, third), key=cmp_to_key(lambda x, y: compare(x, y, scheme)))
    assert compare(low, middle, scheme) <= 0
    assert compare(middle, high, scheme) <= 0
    assert compare(low, high, scheme) <= 0
    if 0 in (compare(low, middle, scheme), compare(middle, high, scheme)):
        assert compare(low, high, scheme) == (compare(low, middle, scheme) or compare(middle, high, scheme))


def random_texts(alphabet: list[str], count: int) -> list[str]:
    """Always the same ones."""
    random = Random(alphabet[0])
    return ["".join(random.choices(alphabet, k=random.randint(1, 6))) for _each in range(count)]


def test_debian_order_agrees_with_dpkg() -> None:
    dpkg = shutil.which("dpkg")
    if dpkg is None:
        pytest.skip("dpkg is not on this machine, so its opinion cannot be asked")
    drawn = [f"1{text}" for text in random_texts(["~", "0", "00", "1", "10", "a", "B", "+", ".", "-1"], 60)]
    known = itertools.combinations([*DEB_ORDER, "1.0_x-1", "0.9~", "2024.08.01"], 2)
    for a, b in [*known, *zip(drawn, drawn[1:], strict=False)]:
        older = subprocess.run([dpkg, "--compare-versions", a, "lt", b], check=False).returncode == 0
        equal = subprocess.run([dpkg, "--compare-versions", a, "eq", b], check=False).returncode == 0
        assert compare(a, b, "deb") == (0 if equal else -1 if older else 1), (a, b)


def test_rpm_order_agrees_with_rpm() -> None:
    rpm = shutil.which("rpm")
    if rpm is None:
        pytest.skip("rpm is not on this machine, so its opinion cannot be asked")
    parts = sorted({text.rsplit(":", 1)[-1].split("-")[0] for text in RPM_ORDER} | {"1.0_1", "a1", "0a", "~", "^"})
    drawn = random_texts(["^", "~", "0", "00", "1", "10", "a", "B", "rc", ".", "_"], 2000)
    pairs = [*itertools.product(parts, repeat=2), *zip(drawn, drawn[1:], strict=False)]
    script = "".join(f'print(rpm.vercmp("{a}", "{b}") .. " ")' for a, b in pairs)
    answer = subprocess.run([rpm, "--eval", "%{lua:" + script + "}"], capture_output=True, text=True, check=True)
    for (a, b), verdict in zip(pairs, answer.stdout.split(), strict=True):
        assert compare(a, b, "rpm") == int(verdict), (a, b)


def test_thousands_of_digits_are_compared_without_complaint() -> None:
    huge = "1" * 10_000
    for scheme in ("rpm", "deb", "plain"):
        assert compare(huge, huge + "0", scheme) == -1
        assert compare(f"{huge}:1-1", "1:1-1", scheme) == 1


def test_a_version_splits_into_epoch_version_and_release() -> None:
    assert split("1:3.0.7-25.el9_3", "rpm") == ("1", "3.0.7", "25.el9_3")
    assert split("2026b-0+deb12u1", "deb") == ("0", "2026b", "0+deb12u1")
    assert split("1.0-2-3", "deb") == ("0", "1.0-2", "3")
    assert split("26.3.1 (a)", "plain") == ("0", "26.3.1 (a)", "")
    assert split("1:2.3-4", "plain") == ("0", "1:2.3-4", "")


@pytest.mark.parametrize(("older", "newer"), [("11.2", "11.10"), ("1.24.5", "1.24.5_1"), ("26.3.1", "26.3.1 (a)")])
def test_macos_texts_sort_by_their_numbers(older: str, newer: str) -> None:
    assert compare(older, newer, "plain") == -1
