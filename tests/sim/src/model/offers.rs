//! Offers: the requests that put users into conversations. From them follows who may take part where without any fault of the
//! system, if users must consent: who has made the conversation, who has asked to accept it, who lets everybody write to them,
//! and who shares an accepted conversation with the user who has made the offer. Nobody else ever does.

use std::collections::BTreeSet;

use super::{Model, User};
use crate::world::Answer;

/// The most messages that a user may send to another one who has accepted nothing.
const UNANSWERED: u64 = 5;

/// A request that puts users into a conversation.
#[derive(Debug, Clone)]
struct Offer {
    by: usize,
    users: Vec<usize>,
    /// `None` for a creation whose answer is not known.
    conversation: Option<String>,
}

/// The requests that can make users participants who have accepted. A request that was refused is not among them.
#[derive(Debug, Default)]
pub struct Offers {
    all: Vec<Option<Offer>>,
    /// The users who have sent a request to accept, with the conversation.
    accepts: BTreeSet<(usize, String)>,
    /// The users who may take part, with the conversation, as far as it was needed until now. Requests only add to them.
    derived: BTreeSet<(usize, String)>,
}

/// An offer that has begun.
#[derive(Debug, Clone, Copy)]
pub struct OfferId(usize);

impl Offers {
    /// Notes that a request begins which puts users into a conversation: a new one, or the given one.
    pub fn begin(&mut self, by: usize, users: &[usize], conversation: Option<&str>) -> OfferId {
        let conversation = conversation.map(str::to_owned);
        self.all.push(Some(Offer { by, users: users.to_vec(), conversation }));
        OfferId(self.all.len() - 1)
    }

    /// Notes the answer to the request: the conversation that it has made, or that it was refused.
    pub fn end(&mut self, id: OfferId, answer: &Answer) {
        let offer = &mut self.all[id.0];
        match answer.outcome() {
            Some(true) => {
                if let (Some(offer), Some(made)) = (offer, answer.body["conversation_id"].as_str()) {
                    offer.conversation = Some(made.to_owned());
                }
            }
            Some(false) => *offer = None,
            None => {}
        }
    }

    /// Notes that a request to accept begins.
    pub fn accept(&mut self, user: usize, conversation: &str) {
        self.accepts.insert((user, conversation.to_owned()));
    }

    fn shares(derived: &BTreeSet<(usize, String)>, user: usize, other: usize) -> bool {
        let first = (user, String::new());
        let of_user = derived.range(first..).take_while(|(found, _)| *found == user);
        of_user.map(|(_, id)| id).any(|id| derived.contains(&(other, id.clone())))
    }
}

impl User {
    /// Returns true if strangers may at some time have been allowed to write to the user.
    fn may_be_free(&self) -> bool {
        self.contact.knows("everyone") || self.profile.get("role").is_some_and(|role| role.knows("host"))
    }
}

impl Model {
    /// Returns true if the user may take part in the conversation, or may have taken part.
    pub fn may_take_part(&mut self, user: usize, conversation: &str) -> bool {
        let wanted = (user, conversation.to_owned());
        if !self.asks || self.users[user].may_be_free() || self.offers.derived.contains(&wanted) {
            return true;
        }
        self.offers.derived = self.derive();
        self.offers.derived.contains(&wanted)
    }

    /// Returns true if two users may have taken part in one conversation at the same time.
    pub fn may_know(&mut self, user: usize, other: usize) -> bool {
        if !self.asks || Offers::shares(&self.offers.derived, user, other) {
            return true;
        }
        self.offers.derived = self.derive();
        Offers::shares(&self.offers.derived, user, other)
    }

    /// Checks the number of an acknowledged message. While the other user of a direct conversation has not accepted, there are at
    /// most five messages.
    pub fn check_unanswered(&mut self, conversation: &str, sender: usize, number: u64) {
        let found =
            self.conversations.get(conversation).filter(|found| found.is_direct && number > UNANSWERED);
        let others = found.into_iter().flat_map(|found| found.members.keys().copied());
        let others: Vec<usize> = others.filter(|user| *user != sender).collect();
        if !others.is_empty() && !others.iter().any(|user| self.may_take_part(*user, conversation)) {
            self.find(format!(
                "nobody has accepted {conversation}, but user {sender} sends message {number}"
            ));
        }
    }

    /// Returns the users who may take part in each conversation: the least set that the offers close.
    fn derive(&self) -> BTreeSet<(usize, String)> {
        let mut derived = self.offers.accepts.clone();
        for (id, found) in &self.conversations {
            derived.extend(found.created_by.map(|user| (user, id.clone())));
        }
        let offers: Vec<(&Offer, Vec<String>)> = self
            .offers
            .all
            .iter()
            .enumerate()
            .filter_map(|(number, offer)| offer.as_ref().map(|offer| (offer, self.places(number, offer))))
            .collect();
        // The creator takes part, also in a conversation that no answer has shown.
        let creations = offers.iter().filter(|(offer, _)| offer.conversation.is_none());
        derived.extend(creations.filter_map(|(offer, places)| Some((offer.by, places.last()?.clone()))));
        loop {
            let before = derived.len();
            for (offer, places) in &offers {
                let takes = |user: &&usize| {
                    // An admin can also add themselves.
                    let is_known = **user == offer.by || Offers::shares(&derived, offer.by, **user);
                    is_known || self.users[**user].may_be_free()
                };
                let taking: Vec<usize> = offer.users.iter().filter(takes).copied().collect();
                for place in places {
                    derived.extend(taking.iter().map(|user| (*user, place.clone())));
                }
            }
            if derived.len() == before {
                return derived;
            }
        }
    }

    /// Returns the conversations that an offer may be about. A creation without an answer may have made each conversation of its
    /// creator, and one that no answer has shown.
    fn places(&self, number: usize, offer: &Offer) -> Vec<String> {
        if let Some(id) = &offer.conversation {
            return vec![id.clone()];
        }
        let made = self.conversations.iter().filter(|(_, found)| found.created_by == Some(offer.by));
        made.map(|(id, _)| id.clone()).chain([format!("made by request {number}")]).collect()
    }
}
