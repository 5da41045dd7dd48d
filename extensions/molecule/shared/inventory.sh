#!/bin/sh
# The inventory of the scenario's one host, as Ansible asks a script for it (--list).
host=molecule-$MOLECULE_SCENARIO_NAME
case ${OPENFLEET_MOLECULE_DRIVER:-lab} in
lab) exec "$MOLECULE_PROJECT_DIRECTORY/tests/lab/lab" inventory --script "$host" ;;
podman) connection=containers.podman.podman ;;
docker) connection=community.docker.docker ;;
*) echo "OPENFLEET_MOLECULE_DRIVER is lab, podman or docker" >&2; exit 2 ;;
esac
printf '{"all": {"hosts": ["%s"]}, "_meta": {"hostvars": {"%s": {"ansible_connection": "%s", "ansible_user": "root"}}}}\n' \
    "$host" "$host" "$connection"
