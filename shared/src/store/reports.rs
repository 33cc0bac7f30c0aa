//! Reports: filing one, reading them, and the admins' changes. A report is an item at a key of its state. Closing it
//! moves the item in one transaction, and a closed report never changes. This module checks nobody's rights.

use super::{
    Command, LimitReached, Store, StoreError,
    items::{BucketPurpose, Item, Report, TokenBucket},
    ops::{ABSENT, Consistency, Expression, Reading},
    retries::Tried,
    table::{Key, Span},
    transactions::{Step, Transacted},
};
use crate::{
    config::ConversationLimit,
    ids::{ReportId, UserId},
    model::{Expected, report::ReportState},
};

/// The limit of a user's reports, so that nobody floods the list: 20 at once, and then one more in each hour.
pub const REPORT_LIMIT: ConversationLimit = ConversationLimit { size: 20, refill: 1 };

/// The state that filing a report depends on, as it was read.
#[derive(Debug, Clone, Default)]
pub struct BeforeFiling {
    /// The report with the same id, which an earlier request has filed.
    pub earlier: Option<Report>,
    /// The bucket that pays for the report.
    pub bucket: Option<TokenBucket>,
}

/// The outcome of filing a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// This request filed the report.
    New(Report),
    /// An earlier request with the same key filed it. Contains its present state.
    Existing(Report),
}

/// The reason why a report is not filed.
#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    /// Another report was filed with the same key.
    #[error("the key belongs to another report")]
    KeyReused,
    /// The user has filed too many reports ([`REPORT_LIMIT`]).
    #[error(transparent)]
    TooMany(#[from] LimitReached),
    /// The table did not answer as expected. The report may have been filed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The new values of a report. A field that is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ReportChange {
    /// The admin who handles the report; `Some(None)` for nobody.
    pub handled_by: Option<Option<UserId>>,
    /// The state.
    pub state: Option<ReportState>,
    /// The note; `Some(None)` removes it.
    pub note: Option<Option<String>>,
    /// The versions that the client accepts as the base of the change.
    pub expected: Expected,
}

/// The reason why a report is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ReportChangeError {
    /// The report does not exist.
    #[error("no such report")]
    NotFound,
    /// The client's copy is of another version.
    #[error("the report has another version")]
    Stale,
    /// The report is closed, and these fields would change.
    #[error("the report is closed")]
    Closed(Vec<&'static str>),
    /// The table did not answer as expected. The change may have taken effect.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Returns a report, strongly consistent; `None` if it does not exist. The open one is looked for first: a report moves
    /// only from open to closed, so a report that moves between the two reads is found by the second.
    pub async fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        for state in [ReportState::Open, ReportState::Closed] {
            let found = self.get(Key::report(state, id), Consistency::Strong).await?;
            if let Some(report) = found.and_then(Item::into_report) {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }

    /// Returns a page of the reports of a state that follow `position`, and true if more follow: open reports with the oldest
    /// first, closed reports with the newest first. A page ends at its limit or at 1 MB.
    pub async fn reports(
        &self,
        state: ReportState,
        position: Option<ReportId>,
        limit: usize,
    ) -> Result<(Vec<Report>, bool), StoreError> {
        let (span, descending) = match state {
            ReportState::Open => (Span::open_reports(position), false),
            ReportState::Closed => (Span::closed_reports(position), true),
        };
        let reading = Reading { descending, limit: Some(limit), consistency: Consistency::Strong };
        let page = self.query(span, reading).await?;
        Ok((page.items.into_iter().filter_map(Item::into_report).collect(), page.more))
    }

    /// Returns the state that filing the report `id` of `reporter` depends on, strongly consistent and in one request.
    pub async fn before_filing(&self, id: ReportId, reporter: UserId) -> Result<BeforeFiling, StoreError> {
        let keys = vec![
            Key::report(ReportState::Open, id),
            Key::report(ReportState::Closed, id),
            Key::bucket(reporter, BucketPurpose::Reports),
        ];
        let (mut reports, mut buckets) = self.get_all_of_two(keys, Consistency::Strong).await?;
        Ok(BeforeFiling { earlier: reports.pop(), bucket: buckets.pop() })
    }

    /// Files an open report, unless an earlier request with the same key did. `seen` is the state before, as it was read.
    ///
    /// One transaction puts the report and pays for it. Another request with the same key may be filing the same report, or an
    /// admin may have closed it since; the conditions on both keys refuse a second one. Another report of the same user may
    /// have paid from the bucket; then the payment is refused, and the bucket is read again. A failure before the commit leaves nothing; a repetition after the commit finds the report.
    pub async fn file_report(&self, report: &Report, seen: BeforeFiling) -> Result<Filed, FilingError> {
        let mut first = Some(seen);
        self.retry(|| {
            let seen = first.take();
            async move {
                let seen = match seen {
                    Some(seen) => seen,
                    None => self.before_filing(report.place.1, report.reporter).await?,
                };
                self.try_to_file(report, seen).await
            }
        })
        .await
    }

    async fn try_to_file(&self, report: &Report, seen: BeforeFiling) -> Result<Tried<Filed>, FilingError> {
        if let Some(earlier) = seen.earlier {
            return report.repeats(earlier).map(Tried::Done);
        }
        let owner = (report.reporter, BucketPurpose::Reports);
        let payment = TokenBucket::payment(seen.bucket.as_ref(), owner, REPORT_LIMIT, 1, report.created_at)?;
        let steps = [
            Step::Put(Item::Report(report.clone()), Expression::condition(ABSENT)),
            Step::Check(Key::report(ReportState::Closed, report.place.1), Expression::condition(ABSENT)),
            payment,
        ];
        Ok(match self.transact(&steps).await? {
            Transacted::Done => Tried::Done(Filed::New(report.clone())),
            Transacted::Refused(_) | Transacted::Conflict => Tried::Lost,
        })
    }

    /// Changes a report, and moves it if the change closes it. Returns the report after the change. A change that changes
    /// nothing writes nothing.
    ///
    /// Another admin may change or close the report between the read and the write. Then the condition on the version
    /// fails, and the change is tried again on the new state, so two changes have one order. A failure before the commit
    /// leaves nothing. After a failure behind the commit, the next try finds its own write as the last one of the report,
    /// or makes the change again on what another admin has written since.
    pub async fn change_report(
        &self,
        id: ReportId,
        change: &ReportChange,
        command: Command,
    ) -> Result<Report, ReportChangeError> {
        self.retry(|| self.try_to_change_report(id, change, command)).await
    }

    async fn try_to_change_report(
        &self,
        id: ReportId,
        change: &ReportChange,
        command: Command,
    ) -> Result<Tried<Report>, ReportChangeError> {
        let report = self.report(id).await?.ok_or(ReportChangeError::NotFound)?;
        if report.request == command.request {
            return Ok(Tried::Done(report));
        }
        if !change.expected.allows(report.version) {
            return Err(ReportChangeError::Stale);
        }
        let refused = change.refused_by(&report);
        if !refused.is_empty() {
            return Err(ReportChangeError::Closed(refused));
        }
        let Some(changed) = change.apply(&report, command) else {
            return Ok(Tried::Done(report));
        };
        Ok(match self.transact(&writing(&report, &changed)).await? {
            Transacted::Done => Tried::Done(changed),
            Transacted::Refused(_) | Transacted::Conflict => Tried::Lost,
        })
    }
}

impl Report {
    /// Returns true if the report is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.place.0 == ReportState::Closed
    }

    /// Returns the outcome of filing this report if `earlier` has its id.
    fn repeats(&self, earlier: Self) -> Result<Filed, FilingError> {
        match earlier {
            earlier if earlier.request == self.request => Ok(Filed::New(earlier)),
            earlier if earlier.digest == self.digest => Ok(Filed::Existing(earlier)),
            _ => Err(FilingError::KeyReused),
        }
    }
}

impl ReportChange {
    /// Returns the fields that cannot have their new values, because the report is closed.
    #[must_use]
    pub fn refused_by(&self, report: &Report) -> Vec<&'static str> {
        let changes = [
            ("handled_by", self.handled_by.is_some_and(|handler| handler != report.handled_by)),
            ("state", self.state.is_some_and(|state| state != report.place.0)),
            ("note", self.note.as_ref().is_some_and(|note| *note != report.note)),
        ];
        let refused = changes.into_iter().filter(|(_, changes)| report.is_closed() && *changes);
        refused.map(|(field, _)| field).collect()
    }

    /// Returns the report after the change; `None` if the change changes nothing.
    fn apply(&self, report: &Report, command: Command) -> Option<Report> {
        let mut changed = report.clone();
        changed.handled_by = self.handled_by.unwrap_or(report.handled_by);
        changed.note = self.note.clone().unwrap_or_else(|| report.note.clone());
        if self.state == Some(ReportState::Closed) && !report.is_closed() {
            changed.place.0 = ReportState::Closed;
            changed.closed_by = Some(command.actor);
            changed.closed_at = Some(command.now);
        }
        let is_changed = changed != *report;
        is_changed.then_some(Report { version: report.version + 1, request: command.request, ..changed })
    }
}

/// Returns the steps that replace an open report, on condition that it has the version that was read. If the change closes
/// the report, it moves: the deletion has the condition, and no other write puts a closed report of this id.
fn writing(seen: &Report, changed: &Report) -> Vec<Step> {
    let unchanged = Expression::of_version(seen.version);
    let put = |condition| Step::Put(Item::Report(changed.clone()), condition);
    if changed.is_closed() {
        let (state, id) = seen.place;
        return vec![Step::Delete(Key::report(state, id), unchanged), put(Expression::default())];
    }
    vec![put(unchanged)]
}
