"""Deploys the stack and uses it as a client does. `.ci/deploy` starts this program.

It deploys without parameters and makes the first admin with the command in the stack's outputs. Then it opens
registration and runs the black-box tests. It replaces the functions and the signing secret while a client keeps
sending. At the end it deletes the stack."""

import argparse
import base64
import json
import os
import pathlib
import secrets
import shlex
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

import boto3
from socket_client import Refused, WebSocket

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
PASSWORD = secrets.token_urlsafe(24)
# Seconds. No step takes this long, also on a busy machine.
TIMEOUT = 120


def check(condition, what):
    if not condition:
        sys.exit(f"deployed.py: {what}")


def finished(*command, **more):
    """Runs a command in the repository to its end. Its output and its errors are one text."""
    return subprocess.run(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more, check=False
    )


def run(*command, **more):
    """Runs a command and returns its output. A failure prints the output."""
    done = finished(*command, **more)
    check(done.returncode == 0, f"{shlex.join(command)}:\n{done.stdout[-4000:]}")
    return done.stdout


class Stack:
    def __init__(self, name, template):
        self.name, self.template = name, pathlib.Path(template)
        self.parameters = {}

    def deploy(self, **parameters):
        self.parameters |= parameters
        overrides = [f"{name}={value}" for name, value in self.parameters.items()]
        run(
            "sam",
            "deploy",
            "--template-file",
            str(self.template),
            "--stack-name",
            self.name,
            "--resolve-s3",
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            *(["--parameter-overrides", *overrides] if overrides else []),
        )

    def change_functions(self):
        """Deploys each function in another package: the same binary with another file beside it."""
        for bootstrap in self.template.parent.glob("*/bootstrap"):
            (bootstrap.parent / "release").write_text(str(uuid.uuid4()))
        self.deploy()

    def outputs(self):
        stack = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resource(self, name):
        detail = boto3.client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=name)
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def address(self):
        """Returns the emulator's address of the API. Only a browser resolves the host name in the outputs."""
        return f"{ENDPOINT}/_aws/execute-api/{self.resource('Api')}/$default"

    def live_address(self, ticket):
        """Returns the emulator's address of the WebSocket API."""
        address = f"{ENDPOINT}/_aws/execute-api/{self.resource('LiveApi')}/live?ticket={ticket}"
        return address.replace("http", "ws", 1)

    def delete(self):
        run("sam", "delete", "--stack-name", self.name, "--no-prompts")


class Api:
    def __init__(self, address):
        self.address = address

    def ask(self, method, path, body=None, token=None):
        """Returns status and body. The status is 0 without an answer."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except (OSError, ValueError) as error:
            return 0, str(error)

    def must(self, status, *asked):
        got, body = self.ask(*asked)
        check(got == status, f"{asked[:2]}: expected {status}, got {got}: {body}")
        return body

    def register(self, email, status=201, token=None):
        person = {"email": email, "password": PASSWORD, "first_name": "Some", "last_name": "Body"}
        return self.must(status, "POST", "/api/users/", person, token)

    def log_in(self, email):
        return self.must(200, "POST", "/api/token/", {"email": email, "password": PASSWORD})


def key_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


class Sender(threading.Thread):
    """Sends one message after the other, and repeats each until it is acknowledged, as a client does."""

    def __init__(self, api, token, conversation):
        super().__init__(daemon=True)
        self.api, self.token, self.conversation = api, token, conversation
        self.acknowledged, self.repeated, self.refused, self.stopping = [], 0, [], threading.Event()

    def run(self):
        while not self.stopping.is_set():
            text = f"message {len(self.acknowledged)}"
            body = {"conversation": self.conversation, "message_body": text, "client_id": str(uuid7())}
            while True:
                status, answer = self.api.ask("POST", "/api/messages/", body, self.token)
                if status in (200, 201):
                    self.acknowledged.append((answer["message_id"], text))
                    break
                if status and status < 500 and status != 429:
                    self.refused.append((status, answer))
                    return
                self.repeated += 1
                time.sleep(0.1)

    def await_more(self, more):
        """Waits until `more` further messages are acknowledged."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + TIMEOUT
        while len(self.acknowledged) < wanted:
            check(not self.refused, f"a send was refused: {self.refused}")
            check(time.monotonic() < deadline, f"{len(self.acknowledged)} messages after {TIMEOUT} s, not {wanted}")
            time.sleep(0.05)

    def finish(self):
        self.stopping.set()
        self.join(TIMEOUT)
        check(not self.is_alive() and not self.refused, f"the client did not finish: {self.refused}")


def uuid7():
    random = uuid.uuid4().int
    return uuid.UUID(
        int=(time.time_ns() // 1_000_000) << 80 | 7 << 76 | (random & (1 << 74) - 1) & ~(3 << 62) | 2 << 62
    )


def all_messages(api, token, conversation):
    path, found = f"/api/messages/?conversation={conversation}&order=oldest&limit=100", []
    while path:
        page = api.must(200, "GET", path, None, token)
        found += [(message["message_id"], message["message_body"]) for message in page["results"]]
        path = page["next"] and page["next"][page["next"].index("/api/") :]
    return found


def step(what):
    print(f"--- {time.monotonic() - STARTED:5.1f} s: {what}", flush=True)


def first_admin(stack, api):
    """Runs the command from the outputs with another address and another email."""
    outputs = stack.outputs()
    line = shlex.split(outputs["CreateFirstAdmin"].replace("YOU@EXAMPLE.COM", "admin@example.com"))
    check(line[-2] == "--dynamodb-endpoint" and outputs["TableName"] in line, f"CreateFirstAdmin is {line}")
    run(*line[:-1], ENDPOINT, input=PASSWORD)
    admin = api.log_in("admin@example.com")
    api.register("guest@example.com", 201, admin["access"])


def group_of(api, owner, participant):
    """Creates a group and returns its id."""
    user = api.must(200, "GET", "/api/users/me/", None, participant["access"])["user_id"]
    body = {"participants": [user], "kind": "group"}
    return api.must(201, "POST", "/api/conversations/", body, owner["access"])["conversation_id"]


def replace(stack, api):
    """Replaces the functions and the signing secret while a client sends."""
    for name in ("ann", "ben"):
        api.register(f"{name}@example.com")
    ann, ben = api.log_in("ann@example.com"), api.log_in("ben@example.com")
    group = group_of(api, ann, ann)
    sender = Sender(api, ann["access"], group)
    sender.start()
    sender.await_more(20)
    step("rotate the signing secret and replace the functions while a client sends")
    secret = secrets.token_hex(32)
    boto3.client("secretsmanager").put_secret_value(SecretId=stack.resource("SigningSecret"), SecretString=secret)
    stack.change_functions()
    sender.await_more(20)
    # Tokens of the old key stay valid, and new tokens are signed with another key.
    api.must(200, "GET", "/api/users/me/", None, ben["access"])
    renewed = api.must(200, "POST", "/api/token/refresh/", {"refresh": ben["refresh"]})
    check(key_of(renewed["access"]) != key_of(ben["access"]), "the functions do not use the new version of the secret")
    api.must(200, "GET", "/api/messages/", None, renewed["access"])
    kids = [key["kid"] for key in api.must(200, "GET", "/.well-known/jwks.json")["keys"]]
    check({key_of(ben["access"]), key_of(renewed["access"])} <= set(kids), f"published are {kids}")
    sender.await_more(20)
    sender.finish()
    there = all_messages(api, ann["access"], group)
    check(there == sender.acknowledged, f"acknowledged: {sender.acknowledged}\nthere: {there}")
    print(f"{len(there)} messages acknowledged, each stored once and in order; {sender.repeated} requests repeated")


def live(stack, api):
    """Connects to the WebSocket API and gets a message that another user sends."""
    for name in ("cleo", "dan"):
        api.register(f"{name}@example.com")
    cleo, dan = api.log_in("cleo@example.com"), api.log_in("dan@example.com")
    group = group_of(api, dan, cleo)
    ticket = api.must(201, "POST", "/api/realtime/ticket/", None, cleo["access"])
    check(ticket["url"] == f"{stack.outputs()['RealtimeUrl']}?ticket={ticket['ticket']}", f"the ticket is {ticket}")
    address = stack.live_address(ticket["ticket"])
    connection = WebSocket(address, TIMEOUT)
    connection.until("ready")
    begun = time.monotonic()
    body = {"conversation": group, "message_body": "message over WebSocket"}
    sent = api.must(201, "POST", "/api/messages/", body, dan["access"])
    frame = connection.until("message.created")
    check(frame["message"]["message_id"] == sent["message_id"], f"sent was {sent}, delivered was {frame}")
    print(f"a message was delivered {time.monotonic() - begun:.2f} s after its request began")
    connection.send({"type": "ping"})
    connection.until("pong")
    connection.close()
    try:
        WebSocket(address, TIMEOUT)
        check(False, "a ticket opens a second connection")
    except Refused as refused:
        # The emulator answers 403 to each handshake that the function refuses, whatever its status.
        check(str(refused) in ("401", "403"), f"a second connection with the same ticket gets {refused}")


def smoke(address):
    """Runs the smoke test without the checks of limits and CORS, which the emulator does not support."""
    environment = os.environ | {"SMOKE_PASSWORD": PASSWORD}
    command = ["tests/smoke", address, "--admin", "admin@example.com", "--skip", "throttles", "--skip", "preflight"]
    done = finished(*command, env=environment)
    print(done.stdout, end="")
    check(done.returncode == 0, "the smoke test fails")


def black_box(address):
    environment = os.environ | {"API_URL": address, "API_GAPS": "ministack"}
    environment.pop("AWS_ENDPOINT_URL")
    command = ["cargo", "test", "-p", "tests", "black_box", "--", "--show-output"]
    done = finished(*command, env=environment)
    lines = done.stdout.splitlines()
    skipped = sorted({line.strip() for line in lines if line.strip().startswith("skipped: ")})
    print("\n".join(line for line in lines if line.startswith(("test ", "running "))), *skipped, sep="\n")
    check(done.returncode == 0, f"the black-box suite fails:\n{done.stdout[-8000:]}")
    check(any(line.startswith("test black_box") for line in lines), "no test is named black_box")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", required=True)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    stack = Stack("messaging-ci", options.template)
    step("deploy with no parameter set")
    stack.deploy()
    api = Api(stack.address())
    check(api.must(200, "GET", "/healthz")["table"] == "ok", "the table does not answer")
    step("make the first admin; others cannot make users")
    api.register("stranger@example.com", 401)
    first_admin(stack, api)
    step("run the smoke test of the operations page")
    smoke(stack.address())
    step("open registration and run the black-box suite")
    stack.deploy(Registration="open", Contact="everyone")
    black_box(stack.address())
    step("deliver a message over WebSocket")
    live(stack, api)
    replace(stack, api)
    if options.keep:
        step(f"the API answers on {stack.address()}; stop this with Ctrl-C")
        threading.Event().wait()
    step("delete the stack; the table stays")
    table = stack.outputs()["TableName"]
    stack.delete()
    status, _ = api.ask("GET", "/healthz")
    check(status in (403, 404), f"the API still answers: {status}")
    check(boto3.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"] > 60, "the table has lost items")
    step("done")


STARTED = time.monotonic()
main()
