"""The process that the API server calls."""
