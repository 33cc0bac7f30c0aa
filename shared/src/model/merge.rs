//! Changes of a client's own data: a replacement, or a merge patch (RFC 7396). The data itself is in the module
//! `metadata`.

use super::{Invalid, METADATA_BYTES, Metadata};

/// The error that the data would be too large after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metadata would be over {METADATA_BYTES} bytes after the merge")]
pub struct TooLarge;

impl From<TooLarge> for Invalid {
    fn from(_: TooLarge) -> Self {
        Self::new("metadata", format!("has more than {METADATA_BYTES} bytes as compact JSON after the merge"))
    }
}

/// A change of a client's own data.
#[derive(Debug, Clone)]
pub enum MetadataChange {
    /// Replaces the data; `None` removes it.
    Replace(Option<Metadata>),
    /// Merges a patch into the data (RFC 7396).
    Merge(Metadata),
}

impl MetadataChange {
    /// Returns the change that a field of a request describes: a merge if `merges` is true and the field is not `null`.
    #[must_use]
    pub fn of(field: Option<Metadata>, merges: bool) -> Self {
        match field {
            Some(patch) if merges => Self::Merge(patch),
            field => Self::Replace(field),
        }
    }

    /// Returns the data after a change, or the present data if there is no change.
    pub fn applied_if_any(
        change: Option<&Self>,
        present: Option<&Metadata>,
    ) -> Result<Option<Metadata>, TooLarge> {
        change.map_or_else(|| Ok(present.cloned()), |change| change.applied(present))
    }

    /// Returns the data after the change, or [`TooLarge`].
    pub fn applied(&self, present: Option<&Metadata>) -> Result<Option<Metadata>, TooLarge> {
        match self {
            Self::Replace(new) => Ok(new.clone()),
            Self::Merge(patch) => {
                // Both texts were parsed before, so a merge fails only if the result is too large.
                let none = Metadata::stored("{}".to_owned()).map_err(|_| TooLarge)?;
                present.unwrap_or(&none).merged(patch).map(Some).map_err(|_| TooLarge)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_merged_and_other_json_replaces() {
        let [present, patch] = [r#"{"a":{"b":1},"c":2}"#, r#"{"a":{"b":null,"d":3}}"#]
            .map(|text| Metadata::stored(text.to_owned()).unwrap());
        let applied = |merges: bool, present: Option<&Metadata>| {
            let applied = MetadataChange::of(Some(patch.clone()), merges).applied(present).unwrap();
            applied.unwrap().as_str().to_owned()
        };
        assert_eq!(applied(true, Some(&present)), r#"{"a":{"d":3},"c":2}"#);
        assert_eq!(applied(true, None), r#"{"a":{"d":3}}"#);
        assert_eq!(applied(false, Some(&present)), patch.as_str());
        assert_eq!(MetadataChange::of(None, true).applied(Some(&present)).unwrap(), None);
    }
}
