//! The test harness: an application on a fresh table, users that act through its API, and a proxy under the AWS SDK
//! that produces faults. It contains no tests; each file begins with its purpose and an example.
//!
//! | purpose | file |
//! |---|---|
//! | start an application, move its clock | `app` |
//! | act as a user, or as a browser | `user`, `browser`, `login`, `people` |
//! | send requests, assert answers | `api`, `answer`, `description` |
//! | read and write the table without the store | `table`, `invariants` |
//! | act as the client of a WebSocket connection | `posts` |
//! | make calls of the SDK fail or wait | `faults`, `call`, `race` |
//! | the proxy between SDK and engine | `proxy`, `refusals`, `wire`, `meter`, `permissions`, `replica`, `sabotage` |
//! | connect by WebSocket, and deliver the stream | `live`, `deliveries` |
//! | test over the network | `network`, `paths`, `gaps` |
//! | push the stream to recorded connections | `pushes` |
//! | list the routes of all functions | `functions` |
//! | the rest | `environment`, `logs`, `secrets` |
//!
//! A call travels: handler → store → AWS SDK → `proxy` → embedded engine.

pub mod answer;
pub mod api;
pub mod app;
pub mod browser;
pub mod call;
pub mod deliveries;
pub mod description;
pub mod environment;
pub mod faults;
pub mod functions;
pub mod gaps;
pub mod invariants;
#[allow(dead_code, reason = "some methods are for tests of the functions `realtime` and `deliver`")]
pub mod live;
pub mod login;
pub mod logs;
pub mod meter;
pub mod network;
pub mod paths;
pub mod people;
pub mod permissions;
pub mod posts;
pub mod proxy;
pub mod pushes;
pub mod race;
mod refusals;
pub mod replica;
pub mod sabotage;
pub mod secrets;
pub mod sources;
pub mod table;
pub mod user;
pub mod wire;

pub use self::{
    answer::Answer,
    api::{Api, Request},
    app::TestApp,
    browser::Browser,
    user::User,
};
