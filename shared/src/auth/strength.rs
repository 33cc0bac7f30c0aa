//! The strength of passwords: an estimate of the guesses that find a password (zxcvbn), lines of keys, and lists of
//! words that attackers try. All apply at every length.

use std::collections::HashSet;

use zxcvbn::zxcvbn;

use super::keyboard;
use crate::model::{
    characters::{folded, is_ignorable},
    user::Email,
};

/// The maximum number of code points of a password. NIST SP 800-63B-4, section 3.1.1.2, requires that at least 64 are
/// possible.
pub(crate) const LONGEST: usize = 128;

/// The number of characters from which a password may be easier to guess. NIST SP 800-63B-4 (section 3.1.1.2) has no
/// other rule for such a password.
const LONG: usize = 15;

/// The number of guesses that a password of fewer than [`LONG`] characters must withstand. zxcvbn counts ten guesses
/// for each character outside of a pattern. So eight random characters reach this number, and a password that contains
/// a word does not.
const GUESSES_SHORT: u64 = 100_000_000;

/// The number of guesses that a longer password must withstand. Two common words, a word with a year, repetitions and
/// rows of keys do not reach it.
const GUESSES_LONG: u64 = 10_000_000;

/// The maximum number of characters that are estimated. The time of an estimate grows with the square of the length, or
/// faster. A password is at least as hard to guess as its beginning.
const ESTIMATED: usize = 40;

/// The minimum number of different characters in a long password.
const DIFFERENT: usize = 6;

/// Words that attackers of this kind of service try first.
const SERVICE: [&str; 6] = ["messaging", "message", "messages", "conversation", "chat", "inbox"];

/// The maximum number of the user's words that are searched for. A name of 150 characters can contain many words.
const KNOWN: usize = 40;

/// Returns true if `password` is too easy to guess for an attacker who knows the user's email and names.
pub(super) fn is_guessable(password: &str, email: Option<&Email>, names: &[&str]) -> bool {
    let is_long = password.chars().count() >= LONG;
    let enough = if is_long { GUESSES_LONG } else { GUESSES_SHORT };
    let known = known(email, names);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let plain = plain(password);
    let is_weak = |text: &str| guesses(text, &known) < enough || keyboard::guesses(text) < enough;
    is_long && has_few_characters(&plain)
        || is_weak(password)
        || is_weak(&plain)
        || without(&plain, &known).is_some_and(|rest| is_weak(&rest))
        || without_separators(&plain).is_some_and(|rest| is_weak(&rest))
}

/// Returns the characters that a separator separates; `None` if there is none. A separator is every second character,
/// always the same or no letter or digit, or a symbol that makes up a third of the text.
fn without_separators(text: &str) -> Option<String> {
    let text: Vec<char> = text.chars().collect();
    let is_separator = |half: &[char]| {
        let [first, ..] = half else { return false };
        half.iter().all(|c| c == first) || !half.iter().any(|c| c.is_alphanumeric())
    };
    let [even, odd] = keyboard::halves(&text);
    if is_separator(&odd) {
        return Some(even.into_iter().collect());
    }
    if is_separator(&even) {
        return Some(odd.into_iter().collect());
    }
    let count = |symbol: char| text.iter().filter(|c| **c == symbol).count();
    let symbols = text.iter().copied().filter(|c| !c.is_alphanumeric());
    let symbol = symbols.max_by_key(|symbol| count(*symbol))?;
    (count(symbol) * 3 >= text.len()).then(|| text.iter().filter(|c| **c != symbol).collect())
}

/// Returns true if the text has fewer than [`DIFFERENT`] different characters.
fn has_few_characters(text: &str) -> bool {
    text.chars().collect::<HashSet<char>>().len() < DIFFERENT
}

/// Returns the text in lower case without the words in `known`; `None` if it contains none of them.
fn without(text: &str, known: &[&str]) -> Option<String> {
    let text = text.to_lowercase();
    let words = known.iter().filter(|word| word.chars().count() > 2);
    let rest = words.fold(text.clone(), |rest, word| rest.replace(word, ""));
    (rest != text).then_some(rest)
}

/// Returns the number of guesses that find a text whose patterns the attacker knows: the product of the guesses for
/// each pattern. zxcvbn adds the guesses that find the patterns, and these make three common words in a row look
/// strong.
fn guesses(text: &str, known: &[&str]) -> u64 {
    let entropy = zxcvbn(estimated(text), known);
    let parts = entropy.sequence().iter().map(|part| part.guesses.unwrap_or(1));
    parts.fold(1, u64::saturating_mul)
}

/// Returns the password as an attacker would try it: without invisible characters, and with ordinary letters in place
/// of letters that only look different.
fn plain(password: &str) -> String {
    let start = password.char_indices().nth(LONGEST).map_or(password, |(end, _)| &password[..end]);
    folded(start).chars().filter(|c| !is_ignorable(*c)).collect()
}

/// Returns the beginning of a text, at most [`ESTIMATED`] characters.
fn estimated(text: &str) -> &str {
    text.char_indices().nth(ESTIMATED).map_or(text, |(end, _)| &text[..end])
}

/// Returns words that belong to the user or to the service, in lower case.
fn known(email: Option<&Email>, names: &[&str]) -> Vec<String> {
    let email = email.map_or("", Email::as_str);
    let parts = email.split(['@', '.', '-', '_', '+']);
    let words = names.iter().flat_map(|name| name.split_whitespace());
    let joined = names.concat().to_lowercase();
    let own = parts.chain(words).chain([email, joined.as_str()]).map(str::to_lowercase);
    own.filter(|word| !word.is_empty()).take(KNOWN).chain(SERVICE.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn guessable(password: &str) -> bool {
        let email = Email::parse("zarquon.vell@example.com").unwrap();
        is_guessable(password, Some(&email), &["Zarquon", "Vell"])
    }

    #[test]
    fn what_is_easy_to_guess_is_refused_at_every_length() {
        let repeated = "ab".repeat(64);
        let keys = "йцукенгшщзхъфывапролджэячсмитьбю.".repeat(4).chars().take(128).collect::<String>();
        let columns = "1qaz@WSX3edc$RFV5tgb^YHN7ujm*IK<".repeat(4);
        let letters = "a b c d e f g h i j k l m n o p ".repeat(4);
        let bad = [
            "password",
            "password1",
            "Passw0rd!",
            "qwertyui",
            "1q2w3e4r",
            "12345678",
            "iloveyou",
            "letmein1",
            "Summer2024",
            "sunshine1",
            "aaaaaaaa",
            "abcdefgh",
            "zaq12wsx",
            "trustno1",
            "19900101",
            "2024-01-01",
            "zarquon1",
            "vellvell",
            "zarquonvell9",
            "Zarquon2024",
            "messaging1",
            "aaaaaaaaaaaaaaa",
            "password12345678",
            "123456789012345",
            "               ",
            "passwordpassword",
            "qwertyuiopasdfgh",
            "qwertyuiopasdfghjkl",
            "1234567890123456789",
            "abcdefghijklmnop",
            "abcabcabcabcabcabc",
            "0123456789abcdef",
            "zarquonvellzarquonvell",
            "password1password1",
            "iloveyouiloveyou",
            "111111111111111111",
            "1qaz2wsx3edc4rfv",
            "letmeinletmeinletmein",
            "20240101202401012024",
            "\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}\u{a0}",
            "p\u{200b}a\u{200b}s\u{200b}s\u{200b}w\u{200b}o\u{200b}r\u{200b}d\u{200b}1",
            "ｐａｓｓｗｏｒｄ１２３４５６７８",
            "ññññññññññññññññ",
            &repeated,
            "Password123!Password",
            "zzzzzzzzyyyyyyyyxxxxxxxx",
            "11112222333344445555",
            "ZarquonVell1990!!",
            "january february",
            "zarquon.vell.2024.zarquon",
            "sunshine123456789",
            "qwerty123456qwerty",
            "iloveyou iloveyou",
            "йцукенгш",
            "Йцукенгш1!",
            "йцукенгшщзхъ",
            "azertyuiop",
            "azertyuiopqsdfghjklm",
            "qwertzuiop",
            "1qaz2wsx3edc",
            "1qaz@WSX3edc$RFV",
            "1qaz2wsx3edc4rfv5tgb6yhn",
            "zse45rdxcft6",
            "a b c d e f g h i j",
            "a-b_c.d e+f",
            "p a s s w o r d 1 2",
            "a1b2c3d4e5f6g7h8",
            "1x2x3x4x5x6x7x8x9x",
            &keys,
            &columns,
            &letters,
        ];
        let accepted: Vec<&&str> = bad.iter().filter(|password| !guessable(password)).collect();
        assert!(accepted.is_empty(), "{accepted:?}");
    }

    #[test]
    fn what_is_hard_to_guess_is_accepted() {
        let long = "tapir oboe quarry lantern ".repeat(5)[..128].to_owned();
        let good = [
            "xK7#qZ2!",
            "kX9#vq2Lw",
            "vT4$mQ9p",
            "tapir oboe 7",
            "fifteen letters",
            "correct-horse-battery-staple",
            "keys under the doormat",
            "gräflich-übel-7",
            "k 7 x 9 q 2 m 4 z 8",
            "-xK7#qZ2!-",
            "мой дядя самых честных",
            "春眠不覚暁処処聞啼鳥夜来風雨声",
            &long,
        ];
        let refused: Vec<&&str> = good.iter().filter(|password| guessable(password)).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }

    const CHARACTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!#$%&*+-=?@_";

    fn refused<const LENGTH: usize>(count: usize) -> Vec<String> {
        let random = Random::from_seed(7);
        let password =
            || random.bytes::<LENGTH>().map(|byte| CHARACTERS[usize::from(byte) % CHARACTERS.len()]);
        let passwords = (0..count).map(|_| String::from_utf8(password().to_vec()).unwrap());
        passwords.filter(|password| guessable(password)).collect()
    }

    #[test]
    fn nearly_every_random_password_of_eight_characters_is_accepted() {
        let refused = refused::<8>(500);
        assert!(refused.len() < 25, "{} of 500: {refused:?}", refused.len());
    }

    #[test]
    fn every_longer_random_password_is_accepted() {
        for refused in [refused::<12>(200), refused::<15>(100), refused::<64>(20), refused::<128>(10)] {
            assert!(refused.is_empty(), "{refused:?}");
        }
    }

    #[test]
    fn little_of_a_long_password_is_estimated() {
        let long = "ü1".repeat(5000);
        assert_eq!(estimated(&long).chars().count(), ESTIMATED);
        assert!(plain(&long).chars().count() <= LONGEST);
        let names = "a b c d e f g h i j k l m n o p q r s t u v w x y z ".repeat(3);
        assert!(known(None, &[&names]).len() <= KNOWN + SERVICE.len());
    }
}
