"""Real systemd hosts on this machine, with signed repositories made for the test."""
