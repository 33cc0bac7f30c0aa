//! The HTTP edge of all functions: extractors, answers, and the layers around the handlers. The handlers are in the
//! functions, and the browsable pages are in [`crate::pages`].

pub mod header_lists;
pub mod layers;
pub mod request;
pub mod response;
pub mod route_table;
pub mod routes;
pub mod schemas;

pub use self::{
    layers::compression::takes_gzip,
    request::{
        Authenticated, Caller, ClientAddress, CurrentBrowserSession, Fields, FromFields,
        IdempotencyKeyHeader, Ids, IfMatch, IfNoneMatch, Json, Limit, NoParameters, PageQuery, Query,
        RequestBody, Site, Unchecked, UncheckedQuery, Unversioned, browser_session, csrf, has_credentials,
        query, typed,
    },
    response::{
        ChangeView, Code, MessageView, Origin, Page, Problem, Reply, UserView, VisibleUsers, cookies, page,
        user,
    },
    routes::Routes,
};
