"""The requests of the benchmark: events of API Gateway's HTTP API, and the checks of their answers."""

import base64
import gzip
import json
import os
import time
import uuid

DEMO = {"email": "ann@example.com", "password": "keys under the doormat"}
# Messages of one page.
PAGE = 50
# Conversations of the inbox, and messages in each of them. Fewer messages are nested.
CONVERSATIONS = 20
MESSAGES = 25
# An item of about 400 bytes, as in the budget of a page.
BODY = "The quick brown fox jumps over the lazy dog, again. " * 4


def event(method, path, query="", body=None, token=None):
    """Returns an event in payload format 2.0 with the headers that a browser and API Gateway send."""
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "accept-language": "en-GB,en;q=0.9",
        "content-length": str(len(body or "")),
        "content-type": "application/json",
        "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    if token:
        headers["authorization"] = "Bearer " + token
    http = {
        "method": method,
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "203.0.113.7",
        "userAgent": headers["user-agent"],
    }
    context = {
        "accountId": "123456789012",
        "apiId": "abcdefghij",
        "domainName": headers["host"],
        "domainPrefix": "abcdefghij",
        "http": http,
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "ANY /api/{proxy+}",
        "stage": "$default",
        "time": "10/Mar/2026:05:16:23 +0000",
        "timeEpoch": 1773119783000,
    }
    made = {
        "version": "2.0",
        "routeKey": context["routeKey"],
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if query:
        made["queryStringParameters"] = dict(pair.split("=", 1) for pair in query.split("&"))
    if body:
        made["body"] = body
    return made


def uuid7():
    """Returns a UUIDv7 (RFC 9562, section 5.7), as a client makes one when its user presses send."""
    bits = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return str(uuid.UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


class Workload:
    """Events, and the answers to them."""

    status = 200

    def answered(self, answer):
        assert answer["statusCode"] == self.status, answer
        body = answer["body"]
        if answer.get("isBase64Encoded"):
            # Long answers are compressed.
            body = gzip.decompress(base64.b64decode(body))
        self.read(json.loads(body))

    def read(self, body):
        """Checks the body of an answer."""


class Login(Workload):
    """Logs in and keeps the tokens."""

    tokens = None

    def event(self):
        return event("POST", "/api/token/", body=json.dumps(DEMO))

    def read(self, body):
        assert body["access"] and body["refresh"]
        self.tokens = body


class MakeConversation(Workload):
    """Makes a group in which the caller is alone."""

    status = 201
    conversation = None

    def __init__(self, token):
        self.token = token

    def event(self):
        claims = self.token.split(".")[1]
        own = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        body = json.dumps({"kind": "group", "name": "Benchmark", "participants": [own]})
        return event("POST", "/api/conversations/", body=body, token=self.token)

    def read(self, body):
        self.conversation = body["conversation_id"]


class Send(Workload):
    """Sends into one conversation, as a client that has seen its last message."""

    status = 201
    last = None

    def __init__(self, token, conversation):
        self.token = token
        self.conversation = conversation
        self.sent = []

    def event(self):
        self.key = uuid7()
        body = {"conversation": self.conversation, "message_body": BODY, "client_id": self.key}
        if self.last:
            body["after"] = self.last
        return event("POST", "/api/messages/", body=json.dumps(body), token=self.token)

    def read(self, body):
        assert (body["client_id"], body["message_body"]) == (self.key, BODY), body
        assert body["sender"]["email"] == DEMO["email"], body
        self.last = body["message_id"]
        self.sent.append(self.last)


class List(Workload):
    """Reads the newest page of messages."""

    found = ()

    def __init__(self, token, conversation):
        self.token = token
        self.query = "conversation=%s&limit=%d" % (conversation, PAGE)

    def event(self):
        return event("GET", "/api/messages/", query=self.query, token=self.token)

    def read(self, body):
        assert len(body["results"]) == PAGE, len(body["results"])
        self.found = [message["message_id"] for message in body["results"]]


class Inbox(Workload):
    """Reads the first page of the inbox with `nested` messages in each conversation."""

    def __init__(self, token, nested):
        self.token = token
        self.nested = nested

    def event(self):
        query = "limit=%d&messages=%d" % (CONVERSATIONS, self.nested)
        return event("GET", "/api/conversations/", query=query, token=self.token)

    def read(self, body):
        assert len(body["results"]) == CONVERSATIONS, len(body["results"])
        assert all(len(each["messages"]) == self.nested for each in body["results"]), body
