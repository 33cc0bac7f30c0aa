//! The vocabulary of the HTTP edge: who asks, what was sent, what is answered. Handlers are in the functions.

pub mod assets;
pub mod body;
pub mod browsable;
pub mod caller;
pub mod compression;
pub mod cookies;
pub mod csrf;
pub mod describe;
pub mod etag;
pub mod fields;
pub mod frame;
pub mod idempotency;
pub mod json;
pub mod message;
mod negotiate;
pub mod page;
pub mod people;
mod posted;
pub mod problem;
pub mod query;
mod quoted;
mod reply;
mod routed_path;
pub mod routes;
pub mod user;
pub mod visitor;

pub use self::{
    body::{Json, RequestBody},
    caller::{Caller, Ids},
    etag::{IfMatch, IfNoneMatch, Unversioned},
    fields::{Fields, FromFields, Unchecked, typed},
    frame::{Frame, Html},
    idempotency::IdempotencyKey,
    message::MessageView,
    page::{Origin, Page},
    people::People,
    problem::{Code, Problem},
    query::{Limit, NoParameters, PageQuery, Query},
    reply::Reply,
    routes::Routes,
    user::UserView,
    visitor::{Site, Visit, Visitor},
};
