//! The frames of a conversation's news, as one participant gets them. Nothing is pushed of a message at or below the base of
//! the participant, or of a sender whom the participant has blocked.

use std::collections::BTreeSet;

use shared::{
    http::{MessageView, VisibleUsers},
    ids::{ConversationId, UserId},
    model::user::Role,
    policy::Actor,
    realtime::frames::{
        ConversationChanged, Frame, MessageChanged, MessageCreated, ParticipantChanged, ReadFrame,
    },
    store::{
        fanout::{Fanout, Listener},
        items::{Change, ChangeKind, Message},
    },
};

use crate::{fault::Fault, plan::News};

/// The maximum size of a frame in bytes. A message to a connection may have 128 KB, and a frame can stand in an array behind
/// `ready`.
const LARGEST_FRAME: usize = 120 * 1024;

/// Returns the JSON of the frames for a participant.
pub(crate) fn frames_for(
    listener: &Listener,
    fanout: &Fanout,
    conversation: ConversationId,
    news: &[News],
) -> Result<Vec<String>, Fault> {
    let viewer = Viewer { listener, fanout, conversation };
    let frames = news.iter().filter_map(|news| viewer.frame(news));
    frames.map(encode).collect()
}

/// Returns the JSON of the frame that the conversation was deleted.
pub(crate) fn deleted(conversation: ConversationId) -> Result<String, Fault> {
    let changed = ConversationChanged { conversation, number: None, change: None, deleted: true };
    encode(Frame::ConversationChanged(changed))
}

/// Returns the JSON of a frame. A frame that is too large has no message, and the client reads it.
pub(crate) fn encode(mut frame: Frame) -> Result<String, Fault> {
    let text = serde_json::to_string(&frame)?;
    if text.len() <= LARGEST_FRAME {
        return Ok(text);
    }
    match &mut frame {
        Frame::MessageCreated(created) => created.message = None,
        Frame::MessageChanged(changed) => changed.message = None,
        _ => {}
    }
    Ok(serde_json::to_string(&frame)?)
}

/// A participant for whom frames are made.
#[derive(Clone, Copy)]
struct Viewer<'a> {
    listener: &'a Listener,
    fanout: &'a Fanout,
    conversation: ConversationId,
}

impl Viewer<'_> {
    fn frame(self, news: &News) -> Option<Frame> {
        match news {
            News::Message(message) => self.created(message),
            News::Change(change) => self.changed(change),
            News::Read { user, number } => {
                Some(Frame::Read(ReadFrame { conversation: self.conversation, user: *user, number: *number }))
            }
            News::Closed(_) | News::Removed { .. } => None,
        }
    }

    /// The frame contains the message as it is now, and not as the record has it: a frame about an edit may have come before,
    /// and nobody gets the text of a message that is deleted.
    fn created(self, message: &Message) -> Option<Frame> {
        let message = self.fanout.messages.get(&message.number).filter(|message| self.may_get(message))?;
        Some(Frame::MessageCreated(MessageCreated {
            conversation: self.conversation,
            number: message.number,
            message: Some(self.view(message)),
        }))
    }

    fn changed(self, change: &Change) -> Option<Frame> {
        let (conversation, number) = (self.conversation, change.number);
        if let Some(message) = change.message {
            // The change of a message at or below the base has no message. The client needs its number.
            let message = self.fanout.messages.get(&message);
            if message.is_some_and(|message| self.listener.blocks.contains(message.sender)) {
                return None;
            }
            let shown = message.filter(|message| message.deleted_at.is_none() && self.may_get(message));
            let (message, change) = (shown.map(|message| self.view(message)), change.clone().into());
            return Some(Frame::MessageChanged(MessageChanged { conversation, number, change, message }));
        }
        let view = change.clone().into();
        Some(match change.kind {
            ChangeKind::ConversationUpdated | ChangeKind::Unknown => {
                let (number, change) = (Some(number), Some(view));
                Frame::ConversationChanged(ConversationChanged {
                    conversation,
                    number,
                    change,
                    deleted: false,
                })
            }
            _ => Frame::ParticipantChanged(ParticipantChanged { conversation, number, change: view }),
        })
    }

    fn may_get(self, message: &Message) -> bool {
        message.number > self.listener.member.base && !self.listener.blocks.contains(message.sender)
    }

    /// Returns the message as the API shows it. The role of the participant is not read: as for a guest, contact details of a
    /// sender depend on the sender's membership.
    fn view(self, message: &Message) -> MessageView {
        let member = &self.listener.member;
        let viewer =
            Actor { user: member.user, role: Role::Guest, member: Some(member.role), is_accepted: true };
        let accepted = self.fanout.accepted.get(&message.sender).copied();
        let visible_users = VisibleUsers::of(&viewer, self.conversation)
            .knowing(self.fanout.profiles.get(&message.sender).cloned())
            .accepted(self.conversation, accepted);
        let mut message = message.clone();
        // The reactions of blocked users are not counted.
        self.listener.blocks.mask([&mut message]);
        MessageView::new(message, &visible_users)
    }
}

/// Returns the senders of the new messages, and the numbers of the new and of the changed ones.
pub(crate) fn contents(news: &[News]) -> (BTreeSet<UserId>, BTreeSet<u64>) {
    let (mut senders, mut messages) = (BTreeSet::new(), BTreeSet::new());
    for news in news {
        match news {
            News::Message(message) => {
                senders.insert(message.sender);
                messages.insert(message.number);
            }
            News::Change(Change { message: Some(number), .. }) => drop(messages.insert(*number)),
            _ => {}
        }
    }
    (senders, messages)
}
