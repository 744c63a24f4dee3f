"""What objects of the cluster look like: where a workload's values stand, and the CRDs."""
