//! Security events: log lines of their own, with the field `event`. `docs/logging.md` lists them. They contain ids and
//! addresses, but no email.

use std::net::IpAddr;

use tracing::info;

use crate::ids::UserId;

/// Reports a login with a wrong password. `target` is the user whose account it is; `None` if the email has no account.
pub(crate) fn login_failed(target: Option<UserId>, source: IpAddr) {
    let target = target.map_or_else(|| "-".to_owned(), |user| user.to_string());
    info!(event = "login_failed", actor = "-", target, source = %source, "security event");
}

/// Reports that an admin has read reports. `target` is the user who filed the report; `None` for a page of reports.
pub fn reports_read(actor: UserId, target: Option<UserId>, source: IpAddr) {
    let target = target.map_or_else(|| "-".to_owned(), |user| user.to_string());
    info!(event = "reports_read", %actor, target, source = %source, "security event");
}
