//! The fields of a user: email, names, phone number, role. Passwords are in `auth::password`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::email::Email;
use super::{Invalid, characters::is_visible, text::Rule};

/// The role of a user. New accounts have the role `guest`. Admins can read and moderate everything, and can change
/// roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The seed's `guest`.
    Guest,
    /// The seed's `host`.
    Host,
    /// Sees and moderates everything, and sets roles.
    Admin,
}

impl Role {
    /// Returns the role's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Host => "host",
            Self::Admin => "admin",
        }
    }
}

/// The consent that other users need before they can write to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// Nobody needs consent.
    Everyone,
    /// Users who share no conversation with the user send an invitation, which the user accepts or declines.
    Requests,
}

impl Contact {
    /// Returns the name in the API and in the environment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Requests => "requests",
        }
    }

    /// Returns the setting of a user who has not chosen one. Hosts want to be found; this is the difference between
    /// hosts and guests.
    #[must_use]
    pub const fn default_of(role: Role) -> Self {
        match role {
            Role::Host => Self::Everyone,
            Role::Guest | Role::Admin => Self::Requests,
        }
    }
}

/// The rule for a first name.
pub const FIRST_NAME: Rule = Rule::line("first_name", 1, 150);
/// The rule for a last name.
pub const LAST_NAME: Rule = Rule::line("last_name", 1, 150);
/// The rule for a phone number: 32 characters are enough for every notation of the 15 digits of E.164.
pub const PHONE_NUMBER: Rule = Rule::line("phone_number", 0, 32);

/// Parses a first name of 1 to 150 characters.
pub fn first_name(text: String) -> Result<String, Invalid> {
    FIRST_NAME.check(text)
}

/// Parses a last name of 1 to 150 characters.
pub fn last_name(text: String) -> Result<String, Invalid> {
    LAST_NAME.check(text)
}

/// Parses a phone number as people write it: digits, `+ ( ) - . /` and spaces. A text without a visible character means no
/// number.
pub fn phone_number(text: String) -> Result<Option<String>, Invalid> {
    let number = PHONE_NUMBER.check(text)?;
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let plain = number.chars().all(|c| c.is_ascii_digit() || "+()-./ ".contains(c));
    match digits {
        0 if !number.chars().any(is_visible) => Ok(None),
        3..=15 if plain => Ok(Some(number)),
        _ => Err(Invalid::new(
            "phone_number",
            "must be a phone number of 3 to 15 digits, such as +44 20 7946 0018",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_plausible() {
        assert_eq!(phone_number("+44 20 7946 0018".to_owned()).unwrap().as_deref(), Some("+44 20 7946 0018"));
        for blank in ["", " ", "\u{200b}"] {
            assert_eq!(phone_number(blank.to_owned()).unwrap(), None);
        }
        for bad in ["12", "call me", "1234567890123456", "+44\n1234"] {
            assert!(phone_number(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
