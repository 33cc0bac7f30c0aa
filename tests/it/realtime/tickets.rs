//! Tickets: each opens one connection, soon, of the page that has requested it, and of a session that is live.

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::realtime::event::{Handshake, SocketEventKind};

use super::leftovers;
use crate::{
    ended_sessions::{Devices, ENDS},
    harness::{
        Browser, TestApp, User,
        call::{Operation::Put, on},
        posts::{Sockets, ticket},
        race::held,
    },
};

async fn from(user: &User, origin: &str) -> String {
    let request = user.request(Method::POST, "/api/realtime/ticket/").header("origin", origin);
    request.send().await.created()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_connection() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let answer = ann.request(Method::POST, "/api/realtime/ticket/").send().await.created();
    let ticket = answer["ticket"].as_str().unwrap();
    let url = answer["url"].as_str().unwrap();
    assert!(url.starts_with("ws") && url.ends_with(&format!("/live?ticket={ticket}")), "{url}");
    assert!(leftovers(&app).await.iter().all(|key| !key.contains(ticket)), "the table has only its digest");
    let ids = [sockets.id(), sockets.id()];
    let opened = futures::join!(sockets.open(&ids[0], ticket, None), sockets.open(&ids[1], ticket, None));
    let mut statuses = [opened.0, opened.1];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    assert_eq!(sockets.open(&sockets.id(), ticket, None).await, 401);
    assert_eq!(leftovers(&app).await.len(), 2);
}

#[tokio::test]
async fn a_ticket_is_valid_for_thirty_seconds() {
    let app = TestApp::new().await;
    app.freeze();
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    for (wait, status) in [(28, 200), (31, 401)] {
        let ticket = ticket(&ann).await;
        app.advance(TimeDelta::seconds(wait));
        assert_eq!(sockets.open(&sockets.id(), &ticket, None).await, status, "after {wait} s");
    }
    for ticket in ["", "memo", "%", &"A".repeat(43)] {
        assert_eq!(sockets.open(&sockets.id(), ticket, None).await, 401, "{ticket}");
    }
    let none = SocketEventKind::Connect(Handshake::default());
    assert_eq!(sockets.event(&sockets.id(), none).await, 401);
}

#[tokio::test]
async fn a_ticket_belongs_to_the_page_that_has_requested_it() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let (own, other) = (Some("https://app.example.com"), Some("https://evil.example.com"));
    let stolen = from(&ann, "https://app.example.com").await;
    assert_eq!(sockets.open(&sockets.id(), &stolen, other).await, 403);
    assert_eq!(sockets.open(&sockets.id(), &stolen, own).await, 401, "a refused ticket was used");
    assert_eq!(leftovers(&app).await, [""; 0]);
    for (requested_by, opened_by, status) in [
        ("https://app.example.com", own, 200),
        ("https://app.example.com", None, 200),
        ("https://app.example.com", Some("https://ws.test"), 200),
        ("https://app.example.com", Some("null"), 403),
        ("null", other, 403),
    ] {
        let ticket = from(&ann, requested_by).await;
        let opened = sockets.open(&sockets.id(), &ticket, opened_by).await;
        assert_eq!(opened, status, "{requested_by} {opened_by:?}");
    }
    // Without the header, the ticket belongs to the pages of the API itself.
    let page = app.request(Method::GET, "/api/").send().await.ok()["me"].as_str().unwrap().to_owned();
    let page = page.trim_end_matches("/api/users/me/").to_owned();
    assert_eq!(sockets.open(&sockets.id(), &ticket(&ann).await, Some(&page)).await, 200);
    assert_eq!(sockets.open(&sockets.id(), &ticket(&ann).await, other).await, 403);
}

#[tokio::test]
async fn a_browser_session_gets_tickets_too() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let browser = Browser::of(&ann).await;
    let request = browser.request(Method::POST, "/api/realtime/ticket/");
    request.clone().send().await.problem(403, "csrf_failed");
    let answer = request.header("x-csrftoken", &browser.csrf()).send().await.created();
    let here = sockets.id();
    assert_eq!(sockets.open(&here, answer["ticket"].as_str().unwrap(), None).await, 200);
    assert_eq!(sockets.ping(&here).await, [json!({ "type": "ready" }), json!({ "type": "pong" })]);
    browser.log_out().await.expect(303);
    assert_eq!(sockets.ping(&here).await, Vec::<Value>::new());
    assert_eq!(sockets.posts.closed(), [here.to_string()]);
}

#[tokio::test]
async fn a_session_that_has_ended_opens_no_connection_and_keeps_none() {
    let app = TestApp::lagging().await;
    let sockets = Sockets::new(&app).await;
    for end in ENDS {
        let ann = app.user("ann").await;
        let devices = Devices::of(&app, &ann).await;
        let (open, unused) = (sockets.connect(&devices.here).await, ticket(&devices.here).await);
        let group = devices.here.group(&[]).await;
        devices.here.send(&group, "memo").await;
        app.proxy.stop_the_past().await;
        devices.end(&app, end).await;
        let refused = sockets.id();
        assert_eq!(sockets.open(&refused, &unused, None).await, 401, "{end:?}");
        let links = sockets.realtime.app.store.links_of(super::id(&ann)).await.unwrap();
        assert!(links.iter().all(|link| link.connection != refused), "{end:?}");
        for frame in ["ping", "typing", "read"] {
            let frame = match frame {
                "ping" => json!({ "type": "ping" }),
                "typing" => json!({ "type": "typing", "conversation": group }),
                _ => json!({ "type": "read", "conversation": group, "number": 1 }),
            };
            assert_eq!(sockets.frame(&open, &frame).await, Vec::<Value>::new(), "{end:?} {frame}");
            assert_eq!(sockets.posts.closed(), [open.to_string()], "{end:?} {frame}");
        }
    }
    app.check().await;
}

/// Either `$connect` sees that the session has ended, or `deliver` finds the link when it sees the end.
#[tokio::test]
async fn a_session_that_ends_while_its_connection_is_made_is_noticed() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let devices = Devices::of(&app, &ann).await;
    let ticket = ticket(&devices.here).await;
    let here = sockets.id();
    let late = sockets.open(&here, &ticket, None);
    let (status, ()) = held(&app, on(Put).of("LINK#"), late, devices.end(&app, ENDS[0])).await;
    assert_eq!(status, 401);
    assert_eq!(leftovers(&app).await, [""; 0]);
}
