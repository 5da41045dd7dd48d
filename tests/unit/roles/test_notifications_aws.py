"""SNS and S3 by the real modules of community.aws and amazon.aws, to a stand-in (moto) on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from other_collections import CORE, aws_python, other_collections
from playbook_runs import make_collection, play

pytestmark = [pytest.mark.slow, pytest.mark.endurance]
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}
SETUP = """
import boto3, json, sys
made = {"endpoint_url": sys.argv[1]}
boto3.client("s3", **made).create_bucket(
    Bucket="patching", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
queue = boto3.client("sqs", **made).create_queue(QueueName="q")["QueueUrl"]
topic = boto3.client("sns", **made).create_topic(Name="patching")["TopicArn"]
boto3.client("sns", **made).subscribe(
    TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-central-1:123456789012:q")
"""
LOOK = """
import boto3, json, sys
made = {"endpoint_url": sys.argv[1]}
s3, sqs = boto3.client("s3", **made), boto3.client("sqs", **made)
queue = sqs.get_queue_url(QueueName="q")["QueueUrl"]
found = {each["Key"]: s3.get_object(Bucket="patching", Key=each["Key"])["Body"].read().decode()
         for each in s3.list_objects_v2(Bucket="patching").get("Contents", [])}
messages = [json.loads(each["Body"]) for each in sqs.receive_message(QueueUrl=queue).get("Messages", [])]
print(json.dumps({"objects": found, "messages": messages}))
"""


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return aws_python()
    except LookupError as missing:
        pytest.skip(str(missing))


def ask(python: Path, program: str, endpoint: str) -> str:
    ended = subprocess.run(
        [str(python), "-c", program, endpoint], capture_output=True, text=True, env={**os.environ, **KEYS}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def endpoint(python: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "moto.log").open("wb") as log:
        server = subprocess.Popen(
            [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            env={**os.environ, **KEYS},
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def test_sns_is_told_and_s3_gets_the_summary(python: Path, endpoint: str, tmp_path: Path) -> None:
    try:
        others = other_collections()
    except LookupError as missing:
        pytest.skip(str(missing))
    ask(python, SETUP, endpoint)
    where = {"endpoint_url": endpoint, "region": "eu-central-1"}
    notifications = [
        {"via": "sns", "options": {**where, "topic": "patching"}},
        {"via": "s3", "options": {**where, "bucket": "patching", "object": "runs/{run_id}/{file}"}},
        {"name": "no bucket", "via": "s3", "options": {**where, "bucket": "no-such-bucket"}},
    ]
    collections = make_collection(tmp_path / "collections")
    settings = {"patch_notifications": notifications, "ansible_python_interpreter": str(python)}
    played = play(
        CORE,
        collections,
        tmp_path,
        {"good": "compliant", "lacking": "lacking"},
        *("-e", json.dumps(settings)),
        environment={**KEYS, "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{others}"},
    )
    assert played.rc == 0, played.output
    assert "The notification 'no bucket' could not be sent" in played.summary, played.output
    assert "'sns'" not in played.summary, played.output
    found = json.loads(ask(python, LOOK, endpoint))
    [(key, content)] = found["objects"].items()
    assert key == f"runs/{played.run.name}/summary.txt"
    assert content.startswith("openfleet.patch scan: 2 hosts, 1 non-compliant, 1 compliant")
    [message] = found["messages"]
    assert message["Subject"] == "[openfleet.patch] Scan non-compliant: 2 hosts, 1 non compliant, 1 compliant"
    assert "libssl3.amd64" in message["Message"]
