# ruff: noqa
"""A stand-in for yum.config: get_uuid is here before 2013, and writes a file where there is none."""

from yum import FLAVOUR, misc

if FLAVOUR != "late":
    get_uuid = misc.get_uuid
