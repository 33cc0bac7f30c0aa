//! Cursors of pages that lead back in the list of one conversation, against its order: to newer messages in the order
//! `newest`, to older ones in the order `oldest`. A client cannot ask for such a page with `before` or `after`, because
//! its next pages lead past the message.

use shared::{
    http::page::{List, bad_cursor, cursor, read_cursor},
    ids::{ConversationId, MAX_NUMBER},
    model::Invalid,
    store::messages::Around,
};
use uuid::Uuid;

/// A page of the messages of one conversation beside a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backward {
    pub(crate) conversation: ConversationId,
    /// The number beside the page. It is not on the page.
    number: u64,
    /// True for the messages above the number, which are shown newest first; false for those below, oldest first.
    is_above: bool,
}

impl Backward {
    /// Returns the page at a position; `None` if the position is not beside a message.
    pub(crate) const fn new(conversation: ConversationId, around: Around) -> Option<Self> {
        match around {
            Around::Before(number) => Some(Self { conversation, number, is_above: false }),
            Around::After(0) | Around::Newest | Around::Middle(_) => None,
            Around::After(number) => Some(Self { conversation, number, is_above: true }),
        }
    }

    pub(crate) const fn around(self) -> Around {
        if self.is_above { Around::After(self.number) } else { Around::Before(self.number) }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let bytes: [u8; 25] = read_cursor(List::MessagesBack, text)?;
        Self::read(&bytes).ok_or_else(bad_cursor)
    }

    fn read(bytes: &[u8; 25]) -> Option<Self> {
        let (id, [side, number @ ..]) = bytes.split_first_chunk::<16>()? else { return None };
        let conversation = ConversationId::from_uuid(Uuid::from_bytes(*id))?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        let is_valid = *side <= 1 && (1..=MAX_NUMBER).contains(&number);
        is_valid.then_some(Self { conversation, number, is_above: *side == 1 })
    }

    pub(crate) fn cursor(self) -> String {
        let number = self.number.to_be_bytes();
        let id = self.conversation.uuid();
        cursor(List::MessagesBack, &[id.as_bytes().as_slice(), &[u8::from(self.is_above)], &number].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_made() {
        let conversation = ConversationId::from_prefix([7; 10]);
        for around in [Around::Before(1), Around::After(MAX_NUMBER)] {
            let made = Backward::new(conversation, around).unwrap();
            assert_eq!(Backward::parse(&made.cursor()), Ok(made));
            assert_eq!(made.around(), around);
        }
        assert_eq!(Backward::new(conversation, Around::Newest), None);
        let id = conversation.uuid().into_bytes();
        for (id, position) in [
            (id, [0; 9]),
            (id, [2, 0, 0, 0, 0, 0, 0, 0, 1]),
            (id, [1, 0xff, 0, 0, 0, 0, 0, 0, 1]),
            ([0; 16], [1, 0, 0, 0, 0, 0, 0, 0, 1]),
        ] {
            let stray = cursor(List::MessagesBack, &[id.as_slice(), &position].concat());
            assert!(Backward::parse(&stray).is_err(), "{position:?}");
        }
    }
}
