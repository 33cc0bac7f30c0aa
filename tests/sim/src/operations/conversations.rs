//! Operations on conversations and their participants.

use axum::http::Method;
use futures::future::join;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{blocks, messages::send_to};
use crate::{
    client::{Client, later},
    model::{Conversation, Member},
    register::WriteId,
    walks,
    world::Answer,
};

/// Opens a direct conversation, often from both sides at the same time.
pub async fn open_direct(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    if user == other {
        return;
    }
    let mut twin = client.twin();
    if client.rng.random_bool(0.5) {
        join(open_with(client, user, other), open_with(&mut twin, other, user)).await;
    } else {
        open_with(client, user, other).await;
    }
}

pub async fn open_with(client: &mut Client, user: usize, other: usize) {
    let id = client.model().users[other].id.clone();
    let body = json!({ "participants": [id], "kind": "direct" });
    let begun = Instant::now();
    client.model().open_creations += 1;
    let offer = client.model().offers.begin(user, &[other], None);
    let pair = (user.min(other), user.max(other));
    let exists = client.model().pairs.contains_key(&pair);
    let answer = client.call(user, Method::POST, "/api/conversations/", Some(&body)).await;
    client.count(answer.status);
    let opened = {
        let mut model = client.model();
        if exists && answer.status == 429 {
            model.find(format!("the users {pair:?} have a direct conversation, but user {user} has to wait"));
        }
        check_known(&mut model, user, other, (begun, &answer));
        if answer.status == 201 {
            model.check_not_blocked(user, &[other], begun, "opens a conversation");
        }
        model.open_creations -= usize::from(!answer.is_unknown());
        model.offers.end(offer, &answer);
        let id = if answer.is_success() { model.see_conversation(user, &answer.body, begun) } else { None };
        if let Some(id) = &id {
            let known = model.pairs.entry(pair).or_insert_with(|| id.clone()).clone();
            if known != *id {
                model.find(format!("the users {pair:?} have the direct conversations {known} and {id}"));
            }
        }
        id
    };
    if let Some(id) = opened {
        let reader = if client.rng.random_bool(0.5) { user } else { other };
        read(client, reader, &id).await;
    }
}

/// Returns true if the answer says that there is no such user.
fn says_unknown(model: &crate::model::Model, user: usize, answer: &Answer) -> bool {
    answer.status == 400 && answer.body.to_string().contains(&model.users[user].id)
}

/// A user who has registered is not unknown to others whom they have not blocked, and a closed account takes part in nothing
/// new.
fn check_known(
    model: &mut crate::model::Model,
    actor: usize,
    other: usize,
    (begun, answer): (Instant, &Answer),
) {
    let may_be_blocked = model.may_be_blocked(other, actor, begun);
    let user = &model.users[other];
    if says_unknown(model, other, answer) && !user.may_be_closed && !may_be_blocked {
        model.find(format!("user {other} exists, but is unknown: {}", answer.body));
    } else if answer.status == 201 && user.closed.is_some_and(|closed| closed < begun) {
        model
            .find(format!("user {other} has closed the account, and becomes a participant: {}", answer.body));
    }
}

pub async fn create_group(client: &mut Client) {
    let (user, others) = (client.user(), [client.user(), client.user()]);
    let ids: Vec<String> = others.iter().map(|other| client.model().users[*other].id.clone()).collect();
    let name = format!("Group {}", client.number);
    let body = json!({ "participants": ids, "name": name, "client_id": client.uuid() });
    let offer = client.model().offers.begin(user, &others, None);
    let mut may_exist = false;
    for _ in 0..3 {
        let begun = Instant::now();
        client.model().open_creations += 1;
        let answer = client.call(user, Method::POST, "/api/conversations/", Some(&body)).await;
        client.count(answer.status);
        let created = {
            let mut model = client.model();
            model.open_creations -= usize::from(!answer.is_unknown());
            for other in others {
                check_known(&mut model, user, other, (begun, &answer));
            }
            if answer.status == 201 {
                model.check_not_blocked(user, &others, begun, "makes a group");
            }
            // A refusal tells nothing of the tries before it whose answers were lost.
            if answer.is_success() || !may_exist {
                model.offers.end(offer, &answer);
            }
            may_exist |= answer.is_unknown();
            if answer.is_success() { model.see_conversation(user, &answer.body, begun) } else { None }
        };
        if let Some(id) = created {
            let admin = client.model().users.iter().position(|user| user.is_admin);
            let reader = admin.filter(|_| client.rng.random_bool(0.3)).unwrap_or(others[0]);
            later().await;
            if client.rng.random_bool(0.5) {
                read(client, reader, &id).await;
            } else {
                walks::newest(client, reader, &id).await;
            }
            send_to(client, others[1], &id).await;
            if client.rng.random_bool(0.1) {
                blocks::repeat_past_block(client, (user, others[0]), &id, &body).await;
            }
        }
        if !answer.is_unknown() {
            return;
        }
    }
}

/// Chooses a group in which the user may be a participant.
fn group(client: &mut Client, user: usize) -> Option<String> {
    let is_admin = client.model().users[user].is_admin;
    let ids: Vec<String> = client
        .model()
        .conversations
        .iter()
        .filter(|(_, found)| !found.is_direct && (is_admin || found.members.contains_key(&user)))
        .map(|(id, _)| id.clone())
        .collect();
    client.favour(&ids)
}

/// Notes that the presence of a user in a group is being changed.
fn begin(client: &Client, conversation: &str, user: usize, presence: &str) -> Option<WriteId> {
    let mut model = client.model();
    let member = model.conversations.get_mut(conversation)?.members.entry(user).or_default();
    if member.presence.is_empty() {
        member.presence.know_first("out");
    }
    if presence == "out" {
        // Who comes back has a new read mark.
        member.moves.clear();
    }
    member.consent.begin_move(presence == "in");
    Some(member.presence.begin(presence))
}

fn end(client: &Client, conversation: &str, user: usize, (write, adds): (WriteId, bool), answer: &Answer) {
    let outcome = answer.outcome();
    let mut model = client.model();
    if let Some(member) =
        model.conversations.get_mut(conversation).and_then(|found| found.members.get_mut(&user))
    {
        member.presence.end(write, outcome);
        member.consent.end_move(adds, outcome);
    }
}

pub async fn add(client: &mut Client) {
    let (user, other) = (client.user(), client.user());
    let Some(conversation) = group(client, user) else {
        return;
    };
    let (is_absent, is_present) = {
        let (model, now) = (client.model(), Instant::now());
        let found = model.conversations.get(&conversation);
        let has = |test: &dyn Fn(&Conversation) -> bool| found.is_some_and(test);
        (has(&|found| found.surely_lacks(other, now)), has(&|found| found.surely_has(other, now)))
    };
    let Some(write) = begin(client, &conversation, other, "in") else {
        return;
    };
    let id = client.model().users[other].id.clone();
    let begun = Instant::now();
    let path = format!("/api/conversations/{conversation}/participants/");
    let offer = client.model().offers.begin(user, &[other], Some(&conversation));
    let answer = client.call(user, Method::POST, &path, Some(&json!({ "participants": [id] }))).await;
    client.count(answer.status);
    client.model().offers.end(offer, &answer);
    end(client, &conversation, other, (write, true), &answer);
    {
        let mut model = client.model();
        check_known(&mut model, user, other, (begun, &answer));
        // Nobody has removed the participant since.
        let found = model.conversations.get(&conversation);
        let stays = is_present && found.is_some_and(|found| found.surely_has(other, Instant::now()));
        if stays && says_unknown(&model, other, &answer) && !model.users[other].may_be_closed {
            model.find(format!(
                "user {other} is a participant of {conversation}, but is unknown to user {user}"
            ));
        }
        model.check_access(&conversation, user, begun, answer.status);
        if answer.is_success() {
            model.check_consent(&conversation, user, begun, "adds a participant");
            if is_absent {
                model.check_not_blocked(user, &[other], begun, "adds that user to a group");
            }
            let added = &answer.body["participants"][0];
            model.see_state(&conversation, other, added["state"].as_str(), begun);
            model.check_details(user, &conversation, &added["user"], begun);
        }
    }
    if answer.is_success() {
        use_it(client, user, other, &conversation).await;
    }
}

pub async fn remove(client: &mut Client, own: bool) {
    let user = client.user();
    let Some(conversation) = group(client, user) else {
        return;
    };
    let Some(other) = (if own { Some(user) } else { client.member_of(&conversation) }) else {
        return;
    };
    let Some(write) = begin(client, &conversation, other, "out") else {
        return;
    };
    let (id, begun) = (client.model().users[other].id.clone(), Instant::now());
    let path = format!("/api/conversations/{conversation}/participants/{id}/");
    let answer = client.call(user, Method::DELETE, &path, None).await;
    client.count(answer.status);
    end(client, &conversation, other, (write, false), &answer);
    if answer.is_success() && !own {
        client.model().check_access(&conversation, user, begun, answer.status);
    }
    if answer.is_success() {
        use_it(client, user, other, &conversation).await;
    }
}

/// Uses a conversation right after the presence of `other` in it was changed by `user`.
async fn use_it(client: &mut Client, user: usize, other: usize, conversation: &str) {
    later().await;
    for _ in 0..2 {
        match client.rng.random_range(0..8) {
            0 => read(client, other, conversation).await,
            1 => walks::newest(client, other, conversation).await,
            2 => send_to(client, other, conversation).await,
            3 => participants(client, user, conversation).await,
            4 => participants(client, other, conversation).await,
            5 => walks::follow(client, other, conversation).await,
            6 => {
                if let Some(message) = client.message_of(conversation) {
                    super::messages::read_message(client, other, &message).await;
                }
            }
            _ => super::accounts::read_user(client, other, user).await,
        }
    }
}

/// Accepts a conversation, which may be an invitation.
pub async fn accept(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = client.conversation(user) else {
        return;
    };
    {
        let mut model = client.model();
        if let Some(found) = model.conversations.get_mut(&conversation) {
            found.members.entry(user).or_default().consent.may_have_accepted = true;
        }
        model.offers.accept(user, &conversation);
    }
    let begun = Instant::now();
    let path = format!("/api/conversations/{conversation}/accept/");
    let answer = client.call(user, Method::POST, &path, None).await;
    client.count(answer.status);
    {
        let mut model = client.model();
        model.check_access(&conversation, user, begun, answer.status);
        if answer.is_success() {
            model.see_conversation(user, &answer.body, begun);
        }
    }
    if answer.is_success() {
        read(client, user, &conversation).await;
    }
}

/// Reads all participants of a conversation.
pub async fn participants(client: &mut Client, user: usize, conversation: &str) {
    let (begun, limit) = (Instant::now(), client.rng.random_range(1..9));
    let path = format!("/api/conversations/{conversation}/participants/?limit={limit}");
    let (status, entries) = walks::all(client, user, &path).await;
    client.count(status);
    let mut model = client.model();
    model.check_read(conversation, user, begun, status);
    if let Some(entries) = entries {
        model.see_participants(user, conversation, &entries, begun);
    }
}

pub async fn list_participants(client: &mut Client) {
    let user = client.user();
    if let Some(conversation) = client.conversation(user) {
        participants(client, user, &conversation).await;
    }
}

pub async fn promote(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = group(client, user) else {
        return;
    };
    let Some(other) = client.member_of(&conversation) else {
        return;
    };
    let id = client.model().users[other].id.clone();
    let role = if client.rng.random_bool(0.7) { "owner" } else { "member" };
    let (path, begun) = (format!("/api/conversations/{conversation}/participants/{id}/"), Instant::now());
    let answer = client.call(user, Method::PATCH, &path, Some(&json!({ "role": role }))).await;
    client.count(answer.status);
    if answer.is_success() {
        let mut model = client.model();
        model.check_access(&conversation, user, begun, answer.status);
        model.check_access(&conversation, other, begun, answer.status);
        if answer.body["role"] != role {
            model.find(format!(
                "the role {role} was given in {conversation}, but the answer is {}",
                answer.body
            ));
        }
    }
}

pub async fn rename(client: &mut Client) {
    let user = client.user();
    let Some(conversation) = group(client, user) else {
        return;
    };
    let name = format!("Name {}", client.number);
    let begin_with = |name: &str| Some(client.model().conversations.get_mut(&conversation)?.name.begin(name));
    let Some(write) = begin_with(&name) else {
        return;
    };
    let (path, begun) = (format!("/api/conversations/{conversation}/"), Instant::now());
    let answer = client.call(user, Method::PATCH, &path, Some(&json!({ "name": name }))).await;
    client.count(answer.status);
    let outcome = answer.outcome();
    {
        let mut model = client.model();
        if let Some(found) = model.conversations.get_mut(&conversation) {
            found.name.end(write, outcome);
        }
        model.check_access(&conversation, user, begun, answer.status);
        if answer.is_success() {
            model.check_consent(&conversation, user, begun, "renames it");
        }
    }
    if answer.is_success()
        && let Some(reader) = client.member_of(&conversation)
    {
        later().await;
        read(client, reader, &conversation).await;
    }
}

pub async fn delete_conversation(client: &mut Client) {
    let user = client.user();
    if let Some(conversation) = client.conversation(user) {
        delete(client, user, &conversation).await;
    }
}

/// Lists the invitations of a user, and declines one to a direct conversation now and then.
pub async fn invitations(client: &mut Client) {
    let user = client.user();
    let mut invitations = walks::invitations_of(client, user).await;
    invitations.retain(|id| client.model().conversations.get(id).is_some_and(|found| found.is_direct));
    if let Some(conversation) = client.choose(&invitations).filter(|_| client.number.is_multiple_of(3)) {
        delete(client, user, &conversation).await;
    }
}

/// Deletes a group, or hides a direct conversation for the user, which also declines the invitation to one.
async fn delete(client: &mut Client, user: usize, conversation: &str) {
    let is_direct = {
        let mut model = client.model();
        let Some(found) = model.conversations.get_mut(conversation) else {
            return;
        };
        if found.is_direct {
            found.members.entry(user).or_default().may_be_hidden = true;
        } else {
            found.may_be_deleted = true;
        }
        found.is_direct
    };
    let path = format!("/api/conversations/{conversation}/");
    let answer = client.call(user, Method::DELETE, &path, None).await;
    client.count(answer.status);
    if answer.status != 204 || is_direct {
        return;
    }
    if let Some(found) = client.model().conversations.get_mut(conversation) {
        found.deleted.get_or_insert_with(Instant::now);
    }
    let Some(other) = client.member_of(conversation) else {
        return;
    };
    match client.rng.random_range(0..4) {
        0 => read(client, other, conversation).await,
        1 => walks::newest(client, other, conversation).await,
        2 => send_to(client, other, conversation).await,
        _ => walks::follow(client, other, conversation).await,
    }
}

/// Reads a conversation.
pub async fn read(client: &mut Client, user: usize, conversation: &str) {
    let begun = Instant::now();
    let answer = client.read(user, &format!("/api/conversations/{conversation}/")).await;
    client.count(answer.status);
    {
        let mut model = client.model();
        model.check_read(conversation, user, begun, answer.status);
        if answer.is_success() {
            model.see_conversation(user, &answer.body, begun);
        }
    }
    let messages: &Value = &answer.body["messages"];
    if answer.is_success() {
        walks::check_newest(client, user, conversation, messages, begun);
    }
}

pub async fn read_conversation(client: &mut Client) {
    let user = client.user();
    if let Some(conversation) = client.conversation(user) {
        read(client, user, &conversation).await;
    }
}

/// Marks a user as gone from all groups, as far as a request to close the account may have come.
pub fn leave_all(client: &Client, user: usize) -> Vec<(String, WriteId)> {
    let mut model = client.model();
    let groups = model.conversations.iter_mut().filter(|(_, found)| !found.is_direct);
    groups
        .filter_map(|(id, found)| {
            let member: &mut Member = found.members.get_mut(&user)?;
            member.consent.begin_move(false);
            Some((id.clone(), member.presence.begin("out")))
        })
        .collect()
}

/// Notes the outcome of a request to close the account.
pub fn end_leaving(client: &Client, user: usize, left: Vec<(String, WriteId)>, outcome: Option<bool>) {
    let mut model = client.model();
    for (id, write) in left {
        let members = model.conversations.get_mut(&id).map(|found| &mut found.members);
        if let Some(member) = members.and_then(|members| members.get_mut(&user)) {
            member.presence.end(write, outcome);
            member.consent.end_move(false, outcome);
        }
    }
}
