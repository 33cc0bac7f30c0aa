//! The stream of the table: the old and the new image of each item that a write changed, as DynamoDB Streams delivers them, and
//! the rules that hold for each of these changes in every history. The rules use no code of the store.

use std::collections::{HashMap, HashSet};

use local::check::Item;
use serde_json::Value;

/// The primary key of an item.
pub type Key = (String, String);

/// The present items, the keys that were removed for good, and the violations found so far.
#[derive(Debug, Default)]
pub struct Stream {
    items: HashMap<Key, Item>,
    removed: HashSet<Key>,
    violations: Vec<String>,
}

impl Stream {
    /// Notes the image of an item after a write; `None` if the item does not exist.
    pub fn note(&mut self, key: Key, new: Option<Item>) {
        let Some(new) = new else {
            if self.items.remove(&key).is_some() {
                self.removed.insert(key);
            }
            return;
        };
        let old = self.items.insert(key.clone(), new.clone());
        let found = match &old {
            Some(old) if *old == new => Ok(()),
            Some(old) => changed(&key.1, old, &new),
            None => created(&key.1, &new, self.removed.contains(&key)),
        };
        if let Err(violation) = found {
            self.violations
                .push(format!("a write to {} {}: {violation}; {old:?} became {new:?}", key.0, key.1));
        }
    }

    pub const fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }

    pub fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }
}

/// The attributes without which an item is not whole. An update that creates an item leaves them out.
fn required(sk: &str) -> &'static [&'static str] {
    match kind(sk) {
        "MEMBER" => &["role", "joined_at", "read"],
        "SESSION" => &["kind", "created_at", "generation", "credential_version"],
        "PROFILE" => &["role", "created_at", "credential_version"],
        "CREDENTIAL" => &["user", "hash", "version"],
        "MSG" | "CHANGE" => &["item"],
        "META" => &["kind", "version", "created_at"],
        "KEY" => &["x", "made_at"],
        _ => &[],
    }
}

/// The attributes that never change while the item exists.
fn constant(sk: &str) -> &'static [&'static str] {
    match kind(sk) {
        "MEMBER" => &["joined_at"],
        "SESSION" => &["kind", "created_at", "user_agent"],
        "PROFILE" => &["created_at"],
        "CREDENTIAL" => &["user"],
        "MSG" => &["item", "sender", "sent_at", "idempotency_key", "digest", "reply_to"],
        "META" => &["kind", "pair", "created_by", "created_at"],
        "KEY" => &["x", "made_at"],
        "OPEN" => &["reporter", "message", "user", "conversation", "body", "reason", "comment", "created_at"],
        _ => &[],
    }
}

/// The numbers that never fall while the item exists.
fn rising(sk: &str) -> &'static [&'static str] {
    match kind(sk) {
        "MEMBER" => &["base"],
        "SESSION" => &["generation", "credential_version"],
        "PROFILE" => &["credential_version"],
        "CREDENTIAL" => &["version"],
        "CREATE" | "REPORT" => &["updated_at"],
        _ => &[],
    }
}

/// Returns the number that each write of an item raises by one.
fn counted(sk: &str) -> Option<&'static str> {
    match kind(sk) {
        "MSG" => Some("revision"),
        "META" | "OPEN" | "BLOCKS" => Some("version"),
        _ => None,
    }
}

/// Returns the kind of an item from its sort key.
pub fn kind(sk: &str) -> &str {
    sk.split('#').next().unwrap_or_default()
}

/// Returns true if the item is a bucket of tokens.
pub fn is_bucket(sk: &str) -> bool {
    matches!(kind(sk), "CREATE" | "REPORT")
}

/// Returns true if the write only notes that a conversation has large edits, which gives it no new version.
fn notes_large_edits(old: &Item, new: &Item) -> bool {
    let mut noted = old.clone();
    noted.insert("has_large_edits".to_owned(), Value::Bool(true));
    noted == *new
}

fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn require(holds: bool, violation: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(violation()) }
}

/// Checks an item that did not exist before the write.
fn created(sk: &str, new: &Item, is_removed: bool) -> Result<(), String> {
    let is_marker = new.get("item").is_some_and(|kind| kind == "ended_session");
    for name in required(sk).iter().filter(|_| !is_marker) {
        require(new.contains_key(*name), || format!("the new item has no {name}"))?;
    }
    // Memberships and credentials come back when a user joins or registers again. The others have ids of their own.
    let returns = is_bucket(sk) || matches!(kind(sk), "MEMBER" | "CREDENTIAL" | "CONV" | "TALLY");
    require(returns || is_marker || !is_removed, || "the item was removed before".into())
}

/// Checks an item that existed before the write.
fn changed(sk: &str, old: &Item, new: &Item) -> Result<(), String> {
    require(!matches!(kind(sk), "CHANGE" | "REV" | "PAIR" | "CLOSED"), || "it is written once".into())?;
    // A marker takes the place of a session that has ended.
    let is_marker = |item: &Item| item.get("item").is_some_and(|kind| kind == "ended_session");
    require(!is_marker(old) || is_marker(new), || "the session has ended".into())?;
    if is_marker(new) {
        return Ok(());
    }
    // A marker takes the place of the credential of a closed account, until the email is registered again.
    let is_closed = |item: &Item| item.get("item").is_some_and(|kind| kind == "closed_credential");
    if is_closed(new) {
        return Ok(());
    }
    if is_closed(old) {
        return created(sk, new, true);
    }
    for name in constant(sk) {
        require(old.get(*name) == new.get(*name), || format!("{name} is constant"))?;
    }
    for name in rising(sk) {
        require(number(old, name) <= number(new, name), || format!("{name} only rises"))?;
    }
    if let Some(name) = counted(sk).filter(|_| !notes_large_edits(old, new)) {
        require(number(old, name) + 1 == number(new, name), || format!("each write raises {name} by one"))?;
    }
    // Tokens come back only with a later time.
    let is_later = number(old, "updated_at") < number(new, "updated_at");
    let pays = is_later || number(new, "tokens") < number(old, "tokens");
    require(!is_bucket(sk) || pays, || "the bucket is back in an earlier state".into())?;
    // What has ended stays ended.
    for name in ["deleted_at", "closed_at", "not_after"] {
        let stays = old.get(name).is_none_or(|ended| new.get(name) == Some(ended));
        require(stays, || format!("{name} is set once"))?;
    }
    let is_deleted = new.contains_key("deleted_at");
    require(!is_deleted || !new.contains_key("body"), || "a tombstone has no text".into())?;
    let names = ["first_name", "last_name", "phone_number", "role"];
    let is_same = names.iter().all(|name| old.get(*name) == new.get(*name));
    require(!old.contains_key("closed_at") || is_same, || "a closed account has no new data".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(sk: &str, images: &[Value]) -> Vec<String> {
        let mut stream = Stream::default();
        for image in images {
            stream.note(("p".to_owned(), sk.to_owned()), image.as_object().cloned());
        }
        stream.take_violations()
    }

    #[test]
    fn a_message_changes_only_by_revisions() {
        let message =
            |revision: u64, sender: &str| json!({"item": "message", "sender": sender, "revision": revision});
        assert_eq!(violations("MSG#1", &[message(0, "u"), message(1, "u")]), [""; 0]);
        assert_eq!(violations("MSG#1", &[message(0, "u"), message(1, "v")]).len(), 1);
        assert_eq!(violations("MSG#1", &[message(0, "u"), message(2, "u")]).len(), 1);
    }

    #[test]
    fn an_update_creates_no_item_and_a_removed_session_stays_removed() {
        let member = json!({"role": "member", "joined_at": 1, "read": 0});
        assert_eq!(violations("MEMBER#u", &[member.clone(), Value::Null, member]), [""; 0]);
        assert_eq!(violations("MEMBER#u", &[json!({"read": 3})]).len(), 1);
        let session = json!({"kind": "token", "created_at": 1, "generation": 0, "credential_version": 0});
        assert_eq!(violations("SESSION#s", &[session.clone(), Value::Null, session]).len(), 1);
    }
}
