"""Prepares a measurement: the release build, DynamoDB Local with a table and demo users, and the handlers to compare
with.

What is fetched goes to local/.tools/."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from runtime_api import Failed
from subject import Subject

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ROOT / "local" / ".tools"
FUNCTIONS = ["auth", "browse", "conversations", "messages", "moderation"]
NEEDED = {"cargo": "Rust", "java": "Java 17", "mvn": "Maven", "curl": "curl", "valgrind": "valgrind"}


def require(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise Failed("not installed: {}".format(", ".join(NEEDED.get(program, program) for program in missing)))


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT, stdout=sys.stderr, **options)


def binaries(build, profile="release"):
    """Returns the binaries of a profile by name, and builds them first if `build` is true."""
    if build:
        names = (word for name in FUNCTIONS for word in ("--bin", name))
        run("cargo", "build", "--profile", profile, "--locked", *names)
    metadata = subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT)
    target = Path(json.loads(metadata)["target_directory"])
    folder = target / ("debug" if profile == "dev" else profile)
    return {name: folder / name for name in FUNCTIONS}


def zip_size(binary):
    """Returns the size of the deployed package in megabytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        package.write(binary, "bootstrap")
    return len(packed.getvalue()) / 1e6


def environment(endpoint, seed):
    """Returns the variables that Lambda and the template set, with invented credentials and an invented region."""
    return {
        "TABLE_NAME": "messaging",
        "ISSUER": "https://bench.example.com",
        "AUDIENCE": "messaging",
        # The subjects send as fast as they can.
        "SEND_LIMIT": "0",
        "CONVERSATION_LIMIT": "0",
        "SIGNING_SEED_FILE": str(seed),
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    }


@contextlib.contextmanager
def dynamodb_local():
    """Runs DynamoDB Local while the block runs. Yields its endpoint."""
    command = [ROOT / "local" / "dynamodb-local"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        endpoint = process.stdout.readline().strip()
        if not endpoint:
            raise Failed("DynamoDB Local did not start: local/dynamodb-local says why")
        yield endpoint
    finally:
        process.terminate()
        process.wait()


def demo_data(endpoint, environment):
    """Makes the table, the signing key and the demo users, as `cargo run` does."""
    init = ["cargo", "run", "--quiet", "--locked", "--", "init", "--dynamodb-endpoint", endpoint]
    run(*init, env={**os.environ, **environment})


def python_send(environment):
    require("python3")
    wanted = HERE / "python" / "requirements.txt"
    venv = fetched(
        "python",
        wanted,
        lambda folder: (
            run(sys.executable, "-m", "venv", folder),
            run(folder / "bin" / "pip", "install", "--quiet", "--requirement", wanted),
        ),
    )
    return Subject("Python", [venv / "bin" / "python", HERE / "python" / "bootstrap.py"], environment)


def node_send(environment):
    require("node", "npm")
    wanted = HERE / "node" / "package.json"
    folder = fetched(
        "node",
        wanted,
        lambda folder: (
            folder.mkdir(parents=True),
            shutil.copy(wanted, folder),
            run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder),
        ),
    )
    # Node looks for modules beside the file that imports them.
    shutil.copy(HERE / "node" / "bootstrap.mjs", folder)
    return Subject("Node", ["node", folder / "bootstrap.mjs"], environment)


def fetched(name, wanted, fetch):
    """Returns a folder with the packages that `wanted` names. They are fetched once."""
    version = hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    folder, complete = TOOLS / (f"bench-{name}-{version}"), ".complete"
    if not (folder / complete).exists():
        print(f"Fetching what the {name} handler needs ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        TOOLS.mkdir(parents=True, exist_ok=True)
        fetch(folder)
        (folder / complete).touch()
    return folder
