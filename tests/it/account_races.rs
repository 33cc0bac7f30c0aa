//! Races about one account: changes of the password, and logins that write the same credential or profile. Races about
//! sessions are in `session_races`, those of closings in `closing`.

use serde_json::json;

use crate::harness::{
    Answer, TestApp,
    call::{
        Operation::{Put, Transact, Update},
        on,
    },
    faults::Fault::Conflict,
    login::{
        OTHER_PASSWORD, change_password, close_account, log_in, logged_in, refresh, register, with_tokens,
    },
    network::unique_email,
    people::PASSWORD,
    race::{given_up, held, past_its_own_try},
};

/// A hash of `PASSWORD` with old Argon2 parameters. A login with this hash writes a new one with the present
/// parameters.
const OLD_HASH: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$IZv/UDppazhOxgL31h4yLA$xbQigJpu4tFVKmItUFCfMqGO70vltTplTG9WYuNI+Bc";

#[tokio::test]
async fn a_login_past_the_end_of_the_account_leaves_no_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let late = log_in(&app, &ann.email, PASSWORD);
    let (raced, closed) = held(&app, on(Put).of("SESSION#"), late, close_account(&ann, PASSWORD)).await;
    closed.expect(204);
    if raced.status == 200 {
        refresh(&app, &raced.json()["refresh"]).await.problem(401, "token_not_valid");
    }
}

#[tokio::test]
async fn a_change_of_the_password_that_a_late_try_has_made_is_done() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let changed = past_its_own_try(&app, change_password(&here, PASSWORD, OTHER_PASSWORD)).await;
    refresh(&app, &changed.ok()["refresh"]).await.ok();
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
}

/// The first try of a registration arrives after its account was refused, and after the account with the email was closed.
#[tokio::test]
async fn a_late_registration_makes_no_account_after_the_closing() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    register(&app, &email).await.created();
    let tokens = log_in(&app, &email, PASSWORD).await.ok();
    let (ann, _) = with_tokens(&app.user("ann").await, &tokens);
    let close = async |_: &Answer| close_account(&ann, PASSWORD).await;
    let (refused, closed) =
        given_up(&app, on(Transact).of("CREDENTIAL"), register(&app, &email), close).await;
    refused.refuses("email");
    closed.expect(204);
    log_in(&app, &email, PASSWORD).await.problem(401, "invalid_credentials");
    register(&app, &email).await.created();
    log_in(&app, &email, PASSWORD).await.ok();
}

#[tokio::test]
async fn an_account_that_a_late_try_has_made_is_made() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    past_its_own_try(&app, register(&app, &email)).await.created();
    log_in(&app, &email, PASSWORD).await.ok();
}

#[tokio::test]
async fn of_two_changes_of_the_password_the_late_one_finds_it_changed() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    let late = change_password(&here, PASSWORD, "yet-another-horse-battery-staple");
    let first = change_password(&here, PASSWORD, OTHER_PASSWORD);
    let (late, first) = held(&app, on(Transact).of("CREDENTIAL"), late, first).await;
    late.refuses("old_password");
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    refresh(&app, &first.ok()["refresh"]).await.ok();
}

/// A login writes a new hash of its password with the present parameters. Meanwhile the user changes the password. The
/// late write of the login must not replace the hash of the new password.
/// The SDK has given up the first attempt, and the attempt arrives after the next change.
#[tokio::test]
async fn a_late_change_of_the_profile_replaces_no_newer_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let change = |name: &str| ann.patch("/api/users/me/", json!({ "first_name": name }));
    let (early, newer) = (change("Early"), change("Newer"));
    let (early, newer) = given_up(&app, on(Transact).of("PROFILE"), early, async |_| newer.await).await;
    early.ok();
    newer.ok();
    assert_eq!(ann.get("/api/users/me/").await.ok()["first_name"], "Newer");
}

/// The SDK has given up the first attempt, and the second one meets another transaction. So the change is tried again, and
/// takes effect. The first attempt arrives after the next change.
#[tokio::test]
async fn a_change_of_the_profile_past_a_conflict_replaces_no_newer_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let change = |name: &str| ann.patch("/api/users/me/", json!({ "first_name": name }));
    let (faults, profile) = (&app.proxy.faults, || on(Transact).of("PROFILE"));
    let first = faults.hold(profile());
    faults.fail_nth(1, profile(), Conflict);
    change("Early").await.ok();
    change("Newer").await.ok();
    first.release();
    first.finished().await;
    assert_eq!(faults.clear(), 2, "each fault has occurred");
    assert_eq!(ann.get("/api/users/me/").await.ok()["first_name"], "Newer");
}

#[tokio::test]
async fn a_hash_that_is_kept_late_replaces_no_newer_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, _) = logged_in(&app, &ann).await;
    app.table.set(&format!("EMAIL#{}", ann.email), "CREDENTIAL", "hash", json!(OLD_HASH)).await;
    let kept = app.proxy.faults.hold(on(Update).of("CREDENTIAL"));
    let change = async {
        kept.reached().await;
        change_password(&here, PASSWORD, OTHER_PASSWORD).await.ok();
        kept.release();
    };
    let (_, ()) = tokio::join!(log_in(&app, &ann.email, PASSWORD), change);
    app.proxy.faults.clear();
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_hash_that_is_kept_late_is_not_the_one_of_who_has_the_email_since() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.table.set(&format!("EMAIL#{}", ann.email), "CREDENTIAL", "hash", json!(OLD_HASH)).await;
    let kept = app.proxy.faults.hold(on(Update).of("CREDENTIAL"));
    let other = async {
        kept.reached().await;
        close_account(&ann, PASSWORD).await.expect(204);
        let body = json!({
            "email": ann.email, "password": OTHER_PASSWORD, "first_name": "Ben", "last_name": "Tester",
        });
        app.post("/api/users/").json(&body).send().await.created();
        kept.release();
    };
    let (_, ()) = tokio::join!(log_in(&app, &ann.email, PASSWORD), other);
    app.proxy.faults.clear();
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
}
