//! Identity: accounts, passwords and login attempts, tokens with the keys that sign and verify them, and the cookies of
//! browser sessions. The items of accounts and sessions are in `store`.

pub mod accounts;
pub mod attempt;
mod bearer;
pub mod browser;
pub mod device;
mod ed25519;
mod error;
pub mod jwt;
mod keyboard;
pub mod keys;
pub mod password;
pub mod secret;
pub mod signing;
mod strength;
mod tallies;
pub mod ticket;

pub use self::{
    browser::SessionCookie,
    device::DeviceToken,
    error::AuthError,
    jwt::{AccessClaims, RefreshClaims, Signer},
    keys::KeyCache,
    password::{Hashing, NewPassword, Password},
    secret::SigningSecret,
    signing::Signing,
    ticket::TicketSecret,
};
