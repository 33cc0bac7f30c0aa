//! `GET /api/reports/{id}/`: reads one report, for admins.

use shared::{
    events::{Data, Event},
    http::{Authenticated, Ids, NoParameters, Problem, Reply, UncheckedQuery},
    ids::ReportId,
};

use crate::view::{self, ReportView};

/// The answer to a caller who is not an admin.
pub(crate) const ONLY_ADMINS: &str = "Only admins can read and change reports.";

/// Returns a report.
///
/// Only admins can read reports. Send the `ETag` in `If-Match` to change the report.
#[utoipa::path(get, path = "/api/reports/{id}/", operation_id = "read_report", params(Ids<ReportId>),
    responses((status = 200, body = ReportView), (status = 403)))]
pub async fn retrieve(
    Authenticated(caller, app): Authenticated,
    id: Result<Ids<ReportId>, Problem>,
    UncheckedQuery(query): UncheckedQuery<NoParameters>,
) -> Result<Reply<ReportView>, Problem> {
    caller.require_admin(&app, ONLY_ADMINS).await?;
    let Ids(id) = id?;
    let report = app.store.report(id).await?.ok_or_else(Problem::not_found)?;
    query.finish()?;
    caller.report(Event::AdminAccess(Data::Reports), Some(&report.reporter));
    view::reply(&app, &caller, report).await
}
