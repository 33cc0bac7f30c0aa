//! The reactions to one message: the users of each emoji, within bounds that keep a message small. Nothing here reads or
//! writes the table.

use std::collections::BTreeSet;

use super::emoji::{EMOJI_BYTES, Emoji};
use crate::ids::UserId;

/// The maximum number of different emoji on one message.
pub const MOST_EMOJI: usize = 20;

/// The maximum number of reactions to one message, of all emoji together.
pub const MOST_REACTIONS: usize = 400;

/// The maximum size of the reactions to one message as they are stored, in bytes: 16 bytes for each user in base64, and two
/// separators for each emoji.
pub const REACTION_BYTES: usize = MOST_EMOJI * (EMOJI_BYTES + 2) + MOST_REACTIONS * 22;

/// The reason why a reaction cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooManyReactions {
    /// The message has [`MOST_EMOJI`] other emoji.
    #[error("the message has too many different emoji")]
    Emoji,
    /// The message has [`MOST_REACTIONS`] reactions, or its text leaves no room for more.
    #[error("the message has too many reactions")]
    Reactions,
}

/// The reactions to one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reactions {
    /// The users of each emoji, in the order in which the emoji and their users came.
    by_emoji: Vec<(String, Vec<UserId>)>,
    /// Users whose reactions are not counted for the user who reads the message. They are not stored.
    hidden: BTreeSet<UserId>,
}

/// The reactions with one emoji, as a user sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionCount {
    /// The emoji.
    pub emoji: String,
    /// The number of users.
    pub count: usize,
    /// True if the user who reads the message is among them.
    pub by_viewer: bool,
}

impl Reactions {
    /// Returns the reactions that were stored.
    #[must_use]
    pub const fn stored(by_emoji: Vec<(String, Vec<UserId>)>) -> Self {
        Self { by_emoji, hidden: BTreeSet::new() }
    }

    /// Returns the users of each emoji, to store them.
    #[must_use]
    pub fn by_emoji(&self) -> &[(String, Vec<UserId>)] {
        &self.by_emoji
    }

    /// Returns true if there are no reactions.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.by_emoji.is_empty()
    }

    /// Returns the size of the stored reactions in bytes, and never less than it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.by_emoji.iter().map(|(emoji, users)| emoji.len() + 2 + users.len() * 22).sum()
    }

    /// Adds the reaction of a user. Returns false if the user has already reacted with this emoji.
    pub fn add(&mut self, emoji: Emoji, user: UserId) -> Result<bool, TooManyReactions> {
        let place = self.by_emoji.iter().position(|(text, _)| text == emoji.as_str());
        if place.is_some_and(|place| self.by_emoji[place].1.contains(&user)) {
            return Ok(false);
        }
        if self.by_emoji.iter().map(|(_, users)| users.len()).sum::<usize>() >= MOST_REACTIONS {
            return Err(TooManyReactions::Reactions);
        }
        match place {
            Some(place) => self.by_emoji[place].1.push(user),
            None if self.by_emoji.len() >= MOST_EMOJI => return Err(TooManyReactions::Emoji),
            None => self.by_emoji.push((emoji.as_str().to_owned(), vec![user])),
        }
        Ok(true)
    }

    /// Removes the reaction of a user. Returns false if the user has not reacted with this emoji.
    pub fn remove(&mut self, emoji: Emoji, user: UserId) -> bool {
        let Some((_, users)) = self.by_emoji.iter_mut().find(|(text, _)| text == emoji.as_str()) else {
            return false;
        };
        let before = users.len();
        users.retain(|other| *other != user);
        let is_changed = users.len() < before;
        self.by_emoji.retain(|(_, users)| !users.is_empty());
        is_changed
    }

    /// Leaves users out of the counts for the user who reads the message. The stored reactions stay.
    pub fn hide(&mut self, is_hidden: impl Fn(UserId) -> bool) {
        let users = self.by_emoji.iter().flat_map(|(_, users)| users);
        self.hidden = users.copied().filter(|user| is_hidden(*user)).collect();
    }

    /// Returns the reactions as `viewer` sees them; with `all`, also those of hidden users.
    #[must_use]
    pub fn counts(&self, viewer: UserId, all: bool) -> Vec<ReactionCount> {
        let counted =
            |users: &[UserId]| users.iter().filter(|user| all || !self.hidden.contains(user)).count();
        let counts = self.by_emoji.iter().map(|(emoji, users)| ReactionCount {
            emoji: emoji.clone(),
            count: counted(users),
            by_viewer: users.contains(&viewer),
        });
        counts.filter(|reaction| reaction.count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn emoji(text: &str) -> Emoji {
        Emoji::parse(text).unwrap()
    }

    #[test]
    fn each_user_reacts_once_with_each_emoji() {
        let mut reactions = Reactions::default();
        assert_eq!(reactions.add(emoji("👍"), user(1)), Ok(true));
        assert_eq!(reactions.add(emoji("👍"), user(1)), Ok(false));
        assert_eq!(reactions.add(emoji("👍"), user(2)), Ok(true));
        assert_eq!(reactions.add(emoji("🎉"), user(1)), Ok(true));
        let shown = |reactions: &Reactions| {
            let counts = reactions.counts(user(2), false).into_iter();
            counts.map(|it| (it.emoji, it.count, it.by_viewer)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&reactions), [("👍".to_owned(), 2, true), ("🎉".to_owned(), 1, false)]);
        assert!(!reactions.remove(emoji("🎉"), user(2)));
        assert!(reactions.remove(emoji("🎉"), user(1)) && reactions.remove(emoji("👍"), user(2)));
        assert_eq!(shown(&reactions), [("👍".to_owned(), 1, false)]);
        assert!(reactions.remove(emoji("👍"), user(1)) && reactions.is_empty());
    }

    #[test]
    fn hidden_users_are_not_counted_and_stay() {
        let mut reactions = Reactions::default();
        for n in 1..=3 {
            reactions.add(emoji("👍"), user(n)).unwrap();
        }
        reactions.add(emoji("🎉"), user(3)).unwrap();
        reactions.hide(|it| it == user(3));
        assert_eq!(reactions.counts(user(1), false).len(), 1);
        assert_eq!(reactions.counts(user(1), false)[0].count, 2);
        assert_eq!(reactions.counts(user(1), true).len(), 2);
        assert_eq!(reactions.by_emoji()[0].1.len(), 3);
    }

    #[test]
    fn a_full_message_takes_no_more_and_stays_within_its_size() {
        let mut reactions = Reactions::default();
        let all: Vec<Emoji> = emojis::iter().map(|it| emoji(it.as_str())).take(MOST_EMOJI + 1).collect();
        for emoji in &all[..MOST_EMOJI] {
            reactions.add(*emoji, user(0)).unwrap();
        }
        assert_eq!(reactions.add(all[MOST_EMOJI], user(0)), Err(TooManyReactions::Emoji));
        for n in MOST_EMOJI..MOST_REACTIONS {
            assert_eq!(reactions.add(all[0], user(n as u128)), Ok(true));
        }
        assert_eq!(reactions.add(all[0], user(9999)), Err(TooManyReactions::Reactions));
        assert_eq!(reactions.add(all[0], user(0)), Ok(false), "a repetition is no new reaction");
        assert!(reactions.bytes() <= REACTION_BYTES, "{}", reactions.bytes());
    }
}
