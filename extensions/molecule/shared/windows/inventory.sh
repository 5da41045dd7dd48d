#!/bin/sh
# The inventory of the scenario's one host, as Ansible asks a script for it (--list).
host=molecule-$MOLECULE_SCENARIO_NAME
printf '{"all": {"hosts": ["%s"]}, "_meta": {"hostvars": {"%s": {"ansible_connection": "windows_stand_in", "windows_folder": "%s"}}}}\n' \
    "$host" "$host" "$OPENFLEET_MOLECULE_STATE-host"
