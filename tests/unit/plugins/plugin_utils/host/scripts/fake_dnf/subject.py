# ruff: noqa
from __future__ import absolute_import

import hawkey


class Nevra(object):
    def __init__(self, name, version):
        self.name = name
        self.version = version

    def to_query(self, sack):
        found = [each for each in hawkey.PACKAGES if each.name == self.name and each.version == self.version]
        return hawkey.Query(found, 0)


class Subject(object):
    """Understands name-version-release.* alone."""

    def __init__(self, pattern):
        self.pattern = pattern

    def get_nevra_possibilities(self, forms):
        assert forms[0] == hawkey.FORM_NEVRA
        name, rest = self.pattern.split("-0:")
        return [Nevra(name, rest.split("-")[0])]
