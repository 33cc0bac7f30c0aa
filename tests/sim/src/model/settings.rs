//! Archived and muted conversations: the settings of one participant.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Model, Sent};
use crate::register::Register;

/// The settings of a participant. A register is empty until the participant changes the setting.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `on` or `off`: the requests that archive the conversation, and those that bring it back.
    pub archive: Register,
    /// `on` or `off`.
    pub mute: Register,
}

impl Settings {
    /// Returns true if a read that began at `begun` may find the setting on, and true if it may find it off.
    fn states(register: &Register, begun: Instant) -> (bool, bool) {
        let is_known = !register.is_empty();
        (is_known && register.may_read("on", begun), register.may_read("off", begun))
    }

    /// Returns true if a read that began at `begun` may find the conversation archived, and true if it may find it in the inbox.
    /// A message brings it back, unless it is muted.
    fn archived(&self, sent: &[&Sent], begun: Instant) -> (bool, bool) {
        let (may_be_on, may_be_off) = Self::states(&self.archive, begun);
        let (may_be_muted, may_be_loud) = Self::states(&self.mute, begun);
        let ended = self.archive.ended("on");
        let has_message = |sent: &&Sent| {
            let is_later = ended.is_some_and(|ended| sent.begun > ended);
            is_later && sent.message.as_ref().is_some_and(|(_, acknowledged)| *acknowledged < begun)
        };
        let since = self.archive.begun("on", begun);
        let may_have_message = |sent: &&Sent| {
            let is_earlier = sent
                .message
                .as_ref()
                .is_some_and(|(_, acknowledged)| since.is_some_and(|since| *acknowledged < since));
            let is_none = sent.message.is_none() && sent.is_refused && !sent.is_unknown && sent.open == 0;
            !is_earlier && !is_none
        };
        let is_back = sent.iter().any(has_message) && !may_be_muted;
        let may_be_back = sent.iter().any(may_have_message) && may_be_loud;
        (may_be_on && !is_back, may_be_off || may_be_back)
    }
}

impl Model {
    /// Checks that a conversation may be in a list of a user, by a read that began at `begun`: `active`, `archived`, or `invited`.
    pub fn see_listed(&mut self, user: usize, conversation: &str, list: &str, begun: Instant) {
        if list != "invited" {
            self.check_consent(conversation, user, begun, "it is in the inbox or in the archive");
            return self.see_settings(user, conversation, &json!({ "state": list }), begun);
        }
        let found = self.conversations.get(conversation);
        if found.is_some_and(|found| found.surely_accepted(user, begun)) {
            self.find(format!("user {user} has accepted {conversation}, but it is an invitation"));
        }
    }

    /// Checks the settings of a conversation that a request of `reader` has shown, which began at `begun`.
    pub fn see_settings(&mut self, reader: usize, conversation: &str, shown: &Value, begun: Instant) {
        let Some(found) = self.conversations.get(conversation) else {
            return;
        };
        let Some(member) = found.members.get(&reader).filter(|_| found.surely_has(reader, begun)) else {
            return;
        };
        // A membership that has begun anew has no settings.
        if member.presence.knows("out") || shown["state"] == "invited" {
            return;
        }
        let sent: Vec<&Sent> = self.sent.values().filter(|sent| sent.conversation == conversation).collect();
        let (may_be_archived, may_be_active) = member.settings.archived(&sent, begun);
        let (may_be_muted, may_be_loud) = Settings::states(&member.settings.mute, begun);
        let is_right = if shown["state"] == "archived" { may_be_archived } else { may_be_active };
        let is_right = is_right
            && match shown["muted"].as_bool() {
                Some(true) => may_be_muted,
                Some(false) => may_be_loud,
                None => true,
            };
        if !is_right {
            let settings = format!("{:?}", member.settings);
            let (state, muted) = (&shown["state"], &shown["muted"]);
            self.find(format!(
                "{conversation} is {state} for user {reader}, and muted is {muted}, but {settings}"
            ));
        }
    }
}
