//! Late changes of participants and profiles: removed data does not come back, and the participant count stays right.

use serde_json::{Value, json};

use crate::{
    harness::{
        TestApp,
        call::{
            Operation::{BatchGet, Query, Transact},
            on,
        },
        login::close_account,
        people::PASSWORD,
        race::{behind_its_own_try, held, past_its_own_try},
        table::text,
    },
    held::stage,
};

#[tokio::test]
async fn an_addition_past_a_deletion_adds_nobody() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let deletion = ann.delete_conversation(&conversation);
    let (added, deleted) = held(&app, on(Transact).of("MEMBER#"), late, deletion).await;
    deleted.expect(204);
    added.problem(404, "not_found");
    cleo.get(&format!("/api/conversations/{conversation}/")).await.problem(404, "not_found");
    assert_eq!(cleo.all("/api/conversations/").await.len(), 0);
}

#[tokio::test]
async fn an_addition_past_the_removal_of_who_adds() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ben.add(&conversation, &others);
    let (added, removed) =
        held(&app, on(Transact).of("MEMBER#"), late, ann.remove(&conversation, &ben)).await;
    removed.expect(204);
    // The addition began before the removal was answered, so both outcomes are right. The status, the count and the
    // lists have to agree.
    let there = cleo.get(&format!("/api/conversations/{conversation}/")).await.status == 200;
    assert_eq!(there, added.status < 300, "{added}");
}

#[tokio::test]
async fn two_changes_of_one_conversation_both_count() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let (cleo, dan) = (app.user("cleo").await, app.user("dan").await);
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let (added, other) = held(&app, on(Transact).of("MEMBER#"), late, ben.add(&conversation, &[&dan])).await;
    assert!(added.status < 300 && other.status < 300, "{added} {other}");
    assert_eq!(ann.conversation(&conversation).await["participant_count"], 4);
}

#[tokio::test]
async fn a_profile_change_past_the_end_of_the_account_brings_nothing_back() {
    let app = TestApp::new().await;
    let admin = app.admin("admin").await;
    for (name, value) in [
        ("first_name", "Memo"),
        ("last_name", "Memo"),
        ("phone_number", "+44 20 7946 0019"),
        ("contact", "everyone"),
        ("role", "host"),
    ] {
        let ann = app.user("ann").await;
        let of_role = name == "role";
        let path = if of_role { format!("/api/users/{}/", ann.id) } else { "/api/users/me/".to_owned() };
        let late = (if of_role { &admin } else { &ann }).patch(&path, json!({ name: value }));
        let first = close_account(&ann, PASSWORD);
        let (changed, closed) = held(&app, on(Transact).of("PROFILE"), late, first).await;
        closed.expect(204);
        assert!((400..500).contains(&changed.status), "{changed}");
        let profile = app.table.get(&format!("USER#{}", ann.id), "PROFILE").await.unwrap();
        assert_ne!(text(&profile, name), value);
    }
}

#[tokio::test]
async fn joining_past_the_end_of_the_account() {
    let app = TestApp::new().await;
    let (ann, _, conversation, _) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let (_, closed) = held(&app, on(Transact).of("MEMBER#"), late, close_account(&cleo, PASSWORD)).await;
    closed.expect(204);
    let members = app.table.partition(&format!("CONV#{conversation}")).await;
    let there = members.iter().any(|item| text(item, "sk") == format!("MEMBER#{}", cleo.id));
    assert!(!there, "a user with a closed account is not a participant");
}

#[tokio::test]
async fn a_group_with_one_whose_account_ends_meanwhile_is_without_them() {
    let app = TestApp::new().await;
    let (ann, cleo) = (app.user("ann").await, app.user("cleo").await);
    let others = [&cleo];
    let late = ann.group(&others);
    let (group, closed) = held(&app, on(Transact).of("META"), late, close_account(&cleo, PASSWORD)).await;
    closed.expect(204);
    let members = app.table.partition(&format!("CONV#{group}")).await;
    let there = members.iter().any(|item| text(item, "sk") == format!("MEMBER#{}", cleo.id));
    assert!(!there, "a user with a closed account is not a participant");
}

#[tokio::test]
async fn a_last_leaving_past_a_message_closes_behind_it() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    ben.leave(&conversation).await.expect(204);
    let late = ann.leave(&conversation);
    let (left, _) = held(&app, on(Transact).of("MSG#"), late, ann.send(&conversation, "memo")).await;
    left.expect(204);
    let log = app.table.partition(&format!("CONV#{conversation}")).await;
    let log = log.iter().filter(|item| text(item, "sk").starts_with("MSG#"));
    let kinds: Vec<String> = log.map(|item| text(item, "item")).collect();
    assert_eq!(kinds, ["message", "message", "closed"]);
}

#[tokio::test]
async fn a_removal_that_a_late_try_has_made_is_done() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    past_its_own_try(&app, ann.remove(&conversation, &ben)).await.expect(204);
    assert_eq!(ann.conversation(&conversation).await["participant_count"], 1);
}

/// A removal took effect and its answer was lost, and another change came after it. The read of its own change is strongly
/// consistent.
#[tokio::test]
async fn a_removal_behind_which_others_came_is_known() {
    let app = TestApp::lagging().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    app.proxy.stop_the_past().await;
    let path = format!("/api/conversations/{conversation}/");
    let renamed = ann.patch(&path, json!({ "name": "memo, renamed" }));
    let removed = ann.remove(&conversation, &ben);
    let (removed, renamed) = behind_its_own_try(&app, removed, renamed).await;
    renamed.ok();
    removed.expect(204);
}

#[tokio::test]
async fn a_last_leaving_that_a_late_try_has_made_is_done() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    ben.leave(&conversation).await.expect(204);
    past_its_own_try(&app, ann.leave(&conversation)).await.expect(204);
}

/// The late addition has read the next number before the other change, so the number is already used.
#[tokio::test]
async fn an_addition_whose_number_is_taken_meanwhile_takes_the_next() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, message) = stage(&app).await;
    let cleo = app.user("cleo").await;
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let (added, edited) = held(&app, on(Transact).of("CHANGE#"), late, ann.edit(&message, "memo")).await;
    edited.ok();
    added.ok();
    let kinds: Vec<Value> = ben.changes(&conversation, 0).await.iter().map(|c| c["kind"].clone()).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
}

/// The late addition has read the conversation before the other change, and the free number after it. Only the version
/// of the conversation shows that it has changed.
#[tokio::test]
async fn an_addition_to_what_was_changed_meanwhile_keeps_the_count() {
    let app = TestApp::new().await;
    let (ann, ben, conversation, _) = stage(&app).await;
    let (cleo, dan) = (app.user("cleo").await, app.user("dan").await);
    // The first read checks that Ann may add participants; the second read is the one before the write.
    let read = app.proxy.faults.watch_nth(1, on(BatchGet).of("META"));
    let others = [&cleo];
    let late = ann.add(&conversation, &others);
    let first = async {
        read.finished().await;
        ben.add(&conversation, &[&dan]).await
    };
    let (added, other) = held(&app, on(Query).of("CHANGE#"), late, first).await;
    assert!(added.status < 300 && other.status < 300, "{added} {other}");
    assert_eq!(ann.conversation(&conversation).await["participant_count"], 4);
}
