#!/usr/bin/env python3
"""Deletes the two webhook configurations: `unregister.py HOST DIRECTORY`, the latter with `token` and `ca.crt`."""

import ssl
import sys
from http.client import HTTPSConnection
from pathlib import Path

host, directory = sys.argv[1], Path(sys.argv[2])
context = ssl.create_default_context(cafile=directory / "ca.crt")
headers = {"Authorization": f"Bearer {(directory / 'token').read_text()}"}
for resource in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"):
    path = f"/apis/admissionregistration.k8s.io/v1/{resource}/workload-policy"
    connection = HTTPSConnection(host, timeout=30, context=context)
    connection.request("DELETE", path, headers=headers)
    response = connection.getresponse()
    body = response.read(1000).decode(errors="replace")
    connection.close()
    if response.status not in (200, 404):
        sys.exit(f"DELETE {path}: {response.status} {body}")
    print("gone:", path)
