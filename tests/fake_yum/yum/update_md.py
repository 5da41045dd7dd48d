# The dialect of Python 2.6.
# ruff: noqa
"""A stand-in for yum.update_md."""

import os
import sys

from yum import FLAVOUR, gen_unpack


class UpdateNoticeException(Exception):
    pass


class ParseError(SyntaxError):
    """xml.etree's: no YumBaseError."""


_KEYS = ("update_id", "type", "severity", "title", "issued", "updated", "status", "release", "version", "from",
         "description", "summary", "solution", "rights", "references", "pkglist", "reboot_suggested")  # fmt: skip


class UpdateNotice(object):
    def __init__(self, facts):
        self._facts = facts

    def __getitem__(self, key):
        if not isinstance(key, str):
            raise AssertionError("yum 3.2.29 loops for ever over `key in notice`")
        if key not in _KEYS:
            return None
        value = self._facts.get(key)
        if FLAVOUR == "el6":
            return value or None
        if key in ("references", "pkglist"):
            return value or []
        return bool(value) if key == "reboot_suggested" else value or None


class UpdateMetadata(object):
    def __init__(self, repos=(), **options):
        if options and FLAVOUR != "late":
            raise TypeError("__init__() got an unexpected keyword argument %r" % sorted(options)[0])
        self._logger = options.get("logger")
        self._notices = []

    def add(self, obj, mdtype="updateinfo"):
        if not obj:
            raise UpdateNoticeException()
        path = obj.retrieveMD(mdtype)
        gen_unpack(path, "updateinfo.xml")
        listed = obj.facts["notices"]
        if listed == "broken":
            if FLAVOUR == "tag":
                where = "<open file '%s', mode 'rt' at 0x%x>" % (
                    os.path.join(os.path.dirname(path), "gen", "updateinfo.xml"),
                    id(self),
                )
                sys.stderr.write("File is not valid XML:")
                sys.stderr.write(" " + where)
                sys.stderr.write("\n")
                return
            if FLAVOUR == "el6":
                raise ParseError("not well-formed (invalid token): line 1, column 2")
            self._logger.critical(
                "Updateinfo file is not valid XML: %s", "<open file '%s', mode 'rt' at 0x%x>" % (path, id(self))
            )
            return
        self._notices += [UpdateNotice(each) for each in listed]

    def get_notices(self, name=None):
        return list(self._notices)
