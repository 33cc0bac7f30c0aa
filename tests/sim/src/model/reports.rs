//! Reports, as their reporters and an admin know them.

use serde_json::Value;
use tokio::time::Instant;

use super::Model;

/// A report that an answer has acknowledged.
#[derive(Debug, Clone)]
pub struct Report {
    pub reporter: usize,
    /// The field of its target, and the id.
    pub target: (&'static str, String),
    pub comment: String,
    /// The time when its first request began, and the time of the answer.
    pub filed: (Instant, Instant),
    /// The text of the reported message, as the first read has shown it.
    pub body: Option<String>,
    /// True once a request to close it was sent.
    pub may_be_closed: bool,
    /// The time of the answer to the closing.
    pub closed: Option<Instant>,
}

impl Model {
    /// Notes and checks a report that an admin was shown by a read that began at `begun`.
    pub fn see_report(&mut self, shown: &Value, begun: Instant) {
        let Some(id) = shown["report_id"].as_str() else {
            return self.find(format!("a report has no id: {shown}"));
        };
        // The answer to its request may have been lost.
        let Some(report) = self.reports.get(id).cloned() else {
            return;
        };
        let reporter = &self.users[report.reporter].id;
        let (field, target) = &report.target;
        let is_same = shown[*field] == **target && shown["comment"] == *report.comment;
        let is_closed = shown["state"] == "closed";
        let may_be =
            if is_closed { report.may_be_closed } else { report.closed.is_none_or(|closed| closed >= begun) };
        if !is_same || !may_be || shown["reporter"]["user_id"] != **reporter {
            self.find(format!("report {id} is {shown}, but {report:?}"));
        }
        if *field == "message" {
            self.see_reported_text(id, &report, shown["message_body"].as_str().unwrap_or_default());
        }
    }

    /// Checks the text that a report has kept: one that the message had when it was reported, and always the same.
    fn see_reported_text(&mut self, id: &str, report: &Report, text: &str) {
        let (begun, done) = report.filed;
        let message = self.message_by_id(&report.target.1);
        let was_there = message
            .is_none_or(|message| message.body.may_read(text, begun) && !message.body.is_later(text, done));
        let is_same = report.body.as_deref().is_none_or(|known| known == text);
        if !was_there || !is_same {
            self.find(format!("report {id} has kept {text:?}, but {report:?}"));
        }
        if let Some(report) = self.reports.get_mut(id) {
            report.body.get_or_insert_with(|| text.to_owned());
        }
    }

    /// Checks a list of all closed reports: each one is there whose closing was acknowledged before.
    pub fn see_closed_reports(&mut self, listed: &[&str], begun: Instant) {
        let is_due = |report: &Report| report.closed.is_some_and(|closed| closed < begun);
        let missing =
            self.reports.iter().find(|(id, report)| is_due(report) && !listed.contains(&id.as_str()));
        if let Some((id, report)) = missing {
            let report = format!("{report:?}");
            self.find(format!("report {id} is not in the list of closed reports: {report}"));
        }
    }

    /// Checks a list of all open reports: each one that was acknowledged before is there until it is closed.
    pub fn see_open_reports(&mut self, listed: &[&str], begun: Instant) {
        let missing = self.reports.iter().find(|(id, report)| {
            report.filed.1 < begun && !report.may_be_closed && !listed.contains(&id.as_str())
        });
        if let Some((id, report)) = missing {
            let report = format!("{report:?}");
            self.find(format!("report {id} is not in the list of open reports: {report}"));
        }
    }
}
