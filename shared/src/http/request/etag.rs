//! Entity tags (RFC 9110, section 8.8.3): the version number that each write of a conversation or a message sets, and
//! the versions of files. Tags are compared by their opaque part, because proxies that compress an answer weaken its
//! tag or append a suffix.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};

use super::unchecked::Unchecked;
use crate::{
    http::{
        Problem,
        header_lists::{Quoting, parts},
    },
    model::{Expected, Faults, Invalid, Versions},
};

/// Returns the value of the header `ETag` for a version: the number in quotation marks.
#[must_use]
pub fn header(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Suffixes that proxies append to a tag when they compress the answer (Apache's `mod_deflate`, `mod_brotli`).
const CODINGS: [&str; 4] = ["-gzip", "-br", "-deflate", "-zstd"];

/// The tags of a conditional header: `If-Match` or `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// The value `*`, which matches every version.
    Any,
    /// The opaque parts of the listed tags, at least one.
    These(Vec<String>),
}

/// Reads a conditional header; returns `None` if it is absent. The error names the header if its value is neither `*`
/// nor a list of tags.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Invalid> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let text: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let text = text.join(",");
    let list = parts(&text, ',', Quoting::Plain);
    if list == ["*"] {
        return Ok(Some(Tags::Any));
    }
    let opaque: Option<Vec<String>> = list.iter().map(|tag| opaque(tag)).collect();
    opaque.filter(|tags| !tags.is_empty()).map(|tags| Some(Tags::These(tags))).ok_or_else(|| {
        let name = if *name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
        Invalid::new(
            name,
            "must be `*`, an entity tag in quotation marks such as \"3\", or a list of entity tags",
        )
    })
}

/// Returns the text between the quotation marks of a tag, without a proxy's suffix; `None` for a text that is not a
/// tag.
fn opaque(tag: &str) -> Option<String> {
    let strong = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = strong.strip_prefix('"')?.strip_suffix('"')?;
    let is_clean = inner.chars().all(|c| c != '"' && c > ' ' && c != '\u{7f}');
    let plain = CODINGS.iter().find_map(|coding| inner.strip_suffix(coding)).unwrap_or(inner);
    is_clean.then(|| plain.to_owned())
}

impl From<Tags> for Versions {
    /// Drops tags that are not numbers, because they match no version.
    fn from(tags: Tags) -> Self {
        match tags {
            Tags::Any => Self::All,
            Tags::These(tags) => Self::Only(tags.iter().filter_map(|tag| tag.parse().ok()).collect()),
        }
    }
}

/// The versions that a request may change, from the headers `If-Match` and `If-None-Match`, with the faults of these
/// headers.
#[derive(Debug)]
pub struct IfMatch(pub Unchecked<Expected>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut faults = Faults::new();
        let mut versions = |name| faults.check(tags(&parts.headers, &name)).flatten().map(Versions::from);
        let (one_of, none_of) = (versions(header::IF_MATCH), versions(header::IF_NONE_MATCH));
        Ok(Self(Unchecked::new(Expected { one_of, none_of }, faults)))
    }
}

/// The check that a request may change a resource that has no version. It fails with a 412 if the request requires a
/// certain version, or requires that the resource does not exist.
#[derive(Debug)]
pub struct Unversioned(pub Unchecked<()>);

impl<S: Sync> FromRequestParts<S> for Unversioned {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let Ok(IfMatch(expected)) = IfMatch::from_request_parts(parts, state).await;
        let checked = expected.unless(|expected| !expected.allows_unversioned(), Problem::unversioned);
        Ok(Self(checked.map(|_| ())))
    }
}

/// The tags of the copies that the client has cached.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Returns true if `tag` is among them, so that the answer needs no body.
    #[must_use]
    pub fn names(&self, tag: &str) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(kept)) => opaque(tag).is_some_and(|tag| kept.contains(&tag)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    /// Ignores an invalid header: the client gets the whole answer.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(tags(&parts.headers, &header::IF_NONE_MATCH).ok().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<Tags>, Invalid> {
        let values = values.iter().map(|value| (header::IF_MATCH, HeaderValue::from_str(value).unwrap()));
        tags(&values.collect(), &header::IF_MATCH)
    }

    fn these(tags: &[&str]) -> Tags {
        Tags::These(tags.iter().map(|tag| (*tag).to_owned()).collect())
    }

    #[test]
    fn tags_are_read_by_their_opaque_part() {
        for (values, tags) in [
            (&[][..], None),
            (&["\"3\""], Some(these(&["3"]))),
            (&["W/\"3\""], Some(these(&["3"]))),
            (&["\"3-gzip\""], Some(these(&["3"]))),
            (&["W/\"3\" , \"4\",", "\"5\""], Some(these(&["3", "4", "5"]))),
            (&["\"a,b\", \"\\\""], Some(these(&["a,b", "\\"]))),
            (&["\"é\""], Some(these(&["é"]))),
            (&["\"\""], Some(these(&[""]))),
            (&[" * "], Some(Tags::Any)),
        ] {
            assert_eq!(read(values).unwrap(), tags, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in [
            "3",
            "",
            ",",
            "\"3",
            "3\"",
            "w/\"3\"",
            "W/3",
            "\"3\" \"4\"",
            "*, \"3\"",
            "**",
            "\"a\"b\"",
            "\"a b\"",
        ] {
            assert_eq!(read(&[bad]).unwrap_err().field, "If-Match", "{bad}");
        }
        assert!(read(&["*", "\"3\""]).is_err());
    }

    #[test]
    fn versions_are_asked_for_or_excluded() {
        let only = |version: u64| Some(Versions::Only(vec![version]));
        let all = || Some(Versions::All);
        for (one_of, none_of, allows, unversioned) in [
            (None, None, true, true),
            (only(3), None, true, false),
            (only(4), None, false, false),
            (all(), None, true, true),
            (None, all(), false, false),
            (None, only(3), false, true),
            (only(3), only(4), true, false),
            (all(), all(), false, false),
        ] {
            let expected = Expected { one_of, none_of };
            assert_eq!(expected.allows(3), allows, "{expected:?}");
            assert_eq!(expected.allows_unversioned(), unversioned, "{expected:?}");
        }
    }
}
