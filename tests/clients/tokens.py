"""Runs a snippet of docs/verify-tokens.md against an API that runs: it has to accept access tokens and to refuse everything else.

    tokens.py SEED COMMAND ...

SEED is the file with the seed of the API's key, to sign tokens that the API would never issue. The variable API is the API's
address."""

import base64, json, os, pathlib, re, subprocess, sys, time, urllib.request

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
    """Tokens by what is wrong with each. Beside each is a pattern of the reason, or None where the token is good."""
    pair = log_in()
    header = {
        name: value for name, value in jwt.get_unverified_header(pair["access"]).items() if name in ("kid", "typ")
    }
    claims = jwt.decode(pair["access"], options={"verify_signature": False})

    def signed(headers=(), key=key, algorithm="EdDSA", **changed):
        payload = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(payload, key, algorithm, headers=header | dict(headers))

    now = int(time.time())
    head, payload, signature = pair["access"].split(".")
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
    return subprocess.run(command, input=token, capture_output=True, text=True, env=environment, timeout=60)


def fault(ran, reason):
    """Returns what is wrong with how a snippet ended, or None."""
    if reason is None:
        accepted = ran.returncode == 0 and json.loads(ran.stdout)["client_id"] == "first-party"
        return None if accepted else "is refused"
    if ran.returncode == 0:
        return "is accepted"
    said = ran.stderr.startswith("refused: ") and re.search(reason, ran.stderr, re.IGNORECASE)
    return None if said else "is refused for another reason"


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
