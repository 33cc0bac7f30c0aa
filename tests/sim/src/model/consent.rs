//! Consent: which users have accepted which conversations, as far as answers tell. A user who was invited and sent no request
//! to accept has accepted nothing.

use tokio::time::Instant;

use super::{Conversation, Model};
use serde_json::Value;

/// The consent of a participant.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    /// The time of the first answer that has shown the invitation.
    invited: Option<Instant>,
    /// The time of the first answer that has shown the acceptance.
    accepted: Option<Instant>,
    /// True once a request to accept was sent.
    pub may_have_accepted: bool,
    /// The additions of the user without an answer so far, and those whose answers were lost.
    open_additions: usize,
    /// The time of the last request that adds or removes the user, or of its answer.
    moved: Option<Instant>,
}

impl Consent {
    /// Notes that a request was sent which adds or removes the user: what was known of an earlier membership is over.
    pub fn begin_move(&mut self, adds: bool) {
        let open_additions = self.open_additions + usize::from(adds);
        let may_have_accepted = self.may_have_accepted;
        *self = Self { open_additions, may_have_accepted, moved: Some(Instant::now()), ..Self::default() };
    }

    /// Notes the answer to a request that adds or removes the user.
    pub fn end_move(&mut self, adds: bool, outcome: Option<bool>) {
        self.open_additions -= usize::from(adds && outcome.is_some());
        self.moved = Some(Instant::now());
    }

    /// Returns true if a read that began at `begun` must not find the conversation accepted.
    fn surely_lacks(&self, begun: Instant) -> bool {
        self.open_additions == 0
            && !self.may_have_accepted
            && self.invited.is_some_and(|invited| invited < begun)
    }

    /// Returns true if a read that began at `begun`, and finds the membership, must find it accepted.
    fn surely_has(&self, begun: Instant) -> bool {
        self.open_additions == 0 && self.accepted.is_some_and(|accepted| accepted < begun)
    }
}

impl Conversation {
    /// Returns true if a read that began at `begun` must find the user as a participant who has accepted.
    pub fn surely_accepted(&self, user: usize, begun: Instant) -> bool {
        self.surely_has(user, begun) && self.members[&user].consent.surely_has(begun)
    }

    /// Returns true if a read that began at `begun` must not find that the user has accepted.
    pub fn surely_not_accepted(&self, user: usize, begun: Instant) -> bool {
        self.surely_lacks(user, begun)
            || self.members.get(&user).is_some_and(|member| member.consent.surely_lacks(begun))
    }
}

impl Model {
    /// Notes and checks the state of a participant in an answer to a request that began at `begun`. An admin who is not a
    /// participant is shown `active`.
    pub fn see_state(&mut self, conversation: &str, user: usize, state: Option<&str>, begun: Instant) {
        let Some(found) = self.conversations.get_mut(conversation) else {
            return;
        };
        if self.users[user].is_admin {
            return;
        }
        let is_invited = state == Some("invited");
        let (has, lacks) = (found.surely_accepted(user, begun), found.surely_not_accepted(user, begun));
        let Some(member) = found.members.get_mut(&user).filter(|_| state.is_some()) else {
            return;
        };
        let consent = &mut member.consent;
        if consent.open_additions == 0 && consent.moved.is_none_or(|moved| moved < begun) {
            let seen = if is_invited { &mut consent.invited } else { &mut consent.accepted };
            seen.get_or_insert_with(Instant::now);
        }
        if (is_invited && (has || !self.asks)) || (!is_invited && lacks) {
            let consent = format!("{:?}", member.consent);
            self.find(format!("user {user} is {state:?} in {conversation}, but {consent}"));
        }
        if !is_invited && !self.may_take_part(user, conversation) {
            self.find(format!("user {user} takes part in {conversation} without consent"));
        }
    }

    /// Checks a success of a request that only a participant who has accepted may make.
    pub fn check_consent(&mut self, conversation: &str, user: usize, begun: Instant, what: &str) {
        let Some(found) = self.conversations.get(conversation).filter(|_| !self.users[user].is_admin) else {
            return;
        };
        if found.surely_not_accepted(user, begun) {
            let consent = found.members.get(&user).map(|member| format!("{:?}", member.consent));
            self.find(format!("user {user} has not accepted {conversation}, but {what}: {consent:?}"));
        } else if !self.may_take_part(user, conversation) {
            self.find(format!("user {user} takes part in {conversation} without consent: {what}"));
        }
    }

    /// Checks the profile of a participant that a read of `reader` has shown, which began at `begun`: only users who both take
    /// part see the contact details of each other.
    pub fn check_details(&mut self, reader: usize, conversation: &str, shown: &Value, begun: Instant) {
        let user = shown["user_id"].as_str().and_then(|id| self.user_of(id));
        let found = self.conversations.get(conversation);
        let is_absent = user.zip(found).is_some_and(|(user, found)| found.surely_not_accepted(user, begun));
        self.check_details_of(reader, conversation, (user, shown), (begun, is_absent));
    }

    /// Checks the profile of a sender. The membership of a sender may be read from a replica, so a sender who has left a moment ago
    /// may still be shown as a participant.
    pub fn check_sender(&mut self, reader: usize, conversation: &str, shown: &Value, begun: Instant) {
        let user = shown["user_id"].as_str().and_then(|id| self.user_of(id));
        self.check_details_of(reader, conversation, (user, shown), (begun, false));
    }

    fn check_details_of(
        &mut self,
        reader: usize,
        conversation: &str,
        (user, shown): (Option<usize>, &Value),
        (begun, is_absent): (Instant, bool),
    ) {
        let is_hidden = shown["email"].is_null() && shown["phone_number"].is_null();
        let is_free = is_hidden || self.users[reader].is_admin;
        let Some(user) = user.filter(|user| !is_free && *user != reader) else {
            return;
        };
        let found = self.conversations.get(conversation);
        let may_see = !is_absent
            && found.is_some_and(|found| !found.surely_not_accepted(reader, begun))
            && self.may_take_part(reader, conversation)
            && self.may_take_part(user, conversation);
        if !may_see {
            self.find(format!("user {reader} is shown the contact details of user {user} in {conversation}"));
        }
    }
}
