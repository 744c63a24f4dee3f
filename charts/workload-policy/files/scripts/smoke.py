#!/usr/bin/env python3
"""Asks the API server, in a dry run, for a workload that no policy can allow: `smoke.py HOST DIRECTORY`.

A refusal in the webhook's name shows that the API server finds the webhook, trusts its certificate, and waits for it.
"""

import json
import ssl
import sys
from http.client import HTTPSConnection
from pathlib import Path

EXPECTED = 'admission webhook "validate.workload-policy.run.ai" denied the request: '

host, directory = sys.argv[1], Path(sys.argv[2])
context = ssl.create_default_context(cafile=directory / "ca.crt")
token, namespace = ((directory / name).read_text() for name in ("token", "namespace"))
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
workload = {
    "apiVersion": "run.ai/v2alpha1",
    "kind": "TrainingWorkload",
    "metadata": {"name": "workload-policy-test"},
    "spec": {"name": {"value": "workload-policy-test"}, "gpu": {"value": "1.5"}},
}
connection = HTTPSConnection(host, timeout=30, context=context)
path = f"/apis/run.ai/v2alpha1/namespaces/{namespace}/trainingworkloads?dryRun=All"
connection.request("POST", path, json.dumps(workload), headers)
response = connection.getresponse()
answer = json.loads(response.read())
connection.close()
if response.status == 201:
    sys.exit("a workload with 1.5 GPUs was admitted: no webhook has judged it")
if not answer.get("message", "").startswith(EXPECTED):
    sys.exit(f"expected a refusal by the webhook, got: {answer.get('message', answer)}")
print(answer["message"])
