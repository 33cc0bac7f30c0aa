//! Reading items of one or two kinds. Kinds that a caller does not name are skipped: a later release may write them.

use super::{
    Store, StoreError,
    items::{
        Admins, Blocks, Conversation, InboxEntry, Invitation, Item, Link, Member, Message, Pin, Report,
        Revision, Session, SigningKey, ThreadPointer, TokenBucket, User,
    },
    ops::{Consistency, Reading},
    table::{Key, Span},
};

/// A kind of item.
pub(super) trait Kind: Sized {
    /// Adds the item to `found` if it is of this kind, and returns it otherwise.
    fn sort(item: Item, found: &mut Vec<Self>) -> Option<Item>;
}

/// Implements [`Kind`] for the struct of each variant.
macro_rules! kinds {
    ($($variant:ident($kind:ty)),*) => {$(
        impl Kind for $kind {
            fn sort(item: Item, found: &mut Vec<Self>) -> Option<Item> {
                match item {
                    Item::$variant(inner) => found.push(inner),
                    other => return Some(other),
                }
                None
            }
        }
    )*};
}

kinds!(
    User(User),
    Admins(Admins),
    Blocks(Blocks),
    Session(Session),
    Inbox(InboxEntry),
    Invitation(Invitation),
    Conversation(Conversation),
    Member(Member),
    Message(Message),
    Revision(Revision),
    Pin(Pin),
    ThreadPointer(ThreadPointer),
    Report(Report),
    Link(Link),
    TokenBucket(TokenBucket),
    SigningKey(SigningKey)
);

/// Returns the items of one kind, in their order.
fn only<A: Kind>(items: Vec<Item>) -> Vec<A> {
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        A::sort(item, &mut found);
    }
    found
}

impl Store {
    /// Returns the items of one kind at `keys`, in no order and strongly consistent.
    pub(super) async fn get_all<A: Kind>(&self, keys: Vec<Key>) -> Result<Vec<A>, StoreError> {
        Ok(only(self.batch_get(keys, Consistency::Strong).await?))
    }

    /// Returns the items of two kinds at `keys`, in no order. A hundred of both cost one request.
    pub(super) async fn get_all_of_two<A: Kind, B: Kind>(
        &self,
        keys: Vec<Key>,
        consistency: Consistency,
    ) -> Result<(Vec<A>, Vec<B>), StoreError> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for item in self.batch_get(keys, consistency).await? {
            A::sort(item, &mut first).and_then(|item| B::sort(item, &mut second));
        }
        Ok((first, second))
    }

    /// Returns the items of three kinds at `keys`, in no order and strongly consistent.
    pub(super) async fn get_all_of_three<A: Kind, B: Kind, C: Kind>(
        &self,
        keys: Vec<Key>,
    ) -> Result<(Vec<A>, Vec<B>, Vec<C>), StoreError> {
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        for item in self.batch_get(keys, Consistency::Strong).await? {
            let rest = A::sort(item, &mut first).and_then(|item| B::sort(item, &mut second));
            rest.and_then(|item| C::sort(item, &mut third));
        }
        Ok((first, second, third))
    }

    /// Returns two items of different kinds, strongly consistent and in one request; `None` for an item that does not
    /// exist.
    pub(super) async fn get_two<A: Kind, B: Kind>(
        &self,
        keys: [Key; 2],
    ) -> Result<(Option<A>, Option<B>), StoreError> {
        let (mut first, mut second) = self.get_all_of_two(keys.into(), Consistency::Strong).await?;
        Ok((first.pop(), second.pop()))
    }

    /// Returns the items of one kind in a span, and true if the span has more after the limit.
    pub(super) async fn query_kind<A: Kind>(
        &self,
        span: Span,
        reading: Reading,
    ) -> Result<(Vec<A>, bool), StoreError> {
        let page = self.query_whole(span, reading).await?;
        Ok((only(page.items), page.more))
    }
}
