//! A user as people give and see it: email, names, phone number, role. Passwords live in `auth::password`.

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Invalid, text::Rule};

/// What a user may do; see `policy`. Registration always gives [`Role::Guest`].
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
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Host => "host",
            Self::Admin => "admin",
        }
    }
}

/// An address that mail can reach, normalised: without white space around it, and in lower case, as nearly every provider
/// takes it and two accounts that differ in case only would deceive people.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Email(String);

/// RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, with its angle brackets.
pub(crate) const EMAIL_BYTES: usize = 254;

impl Email {
    /// Parses an address (RFC 5321, with a domain of at least two labels, without display name or address literal).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let address = text.trim().to_lowercase();
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        if address.len() > EMAIL_BYTES || EmailAddress::parse_with_options(&address, options).is_err() {
            return Err(Invalid::new(
                "email",
                "must be an email address of at most 254 bytes, such as ann@example.com",
            ));
        }
        Ok(Self(address))
    }

    /// The normalised address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    /// Addresses are personal data and stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// What a first name may be.
pub const FIRST_NAME: Rule = Rule::new("first_name", 1, 150);
/// What a last name may be.
pub const LAST_NAME: Rule = Rule::new("last_name", 1, 150);
/// Room for any notation of E.164's 15 digits.
pub const PHONE_NUMBER: Rule = Rule::new("phone_number", 0, 32);

/// A first name, 1 to 150 characters.
pub fn first_name(text: String) -> Result<String, Invalid> {
    FIRST_NAME.check(text)
}

/// A last name, 1 to 150 characters.
pub fn last_name(text: String) -> Result<String, Invalid> {
    LAST_NAME.check(text)
}

/// A phone number as people write it: digits with `+ ( ) - . /` and spaces. Empty text means none.
pub fn phone_number(text: String) -> Result<Option<String>, Invalid> {
    let number = PHONE_NUMBER.check(text)?;
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let plain = number.chars().all(|c| c.is_ascii_digit() || "+()-./ ".contains(c));
    match digits {
        0 if number.trim().is_empty() => Ok(None),
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
    fn emails_are_normalised() {
        assert_eq!(Email::parse(" Ann@Example.COM ").unwrap().as_str(), "ann@example.com");
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "Ann <ann@example.com>",
            "a@b@c.de",
            "ann@[127.0.0.1]",
            "a\0@b.de",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", Email::parse("ann@example.com").unwrap()), "Email(…)");
    }

    #[test]
    fn phone_numbers_are_plausible() {
        assert_eq!(phone_number("+44 20 7946 0018".to_owned()).unwrap().as_deref(), Some("+44 20 7946 0018"));
        assert_eq!(phone_number(String::new()).unwrap(), None);
        for bad in ["12", "call me", "1234567890123456", "+44\n1234"] {
            assert!(phone_number(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
