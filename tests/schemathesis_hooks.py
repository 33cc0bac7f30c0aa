"""Who asks, in the runs of `tests/schemathesis`: an account that is logged in, and a new one for what ends accounts."""
import os, uuid

import requests
import schemathesis

API, ROLE = os.environ["API"], os.environ["ROLE"]
PASSWORD = "keys under the doormat"
# These end the account or its sessions, and with it what the others ask with.
ENDING = ("close_own_account", "change_password", "end_session", "change_user")


def post(path, body):
    answer = requests.post(API + path, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def account():
    """A new account; what the table has of admins is the one of the demo."""
    email = f"{uuid.uuid4()}@example.com"
    post("/api/users/", {"email": email, "password": PASSWORD, "first_name": "Sam", "last_name": "Tester"})
    return email


EMAIL = "admin@example.com" if ROLE == "admin" else account()


def operation(case):
    return case.operation.definition.raw.get("operationId")


def who(case):
    return "ending" if operation(case) in ENDING else "other"


# An access token is good for 15 minutes.
@schemathesis.auth(refresh_interval=120, cache_by_key=lambda case, context: who(case))
class LoggedIn:
    def get(self, case, context):
        email = account() if who(case) == "ending" else EMAIL
        return post("/api/token/", {"email": email, "password": PASSWORD})["access"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
