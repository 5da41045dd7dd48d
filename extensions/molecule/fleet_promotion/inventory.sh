#!/bin/sh
# The inventory of the scenario's six hosts, as Ansible asks a script for it (--list). They are the lab's alone.
set -- molecule-promotion-debian12-canary molecule-promotion-ubuntu2204-canary molecule-promotion-rhel9-canary \
    molecule-promotion-debian12 molecule-promotion-ubuntu2204 molecule-promotion-rhel9
exec "$MOLECULE_PROJECT_DIRECTORY/tests/lab/lab" inventory --script "$@"
