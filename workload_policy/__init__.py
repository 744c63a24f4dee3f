"""The command `workload-policy`."""
