//! A request whose faults are not reported yet. A handler checks the caller's access first, adds the other parts of the
//! request and its own rules, and then reports all faults in one problem.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::fields::{Fields, FromFields, Unknown};
use crate::http::Problem;
use crate::model::Faults;

/// A part of a request, with the faults found so far. Its handler may have further rules to check.
#[derive(Debug)]
pub struct Unchecked<T> {
    request: Option<T>,
    faults: Faults,
    /// The problem of a body or a query that cannot be read. It is reported instead of the faults.
    unreadable: Option<Problem>,
    /// The problem of a condition that is not met. It is reported if there are no faults.
    unmet: Option<Problem>,
}

impl<T: FromFields> Unchecked<T> {
    /// Reads the request from its fields. `kind` decides about unknown fields.
    pub(crate) fn read(mut fields: Fields, kind: Unknown) -> Self {
        let request = T::read(&mut fields);
        Self { faults: fields.finish(kind), ..Self::of_part(request) }
    }

    /// Reads the request from a JSON object.
    #[must_use]
    pub fn of(values: Map<String, Value>, now: DateTime<Utc>) -> Self {
        Self::read(Fields::new(values, now), Unknown::FIELD)
    }
}

impl<T> Unchecked<T> {
    const fn of_part(request: Option<T>) -> Self {
        Self { request, faults: Faults::new(), unreadable: None, unmet: None }
    }

    /// Creates a part that was read, with its faults.
    pub(crate) fn new(request: T, faults: Faults) -> Self {
        Self { faults, ..Self::of_part(Some(request)) }
    }

    /// Creates a part that cannot be read.
    pub(crate) fn unreadable(problem: Problem) -> Self {
        Self { unreadable: Some(problem), ..Self::of_part(None) }
    }

    /// Adds the problem of a condition that the part does not meet.
    pub(crate) fn unless(mut self, is_unmet: impl FnOnce(&T) -> bool, problem: fn() -> Problem) -> Self {
        if self.request.as_ref().is_some_and(is_unmet) {
            self.unmet = Some(problem());
        }
        self
    }

    /// Adds another part of the same request, with its faults.
    #[must_use]
    pub fn and<U>(mut self, other: Unchecked<U>) -> Unchecked<(T, U)> {
        self.faults.append(other.faults);
        Unchecked {
            request: self.request.zip(other.request),
            faults: self.faults,
            unreadable: self.unreadable.or(other.unreadable),
            unmet: self.unmet.or(other.unmet),
        }
    }

    /// Checks further rules if the request could be parsed. Returns the request if it has no faults, otherwise a
    /// problem with all faults.
    pub fn check(mut self, rules: impl FnOnce(&T, &mut Faults)) -> Result<T, Problem> {
        if let Some(request) = &self.request {
            rules(request, &mut self.faults);
        }
        self.finish()
    }

    /// Converts the request and keeps the faults.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Unchecked<U> {
        let Self { request, faults, unreadable, unmet } = self;
        Unchecked { request: request.map(convert), faults, unreadable, unmet }
    }

    /// Returns the request if it has no faults, otherwise a problem with all faults.
    pub fn finish(self) -> Result<T, Problem> {
        if let Some(problem) = self.unreadable {
            return Err(problem);
        }
        if !self.faults.is_empty() {
            return Err(self.faults.into());
        }
        if let Some(problem) = self.unmet {
            return Err(problem);
        }
        self.request.ok_or_else(|| Problem::internal("a request without a fault could not be read"))
    }
}
