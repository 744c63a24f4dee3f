"""Certificates. Knows nothing of policies or of HTTP."""
