//! The attack of strangers on an inbox, through the API: each makes groups with the victim and sends messages as large as
//! allowed. The suite runs it small; `tests/attack` runs the same code at full size and shows the figures.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    consent::{accept, inbox, invitations},
    harness::{TestApp, User, environment, meter::Cost},
};

/// The number of strangers, and of the groups that each of them makes.
#[derive(Debug, Clone, Copy)]
struct Size {
    strangers: usize,
    groups: usize,
}

impl Size {
    /// Returns the size from the environment: `200x20`.
    fn of_run() -> Self {
        let text = environment::attack().unwrap_or_else(|| "2x3".to_owned());
        let (strangers, groups) = text.split_once('x').expect("ATTACK must be like 200x20");
        Self { strangers: strangers.parse().unwrap(), groups: groups.parse().unwrap() }
    }
}

/// Makes the groups of one stranger, and sends messages until one is refused or `most` are sent.
async fn attack(stranger: &User, victim: &User, groups: usize, most: usize, body: &str) -> Vec<String> {
    let mut made = Vec::new();
    for _ in 0..groups {
        let group = stranger.group(&[victim]).await;
        for _ in 0..most {
            if stranger.try_send(&group, body).await.status != 201 {
                break;
            }
        }
        made.push(group);
    }
    made
}

/// Runs the attack of all strangers, four at a time. Returns the strangers with their groups.
async fn attack_of_all(
    app: &TestApp,
    victim: &User,
    size: Size,
    most: usize,
    body: &str,
) -> Vec<(User, Vec<String>)> {
    let one = |n: usize| async move {
        let stranger = app.user(&format!("stranger{n}")).await;
        let groups = attack(&stranger, victim, size.groups, most, body).await;
        Ok::<_, std::convert::Infallible>((stranger, groups))
    };
    stream::iter(0..size.strangers).map(one).buffer_unordered(4).try_collect().await.unwrap()
}

/// Reads a page, prints its cost and returns it.
async fn shown(app: &TestApp, user: &User, what: &str, path: &str) -> Cost {
    let resident = environment::memory();
    let (page, cost) = app.proxy.measure(user.get(path)).await;
    let bytes = page.expect(200).body.len();
    eprintln!(
        "{what}: {} requests, {} round trips, {} read units, {bytes} bytes of answer, {} MB of memory more",
        cost.requests(),
        cost.depth,
        cost.read_units,
        environment::memory().saturating_sub(resident) / 1024,
    );
    cost
}

fn same(before: &Cost, after: &Cost) {
    assert_eq!((before.requests(), before.depth), (after.requests(), after.depth), "{after:?}");
    assert!((before.read_units - after.read_units).abs() < 1e-9, "{before:?} {after:?}");
}

#[tokio::test]
async fn strangers_leave_an_inbox_as_it_was_where_consent_is_needed() {
    let (size, app) = (Size::of_run(), TestApp::with_requests().await);
    let (victim, friend) = (app.user("victim").await, app.user("friend").await);
    for _ in 0..3 {
        let group = friend.group(&[&victim]).await;
        accept(&victim, &group).await.ok();
        friend.send(&group, "memo").await;
    }
    let own = inbox(&victim).await;
    let before = shown(&app, &victim, "inbox before", "/api/conversations/").await;
    let largest = format!("memo{}", "x".repeat(4092));
    let attacks = attack_of_all(&app, &victim, size, 101, &largest).await;
    same(&before, &shown(&app, &victim, "inbox after the attack", "/api/conversations/").await);
    assert_eq!(inbox(&victim).await, own);
    let page =
        shown(&app, &victim, "page of invitations", "/api/conversations/?state=invited&limit=100").await;
    // At most 100 invitations with 5 messages of 4 KB, their items, and the profiles.
    assert!(page.read_units < 1000.0, "{} units", page.read_units);
    // The victim leaves, and is added again.
    let (stranger, groups) = &attacks[0];
    for group in groups {
        victim.leave(group).await.expect(204);
        stranger.add(group, &[&victim]).await.ok();
    }
    same(
        &before,
        &shown(&app, &victim, "inbox after leaving and more invitations", "/api/conversations/").await,
    );
    assert_eq!(invitations(&victim).await.len(), size.strangers * size.groups);
    app.check().await;
}

/// The read units of 2 MB, strongly consistent.
const TWO_MEGABYTES: f64 = 512.0;

/// The units of a window of more than 300 conversations: the list of them, and the index entry and the inbox entry of
/// each. An inbox entry has 200 bytes and costs one unit.
const WINDOW: f64 = 325.0;

/// Without consent, the conversations are in the inbox. But no page reads more than 2 MB.
#[tokio::test]
async fn strangers_fill_an_inbox_where_no_consent_is_needed() {
    let (size, app) = (Size::of_run(), TestApp::new().await);
    let victim = app.user("victim").await;
    let largest = format!("memo{}", "\u{2603}".repeat(16_380));
    let attacks = attack_of_all(&app, &victim, size, 3, &largest).await;
    let bounded = async |what: &str, path: &str| {
        let cost = shown(&app, &victim, what, path).await;
        let window = if size.strangers * size.groups > 300 { WINDOW } else { 0.0 };
        assert!(cost.read_units <= TWO_MEGABYTES + window, "{what}: {} units", cost.read_units);
    };
    bounded("inbox with everyone", "/api/conversations/").await;
    bounded("page of 100 conversations with everyone", "/api/conversations/?limit=100").await;
    bounded("page of messages with everyone", "/api/messages/?limit=100").await;
    let (stranger, groups) = &attacks[0];
    for group in groups {
        victim.leave(group).await.expect(204);
        stranger.add(group, &[&victim]).await.ok();
    }
    bounded("inbox with everyone, after leaving and more invitations", "/api/conversations/").await;
    assert_eq!(inbox(&victim).await.len(), size.strangers * size.groups);
    app.check().await;
}
