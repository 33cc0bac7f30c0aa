//! The words of the domain: pure types that parse, with no input or output. A value of such a type is a valid one.

pub mod characters;
pub mod conversation;
pub mod email;
pub mod json;
mod merge;
pub mod message;
mod metadata;
pub mod text;
pub mod user;

use std::borrow::Cow;

pub use self::{
    merge::{MetadataChange, TooLarge},
    metadata::{METADATA_BYTES, Metadata},
};

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

/// A set of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Every version.
    All,
    /// These.
    Only(Vec<u64>),
}

impl Versions {
    fn contains(&self, version: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(versions) => versions.contains(&version),
        }
    }
}

/// The versions that a writer wants to change; all of them, if the writer does not insist.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The version must be one of these (`If-Match`).
    pub one_of: Option<Versions>,
    /// The version must be none of these (`If-None-Match`).
    pub none_of: Option<Versions>,
}

impl Expected {
    /// Returns true if the writer wants to change `version`.
    #[must_use]
    pub fn allows(&self, version: u64) -> bool {
        self.one_of.as_ref().is_none_or(|versions| versions.contains(version))
            && !self.none_of.as_ref().is_some_and(|versions| versions.contains(version))
    }

    /// Returns true if the writer wants to change what is there and has no version.
    #[must_use]
    pub fn allows_unversioned(&self) -> bool {
        !matches!(self.one_of, Some(Versions::Only(_))) && self.none_of != Some(Versions::All)
    }
}

/// Most faults that one answer names.
pub const MAX_FAULTS: usize = 100;

/// Collects what is wrong with each of several fields, so that one answer names all faults, up to [`MAX_FAULTS`].
#[derive(Debug, Default)]
pub struct Faults {
    noted: Vec<Invalid>,
    left_out: usize,
}

impl Faults {
    /// Notes a fault. Above the bound, only their number is kept.
    pub fn note(&mut self, fault: Invalid) {
        if self.noted.len() < MAX_FAULTS {
            self.noted.push(fault);
        } else {
            self.left_out += 1;
        }
    }

    /// Returns the value, or nothing and notes the fault.
    pub fn check<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|fault| self.note(fault)).ok()
    }

    /// Returns true if nothing was noted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// The number of faults that were found and not kept.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// The faults that were noted.
    #[must_use]
    pub fn into_vec(self) -> Vec<Invalid> {
        self.noted
    }
}
