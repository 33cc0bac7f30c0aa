//! Creating a conversation, or finding the one that an earlier request created.

use super::{Conversation, Item, Key, NewConversation, Step};
use crate::{
    ids::{ConversationId, UserId},
    store::{
        Command, LimitReached, Store, StoreError,
        items::{TokenBucket, User},
        ops::Consistency,
        retries::Tried,
        transactions::Transacted,
    },
};

/// The outcome of a successful opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// This request created the conversation.
    New,
    /// An earlier request created the same conversation.
    Existing,
}

/// The reason why a conversation is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The id already belongs to another conversation.
    #[error("the id belongs to another conversation")]
    IdTaken,
    /// The creator has reached the limit of new conversations and added participants.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The table did not answer as expected. The conversation may have been created.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The items that decide on the opening of a direct conversation.
#[derive(Debug, Default)]
pub struct Pair {
    /// The conversation of the pair, if it exists.
    pub conversation: Option<Conversation>,
    /// The profiles of the pair.
    pub users: Vec<User>,
    /// True if the other user has blocked the creator.
    pub is_blocked: bool,
    /// The bucket of the creator, if it exists.
    pub bucket: Option<TokenBucket>,
}

/// One try of an opening.
struct Opening<'a> {
    new: &'a NewConversation,
    command: Command,
    /// The creator's bucket as it was read before the first try.
    bucket: Option<&'a TokenBucket>,
    /// False if an earlier try of the same request may have taken effect.
    is_first: bool,
}

impl Opening<'_> {
    /// Returns the result if the conversation exists already, as the item `present` at the key of META; `None` if it does not
    /// exist.
    fn result(&self, present: Option<&Item>) -> Option<Result<Opened, OpenError>> {
        Some(match present? {
            // An earlier try of this request took effect after this process had given the try up.
            Item::Conversation(present) if !self.is_first && self.new.was_made(present, self.command.now) => {
                Ok(Opened::New)
            }
            Item::Conversation(present) if self.new.is(present) => Ok(Opened::Existing),
            _ => Err(OpenError::IdTaken),
        })
    }
}

impl Store {
    /// Creates a conversation with its memberships and inbox entries in one transaction, which also takes the creator's
    /// tokens from `bucket`, as it was read. A conversation that exists costs nothing.
    ///
    /// Two requests may open the same pair, or use the same id, at the same time. Then the condition on META lets one
    /// transaction take effect, and the other request finds its result. Another request may pay from the same bucket;
    /// then the next try reads the bucket again. A failure before the commit leaves nothing; a repetition after the
    /// commit finds the conversation, recognises it and pays nothing.
    pub async fn open_conversation(
        &self,
        new: &NewConversation,
        command: Command,
        bucket: Option<&TokenBucket>,
    ) -> Result<Opened, OpenError> {
        let steps = new.steps(command.now);
        let mut is_retry = false;
        self.retry(|| {
            let is_first = !std::mem::replace(&mut is_retry, true);
            self.try_to_open(Opening { new, command, bucket, is_first }, &steps)
        })
        .await
    }

    async fn try_to_open(&self, opening: Opening<'_>, steps: &[Step]) -> Result<Tried<Opened>, OpenError> {
        let Opening { new, command, bucket, is_first } = opening;
        let bucket = if is_first { bucket.cloned() } else { self.bucket(command).await? };
        let payment = match command.payment(bucket.as_ref(), new.cost()) {
            Ok(payment) => payment,
            Err(limit) => {
                let present = self.get(Key::conversation(new.id), Consistency::Strong).await?;
                return opening.result(present.as_ref()).unwrap_or(Err(limit.into())).map(Tried::Done);
            }
        };
        let steps: Vec<Step> = steps.iter().cloned().chain(payment).collect();
        Ok(match self.transact(&steps).await? {
            Transacted::Done => Tried::Done(Opened::New),
            Transacted::Conflict => Tried::Lost,
            // Without META, another request is opening the same conversation, and only its memberships are visible yet. Or
            // another request has paid from the bucket.
            Transacted::Refused(conditions) => match opening.result(conditions.item(0)) {
                Some(result) => Tried::Done(result?),
                None => Tried::Lost,
            },
        })
    }

    /// Returns the direct conversation of a pair, the pair's profiles, the other user's block of the actor, and the bucket
    /// that pays for the command, as far as they exist. One request, strongly consistent.
    pub async fn direct_conversation(
        &self,
        id: ConversationId,
        pair: [UserId; 2],
        command: Command,
    ) -> Result<Pair, StoreError> {
        let mut keys = vec![Key::conversation(id), Key::user(pair[0]), Key::user(pair[1])];
        keys.extend(pair.into_iter().filter(|user| *user != command.actor).map(Key::blocks));
        keys.extend(command.bucket_key());
        let mut found = Pair::default();
        for item in self.batch_get(keys, Consistency::Strong).await? {
            match item {
                Item::Conversation(conversation) => found.conversation = Some(conversation),
                Item::User(user) => found.users.push(user),
                Item::Blocks(blocks) => found.is_blocked = blocks.blocked.contains_key(&command.actor),
                Item::TokenBucket(bucket) => found.bucket = Some(bucket),
                _ => {}
            }
        }
        Ok(found)
    }
}

impl NewConversation {
    /// Returns the number of tokens that the conversation costs: one for each other participant, and at least one.
    fn cost(&self) -> usize {
        self.others.len().max(1)
    }
}
