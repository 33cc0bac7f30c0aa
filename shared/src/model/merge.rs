//! Changes of a client's own data: one that replaces it, and one that is merged into it (RFC 7396).

use super::{Invalid, METADATA_BYTES, Metadata};

/// The data would be too large after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl From<TooLarge> for Invalid {
    fn from(_: TooLarge) -> Self {
        Self::new("metadata", format!("is over {METADATA_BYTES} bytes of compact JSON after the merge"))
    }
}

/// How a change treats a client's own data.
#[derive(Debug, Clone)]
pub enum MetadataChange {
    /// Puts this in its place; `None` removes it.
    Replace(Option<Metadata>),
    /// Merges this into it.
    Merge(Metadata),
}

impl MetadataChange {
    /// The change that a field of a request asks for.
    #[must_use]
    pub fn of(field: Option<Metadata>, merges: bool) -> Self {
        match field {
            Some(patch) if merges => Self::Merge(patch),
            field => Self::Replace(field),
        }
    }

    /// The data after the change.
    pub fn applied(&self, present: Option<&Metadata>) -> Result<Option<Metadata>, TooLarge> {
        match self {
            Self::Replace(new) => Ok(new.clone()),
            Self::Merge(patch) => {
                // All of them were read before: only their sum can be refused.
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
