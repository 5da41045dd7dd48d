"""Our read of a host with dnf 5 beside libdnf5 doing the bare minimum: `bench_dnf5_read.py [--packages N --notices N]`.

As bench_dnf_read.py does it for dnf 4; writes .cache/bench/dnf5_read.json.
"""

from __future__ import annotations

import sys

from bench_dnf_read import compare, ways_of

# Installed packages, newer versions, the notices of both: the least that answers the question at all.
BY_HAND = """
import json
import libdnf5
base = libdnf5.base.Base()
base.load_config()
base.get_config().cacheonly = 'all'
base.setup()
base.get_repo_sack().create_repos_from_system_configuration()
base.get_repo_sack().load_repos()
installed = libdnf5.rpm.PackageQuery(base)
installed.filter_installed()
upgrades = libdnf5.rpm.PackageQuery(base)
upgrades.filter_available()
upgrades.filter_upgrades()
answer = {'installed': [(p.get_name(), p.get_arch(), p.get_evr()) for p in installed],
          'upgrades': [(p.get_name(), p.get_arch(), p.get_evr(), p.get_repo_id()) for p in upgrades], 'notices': []}
query, words = libdnf5.advisory.AdvisoryQuery(base), libdnf5.common
for comparison in (words.QueryCmp_LT, words.QueryCmp_EQ, words.QueryCmp_GT):
    for package in query.get_advisory_packages_sorted(installed, comparison):
        advisory = package.get_advisory()
        answer['notices'].append((package.get_name(), package.get_evr(), advisory.get_name(), advisory.get_type(),
                                  advisory.get_severity(), advisory.get_buildtime(),
                                  [each.get_id() for each in advisory.get_references()]))
print(json.dumps(answer))
"""


def main() -> int:
    return compare("fedora42", "dnf5_read", __doc__, ways_of("dnf5", BY_HAND, ["dnf5", "-C", "check-upgrade"],
                                                             ["dnf5", "-C", "advisory", "list", "--all"]))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
