//! The item of a report. The store's module `reports` writes it.

use chrono::{
    DateTime, Utc,
    serde::{ts_microseconds, ts_microseconds_option},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ids::{ConversationId, MessageId, ReportId, UserId},
    model::report::{Reason, ReportState},
    store::table::parts,
};

/// A report. Closing it moves it to another key. Exactly one of `message`, `user` and `conversation` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The state and the id.
    #[serde(rename = "sk", deserialize_with = "parts::report_sk", skip_serializing)]
    pub place: (ReportState, ReportId),
    /// The user who filed the report.
    pub reporter: UserId,
    /// The message that the report is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The user that the report is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The conversation that the report is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The sender of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<UserId>,
    /// The text of the message when it was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The reason.
    pub reason: Reason,
    /// The comment of the reporter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The digest of the request, by which a retry is recognised.
    pub digest: String,
    /// The time at which the report was filed, in microseconds.
    #[serde(with = "ts_microseconds")]
    pub created_at: DateTime<Utc>,
    /// The number of writes of the report.
    pub version: u64,
    /// The request of the last write.
    pub request: Uuid,
    /// The admin who handles the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_by: Option<UserId>,
    /// The note of the admins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The admin who closed the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<UserId>,
    /// The time at which the report was closed, in microseconds.
    #[serde(default, with = "ts_microseconds_option", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
}
