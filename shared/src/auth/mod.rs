//! Identity: accounts, passwords and the attempts at them, tokens and the keys that sign and verify them.

pub mod accounts;
pub mod attempt;
pub mod jwt;
pub mod keys;
pub mod password;
pub mod secret;
pub mod signing;

pub use self::{
    attempt::Guesses,
    jwt::{AccessClaims, RefreshClaims, Signer},
    keys::KeyCache,
    password::Password,
    secret::SigningSecret,
    signing::Signing,
};
