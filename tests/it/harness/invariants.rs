//! Rules that the whole table keeps after any sequence of requests, failures and races. They read the items themselves
//! and do not use the store. `app.check()` runs them at the end of a test.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::table::{Item, Table, number, text};

/// All items, by partition key.
struct Whole(BTreeMap<String, Vec<Item>>);

/// Asserts every rule of the table.
pub async fn check(table: &Table) {
    let mut partitions: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in table.items().await {
        partitions.entry(text(&item, "pk")).or_default().push(item);
    }
    let whole = Whole(partitions);
    for pk in whole.0.keys() {
        match pk.split_once('#') {
            Some(("CONV", id)) => whole.check_conversation(pk, id),
            Some(("EMAIL", _)) => whole.check_credential(pk),
            Some(("USER", id)) => whole.check_user(pk, id),
            _ => {}
        }
    }
}

impl Whole {
    fn kind(&self, pk: &str, prefix: &str) -> Vec<&Item> {
        let items = self.0.get(pk).into_iter().flatten();
        items.filter(|item| text(item, "sk").starts_with(prefix)).collect()
    }

    fn check_conversation(&self, pk: &str, id: &str) {
        let messages = self.kind(pk, "MSG#");
        let changes = self.kind(pk, "CHANGE#");
        numbered(pk, "MSG#", &messages);
        numbered(pk, "CHANGE#", &changes);
        for log in [&messages, &changes] {
            let closing_entries = log.iter().filter(|item| text(item, "item") == "closed").count();
            let is_closed = log.last().is_some_and(|item| text(item, "item") == "closed");
            assert_eq!(closing_entries, usize::from(is_closed), "{pk}: an entry follows the closing entry");
        }
        check_messages(pk, &messages);
        self.check_revisions(pk, &messages, &changes);
        let is_closed = messages.last().is_some_and(|item| text(item, "item") == "closed");
        if !is_closed {
            self.check_members(pk, id, messages.len() as u64);
        }
    }

    /// The participant count, the owners, the memberships and the inbox entries agree.
    fn check_members(&self, pk: &str, id: &str, last: u64) {
        let metas = self.kind(pk, "META");
        let members = self.kind(pk, "MEMBER#");
        let Some(meta) = metas.first() else {
            assert!(members.is_empty(), "{pk}: members without a conversation");
            return;
        };
        let users: BTreeSet<String> =
            members.iter().map(|member| text(member, "sk").replace("MEMBER#", "")).collect();
        assert_eq!(number(meta, "participant_count"), users.len() as u64, "{pk}: participant_count");
        let lists = self.0.iter().filter(|(pk, _)| pk.starts_with("INBOX#"));
        let listing: BTreeSet<String> = lists
            .filter(|(_, items)| items.iter().any(|item| text(item, "sk") == format!("CONV#{id}")))
            .map(|(pk, _)| pk.replace("INBOX#", ""))
            .collect();
        assert_eq!(listing, users, "{pk}: inbox entries and memberships differ");
        let named: BTreeSet<String> = meta["owners"]
            .as_array()
            .unwrap()
            .iter()
            .map(|owner| owner.as_str().unwrap().to_owned())
            .collect();
        let owners: BTreeSet<String> = members
            .iter()
            .filter(|member| text(member, "role") == "owner")
            .map(|member| text(member, "sk").replace("MEMBER#", ""))
            .collect();
        assert_eq!(named, owners, "{pk}: owners");
        if let Some(first) = meta.get("first_participants") {
            let bytes = URL_SAFE_NO_PAD.decode(first.as_str().unwrap()).unwrap();
            let first: Vec<String> =
                bytes.chunks(16).map(|id| uuid::Uuid::from_slice(id).unwrap().to_string()).collect();
            let expected: Vec<String> = users.iter().take(50).cloned().collect();
            assert_eq!(first, expected, "{pk}: first_participants");
        }
        if text(meta, "kind") == "group" {
            assert!(users.is_empty() || !owners.is_empty(), "{pk}: a group without an owner");
        }
        for member in members {
            assert!(number(member, "read") <= last, "{pk}: a read mark is greater than the last number");
        }
    }

    /// Each revision of a message has one change and, for an edit, one earlier body. A tombstone has no earlier bodies.
    fn check_revisions(&self, pk: &str, messages: &[&Item], changes: &[&Item]) {
        for message in messages.iter().filter(|item| text(item, "item") == "message") {
            let place = text(message, "sk").replace("MSG#", "");
            let revision = number(message, "revision");
            let named = changes
                .iter()
                .filter(|change| change.get("message").is_some_and(|n| n.as_u64() == place.parse().ok()))
                .count() as u64;
            assert_eq!(
                named, revision,
                "{pk}: the number of changes of message {place} differs from its revision"
            );
            let bodies = self.kind(pk, &format!("REV#{place}#")).len() as u64;
            let deleted = message.contains_key("deleted_at");
            let expected = if deleted { 0 } else { revision };
            assert_eq!(bodies, expected, "{pk}: the number of earlier bodies of message {place}");
            assert!(!deleted || text(message, "body").is_empty(), "{pk}: a tombstone has a body");
        }
    }

    fn check_credential(&self, pk: &str) {
        for credential in self.kind(pk, "CREDENTIAL") {
            let user = text(credential, "user");
            let profiles = self.kind(&format!("USER#{user}"), "PROFILE");
            let profile = profiles.first().unwrap_or_else(|| panic!("{pk}: a credential without a profile"));
            assert_eq!(
                text(profile, "email"),
                pk.replace("EMAIL#", ""),
                "{pk}: the profile has another email address"
            );
            assert_eq!(
                number(profile, "credential_version"),
                number(credential, "version"),
                "{pk}: the profile has another credential version"
            );
            assert!(!profile.contains_key("closed_at"), "{pk}: a closed account can log in");
        }
    }

    fn check_user(&self, pk: &str, id: &str) {
        let profiles = self.kind(pk, "PROFILE");
        assert_eq!(profiles.len(), 1, "{pk}: items without a profile");
        let profile = profiles[0];
        // A login that races with the closing of the account may leave a session. That session is not valid; a test in
        // `held` shows it.
        if !profile.contains_key("closed_at") {
            let email = text(profile, "email");
            let credentials = self.kind(&format!("EMAIL#{email}"), "CREDENTIAL");
            assert!(
                credentials.iter().any(|item| text(item, "user") == id),
                "{pk}: the user has no credential"
            );
        }
        for entry in self.kind(pk, "CONV#") {
            let conversation = text(entry, "sk");
            let member = self.kind(&conversation, &format!("MEMBER#{id}"));
            let is_closed =
                self.kind(&conversation, "MSG#").iter().any(|item| text(item, "item") == "closed");
            assert!(
                is_closed || member.len() == 1,
                "{pk}: an inbox entry for {conversation} without a membership"
            );
        }
    }
}

/// The numbers are 1, 2, 3 … without holes.
fn numbered(pk: &str, prefix: &str, items: &[&Item]) {
    for (place, item) in items.iter().enumerate() {
        let expected = format!("{prefix}{:013}", place + 1);
        assert_eq!(text(item, "sk"), expected, "{pk}: the numbers have a hole");
    }
}

/// A sender has one message for each idempotency key, and the times increase.
fn check_messages(pk: &str, messages: &[&Item]) {
    let mut keys = HashSet::new();
    let mut before = 0;
    for message in messages.iter().filter(|item| text(item, "item") == "message") {
        let key = (text(message, "sender"), text(message, "idempotency_key"));
        assert!(keys.insert(key), "{pk}: two messages have the same idempotency key");
        let sent_at = number(message, "sent_at");
        assert!(sent_at > before, "{pk}: {} was sent before its predecessor", text(message, "sk"));
        before = sent_at;
    }
}
