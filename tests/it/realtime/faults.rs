//! Failing calls: a connection is accepted only if its link exists, and a frame whose calls fail gets a frame `error`.

use serde_json::json;

use super::{codes, id};
use crate::harness::{
    TestApp,
    call::any,
    faults::{
        Fault::{After, Before},
        How::{Death, Error500},
    },
    posts::{Sockets, ticket},
};

/// The largest number of calls of one event.
const MOST_CALLS: usize = 12;

#[tokio::test]
async fn a_connection_is_accepted_only_with_its_link_whichever_call_fails() {
    let app = TestApp::new().await;
    let (ann, sockets) = (app.user("ann").await, Sockets::new(&app).await);
    let mut statuses = Vec::new();
    for n in 0..MOST_CALLS {
        for fault in [Before(Death), After(Death), Before(Error500), After(Error500)] {
            let (ticket, here) = (ticket(&ann).await, sockets.id());
            app.proxy.faults.fail_nth(n, any(), fault.clone());
            let status = sockets.open(&here, &ticket, None).await;
            if app.proxy.faults.clear() == 0 {
                assert_eq!(status, 200);
                continue;
            }
            let link = sockets.realtime.app.store.link(id(&ann), &here).await.unwrap();
            assert!([200, 401, 500, 503].contains(&status), "{n} {fault:?}: {status}");
            assert!(status != 200 || link.is_some(), "{n} {fault:?}");
            statuses.push(status);
        }
    }
    assert!(statuses.contains(&200) && statuses.iter().any(|status| *status >= 500), "{statuses:?}");
}

#[tokio::test]
async fn a_frame_whose_calls_fail_is_answered_with_an_error() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (group, sockets) = (ann.group(&[]).await, Sockets::new(&app).await);
    ann.send(&group, "memo").await;
    let here = sockets.connect(&ann).await;
    let frames = [
        json!({ "type": "ping" }),
        json!({ "type": "typing", "conversation": group }),
        json!({ "type": "read", "conversation": group, "number": 1 }),
    ];
    for frame in frames {
        for n in 0..MOST_CALLS {
            app.proxy.faults.fail_nth(n, any(), Before(Death));
            let answers = sockets.frame(&here, &frame).await;
            if app.proxy.faults.clear() == 0 {
                break;
            }
            let code = codes(&answers);
            assert!(
                matches!(&code[..], [.., code] if code == "internal_error" || code == "unavailable"),
                "{n} {frame}: {answers:?}"
            );
        }
    }
    assert_eq!(sockets.posts.closed(), [""; 0], "a failing read is not the end of the session");
}
