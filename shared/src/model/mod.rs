//! The terms of the domain: types that parse, without input or output. A value of such a type is always valid.

pub mod characters;
pub mod conversation;
pub mod email;
pub mod emoji;
pub mod json;
mod merge;
pub mod message;
mod metadata;
pub mod network;
pub mod reactions;
pub mod report;
pub mod text;
pub mod user;

use std::{borrow::Cow, fmt};

pub use self::{
    merge::{MetadataChange, TooLarge},
    metadata::{METADATA_BYTES, Metadata},
};

/// A field of a request that cannot be accepted, with the reason in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    /// The field's name as the API spells it, with a path if the field is nested.
    pub field: Cow<'static, str>,
    /// The fault and the correction, as text that follows the field's name.
    pub reason: String,
}

impl Invalid {
    /// Creates the error for the field `field` with the text `reason`.
    pub fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// A set of version numbers, as the header of a conditional request contains them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Every version, written as `*` in the header.
    All,
    /// The listed versions.
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

/// The versions that a conditional request may change. The default is every version.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The version must be in this set (`If-Match`).
    pub one_of: Option<Versions>,
    /// The version must not be in this set (`If-None-Match`).
    pub none_of: Option<Versions>,
}

impl Expected {
    /// Returns true if the request may change `version`.
    #[must_use]
    pub fn allows(&self, version: u64) -> bool {
        self.one_of.as_ref().is_none_or(|versions| versions.contains(version))
            && !self.none_of.as_ref().is_some_and(|versions| versions.contains(version))
    }

    /// Returns true if the request may change an existing resource that has no version.
    #[must_use]
    pub fn allows_unversioned(&self) -> bool {
        !matches!(self.one_of, Some(Versions::Only(_))) && self.none_of != Some(Versions::All)
    }
}

/// The maximum number of faults in one response.
pub const MAX_FAULTS: usize = 100;

impl fmt::Display for Faults {
    /// Writes all faults on one line, for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.noted.iter().map(Invalid::to_string).collect::<Vec<_>>().join("; "))
    }
}

/// Collects the faults of several fields, so that one response lists all of them, up to [`MAX_FAULTS`].
#[derive(Debug, Default)]
pub struct Faults {
    noted: Vec<Invalid>,
    left_out: usize,
}

impl Faults {
    /// Creates an empty collection.
    #[must_use]
    pub const fn new() -> Self {
        Self { noted: Vec::new(), left_out: 0 }
    }

    /// Adds the faults of another part of the same request.
    pub fn append(&mut self, other: Self) {
        other.noted.into_iter().for_each(|fault| self.note(fault));
        self.left_out += other.left_out;
    }

    /// Adds a fault, unless the same fault was added before. Faults above [`MAX_FAULTS`] are only counted.
    pub fn note(&mut self, fault: Invalid) {
        if self.noted.contains(&fault) {
            return;
        }
        if self.noted.len() < MAX_FAULTS {
            self.noted.push(fault);
        } else {
            self.left_out += 1;
        }
    }

    /// Returns the parsed value. For a fault, adds it and returns `None`.
    pub fn check<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|fault| self.note(fault)).ok()
    }

    /// Returns true if no fault was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    /// Returns the number of faults that were counted but not kept.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns the faults that were kept, in their order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Invalid> {
        self.noted
    }
}
