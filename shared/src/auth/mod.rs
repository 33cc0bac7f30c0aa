//! Identity: tokens and the keys that sign and verify them, passwords, sessions.

pub mod jwt;
pub mod keys;

pub use self::{
    jwt::{AccessClaims, RefreshClaims, Signer},
    keys::KeyCache,
};
