//! WebSocket connections at the function `realtime`: tickets, connecting, and the frames of clients. What `deliver` pushes to
//! connections is tested elsewhere.

mod faults;
mod frames;
mod tickets;

use serde_json::{Value, json};

use crate::harness::{
    TestApp, User,
    call::{Operation::Put, on},
    posts::{Sockets, ticket},
    race::held,
    table::text,
};

/// Returns the sort keys and partitions of all items of connections and tickets.
pub async fn leftovers(app: &TestApp) -> Vec<String> {
    let items = app.table.items().await;
    let keys = items.iter().map(|item| text(item, "pk"));
    keys.filter(|pk| ["LINKS#", "CONNECTION#", "TICKET#"].iter().any(|kind| pk.starts_with(kind))).collect()
}

fn codes(frames: &[Value]) -> Vec<String> {
    frames.iter().map(|frame| frame["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_connection_lives_until_it_ends() {
    let app = TestApp::lagging().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let here = sockets.connect(&ann).await;
    assert_eq!(sockets.ping(&here).await, [json!({ "type": "pong" })]);
    assert_eq!(leftovers(&app).await.len(), 2);
    let end = shared::realtime::event::SocketEventKind::Disconnect;
    for _ in 0..2 {
        assert_eq!(sockets.event(&here, end.clone()).await, 200, "a repetition does nothing");
    }
    assert_eq!(leftovers(&app).await, [""; 0]);
    assert_eq!(sockets.ping(&here).await, Vec::<Value>::new());
    assert_eq!(sockets.posts.closed(), [here.to_string()]);
    app.check().await;
}

/// The item that names the user of the connection is the last write before the frame.
#[tokio::test]
async fn a_frame_right_after_connecting_is_answered() {
    let app = TestApp::lagging().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let (ticket, here) = (ticket(&ann).await, sockets.id());
    let link = app.proxy.faults.watch(on(Put).of("LINK#"));
    let opening = sockets.open(&here, &ticket, None);
    let (status, ()) = held(&app, on(Put).of("USER"), opening, link.finished()).await;
    assert_eq!(status, 200);
    // `deliver` has not sent `ready` yet.
    assert_eq!(sockets.ping(&here).await, [json!({ "type": "ready" }), json!({ "type": "pong" })]);
}

#[tokio::test]
async fn a_connection_without_its_link_is_closed_at_its_next_frame() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let here = sockets.connect(&ann).await;
    // `deliver` does this when a frame was lost.
    sockets.realtime.app.store.delete_link(id(&ann), &here).await.unwrap();
    assert_eq!(sockets.ping(&here).await, Vec::<Value>::new());
    assert_eq!(sockets.posts.closed(), [here.to_string()]);
}

pub fn id(user: &User) -> shared::ids::UserId {
    user.id.parse().unwrap()
}
