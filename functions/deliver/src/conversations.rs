//! The fan-out of a conversation's news: the parcels for the connections of its participants.

use std::collections::BTreeSet;

use futures::future::try_join;
use shared::{
    ids::{ConversationId, UserId},
    store::{
        StoreError,
        fanout::FanoutRequest,
        items::{Closed, Message},
        table::Activity,
    },
};

use crate::{
    Deliver,
    cleanup::Cleanup,
    fault::Fault,
    frames::{contents, deleted, frames_for},
    order::{before_new_messages, moves},
    parcel::Parcel,
    plan::{ConversationNews, News},
};

/// The next steps for the news of a conversation.
#[derive(Debug, Default)]
pub(crate) struct ConversationSteps {
    pub(crate) parcels: Vec<Parcel>,
    /// The inbox entries that move to the hour of a new message.
    pub(crate) moves: Vec<(UserId, Activity)>,
    /// The replies whose pointers are put into the lists of their threads.
    pub(crate) replies: Vec<Message>,
    /// The cleanup of a conversation that is closed.
    pub(crate) cleanup: Option<Cleanup>,
}

impl Deliver {
    /// Reads the participants of a conversation and makes their frames. Nothing is written: the steps are done together with
    /// those of the batch.
    ///
    /// The memberships are read after the records arrived. So a participant whose removal was answered before gets nothing.
    pub(crate) async fn steps_of_conversation(
        &self,
        id: ConversationId,
        news: &ConversationNews,
    ) -> Result<ConversationSteps, Fault> {
        let (senders, messages) = contents(&news.news);
        let others = before_new_messages(&news.news);
        let request = FanoutRequest { conversation: id, senders, messages, others };
        let now = self.app.clock.now();
        let fanout = self.app.store.fan_out(&request, now);
        let (fanout, closed) = try_join(fanout, self.closing_of(id, &news.news)).await?;
        if let Some(closed) = closed {
            let present = fanout.listeners.into_iter().map(|listener| listener.member.user);
            let gone: BTreeSet<UserId> = present.chain(removed_since(&closed, &news.news)).collect();
            return self.tell_deletion(id, gone, news).await;
        }
        let mut steps = ConversationSteps {
            moves: moves(id, &fanout, &news.news),
            replies: replies(&news.news),
            ..ConversationSteps::default()
        };
        for listener in &fanout.listeners {
            let frames = frames_for(listener, &fanout, id, &news.news)?;
            if frames.is_empty() {
                continue;
            }
            steps.parcels.extend(listener.links.iter().map(|link| Parcel {
                link: link.clone(),
                frames: frames.clone(),
                records: news.records.clone(),
            }));
        }
        Ok(steps)
    }

    /// Returns the closing entry if the records say that the conversation is closed, or may be.
    async fn closing_of(&self, id: ConversationId, news: &[News]) -> Result<Option<Closed>, StoreError> {
        let entry = news.iter().find_map(|news| match news {
            News::Closed(closed) => Some(closed.clone()),
            _ => None,
        });
        let may_be_closed = news.iter().any(|news| matches!(news, News::Removed { .. }));
        match entry {
            None if may_be_closed => self.app.store.closing_entry(id).await,
            entry => Ok(entry),
        }
    }

    /// Makes the frame that a conversation was deleted. Closing a conversation removes the memberships one after the other,
    /// so it is for those who are still participants, and for those whose memberships were removed since.
    async fn tell_deletion(
        &self,
        id: ConversationId,
        users: BTreeSet<UserId>,
        news: &ConversationNews,
    ) -> Result<ConversationSteps, Fault> {
        let frame = deleted(id)?;
        let links = self.app.store.links_at(users, self.app.clock.now()).await?;
        let parcels = links.into_values().flatten().map(|link| Parcel {
            link,
            frames: vec![frame.clone()],
            records: news.records.clone(),
        });
        let is_new = news.news.iter().any(|news| matches!(news, News::Closed(_)));
        let cleanup = is_new.then_some(Cleanup::Conversation(id));
        Ok(ConversationSteps { parcels: parcels.collect(), cleanup, ..ConversationSteps::default() })
    }
}

/// Returns the new messages that are part of a thread.
fn replies(news: &[News]) -> Vec<Message> {
    let reply = |news: &News| match news {
        News::Message(message) if message.thread.is_some() => Some(message.clone()),
        _ => None,
    };
    news.iter().filter_map(reply).collect()
}

/// Returns the participants who were removed by the closing. A record has its time in whole seconds.
fn removed_since<'a>(closed: &Closed, news: &'a [News]) -> impl Iterator<Item = UserId> + 'a {
    let closed_at = closed.closed_at.timestamp();
    news.iter().filter_map(move |news| match news {
        News::Removed { user, at } if at.timestamp() >= closed_at => Some(*user),
        _ => None,
    })
}
