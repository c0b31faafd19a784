"""Scripts behind the numbers in README and docs; each prints the machine, its command and its yardstick."""
