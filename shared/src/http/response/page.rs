//! Pages of lists in the shape of Django REST Framework, and the cursors in the links between pages. The order of each
//! list is up to its handler.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::schemas::Link;
use crate::model::Invalid;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The URL of the next page; `null` at the end of the list.
    #[schema(value_type = Option<Link>, required)]
    pub next: Option<String>,
    /// The URL of the previous page; `null` at the beginning, and in lists that have only one direction.
    #[schema(value_type = Option<Link>, required)]
    pub previous: Option<String>,
    /// The entries of this page.
    pub results: Vec<T>,
}

/// The scheme and host of the request's URL, for absolute links in answers.
#[derive(Debug, Clone)]
pub struct Origin(String);

impl Origin {
    /// Returns the absolute URL of `path`.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // lambda_http makes the URI absolute from the gateway's headers `x-forwarded-proto` and `host`.
        let origin = parts.uri.scheme_str().zip(parts.uri.authority());
        Ok(Self(origin.map(|(scheme, host)| format!("{scheme}://{host}")).unwrap_or_default()))
    }
}

/// The lists that have cursors. Each has its own letter, so that a cursor of one list is invalid in every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum List {
    /// The list at `/api/conversations/`, of active conversations.
    ActiveConversations = b'c',
    /// The list at `/api/conversations/`, of archived conversations.
    ArchivedConversations = b'a',
    /// The list at `/api/conversations/`, of invitations.
    Invitations = b'i',
    /// The list at `/api/conversations/{id}/participants/`.
    Participants = b'p',
    /// The list at `/api/conversations/{id}/pins/`.
    Pins = b'n',
    /// The list at `/api/messages/` without a conversation.
    Messages = b'm',
    /// The list at `/api/messages/` of one conversation, read back against its order. A page forward needs no cursor: its
    /// link has the id of a message.
    MessagesBack = b'l',
    /// The list at `/api/messages/{id}/revisions/`.
    Revisions = b'r',
    /// The list at `/api/users/`.
    Users = b'u',
    /// The list at `/api/users/me/sessions/`.
    Sessions = b's',
    /// The list at `/api/reports/`, of open reports.
    OpenReports = b'o',
    /// The list at `/api/reports/`, of closed reports.
    ClosedReports = b'x',
    /// The list at `/api/users/me/blocks/`.
    Blocks = b'b',
    /// The pages of `/api/sync/`.
    Sync = b'y',
}

/// A position that was read from a cursor of a list that each user, conversation or message has. It is of use only
/// together with the owner of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned<T> {
    owner: Uuid,
    position: T,
}

impl<T> Owned<T> {
    /// Converts the position.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Owned<U> {
        Owned { owner: self.owner, position: convert(self.position) }
    }

    /// Converts the position if it is valid.
    pub fn and_then<U>(self, convert: impl FnOnce(T) -> Result<U, Invalid>) -> Result<Owned<U>, Invalid> {
        Ok(Owned { owner: self.owner, position: convert(self.position)? })
    }

    /// Returns the position if the cursor belongs to the list of `owner`. The error is [`bad_cursor`].
    pub fn of(self, owner: Uuid) -> Result<T, Invalid> {
        if self.owner == owner { Ok(self.position) } else { Err(bad_cursor()) }
    }
}

/// Returns the cursor of a position in the `list` of `owner`: a user, a conversation or a message.
#[must_use]
pub fn owned_cursor(list: List, owner: Uuid, position: &[u8]) -> String {
    cursor(list, &[owner.as_bytes().as_slice(), position].concat())
}

/// Returns the position of `N` bytes in a cursor from [`owned_cursor`]. The error is [`bad_cursor`].
pub fn read_owned_cursor<const N: usize>(list: List, text: &str) -> Result<Owned<[u8; N]>, Invalid> {
    let bytes = bytes_of(list, text)?;
    let (owner, position) = bytes.split_first_chunk::<16>().ok_or_else(bad_cursor)?;
    let position = position.try_into().map_err(|_| bad_cursor())?;
    Ok(Owned { owner: Uuid::from_bytes(*owner), position })
}

/// Returns the cursor of a position in `list`, for a list that is the same for all who may read it. It contains no secret and
/// grants no access: each page checks the access.
#[must_use]
pub fn cursor(list: List, position: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&[list as u8], position].concat())
}

/// Returns the position of `N` bytes in a cursor of `list`. The error is [`bad_cursor`].
pub fn read_cursor<const N: usize>(list: List, text: &str) -> Result<[u8; N], Invalid> {
    bytes_of(list, text)?.as_slice().try_into().map_err(|_| bad_cursor())
}

/// Returns the bytes of a cursor of `list`, without the letter of the list.
fn bytes_of(list: List, text: &str) -> Result<Vec<u8>, Invalid> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad_cursor())?;
    if bytes.first() != Some(&(list as u8)) {
        return Err(bad_cursor());
    }
    bytes.remove(0);
    Ok(bytes)
}

/// Returns the bytes of a position that is a time and an id.
#[must_use]
pub fn timed_position((time, id): (DateTime<Utc>, Uuid)) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&time.timestamp_micros().to_be_bytes());
    bytes[8..].copy_from_slice(id.as_bytes());
    bytes
}

/// Returns the position whose bytes are from [`timed_position`]. The error is [`bad_cursor`].
pub fn read_timed_position(bytes: [u8; 24]) -> Result<(DateTime<Utc>, Uuid), Invalid> {
    let (micros, id) = bytes.split_first_chunk::<8>().ok_or_else(bad_cursor)?;
    let time = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros)).ok_or_else(bad_cursor)?;
    Ok((time, Uuid::from_slice(id).map_err(|_| bad_cursor())?))
}

/// Returns the error for a cursor that does not belong to this list.
#[must_use]
pub fn bad_cursor() -> Invalid {
    Invalid::new("cursor", "is not a valid cursor for this list; use the URLs in `next` and `previous`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_lists() {
        let text = cursor(List::Users, b"ab");
        assert_eq!(read_cursor::<2>(List::Users, &text).unwrap(), *b"ab");
        assert!(read_cursor::<2>(List::Messages, &text).is_err());
        assert!(read_cursor::<3>(List::Users, &text).is_err());
        for bad in ["", "%", "dWFi=", "dWFiZGVm"] {
            assert!(read_cursor::<2>(List::Users, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_is_one_owners() {
        let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = owned_cursor(List::Sessions, ann, b"ab");
        let read = read_owned_cursor::<2>(List::Sessions, &text).unwrap();
        assert_eq!((read.of(ann), read.of(ben)), (Ok(*b"ab"), Err(bad_cursor())));
        assert!(read_owned_cursor::<2>(List::Blocks, &text).is_err());
        assert!(read_owned_cursor::<3>(List::Sessions, &text).is_err());
        assert!(read_owned_cursor::<2>(List::Sessions, &cursor(List::Sessions, b"ab")).is_err());
    }
}
