//! The vocabulary of the HTTP edge: who asks, what was sent, what is answered. Handlers are in the functions.

pub mod body;
pub mod caller;
pub mod describe;
pub mod etag;
pub mod idempotency;
pub mod json;
pub mod message;
pub mod page;
pub mod people;
pub mod problem;
pub mod query;
mod reply;
pub mod routes;
pub mod user;

pub use self::{
    body::{Json, RequestBody},
    caller::{Caller, Ids, MaybeCaller},
    etag::IfMatch,
    idempotency::IdempotencyKey,
    message::MessageView,
    page::{Origin, Page},
    people::People,
    problem::{Code, Problem},
    query::{Limit, NoParameters, Query},
    reply::Reply,
    routes::Routes,
    user::UserView,
};
