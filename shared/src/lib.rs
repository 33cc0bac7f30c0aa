//! What all functions share: models, identity, storage and the HTTP vocabulary.
//!
//! | place | what is there |
//! |---|---|
//! | [`ids`] | identifiers; a message's id carries its place |
//! | [`model`] | words of the domain: types that parse, no I/O |
//! | [`auth`] | tokens, keys, passwords, sessions |
//! | [`store`] | the table: keys in [`store::table`], items in [`store::items`], one method for each question |
//! | [`http`] | extractors, answers, and the layers around handlers |
//! | [`pages`] | answers as pages, around those layers; `templates/` and `static/` beside `src/` |
//! | [`policy`] | who may do what |
//! | [`app`], [`config`], [`clock`], [`random`], [`telemetry`] | what a process has |
//!
//! # How to add an endpoint
//!
//! 1. Parse: a constructor in [`model`] for each new kind of value, and [`http::FromFields`] for the request: it takes each
//!    field out of [`http::Fields`] by type and rule, which notes every fault. `Json` and `Query` answer with all of them; a
//!    handler that has further rules takes `Unchecked`.
//! 2. Ask: a method of [`store::Store`] named as the question, its key in [`store::table`], and beside each write what
//!    happens when it fails before or after its effect.
//! 3. Answer: one file in the function's `src/`, with the request and response types, the handler and its unit tests.
//! 4. Name it: a line in the function's `routes()`, which is the list that tests compare with `template.yaml`.
//!    Its page in the browsable API comes by itself, the forms from `openapi.json`.
//! 5. Describe it: `#[utoipa::path]` on the handler, whose comment is what clients read, `ToSchema` or `IntoParams` on its
//!    types, and its name among the paths of the function's `Description`. What holds for every operation (401, 404, 412,
//!    413 and the like, by what it takes) is added in `local/src/openapi/`. Then `cargo run -- openapi`.
//! 6. Show it: rows in the authorisation matrix and in the table of bad input, and a test in `tests/it/`.

pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod http;
pub mod ids;
pub mod model;
pub mod pages;
pub mod policy;
pub mod random;
mod sdk;
pub mod store;
pub mod telemetry;

pub use app::App;

/// A call to the SDK allocates and frees so often that the C library's allocator was a seventh of a send's instructions: this
/// one takes a third of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
