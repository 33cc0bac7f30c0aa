"""The send of the `messages` function in Python, for comparison: same event, same three calls, same item, same answer.

It does less than the function, which is an advantage in the comparison: only the simplest refusals, a look-back of one
page, no handling of contention, and no other routes. A loop over `http.client` replaces AWS's runtime interface client.
"""

import base64
import hashlib
import http.client
import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime

import boto3
import jwt
from botocore.config import Config
from botocore.exceptions import ClientError

TABLE = os.environ["TABLE_NAME"]
LATEST = 2**42 - 1
PAGE = 16
CLOCKS_DIFFER = 360_000_000

dynamodb = boto3.client("dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard"}))


def read_keys():
    found = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": "KEYS"}, ":sk": {"S": "KEY#"}},
        ConsistentRead=True,
    )
    return {key["sk"]["S"].removeprefix("KEY#"): public_key(key["x"]["S"]) for key in found["Items"]}


def public_key(x):
    return jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA"})


keys = read_keys()


def caller(headers):
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != "at+jwt":
            return None
        return jwt.decode(
            token,
            keys[header["kid"]],
            algorithms=["EdDSA"],
            issuer=os.environ["ISSUER"],
            audience=os.environ["AUDIENCE"],
            options={"require": ["exp", "iss", "aud", "sub"]},
        )["sub"]
    except (jwt.InvalidTokenError, KeyError):
        return None


def problem(status, detail):
    return status, "application/problem+json", {"status": status, "detail": detail}


def standing(conversation, user):
    """Reads the membership and the profile in one request."""
    found = dynamodb.batch_get_item(
        RequestItems={
            TABLE: {
                "ConsistentRead": True,
                "Keys": [
                    {"pk": {"S": "CONV#" + conversation}, "sk": {"S": "MEMBER#" + user}},
                    {"pk": {"S": "USER#" + user}, "sk": {"S": "PROFILE"}},
                ],
            }
        }
    )
    items = {item["item"]["S"]: item for item in found["Responses"][TABLE]}
    return items.get("member"), items.get("user")


def newest(conversation, lowest):
    """Reads the newest messages, down to the last one that the client has seen."""
    return dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
        ExpressionAttributeValues={
            ":pk": {"S": "CONV#" + conversation},
            ":low": {"S": "MSG#%013d" % lowest},
            ":high": {"S": "MSG#%013d" % LATEST},
        },
        ScanIndexForward=False,
        Limit=PAGE,
        ConsistentRead=True,
    )["Items"]


def digest(body):
    sha = hashlib.sha256()
    for part in (body.encode(), b"", b""):
        sha.update(len(part).to_bytes(8, "big") + part)
    return base64.urlsafe_b64encode(sha.digest()[:16]).rstrip(b"=").decode()


def put(item):
    """Returns true if the item is stored: written now, or found to be the same message."""
    try:
        dynamodb.put_item(
            TableName=TABLE,
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return True
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return error.response["Item"].get("idempotency_key") == item["idempotency_key"]


def timestamp(micros):
    time_of = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return time_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def view(item, number, conversation, user, profile):
    return {
        "message_id": str(uuid.UUID(int=uuid.UUID(conversation).int | number)),
        "sender": {
            "user_id": user,
            "first_name": profile["first_name"]["S"],
            "last_name": profile["last_name"]["S"],
            "email": profile["email"]["S"],
            "phone_number": profile.get("phone_number", {}).get("S"),
            "role": profile["role"]["S"],
            "created_at": timestamp(int(profile["created_at"]["N"])),
        },
        "conversation": conversation,
        "message_body": item["body"]["S"],
        "sent_at": timestamp(int(item["sent_at"]["N"])),
        "edited_at": None,
        "reply_to": None,
        "client_id": item["idempotency_key"]["S"],
        "revision": 0,
        "metadata": None,
    }


def send(user, request):
    try:
        conversation, key = str(uuid.UUID(request["conversation"])), uuid.UUID(request["client_id"])
        after = uuid.UUID(request["after"]).int & LATEST if "after" in request else 1
        body = request["message_body"]
        if not 1 <= len(body) <= 16384 or len(body.encode()) > 49152 or not body.strip():
            raise ValueError("message_body")
    except (KeyError, ValueError, AttributeError, TypeError) as wrong:
        return problem(400, str(wrong))
    member, profile = standing(conversation, user)
    found = newest(conversation, after)
    if not member or not profile:
        return problem(400, "no such conversation")
    since = (key.int >> 80) * 1000 - CLOCKS_DIFFER
    for item in found:
        if item["item"]["S"] != "message" or int(item["sent_at"]["N"]) < since:
            break
        if item["idempotency_key"]["S"] == str(key):
            number = int(item["sk"]["S"][4:])
            return 200, "application/json", view(item, number, conversation, user, profile)
    number = int(found[0]["sk"]["S"][4:]) + 1 if found else 1
    earliest = int(found[0]["sent_at"]["N"]) + 1 if found else 0
    item = {
        "pk": {"S": "CONV#" + conversation},
        "sk": {"S": "MSG#%013d" % number},
        "item": {"S": "message"},
        "sender": {"S": user},
        "body": {"S": body},
        "sent_at": {"N": str(max(time.time_ns() // 1000, earliest))},
        "idempotency_key": {"S": str(key)},
        "digest": {"S": digest(body)},
        "revision": {"N": "0"},
    }
    if not put(item):
        return problem(503, "somebody else was first")
    return 201, "application/json", view(item, number, conversation, user, profile)


def handle(event):
    begun = time.perf_counter()
    context = event["requestContext"]
    user = caller(event["headers"])
    if not user:
        status, kind, body = problem(401, "no token, or a bad one")
    elif (context["http"]["method"], event["rawPath"].rstrip("/")) != ("POST", "/api/messages"):
        status, kind, body = problem(404, "not found")
    else:
        status, kind, body = send(user, json.loads(event["body"]))
    line = {
        "timestamp": timestamp(time.time_ns() // 1000),
        "level": "INFO",
        "message": "request",
        "request_id": context["requestId"],
        "user": user,
        "status": status,
        "millis": int((time.perf_counter() - begun) * 1000),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    headers = {"content-type": kind, "cache-control": "no-store", "x-request-id": context["requestId"]}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body), "isBase64Encoded": False}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    invocation = "/2018-06-01/runtime/invocation/"
    while True:
        runtime.request("GET", invocation + "next")
        given = runtime.getresponse()
        event = json.loads(given.read())
        answer = json.dumps(handle(event)).encode()
        runtime.request("POST", invocation + given.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", answer)
        runtime.getresponse().read()


main()
