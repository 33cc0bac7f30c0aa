//! The words of the domain: pure types that parse, with no input or output. A value of such a type is a valid one.

pub mod conversation;
pub mod message;
pub mod text;
pub mod user;

use std::borrow::Cow;

/// One field of a request that cannot be accepted, and why, in words for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field's name as the API spells it, with a path where it is nested.
    pub field: Cow<'static, str>,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Invalid {
    /// `field` is wrong because of `reason`.
    pub fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// The versions that a writer's copy may have; any, where the writer does not insist.
#[derive(Debug, Clone, Default)]
pub struct Expected(pub Option<Vec<u64>>);

impl Expected {
    /// Whether a copy of `version` is what the writer has.
    #[must_use]
    pub fn allows(&self, version: u64) -> bool {
        self.0.as_ref().is_none_or(|versions| versions.contains(&version))
    }
}

/// Collects what is wrong with each of several fields, so that one answer names them all.
#[derive(Debug, Default)]
pub struct Faults(Vec<Invalid>);

impl Faults {
    /// The value, or nothing and the fault noted.
    pub fn check<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|fault| self.0.push(fault)).ok()
    }

    /// The faults that were noted; to be asked when a value is missing.
    #[must_use]
    pub fn into_vec(self) -> Vec<Invalid> {
        self.0
    }
}
