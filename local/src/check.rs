//! The structural check of a whole table: the rules that hold between items after any history of requests, failures and
//! races, once no request is running. It reads the items themselves and uses no code of the store.

mod of_messages;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// An item with plain values: `{"pk": "USER#…", "version": 1}`.
pub type Item = Map<String, Value>;

/// The maximum number of participants that the item of a group names.
const FIRST_PARTICIPANTS: usize = 50;

/// The maximum number of users whom one user can block.
const MOST_BLOCKS: usize = 1000;

/// Returns the violated rules, one text for each; none for a sound table.
#[must_use]
pub fn violations(items: impl IntoIterator<Item = Item>) -> Vec<String> {
    let mut check = Check::default();
    for item in items {
        let (pk, sk) = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
        check.partitions.entry(pk).or_default().insert(sk, item);
    }
    let keys: Vec<String> = check.partitions.keys().cloned().collect();
    for pk in &keys {
        match pk.split_once('#') {
            Some(("CONV", id)) => check.conversation(pk, id),
            Some(("EMAIL", email)) => check.credential(pk, email),
            Some(("USER", id)) => check.user(pk, id),
            Some(("INBOX", id)) => check.inbox(pk, id),
            // No other item depends on a bucket, on the number of a user's reports, on a connection or on a ticket.
            Some(("LIMITS" | "LINKS" | "CONNECTION" | "TICKET", _)) => {}
            _ if pk == "REPORTS" => check.reports(pk),
            _ if pk == "KEYS" => {}
            _ if pk == "ADMINS" => {}
            _ => check.add(pk, "is a partition of no known kind"),
        }
    }
    check.admins();
    check.found
}

/// Returns an item of the DynamoDB protocol with plain values: `{"N": "1"}` becomes `1`.
#[must_use]
pub fn plain(item: &Value) -> Item {
    item.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), inner) {
        ("N", Value::String(number)) => serde_json::from_str(number).unwrap_or_default(),
        ("L", Value::Array(values)) => values.iter().map(plain_value).collect(),
        ("M", map) => Value::Object(plain(map)),
        ("NULL", _) => Value::Null,
        _ => inner.clone(),
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Returns the users of an attribute that contains 16 bytes for each id, in base64url.
fn user_ids(text: &str) -> Vec<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    bytes.chunks(16).filter_map(|id| Some(uuid::Uuid::from_slice(id).ok()?.to_string())).collect()
}

/// Returns true if a log does not have every number up to its last one.
fn has_holes(log: &[(String, Item)]) -> bool {
    log.last().is_some_and(|(sk, _)| sk.parse() != Ok(log.len()))
}

fn is_accepted(member: &Item) -> bool {
    !member.contains_key("invited_by") || member.contains_key("accepted_at")
}

#[derive(Default)]
struct Check {
    /// The items by partition key and sort key.
    partitions: BTreeMap<String, BTreeMap<String, Item>>,
    found: Vec<String>,
}

impl Check {
    fn add(&mut self, pk: &str, violation: impl AsRef<str>) {
        self.found.push(format!("{pk}: {}", violation.as_ref()));
    }

    fn require(&mut self, holds: bool, pk: &str, violation: impl FnOnce() -> String) {
        if !holds {
            self.add(pk, violation());
        }
    }

    fn item(&self, pk: &str, sk: &str) -> Option<&Item> {
        self.partitions.get(pk)?.get(sk)
    }

    /// Returns the items of a partition whose sort keys begin with `prefix`, with the rest of these keys.
    fn kind(&self, pk: &str, prefix: &str) -> Vec<(String, Item)> {
        let items = self.partitions.get(pk).into_iter().flatten();
        items.filter_map(|(sk, item)| Some((sk.strip_prefix(prefix)?.to_owned(), item.clone()))).collect()
    }

    fn is_closed(&self, conversation: &str) -> bool {
        self.kind(conversation, "MSG#").last().is_some_and(|(_, item)| text(item, "item") == "closed")
    }

    fn conversation(&mut self, pk: &str, id: &str) {
        let (messages, changes) = (self.kind(pk, "MSG#"), self.kind(pk, "CHANGE#"));
        if self.is_closed(pk) && (has_holes(&messages) || has_holes(&changes)) {
            // The cleanup has begun, in any order. Only the closing entries stay.
            return;
        }
        self.log(pk, "MSG#", &messages);
        self.log(pk, "CHANGE#", &changes);
        self.messages(pk, &messages);
        self.revisions(pk, &messages, &changes);
        self.targets(pk, &messages, &changes);
        self.reactions(pk, &messages);
        self.pins(pk, &messages);
        self.threads(pk, &messages);
        match self.item(pk, "META").cloned() {
            Some(_) if self.is_closed(pk) => {}
            Some(meta) => self.members(pk, id, &meta, messages.len() as u64),
            None => self.add(pk, "has items, but no item META"),
        }
    }

    /// The numbers are 1, 2, 3 … and nothing follows a closing entry.
    fn log(&mut self, pk: &str, prefix: &str, log: &[(String, Item)]) {
        for (index, (sk, item)) in log.iter().enumerate() {
            let expected = format!("{:013}", index + 1);
            self.require(*sk == expected, pk, || format!("{prefix}{sk} stands where {expected} is expected"));
            let is_last = index + 1 == log.len();
            let is_closing = text(item, "item") == "closed";
            self.require(is_last || !is_closing, pk, || {
                format!("{prefix}{sk} closes the log, but is not its last entry")
            });
        }
    }

    /// Each sender has one message for each idempotency key. The times increase.
    fn messages(&mut self, pk: &str, messages: &[(String, Item)]) {
        let (mut keys, mut before) = (HashSet::new(), 0);
        for (sk, message) in messages.iter().filter(|(_, item)| text(item, "item") == "message") {
            let key = (text(message, "sender").to_owned(), text(message, "idempotency_key").to_owned());
            self.require(keys.insert(key), pk, || {
                format!("MSG#{sk} has the idempotency key of an earlier message")
            });
            let sent_at = number(message, "sent_at");
            self.require(sent_at > before, pk, || {
                format!("MSG#{sk} was not sent after the message before it")
            });
            before = sent_at;
        }
    }

    /// Each revision of a message has one change, and each edit one earlier body. A tombstone has no bodies.
    fn revisions(&mut self, pk: &str, messages: &[(String, Item)], changes: &[(String, Item)]) {
        for (sk, message) in messages.iter().filter(|(_, item)| text(item, "item") == "message") {
            let (revision, number) = (number(message, "revision"), sk.parse::<u64>().ok());
            let of_message = |(_, change): &&(String, Item)| {
                change.get("message").is_some_and(|message| message.as_u64() == number)
            };
            let named = changes.iter().filter(of_message).count() as u64;
            let is_edit = |(_, change): &&(String, Item)| text(change, "kind") == "message_edited";
            let edits = changes.iter().filter(of_message).filter(is_edit).count() as u64;
            self.require(named == revision, pk, || {
                format!("MSG#{sk} has revision {revision}, but {named} changes")
            });
            let is_deleted = message.contains_key("deleted_at");
            let bodies = self.kind(pk, &format!("REV#{sk}#")).len() as u64;
            let expected = if is_deleted { 0 } else { edits };
            self.require(bodies == expected, pk, || {
                format!("MSG#{sk} has {bodies} earlier bodies, not {expected}")
            });
            let has_text = is_deleted && !text(message, "body").is_empty();
            self.require(!has_text, pk, || format!("MSG#{sk} is deleted, but has a text"));
        }
    }

    /// Every change of a message and every earlier body has its message.
    fn targets(&mut self, pk: &str, messages: &[(String, Item)], changes: &[(String, Item)]) {
        let numbers: BTreeSet<u64> = messages.iter().filter_map(|(sk, _)| sk.parse().ok()).collect();
        for (sk, change) in changes {
            let target = change.get("message").and_then(Value::as_u64);
            let exists = target.is_none_or(|target| numbers.contains(&target));
            self.require(exists, pk, || format!("CHANGE#{sk} is about a message that does not exist"));
        }
        for (sk, _) in self.kind(pk, "REV#") {
            let target = sk.split('#').next().and_then(|number| number.parse().ok());
            let exists = target.is_some_and(|target: u64| numbers.contains(&target));
            self.require(exists, pk, || format!("REV#{sk} belongs to a message that does not exist"));
        }
    }

    /// The participant count, the owners, the first participants, the memberships and the inbox entries agree.
    fn members(&mut self, pk: &str, id: &str, meta: &Item, last: u64) {
        let members = self.kind(pk, "MEMBER#");
        let count = number(meta, "participant_count");
        self.require(count == members.len() as u64, pk, || {
            format!("has {} memberships, but participant_count is {count}", members.len())
        });
        let owners: BTreeSet<&str> = members
            .iter()
            .filter(|(_, member)| text(member, "role") == "owner")
            .map(|(user, _)| user.as_str())
            .collect();
        let named: BTreeSet<&str> = meta
            .get("owners")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.require(owners == named, pk, || {
            format!("names the owners {named:?}, but the memberships {owners:?}")
        });
        let is_group = text(meta, "kind") == "group";
        self.require(!is_group || members.is_empty() || !owners.is_empty(), pk, || {
            "is a group without an owner".into()
        });
        if let Some(first) = meta.get("first_participants").and_then(Value::as_str) {
            let first = user_ids(first);
            let expected: Vec<&String> =
                members.iter().map(|(user, _)| user).take(FIRST_PARTICIPANTS).collect();
            self.require(first.iter().eq(expected.iter().copied()), pk, || {
                format!("names the first participants {first:?}, not {expected:?}")
            });
        }
        let is_invited = |(_, member): &(String, Item)| !is_accepted(member);
        let says = meta.get("has_invited").and_then(Value::as_bool).unwrap_or_default();
        self.require(says || !members.iter().any(is_invited), pk, || {
            "has an invited participant, but not the attribute has_invited".into()
        });
        for (user, member) in &members {
            self.entry(pk, id, user, member);
            let read = number(member, "read");
            self.require(read <= last, pk, || format!("MEMBER#{user} has read {read} of {last} messages"));
            let archived = number(member, "archived_tail");
            self.require(archived <= last, pk, || {
                format!("MEMBER#{user} has archived {archived} of {last} messages")
            });
        }
    }

    /// A membership has an inbox entry if it is accepted, and an invitation otherwise. Only one participant can wait for a
    /// first acceptance: the one whom the conversation names.
    fn entry(&mut self, pk: &str, id: &str, user: &str, member: &Item) {
        let inbox = format!("INBOX#{user}");
        let is_listed = self.item(&inbox, &format!("CONV#{id}")).is_some();
        let invitation = format!("INVITED#{:017}#{id}", number(member, "joined_at"));
        let is_invited = self.item(&inbox, &invitation).is_some();
        if is_accepted(member) {
            self.require(is_listed, pk, || format!("MEMBER#{user} has no inbox entry"));
            self.require(!is_invited, pk, || format!("MEMBER#{user} is accepted, but has an invitation"));
        } else {
            self.require(!is_listed, pk, || format!("MEMBER#{user} is not accepted, but has an inbox entry"));
            let is_direct = self.item(pk, "META").is_some_and(|meta| text(meta, "kind") == "direct");
            let is_declined = is_direct && member.get("hidden") == Some(&Value::Bool(true));
            self.require(is_invited || is_declined, pk, || format!("MEMBER#{user} has no invitation"));
        }
        for name in ["archived_tail", "muted"] {
            let of_entry = self.item(&inbox, &format!("CONV#{id}")).and_then(|entry| entry.get(name));
            let same = of_entry == member.get(name);
            self.require(same, pk, || format!("MEMBER#{user} and its inbox entry do not agree on {name}"));
        }
        let waits = member.contains_key("awaiting_from");
        let is_named = self.item(pk, "META").is_some_and(|meta| text(meta, "awaiting") == user);
        self.require(waits == is_named, pk, || {
            format!("MEMBER#{user} and META do not agree on the wait for an acceptance")
        });
    }

    /// Each inbox entry and each invitation has its membership.
    fn inbox(&mut self, pk: &str, user: &str) {
        for (position, _) in self.kind(pk, "INVITED#") {
            let id = position.split_once('#').map(|(_, id)| id.to_owned()).unwrap_or_default();
            let member = self.item(&format!("CONV#{id}"), &format!("MEMBER#{user}")).cloned();
            let fits = member.is_some_and(|member| {
                !is_accepted(&member) && format!("{:017}#{id}", number(&member, "joined_at")) == position
            });
            self.require(fits, pk, || format!("has an invitation to {id} without such a membership"));
        }
        for (conversation, _) in self.kind(pk, "CONV#") {
            let conversation = format!("CONV#{conversation}");
            let is_member = self.item(&conversation, &format!("MEMBER#{user}")).is_some();
            let is_closed = self.is_closed(&conversation);
            self.require(is_member || is_closed, pk, || format!("lists {conversation} without a membership"));
        }
    }

    /// A report has one target, and one key: that of its state.
    fn reports(&mut self, pk: &str) {
        for (prefix, is_closed) in [("OPEN#", false), ("CLOSED#", true)] {
            for (id, report) in self.kind(pk, prefix) {
                let targets = ["message", "user", "conversation"];
                let targets = targets.iter().filter(|name| report.contains_key(**name)).count();
                self.require(targets == 1, pk, || format!("{prefix}{id} has {targets} targets"));
                let both = is_closed && self.item(pk, &format!("OPEN#{id}")).is_some();
                self.require(!both, pk, || format!("{id} is both open and closed"));
                let has_end = report.contains_key("closed_at") && report.contains_key("closed_by");
                self.require(has_end == is_closed, pk, || format!("{prefix}{id} has a wrong end"));
            }
        }
    }

    fn credential(&mut self, pk: &str, email: &str) {
        let (credential, markers) = match self.item(pk, "CREDENTIAL").cloned() {
            Some(marker) if text(&marker, "item") == "closed_credential" => (None, 1),
            credential => (credential, 0),
        };
        let Some(credential) = credential else {
            // Attempts are counted for every email.
            let tallies = self.kind(pk, "TALLY#").len();
            let items = self.partitions.get(pk).map_or(0, BTreeMap::len) - markers;
            return self.require(items == tallies, pk, || "has items, but no credential".into());
        };
        let Some(profile) = self.item(&format!("USER#{}", text(&credential, "user")), "PROFILE").cloned()
        else {
            return self.add(pk, "is the credential of no user");
        };
        self.require(text(&profile, "email") == email, pk, || "is not the email address of its user".into());
        let (version, of_profile) = (number(&credential, "version"), number(&profile, "credential_version"));
        self.require(version == of_profile, pk, || format!("has version {version}, its user {of_profile}"));
        self.require(!profile.contains_key("closed_at"), pk, || "can log in to a closed account".into());
    }

    /// A user has blocked at most 1,000 users, all of whom exist, and not themselves.
    fn blocks(&mut self, pk: &str, id: &str) {
        let Some(blocks) = self.item(pk, "BLOCKS").cloned() else {
            return;
        };
        self.require(number(&blocks, "version") > 0, pk, || "has blocks without a version".into());
        let blocked = blocks.get("blocked").and_then(Value::as_object).cloned().unwrap_or_default();
        self.require(blocked.len() <= MOST_BLOCKS, pk, || format!("has blocked {} users", blocked.len()));
        for user in blocked.keys() {
            let exists = user != id && self.item(&format!("USER#{user}"), "PROFILE").is_some();
            self.require(exists, pk, || format!("has blocked {user}, who is no other user"));
        }
    }

    fn user(&mut self, pk: &str, id: &str) {
        self.blocks(pk, id);
        let Some(profile) = self.item(pk, "PROFILE").cloned() else {
            return self.add(pk, "has items, but no profile");
        };
        // A login at the same time as the closing may leave a session of a closed account. It is not live.
        if profile.contains_key("closed_at") {
            return;
        }
        let credential = self.item(&format!("EMAIL#{}", text(&profile, "email")), "CREDENTIAL");
        let is_own = credential.is_some_and(|credential| text(credential, "user") == id);
        self.require(is_own, pk, || "has no credential to log in with".into());
    }

    /// The item of the admins contains the open accounts with the role of admin that are not suspended.
    fn admins(&mut self) {
        let is_admin = |profile: &Item| {
            let ended = ["closed_at", "suspended_at"].iter().any(|name| profile.contains_key(*name));
            text(profile, "role") == "admin" && !ended
        };
        let accounts = self.partitions.iter().filter_map(|(pk, items)| Some((pk, items.get("PROFILE")?)));
        let admins = accounts.filter(|(_, profile)| is_admin(profile));
        let expected: Vec<String> =
            admins.filter_map(|(pk, _)| pk.strip_prefix("USER#").map(str::to_owned)).collect();
        let listed = self.item("ADMINS", "ADMINS").map(|item| user_ids(text(item, "users")));
        let listed = listed.unwrap_or_default();
        self.require(listed == expected, "ADMINS", || format!("contains {listed:?}, not {expected:?}"));
    }
}

#[cfg(test)]
mod tests;
