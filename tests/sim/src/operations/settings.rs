//! Operations on the settings of a participant: archive and mute.

use axum::http::Method;
use rand::RngExt as _;
use tokio::time::Instant;

use super::{conversations, messages};
use crate::{
    client::{Client, later},
    model::Settings,
    register::Register,
    walks,
};

/// Returns one of the two settings.
fn register(settings: &mut Settings, archives: bool) -> &mut Register {
    if archives { &mut settings.archive } else { &mut settings.mute }
}

/// Archives or mutes a conversation, or ends one of them; now and then one right after the other.
pub async fn change(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    let (archives, sets) = (client.rng.random_bool(0.6), client.rng.random_bool(0.7));
    set(client, user, &conversation, (archives, sets)).await;
    if sets && client.rng.random_bool(0.3) {
        set(client, user, &conversation, (archives, false)).await;
    }
}

/// Changes a setting. The user reads the conversation after that, often with a new message.
async fn set(client: &mut Client, user: usize, conversation: &str, (archives, sets): (bool, bool)) {
    let write = {
        let mut model = client.model();
        let Some(found) = model.conversations.get_mut(conversation) else {
            return;
        };
        let setting = register(&mut found.members.entry(user).or_default().settings, archives);
        setting.know_first("off");
        setting.begin(if sets { "on" } else { "off" })
    };
    let begun = Instant::now();
    let path = format!("/api/conversations/{conversation}/{}/", if archives { "archive" } else { "mute" });
    let method = if sets { Method::PUT } else { Method::DELETE };
    let answer = client.call(user, method, &path, None).await;
    client.count(answer.status);
    {
        let mut model = client.model();
        let members = model.conversations.get_mut(conversation).map(|found| &mut found.members);
        if let Some(member) = members.and_then(|members| members.get_mut(&user)) {
            register(&mut member.settings, archives).end(write, answer.outcome());
        }
        model.check_access(conversation, user, begun, answer.status);
        if answer.is_success() {
            model.check_consent(conversation, user, begun, "changes its settings");
        }
    }
    if answer.is_success() {
        use_it(client, user, conversation).await;
    }
}

async fn use_it(client: &mut Client, user: usize, conversation: &str) {
    later().await;
    if client.rng.random_bool(0.4)
        && let Some(sender) = client.member_of(conversation)
    {
        messages::send_to(client, sender, conversation).await;
        later().await;
    }
    match client.rng.random_range(0..3) {
        0 => walks::archived_of(client, user).await,
        1 => walks::inbox_of(client, user).await,
        _ => conversations::read(client, user, conversation).await,
    }
}
