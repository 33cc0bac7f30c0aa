//! The representations of a report: the whole report for admins, and the part that its reporter gets.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    App,
    http::{
        Caller, Problem, Reply, UserView,
        schemas::{KeptBody, ReportComment, ReportNote},
        user::{timestamp, timestamp_option},
    },
    ids::{ConversationId, MessageId, ReportId, UserId},
    model::{
        report::{Reason, ReportState},
        user::Role,
    },
    policy,
    store::items::{Report, User},
};
use utoipa::ToSchema;

/// A report as its reporter gets it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmittedReport {
    /// The id of the report.
    report_id: ReportId,
    /// The state of the report.
    state: ReportState,
    /// The reported message; `null` if the report is about something else.
    #[schema(required)]
    message: Option<MessageId>,
    /// The reported user; `null` if the report is about something else.
    #[schema(required)]
    user: Option<UserId>,
    /// The reported conversation; `null` if the report is about something else.
    #[schema(required)]
    conversation: Option<ConversationId>,
    /// The reason of the report.
    reason: Reason,
    /// The comment of the reporter; `null` if there is none.
    #[schema(value_type = Option<ReportComment>, required)]
    comment: Option<String>,
    /// The time when the report was filed.
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
}

impl SubmittedReport {
    pub(crate) fn new(report: Report) -> Self {
        let (state, report_id) = report.place;
        let Report { message, user, conversation, reason, comment, created_at, .. } = report;
        Self { report_id, state, message, user, conversation, reason, comment, created_at }
    }
}

/// A report. Only admins can read it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView {
    /// The id of the report.
    report_id: ReportId,
    /// The state of the report.
    state: ReportState,
    /// The reported message; `null` if the report is about something else.
    #[schema(required)]
    message: Option<MessageId>,
    /// The reported user; `null` if the report is about something else.
    #[schema(required)]
    user: Option<UserId>,
    /// The reported conversation; `null` if the report is about something else.
    #[schema(required)]
    conversation: Option<ConversationId>,
    /// The reason of the report.
    reason: Reason,
    /// The comment of the reporter; `null` if there is none.
    #[schema(value_type = Option<ReportComment>, required)]
    comment: Option<String>,
    /// The time when the report was filed.
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// The user who filed the report; `null` if the user no longer exists.
    #[schema(required)]
    reporter: Option<UserView>,
    /// The reported user, or the sender of the reported message; `null` if the report is about a conversation.
    #[schema(required)]
    reported_user: Option<UserView>,
    /// The text of the reported message at the time of the report; `null` if the report is not about a message.
    #[schema(value_type = Option<KeptBody>, required)]
    message_body: Option<String>,
    /// The id of the admin who handles the report; `null` if nobody does.
    #[schema(required)]
    handled_by: Option<UserId>,
    /// The note of the admins; `null` if there is none.
    #[schema(value_type = Option<ReportNote>, required)]
    note: Option<String>,
    /// The id of the admin who closed the report; `null` if it is open.
    #[schema(required)]
    closed_by: Option<UserId>,
    /// The time when the report was closed; `null` if it is open.
    #[serde(serialize_with = "timestamp_option")]
    #[schema(required)]
    closed_at: Option<DateTime<Utc>>,
}

impl ReportView {
    /// Creates the view of a report. `users` contains the profiles of its users. Contact details follow the policy for an
    /// admin.
    fn new(report: Report, caller: &Caller, users: &HashMap<UserId, User>) -> Self {
        let view = |user: Option<UserId>| {
            let user = users.get(&user?)?;
            Some(UserView::new(user, policy::shows_contact(user.id, caller.user, Role::Admin, false)))
        };
        let (state, report_id) = report.place;
        Self {
            report_id,
            state,
            reporter: view(Some(report.reporter)),
            reported_user: view(report.sender.or(report.user)),
            message: report.message,
            user: report.user,
            conversation: report.conversation,
            message_body: report.body,
            reason: report.reason,
            comment: report.comment,
            created_at: report.created_at,
            handled_by: report.handled_by,
            note: report.note,
            closed_by: report.closed_by,
            closed_at: report.closed_at,
        }
    }
}

/// Returns the views of reports for a caller who is an admin. The profiles are read in one batch.
pub(crate) async fn for_admin(
    app: &App,
    caller: &Caller,
    reports: Vec<Report>,
) -> Result<Vec<ReportView>, Problem> {
    let users = reports.iter().flat_map(|report| [Some(report.reporter), report.sender, report.user]);
    let users: BTreeSet<UserId> = users.flatten().collect();
    let profiles = app.store.senders(users, BTreeSet::new()).await?.profiles;
    Ok(reports.into_iter().map(|report| ReportView::new(report, caller, &profiles)).collect())
}

/// Returns the answer with one report for a caller who is an admin.
pub(crate) async fn reply(app: &App, caller: &Caller, report: Report) -> Result<Reply<ReportView>, Problem> {
    let version = report.version;
    let view = for_admin(app, caller, vec![report]).await?.pop();
    view.map(|view| Reply::ok(view).version(version)).ok_or_else(Problem::not_found)
}
