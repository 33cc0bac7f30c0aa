//! Extractors: they read a request, check it, and refuse it with a [`Problem`](super::Problem) that names every fault.
//! They make no decisions about stored data.

pub mod body;
pub mod browser_session;
pub mod caller;
pub mod client_address;
pub mod csrf;
pub mod etag;
pub mod fields;
pub mod idempotency;
pub mod json;
pub(crate) mod pairs;
pub mod query;
pub mod unchecked;

pub use self::{
    body::{Json, RequestBody},
    browser_session::{CurrentBrowserSession, Site},
    caller::{Authenticated, Caller, Ids, has_credentials},
    client_address::ClientAddress,
    etag::{IfMatch, IfNoneMatch, Unversioned},
    fields::{Fields, FromFields, typed},
    idempotency::IdempotencyKeyHeader,
    query::{Limit, NoParameters, PageQuery, Query, UncheckedQuery},
    unchecked::Unchecked,
};
