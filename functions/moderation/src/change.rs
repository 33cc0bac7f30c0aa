//! `PATCH /api/reports/{id}/`: an admin takes a report over, writes a note, or closes the report.

use shared::{
    events::{Data, Event},
    http::{
        Authenticated, Fields, FromFields, Ids, IfMatch, Problem, Reply, RequestBody, Unchecked,
        schemas::{Assignee, ReportNote},
        typed,
    },
    ids::{ReportId, UserId},
    model::{
        Faults, Invalid,
        report::{ReportState, note},
    },
    store::{
        items::Report,
        reports::{ReportChange, ReportChangeError},
    },
};
use utoipa::ToSchema;

use crate::{
    retrieve::ONLY_ADMINS,
    view::{self, ReportView},
};

/// The fields to change. Other fields do not change.
#[derive(Debug, ToSchema)]
pub struct ChangeReport {
    /// `me` assigns the report to the caller, and `null` to nobody.
    #[schema(value_type = Option<Assignee>)]
    handled_by: Option<Option<Handler>>,
    /// `closed` closes the report. A closed report stays closed.
    #[schema(value_type = ReportState, required = false)]
    state: Option<ReportState>,
    /// The note of the admins; `null` removes it.
    #[schema(value_type = Option<ReportNote>)]
    note: Option<Option<String>>,
}

/// The admin to whom a request assigns a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handler {
    /// The caller.
    Me,
    /// A user by id. A client may send back the id that it has received.
    User(UserId),
}

const ONLY_ME: &str = "must be `me` or `null`, because admins can assign a report only to themselves";

impl Handler {
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "me" => Ok(Self::Me),
            id => id.parse().map(Self::User).map_err(|_| Invalid::new("handled_by", ONLY_ME)),
        }
    }
}

impl RequestBody for ChangeReport {
    const READ_ONLY: &'static [&'static str] = &[
        "report_id",
        "message",
        "user",
        "conversation",
        "reason",
        "comment",
        "created_at",
        "reporter",
        "reported_user",
        "message_body",
        "closed_by",
        "closed_at",
    ];
}

impl FromFields for ChangeReport {
    fn read(fields: &mut Fields) -> Option<Self> {
        let handled_by = fields.nullable("handled_by", |text: String| Handler::parse(&text));
        let state = fields.given("state", typed);
        let note = fields.nullable("note", note).map(Option::flatten);
        Some(Self { handled_by, state, note })
    }
}

impl ChangeReport {
    /// Returns the change that `caller` requests.
    fn change(&self, caller: UserId) -> ReportChange {
        let user = |handler| match handler {
            Handler::Me => caller,
            Handler::User(user) => user,
        };
        ReportChange {
            handled_by: self.handled_by.map(|handler| handler.map(user)),
            state: self.state,
            note: self.note.clone(),
            ..ReportChange::default()
        }
    }

    /// Notes the fields that cannot have their new values.
    fn check(&self, caller: UserId, report: &Report, faults: &mut Faults) {
        let change = self.change(caller);
        let handler = change.handled_by.flatten();
        if handler.is_some() && handler != Some(caller) && handler != report.handled_by {
            faults.note(Invalid::new("handled_by", ONLY_ME));
        }
        change.refused_by(report).into_iter().map(is_closed).for_each(|fault| faults.note(fault));
    }
}

fn is_closed(field: &'static str) -> Invalid {
    Invalid::new(field, "cannot be changed, because the report is closed")
}

/// Changes a report.
///
/// Only admins can change reports. A closed report does not change any more. A request that changes nothing writes
/// nothing.
#[utoipa::path(patch, path = "/api/reports/{id}/", operation_id = "change_report", params(Ids<ReportId>, IfMatch),
    request_body = ChangeReport, responses((status = 200, body = ReportView), (status = 403)))]
pub async fn change(
    Authenticated(caller, app): Authenticated,
    id: Result<Ids<ReportId>, Problem>,
    IfMatch(expected): IfMatch,
    request: Unchecked<ChangeReport>,
) -> Result<Reply<ReportView>, Problem> {
    caller.require_admin(&app, ONLY_ADMINS).await?;
    let Ids(id) = id?;
    let report = app.store.report(id).await?.ok_or_else(Problem::not_found)?;
    let (request, expected) =
        request.and(expected).check(|(request, _), faults| request.check(caller.user, &report, faults))?;
    let change = ReportChange { expected, ..request.change(caller.user) };
    let report = app.store.change_report(id, &change, caller.command(&app)).await.map_err(refused)?;
    caller.report(Event::AdminAccess(Data::Reports), Some(&report.reporter));
    view::reply(&app, &caller, report).await
}

/// Returns the answer to a change that was refused or failed.
fn refused(error: ReportChangeError) -> Problem {
    match error {
        ReportChangeError::NotFound => Problem::not_found(),
        ReportChangeError::Stale => Problem::precondition_failed(),
        ReportChangeError::Closed(fields) => fields.into_iter().map(is_closed).collect::<Vec<_>>().into(),
        ReportChangeError::Store(error) => error.into(),
    }
}
