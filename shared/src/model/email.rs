//! Email addresses in one normal form, so that each address has at most one account, however the address is typed. This
//! module does not know which addresses have an account.

use std::fmt;

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use super::{
    Invalid,
    characters::{breaks_line, composed, is_ignorable},
};

/// The maximum length of an address in bytes. RFC 5321, section 4.5.3.1.3: a path has at most 256 octets with its angle
/// brackets.
pub(crate) const EMAIL_BYTES: usize = 254;

/// The maximum length of a local part in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES: usize = 64;

/// A deliverable email address in its normal form. The local part is in NFC and lower case: nearly every provider
/// ignores case, and two accounts that differ only in case would deceive people. The domain is in ASCII (UTS 46).
/// Uniqueness, logins, searches and throttling use this form; people see the form that [`Email::shown`] returns.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Email(String);

impl Email {
    /// Parses an address (RFC 5321, RFC 6531). The domain needs at least two labels. Quotation marks, display names and
    /// address literals are errors.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        normal(text).map(Self).ok_or_else(|| {
            Invalid::new("email", "must be an email address of at most 254 bytes, such as ann@example.com")
        })
    }

    /// Returns the normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form for people, with the domain in its own script.
    #[must_use]
    pub fn shown(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        // A domain that `parse` accepted can be converted back. If the conversion fails, the normal form is shown.
        match Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast) {
            (domain, Ok(())) => format!("{local}@{domain}"),
            (_, Err(_)) => self.0.clone(),
        }
    }
}

fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    // A character of a domain has at most four bytes and becomes at least one byte of the normal form.
    if text.len() > 4 * EMAIL_BYTES {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let lower = composed(local).to_lowercase();
    let address = format!("{}@{}", composed(&lower), ascii_domain(domain)?);
    let local = address.rsplit_once('@')?.0;
    let is_good = address.len() <= EMAIL_BYTES && local.len() <= LOCAL_BYTES && is_local(local);
    (is_good && has_grammar(&address)).then_some(address)
}

/// Returns true for a local part without quotation marks, white space and invisible characters.
fn is_local(local: &str) -> bool {
    !local.chars().any(|c| c == '"' || c.is_whitespace() || breaks_line(c) || is_ignorable(c))
}

/// Checks the grammar of the whole address. Letters outside ASCII are allowed like `a` (RFC 6531, section 3.3).
fn has_grammar(address: &str) -> bool {
    let ascii: String = address.chars().map(|c| if c.is_ascii() { c } else { 'a' }).collect();
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    EmailAddress::parse_with_options(&ascii, options).is_ok()
}

/// Returns the ASCII form of a domain; `None` if it is invalid, has only one label, or its last label does not begin
/// with a letter. The last label of every public domain begins with a letter; the last part of an IPv4 address does
/// not.
fn ascii_domain(domain: &str) -> Option<String> {
    let uts46 = Uts46::new();
    let ascii =
        uts46.to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let ascii = ascii.ok()?;
    let (_, last) = ascii.rsplit_once('.')?;
    last.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| ascii.into_owned())
}

impl fmt::Debug for Email {
    /// Hides the address, because logs must not contain personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        Email::parse(text).unwrap_or_else(|_| panic!("{text}")).as_str().to_owned()
    }

    #[test]
    fn an_address_has_one_normal_form() {
        for (one, other) in [
            (" Ann@Example.COM ", "ann@example.com"),
            ("ann@ü.de", "ann@xn--tda.de"),
            ("ann@Ü.DE", "ANN@XN--TDA.de"),
            ("ann@u\u{308}.de", "ann@ü.de"),
            ("José@x.com", "jose\u{301}@x.com"),
            ("JOSÉ@x.com", "José@x.com"),
            ("a@ｅｘａｍｐｌｅ．ｃｏｍ", "a@example.com"),
            ("a@example。com", "a@example.com"),
            ("a@exam\u{ad}ple.com", "a@example.com"),
        ] {
            assert_eq!(parse(one), parse(other), "{one} {other}");
            assert_eq!(parse(&parse(one)), parse(one), "{one}");
        }
    }

    #[test]
    fn addresses_of_every_script_are_accepted() {
        for good in [
            "संपर्क@x.com",
            "a@மின்னஞ்சல்.இந்தியா",
            "संपर्क@डाटामेल.भारत",
            "用户@例え.jp",
            "почта@пример.рф",
            "ann+tag@example.co.uk",
            "o'neil@example.com",
            "a@xn--clchc0ea0b2g2a9gcd.xn--h2brj9c",
            "a@r3---sn.example.com",
        ] {
            let email = Email::parse(good).unwrap_or_else(|_| panic!("{good}"));
            assert_eq!(Email::parse(&email.shown()).unwrap(), email, "{good}");
        }
        assert_eq!(Email::parse("A@xn--tda.de").unwrap().shown(), "a@ü.de");
    }

    #[test]
    fn what_is_no_public_address_is_refused() {
        let label = format!("ann@{}.com", "a".repeat(64));
        let local = format!("{}@example.com", "a".repeat(65));
        let long = format!("{}@example.com", "a".repeat(250));
        let huge = format!("a@{}com", "ü.".repeat(100_000));
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "Ann <ann@example.com>",
            "a@b@c.de",
            "ann@[127.0.0.1]",
            "ann@[IPv6:::1]",
            "x@127.0.0.1",
            "x@0x7f.1",
            "x@1",
            "x@example.123",
            "x@127.0.0.0x1",
            "a\0@b.de",
            "a@b..de",
            "a@.de",
            "a@de.",
            "a@b.de.",
            "a@-b.de",
            "a@b-.de",
            "a@b_c.de",
            "a@xn--zzzzzzzzzzz.de",
            "a@xn--.de",
            "a..b@c.de",
            ".a@b.de",
            "a.@b.de",
            "a b@c.de",
            "\"a b\"@c.de",
            "\"ann\"@c.de",
            "a\u{200b}@c.de",
            "a\u{202e}@c.de",
            "a\n@c.de",
            "a\u{ad}@c.de",
            "a\u{2028}b@c.de",
            "a@b\u{0}.de",
            "a@b c.de",
            "a@b/c.de",
            "a@b\u{2488}de",
            &label,
            &local,
            &long,
            &huge,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", Email::parse("ann@example.com").unwrap()), "Email(…)");
    }
}
