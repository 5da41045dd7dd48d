# shellcheck shell=sh
# Runs once inside a fresh root. Standard input is this file; users arrive as arguments NAME:SHELL:PASSWORD.
set -eu
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/apt/sources.list.d/*
: > /etc/apt/sources.list
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
ssh-keygen -A >/dev/null
mkdir -p /root/.ssh /etc/ssh/sshd_config.d
chmod 700 /root/.ssh
printf 'UseDNS no\nMaxStartups 100\nPermitRootLogin yes\nPasswordAuthentication yes\n' \
    > /etc/ssh/sshd_config.d/lab.conf
# A login session per connection costs a tenth of a second; the layer `killuser` puts it back.
sed -i 's/^\(session.*pam_systemd\.so.*\)$/#\1/' /etc/pam.d/common-session
for unit in apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
    unattended-upgrades.service systemd-resolved.service systemd-timesyncd.service getty.target \
    console-getty.service systemd-networkd-wait-online.service; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
systemctl enable ssh.service >/dev/null 2>&1
for user do
    name=${user%%:*} rest=${user#*:}
    shell=${rest%%:*} password=${rest#*:}
    [ "$name" = root ] || useradd -m -s "$shell" "$name"
    printf '%s:%s\n' "$name" "$password" | chpasswd
done
