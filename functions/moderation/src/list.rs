//! `GET /api/reports/`: the open or the closed reports in pages, for admins.

use shared::{
    events::{Data, Event},
    http::{
        Authenticated, Fields, FromFields, Limit, Origin, Page, Problem, Reply, UncheckedQuery,
        page::{List, cursor, read_cursor},
        schemas::Cursor,
        typed,
    },
    ids::ReportId,
    model::{Invalid, report::ReportState},
};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    retrieve::ONLY_ADMINS,
    view::{self, ReportView},
};

/// A page of reports.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListReports {
    /// The state of the reports. The default is `open`.
    #[param(inline)]
    state: Option<ReportState>,
    /// The maximum number of entries on the page.
    #[param(required = false)]
    limit: Limit,
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<ReportId>,
}

impl FromFields for ListReports {
    fn read(fields: &mut Fields) -> Option<Self> {
        let state: Option<ReportState> = fields.optional("state", typed);
        let limit = fields.given("limit", typed).unwrap_or_default();
        let cursor =
            fields.optional("cursor", |text: String| position(state.unwrap_or(ReportState::Open), &text));
        Some(Self { state, limit, cursor })
    }
}

/// Returns the list of a state. A cursor of one list is not valid for the other.
const fn list_of(state: ReportState) -> List {
    match state {
        ReportState::Open => List::OpenReports,
        ReportState::Closed => List::ClosedReports,
    }
}

fn position(state: ReportState, text: &str) -> Result<ReportId, Invalid> {
    read_cursor(list_of(state), text).map(|bytes| ReportId::new(Uuid::from_bytes(bytes)))
}

/// Lists reports.
///
/// Only admins can list reports. Open reports are listed with the oldest first, and closed reports with the newest first. A
/// page can be short; `next` is `null` only at the end of the list.
#[utoipa::path(get, path = "/api/reports/", operation_id = "list_reports", params(ListReports),
    responses((status = 200, body = Page<ReportView>), (status = 403)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<ListReports>,
) -> Result<Reply<Page<ReportView>>, Problem> {
    caller.require_admin(&app, ONLY_ADMINS).await?;
    let ListReports { state, limit: Limit(limit), cursor: position } = query.finish()?;
    let state = state.unwrap_or(ReportState::Open);
    let (reports, more) = app.store.reports(state, position, limit).await?;
    let next = reports.last().filter(|_| more).map(|last| {
        let cursor = cursor(list_of(state), last.place.1.uuid().as_bytes());
        origin.link(&format!("/api/reports/?state={}&limit={limit}&cursor={cursor}", state.as_str()))
    });
    caller.report(Event::AdminAccess(Data::Reports), None);
    let results = view::for_admin(&app, &caller, reports).await?;
    Ok(Reply::ok(Page { next, previous: None, results }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_the_list_of_one_state() {
        let id = ReportId::new(Uuid::from_u128(7));
        let text = cursor(list_of(ReportState::Open), id.uuid().as_bytes());
        assert_eq!(position(ReportState::Open, &text), Ok(id));
        assert!(position(ReportState::Closed, &text).is_err());
    }
}
