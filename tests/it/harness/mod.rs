//! What tests are written with: an application on a fresh table, users who act through its API, and the layer under the
//! SDK that makes things go wrong.

#![allow(dead_code, reason = "a vocabulary: not every word is used on every day")]

pub mod answer;
pub mod api;
pub mod app;
pub mod browser;
pub mod call;
pub mod description;
pub mod environment;
pub mod faults;
pub mod gaps;
pub mod invariants;
pub mod login;
pub mod logs;
pub mod meter;
pub mod network;
pub mod paths;
pub mod people;
pub mod permissions;
pub mod proxy;
pub mod race;
pub mod replica;
pub mod sabotage;
pub mod secrets;
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
