//! All output of the command: the welcome on standard output; the line of a failure and the log on standard error. No
//! other module of this package prints.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use local::sockets;
use tracing_subscriber::EnvFilter;

use crate::demo::{self, Demo};
use crate::startup::DataLocation;

/// The log filter if `RUST_LOG` is not set: one line for each request. The engine would log a warning for each failed
/// condition.
const LOG: &str = "info,dynoxide=error,aws_config=warn,aws_smithy_runtime=warn";

/// Starts the log in a format for people. Deployed functions log JSON for `CloudWatch`.
pub(crate) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    tracing_subscriber::fmt()
        .compact()
        // Internal errors would be printed on standard error, which panics if nobody reads it.
        .log_internal_errors(false)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .with_env_filter(filter)
        .init();
}

pub(crate) fn error(failure: &impl Display) {
    complain(&format!("error: {}", one_line(failure)));
}

fn warning(text: &impl Display) {
    complain(&format!("warning: {}", one_line(text)));
}

/// Writes a line to standard output. The process continues if nobody reads it, as in `local | head -n 2`.
fn say(line: &str) {
    if let Err(failure) = writeln!(io::stdout(), "{line}")
        && failure.kind() != ErrorKind::BrokenPipe
    {
        warning(&format!("cannot write to standard output: {failure}"));
    }
}

/// Writes a line to standard error.
fn complain(line: &str) {
    // A failure of standard error cannot be reported anywhere else.
    drop(writeln!(io::stderr(), "{line}"));
}

fn one_line(text: &impl Display) -> String {
    text.to_string().replace(['\r', '\n'], " ")
}

pub(crate) fn welcome(
    address: SocketAddr,
    location: &DataLocation,
    demo: Option<&Result<Demo, demo::DemoError>>,
) {
    let address = reachable(address);
    say(&format!(
        "The messaging API runs at http://{address} with its data in {location}. Press Ctrl-C to stop it."
    ));
    say(&if location.is_aws() {
        "WebSocket connections are not available, because AWS delivers the stream of this table.\n".to_owned()
    } else {
        format!("WebSocket connections are made at ws://{address}{}.\n", sockets::PATH)
    });
    match demo {
        Some(Ok(Demo::Complete)) => return say(&format!("{}\n\n{}", users(), session(address))),
        Some(Ok(Demo::ChangedPassword(email))) => say(&format!("{}\n", untouched(email))),
        Some(Err(failed)) => warning(failed),
        None => {}
    }
    say(&make_account(address));
}

/// Returns an address that this machine can send requests to. `0.0.0.0` means all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(_) => (Ipv6Addr::LOCALHOST, address.port()).into(),
    }
}

/// Prints the violations of a check of the table.
pub(crate) fn checked(table: &str, items: usize, violations: &[String]) {
    for violation in violations {
        say(violation);
    }
    if violations.is_empty() {
        say(&format!("The table {table} has {items} items, and every rule holds."));
    }
}

pub(crate) fn prepared(table: &str, location: &DataLocation, demo: Option<&Result<Demo, demo::DemoError>>) {
    say(&format!("The table {table} at {location} is ready."));
    match demo {
        Some(Ok(Demo::Complete)) => say(&users()),
        Some(Ok(Demo::ChangedPassword(email))) => say(&untouched(email)),
        Some(Err(failed)) => warning(failed),
        None => {}
    }
}

/// Names the addresses that functions of other processes use.
pub(crate) fn sockets(address: SocketAddr) {
    say(&format!("WebSocket connections are made at ws://{address}{}.", sockets::PATH));
}

/// Confirms that the process has stopped and the data is stored.
pub(crate) fn goodbye() {
    say("Stopped.");
}

pub(crate) fn superuser(email: &str) {
    say(&format!("The account {email} is now an admin."));
}

fn users() -> String {
    let lines = demo::USERS.map(|user| format!("  {:<20} {}", user.email, user.role.as_str()));
    format!("Demo users, with the password `{}`:\n\n{}", demo::PASSWORD, lines.join("\n"))
}

fn untouched(email: &str) -> String {
    format!("The demo data were not changed, because the password of {email} has been changed.")
}

/// Returns commands for bash or any other shell. They need only curl and the usual tools. `README.md` shows the same commands.
fn session(address: SocketAddr) -> String {
    let [caller, other, _] = demo::USERS.map(|user| user.email);
    let password = demo::PASSWORD;
    format!(
        r#"Open http://{address}/ in a browser, or paste this into another terminal:

API=http://{address}
JSON='Content-Type: application/json'
field() {{ grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }}

TOKEN=$(curl -s "$API/api/token/" -H "$JSON" \
  -d '{{"email": "{caller}", "password": "{password}"}}' | field access)
AUTH="Authorization: Bearer $TOKEN"
USER_ID=$(curl -s "$API/api/users/?email={other}" -H "$AUTH" | field user_id)
CONVERSATION=$(curl -s "$API/api/conversations/" -H "$AUTH" -H "$JSON" \
  -d '{{"kind": "direct", "participants": ["'"$USER_ID"'"]}}' | field conversation_id)
curl -s "$API/api/messages/" -H "$AUTH" -H "$JSON" \
  -d '{{"conversation": "'"$CONVERSATION"'", "message_body": "Hello from curl"}}'; echo
curl -s "$API/api/messages/?conversation=$CONVERSATION&limit=5" -H "$AUTH"; echo
"#
    )
}

fn make_account(address: SocketAddr) -> String {
    format!(
        r#"Create an account. Replace the dots with a password of your own:

curl -s http://{address}/api/users/ -H 'Content-Type: application/json' \
  -d '{{"email": "you@example.com", "password": "...", "first_name": "You", "last_name": "There"}}'; echo
"#
    )
}
