//! The code that all functions share: models, identity, storage and the HTTP vocabulary.
//!
//! | module | contents |
//! |---|---|
//! | [`ids`] | identifiers; a message's id contains its number |
//! | [`model`] | terms of the domain: types that parse, without I/O |
//! | [`auth`] | tokens, keys, passwords, sessions |
//! | [`store`] | the table: keys in [`store::table`], items in [`store::items`], one method for each access pattern |
//! | [`http`] | extractors, responses, and the layers around handlers |
//! | [`pages`] | responses as HTML pages, around these layers; `templates/` and `static/` are next to `src/` |
//! | [`realtime`] | frames, WebSocket events, and the clients that push frames and fill queues |
//! | [`lambda`] | the entry of a function on AWS Lambda |
//! | [`policy`] | the rules of who may do what |
//! | [`events`] | security events: log lines for operators |
//! | [`app`], [`config`], [`clock`], [`random`], [`telemetry`] | the state and the services of a process |
//!
//! # How to add an endpoint
//!
//! 1. Parse: write a constructor in [`model`] for each new kind of value, and implement [`http::FromFields`] for the
//!    request. It takes each field out of [`http::Fields`] by type and rule, which notes every fault. `Json` and
//!    `Query` answer with all faults; a handler that has further rules takes `Unchecked`.
//! 2. Ask: write a method of [`store::Store`] that is named after its question. Put its key into [`store::table`].
//!    Write next to each write what happens if the write fails before or after it took effect.
//! 3. Answer: write one file in the function's `src/`, with the request and response types, the handler and its unit
//!    tests.
//! 4. Register: add a line to the function's `routes!`. Tests compare this list with `template.yaml`, and the OpenAPI
//!    description contains it. The endpoint's page in the browsable API needs no further code; its forms are made from
//!    `openapi.json`.
//! 5. Describe: put `#[utoipa::path]` on the handler, whose doc comment is shown to clients, and derive `ToSchema` or
//!    `IntoParams` for its types. Responses that every operation can give (401, 404, 412, 413 and others, depending on
//!    the extractors) are added in `local/src/openapi/`. Then run `cargo run -- openapi`.
//! 6. Test: add rows to the authorisation matrix and to the table of bad input, and a test in `tests/it/`.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod events;
pub mod http;
pub mod ids;
pub mod lambda;
pub mod model;
pub mod pages;
pub mod policy;
pub mod random;
pub mod realtime;
mod sdk;
pub mod store;
pub mod telemetry;

pub use app::App;

/// The memory allocator of every process. A call to the SDK allocates and frees memory often: with the allocator of the
/// C library, this took a seventh of the instructions of a send. mimalloc takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
