"""Runs a snippet of docs/verify-tokens.md: it has to accept the API's access tokens and to refuse all other tokens.

    tokens.py SEED COMMAND ...

SEED is the file with the seed of the API's signing key. The program signs tokens with it that the API would never
issue. The environment variable API is the address of the API."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

API = os.environ["API"]
PASSWORD = "keys under the doormat"


def log_in():
    body = json.dumps({"email": "ann@example.com", "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{API}/api/token/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def tokens(key):
    """Returns tokens by name, each with a pattern of the reason for its refusal, or None if it is valid."""
    pair = log_in()
    header = {
        name: value for name, value in jwt.get_unverified_header(pair["access"]).items() if name in ("kid", "typ")
    }
    claims = jwt.decode(pair["access"], options={"verify_signature": False})

    def signed(headers=(), key=key, algorithm="EdDSA", **changed):
        payload = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(payload, key, algorithm, headers=header | dict(headers))

    now = int(time.time())
    head, _payload, signature = pair["access"].split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims | {"role": "admin"}).encode()).decode().rstrip("=")
    public = base64.urlsafe_b64encode(key.public_key().public_bytes_raw())
    return {
        "an access token of the API": (pair["access"], None),
        "one that is signed here with the API's key": (signed(), None),
        "a refresh token": (pair["refresh"], "aud|typ|claim"),
        "the audience of refresh tokens": (signed(aud="messaging/refresh"), "aud"),
        "another audience": (signed(aud="another"), "aud"),
        "another issuer": (signed(iss="https://evil.example"), "iss"),
        "expired": (signed(iat=now - 1000, exp=now - 100), "exp"),
        "no expiry": (signed(exp=None), "exp"),
        "no session": (signed(sid=None), "sid|missing"),
        "another type": (signed({"typ": "JWT"}), "typ|not an access token"),
        "another key": (signed(key=Ed25519PrivateKey.generate()), "signature"),
        "a key that is not published": (signed({"kid": "unknown"}), "k(ey|id)"),
        "changed claims": (f"{head}.{other}.{signature}", "signature"),
        "no signature": (signed(key=None, algorithm="none"), "alg|method"),
        "the public key as a secret": (signed(key=public, algorithm="HS256"), "alg|method|k(ey|id)"),
        "not a token": ("nonsense", "malformed|segments|invalid compact|invalid number"),
    }


def run(command, token):
    environment = os.environ | {"MESSAGING_API": API, "MESSAGING_ISSUER": "local"}
    return subprocess.run(
        command, input=token, capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def fault(ran, reason):
    """Returns the difference from the expected end of a snippet, or None."""
    if reason is None:
        accepted = ran.returncode == 0 and json.loads(ran.stdout)["client_id"] == "first-party"
        return None if accepted else "is refused"
    if ran.returncode == 0:
        return "is accepted"
    expected = ran.stderr.startswith("refused: ") and re.search(reason, ran.stderr, re.IGNORECASE)
    return None if expected else "is refused for another reason"


def main():
    seed, *command = sys.argv[1:]
    text = pathlib.Path(seed).read_text().strip()
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(text + "="))
    failed = False
    for name, (token, reason) in tokens(key).items():
        ran = run(command, token)
        if wrong := fault(ran, reason):
            print(f"{name}: {wrong}\n{ran.stdout}{ran.stderr}", file=sys.stderr)
            failed = True
    sys.exit(failed)


main()
