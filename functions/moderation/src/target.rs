//! The resource that a report is about, as its reporter can read it.

use shared::{
    App,
    http::{Caller, Problem},
    ids::{ConversationId, MessageId, UserId},
    model::report::Target,
};

/// The content that a report keeps of its target: the sender and the text of a message, and nothing of other targets.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) sender: Option<UserId>,
    pub(crate) body: Option<String>,
}

/// Returns the content of the target; `None` if the caller cannot read it or it does not exist.
pub(crate) async fn content(app: &App, caller: &Caller, target: Target) -> Result<Option<Content>, Problem> {
    match target {
        Target::Message(id) => message(app, caller, id).await,
        Target::Conversation(id) => Ok(can_read(app, caller, id).await?.then(Content::default)),
        // Every user can read every profile.
        Target::User(id) => Ok(app.store.user(id).await?.map(|_| Content::default())),
    }
}

/// Reads a message under the rules of `GET /api/messages/{id}/`.
async fn message(app: &App, caller: &Caller, id: MessageId) -> Result<Option<Content>, Problem> {
    let readable = caller.readable_message(app, id).await?.map(|(message, _)| message);
    let present = readable.filter(|message| message.deleted_at.is_none());
    Ok(present.map(|message| Content { sender: Some(message.sender), body: Some(message.body) }))
}

/// Returns true if the caller can read the conversation, under the rules of `GET /api/conversations/{id}/`.
async fn can_read(app: &App, caller: &Caller, id: ConversationId) -> Result<bool, Problem> {
    let Some(access) = app.store.conversation_access(id, caller.user).await? else {
        return Ok(false);
    };
    let actor = caller.actor(app, access.member.as_ref()).await?;
    caller.may_read(app, &actor, id).await
}
