"""Hooks for `tests/schemathesis`: the caller, ids of existing resources, and the reasons to refuse valid data."""

import collections
import os
import re
import uuid

import requests
import schemathesis
from hypothesis import strategies as st


def identifier(number, version):
    """Returns a UUID of a version and of the variant of RFC 9562."""
    number = number & ~(0xF << 76) & ~(0x3 << 62) | version << 76 | 0x2 << 62
    return str(uuid.UUID(int=number))


# Ids are UUIDs of the versions 7 and 8, which random UUIDs seldom are.
schemathesis.openapi.format("uuid", st.builds(identifier, st.integers(0, 2**128 - 1), st.sampled_from((7, 8, 8))))

API, ROLE = os.environ["API"], os.environ["ROLE"]
PASSWORD = "keys under the doormat"
# These end the account or its sessions, with which the other operations ask.
ENDING = ("close_own_account", "change_password", "end_session", "change_user")


def post(path, body, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(API + path, json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def account():
    """Makes an account and returns its email and id. The only admin is the one of the demo data."""
    email = f"{uuid.uuid4()}@example.com"
    user = post("/api/users/", {"email": email, "password": PASSWORD, "first_name": "Sam", "last_name": "Tester"})
    return email, user["user_id"]


def token(email):
    return post("/api/token/", {"email": email, "password": PASSWORD})["access"]


EMAIL = "admin@example.com" if ROLE == "admin" else account()[0]
_, OTHER = account()
TOKEN = token(EMAIL)
CONVERSATION = post("/api/conversations/", {"participants": [OTHER]}, TOKEN)["conversation_id"]
MESSAGE = post("/api/messages/", {"conversation": CONVERSATION, "message_body": "hello"}, TOKEN)["message_id"]
REPORT = post("/api/reports/", {"user": OTHER, "reason": "spam"}, TOKEN)["report_id"]


def operation(case):
    return case.operation.definition.raw.get("operationId")


def who(case):
    return "ending" if operation(case) in ENDING else "other"


# An access token is good for 15 minutes.
@schemathesis.auth(refresh_interval=120, cache_by_key=lambda case, context: who(case))
class LoggedIn:
    def get(self, case, context):
        return token(account()[0] if who(case) == "ending" else EMAIL)

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


def is_valid(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


# Ids that replace generated ones, by the name of the field or parameter.
THERE = {
    "conversation": CONVERSATION,
    "message": MESSAGE,
    "reply_to": MESSAGE,
    "after": MESSAGE,
    "before": MESSAGE,
    "around": MESSAGE,
    "thread": MESSAGE,
    "user_id": OTHER,
    "user": OTHER,
    "handled_by": "me",
    "participants": [OTHER],
}
# Fields that no generated value fits: a cursor, a key of the last minutes, only one of three positions, the current
# version.
NOT_THERE = ("cursor", "client_id", "Idempotency-Key", "before", "around", "thread", "If-Match")
PATHS = {
    "/api/conversations/": CONVERSATION,
    "/api/messages/": MESSAGE,
    "/api/reports/": REPORT,
    "/api/users/": OTHER,
}
# The fields of which a report has exactly one.
TARGETS = ("message", "user", "conversation")
calls = collections.Counter()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts ids of existing resources into every second valid request."""
    path = case.path_parameters or {}
    if case.method == "DELETE" and path.get("id") in PATHS.values():
        # The id comes from an answer. The resource has to stay, for the other requests.
        path["id"] = str(uuid.uuid4())
    if not is_valid(case) or case.meta.phase.name.value == "stateful" or case.method == "DELETE":
        return
    calls[operation(case)] += 1
    if calls[operation(case)] % 2:
        return
    for name in NOT_THERE:
        (case.headers or {}).pop(name, None)
    for fields in (case.body, case.query, case.path_parameters):
        if isinstance(fields, dict):
            for name in NOT_THERE:
                fields.pop(name, None)
            # The number of a change is called `after` too, and is not replaced.
            fields.update({name: THERE[name] for name in THERE if isinstance(fields.get(name), (str, list))})
    if operation(case) == "create_report" and isinstance(case.body, dict):
        target = next((name for name in TARGETS if case.body.get(name)), "user")
        case.body.update({name: THERE[name] if name == target else None for name in TARGETS})
    if operation(case) == "sync":
        case.body = {"conversations": {CONVERSATION: [0, 0]}}
    if operation(case) == "register" and isinstance(case.body, dict):
        case.body["email"] = f"{uuid.uuid4()}@example.com"
    if operation(case) == "change_own_profile" and isinstance(case.body, dict):
        case.body.pop("email", None)
        case.body.pop("role", None)
    folder = next((folder for folder in PATHS if case.operation.path.startswith(folder)), None)
    if folder and who(case) == "other" and "id" in path:
        path["id"] = PATHS[folder]


# Reasons to refuse valid data, by field: they depend on the table, or on the whole request.
ELSEWHERE = (
    "is not a message of this conversation|must be the id of a message|must be a message of the same conversation"
)
WEAK = "is too easy to guess"
# The pattern in the description uses what every client understands, which is white space only.
INVISIBLE = "must contain a visible character"
# No such pattern can name the code points that Unicode has not assigned.
UNDEFINED = "must not contain private-use characters"
REFUSALS = {
    "Idempotency-Key": "must be a single UUIDv7|is a UUIDv7 more than",
    "after": f"{ELSEWHERE}|cannot be combined with|must be lower than every id",
    "around": f"{ELSEWHERE}|cannot be combined with",
    "before": f"{ELSEWHERE}|cannot be combined with",
    "client_id": "differs from the header|must be the id of a request|is a UUIDv7 more than",
    # Keys of an object have no schema that every generator of clients understands.
    "conversations": "is not the id of|must not be above|has a name with a control character",
    "conversation": "does not exist, or|must be the id of a conversation|cannot be combined with",
    "cursor": "is not a valid cursor|cannot be combined with",
    # No schema can say which texts are emoji.
    "emoji": "must be one emoji",
    "email": "is already registered|cannot be changed|must be an email address",
    "handled_by": "must be `me` or|cannot be changed, because",
    "kind": "cannot be changed",
    "first_name": f"{INVISIBLE}|{UNDEFINED}",
    "last_name": f"{INVISIBLE}|{UNDEFINED}",
    "message": f"{ELSEWHERE}|is required, unless|does not exist, or",
    "message_body": INVISIBLE,
    # No schema can restrict the texts, the numbers and the depth of an open object.
    "metadata": "contains a control character|must not be nested|has a (name|number)",
    "name": f"cannot be set for|{UNDEFINED}",
    "new_password": WEAK,
    "note": "cannot be changed, because",
    "old_password": "is not the current",
    "order": "can be `oldest` only with|cannot be `(oldest|newest)` with|cannot be combined with",
    "participants": "contains (a user|users) that do|cannot be changed in a direct|must name exactly one other",
    "password": f"{WEAK}|is not the current",
    "reply_to": ELSEWHERE,
    "role": "cannot be changed for the last|cannot be changed here|is always",
    "state": "cannot be changed, because",
    "thread": f"{ELSEWHERE}|cannot be combined with",
    "user": "does not exist|cannot be combined with",
}


@schemathesis.check
def refused_for_what_no_description_says(ctx, response, case):
    if response.status_code != 400 or not is_valid(case):
        return
    for field, reasons in response.json().get("errors", {}).items():
        for reason in reasons:
            assert re.match(REFUSALS.get(field.split(".")[0], "(?!)"), reason), f"`{field}` {reason}"
