//! Cursors: each belongs to one list of one user, conversation or message, and is refused in every other list.

use shared::{
    http::page::{List, cursor, owned_cursor},
    ids::{ConversationId, MessageId},
};
use uuid::Uuid;

use crate::{
    harness::{TestApp, User},
    inbox_settings::put,
};

/// A list, the bytes of a valid position in it, and the id of its owner.
struct Row {
    path: String,
    list: List,
    owner: Uuid,
    position: Vec<u8>,
}

async fn rows(ann: &User) -> Vec<Row> {
    let conversation = ann.group(&[]).await;
    let message = ann.send(&conversation, "memo").await["message_id"].as_str().unwrap().to_owned();
    let group: ConversationId = conversation.parse().unwrap();
    let owner = |id: &str| id.parse::<Uuid>().unwrap();
    let in_group = [group.uuid().as_bytes().as_slice(), &[0; 8]].concat();
    let rows = [
        ("/api/conversations/", List::ActiveConversations, &ann.id, vec![0; 44]),
        ("/api/conversations/?state=archived", List::ArchivedConversations, &ann.id, vec![0; 44]),
        ("/api/conversations/?state=invited", List::Invitations, &ann.id, vec![0; 44]),
        ("/api/conversations/{group}/participants/", List::Participants, &conversation, vec![0; 16]),
        ("/api/conversations/{group}/pins/", List::Pins, &conversation, vec![0; 16]),
        ("/api/messages/", List::Messages, &ann.id, in_group),
        ("/api/messages/{message}/revisions/", List::Revisions, &message, vec![0; 8]),
        ("/api/users/me/sessions/", List::Sessions, &ann.id, vec![0; 16]),
        ("/api/users/me/blocks/", List::Blocks, &ann.id, vec![0; 24]),
    ];
    rows.map(|(path, list, id, position)| {
        let path = path.replace("{group}", &conversation).replace("{message}", &message);
        Row { path, list, owner: owner(id), position }
    })
    .into()
}

fn with_cursor(path: &str, cursor: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}cursor={cursor}")
}

#[tokio::test]
async fn a_cursor_is_valid_only_in_the_list_of_its_owner() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let rows = rows(&ann).await;
    for Row { path, list, owner, position } in &rows {
        let of = |owner: &Uuid, list: List| with_cursor(path, &owned_cursor(list, *owner, position));
        ann.get(&of(owner, *list)).await.expect(200);
        let other = Uuid::parse_str(&ben.id).unwrap();
        ann.get(&of(&other, *list)).await.refuses("cursor");
        ann.get(&with_cursor(path, &cursor(*list, position))).await.refuses("cursor");
        for stranger in rows.iter().filter(|row| row.list != *list) {
            ann.get(&of(owner, stranger.list)).await.refuses("cursor");
        }
    }
}

#[tokio::test]
async fn the_sessions_of_another_user_have_cursors_of_that_user() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let path = format!("/api/users/{}/sessions/", ann.id);
    for (owner, status) in [(&ann, 200), (&admin, 400)] {
        let text = owned_cursor(List::Sessions, owner.id.parse().unwrap(), &[0; 16]);
        admin.get(&with_cursor(&path, &text)).await.expect(status);
    }
}

/// Returns the link to the second page of a list, without its scheme and host.
async fn second_page(user: &User, path: &str) -> String {
    let page = user.get(path).await.ok();
    page["next"].as_str().expect("a second page").to_owned()
}

#[tokio::test]
async fn the_links_of_one_state_or_user_are_refused_in_others() {
    let app = TestApp::with_requests().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    for n in 0..4 {
        let group = ann.group(&[]).await;
        ann.send(&group, "memo").await;
        if n % 2 == 0 {
            put(&ann, &group, "archive").await;
        }
        ben.group(&[&ann]).await;
    }
    for state in ["active", "archived", "invited"] {
        let link = second_page(&ann, &format!("/api/conversations/?limit=1&state={state}")).await;
        let cursor = link.split("cursor=").nth(1).unwrap();
        for other in ["active", "archived", "invited"] {
            let path = with_cursor(&format!("/api/conversations/?limit=1&state={other}"), cursor);
            let answer = ann.get(&path).await;
            if state == other {
                assert_eq!(answer.ok()["results"].as_array().unwrap().len(), 1, "{path}");
            } else {
                answer.refuses("cursor");
            }
        }
        ben.get(&link).await.refuses("cursor");
    }
    ben.get(&second_page(&ann, "/api/messages/?limit=1").await).await.refuses("cursor");
    // The id of a message is also refused as the owner of a list of the conversation, and the reverse.
    let id: MessageId = ann.all("/api/messages/").await[0]["message_id"].as_str().unwrap().parse().unwrap();
    let text = owned_cursor(List::Participants, id.uuid(), &[0; 16]);
    let path = format!("/api/conversations/{}/participants/", id.conversation);
    ann.get(&with_cursor(&path, &text)).await.refuses("cursor");
}
