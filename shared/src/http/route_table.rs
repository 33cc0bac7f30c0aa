//! The table of a function's routes: for each path its kind and its methods. The layers read it; the list of routes in
//! `routes` builds it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request},
    http::HeaderValue,
};

/// The kind of a route, which decides the representations of its answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RouteKind {
    /// JSON, and a page that shows it.
    #[default]
    Api,
    /// A page without a JSON representation.
    Page,
    /// A file, which is sent to every client.
    File,
}

/// The properties of a path.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// The path as the list of routes spells it.
    pub path: &'static str,
    /// The kind of the route.
    pub kind: RouteKind,
    /// The value of the header `Allow`.
    pub allow: HeaderValue,
}

/// The properties of all paths of a router, by the pattern that the router matches. Clones share one map.
#[derive(Debug, Clone)]
pub struct RouteTable(pub(super) Arc<BTreeMap<String, RouteInfo>>);

impl RouteTable {
    /// Returns the properties of the path that the router has matched; `None` for an unknown path.
    #[must_use]
    pub fn find(&self, request: &Request) -> Option<&RouteInfo> {
        self.0.get(request.extensions().get::<MatchedPath>()?.as_str())
    }

    /// Returns the kind of the route that the router has matched. An unknown path counts as a path of the API.
    #[must_use]
    pub fn kind(&self, request: &Request) -> RouteKind {
        self.find(request).map(|route| route.kind).unwrap_or_default()
    }
}
