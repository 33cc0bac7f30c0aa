//! Who somebody is: one account per email, one live line of tokens per session, and nothing that outlives its end.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, TestApp, User, network::unique_email, people::PASSWORD, table::text};

const OTHER_PASSWORD: &str = "another-horse-battery-staple";

async fn register(api: &Api, email: &str) -> Answer {
    let body = json!({
        "email": email, "password": PASSWORD, "first_name": "Ann", "last_name": "Tester",
    });
    api.post("/api/users/").json(&body).send().await
}

async fn log_in(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/api/token/").json(&json!({ "email": email, "password": password })).send().await
}

async fn refresh(api: &Api, token: &Value) -> Answer {
    api.post("/api/token/refresh/").json(&json!({ "refresh": token })).send().await
}

async fn verify(api: &Api, token: &Value) -> Answer {
    api.post("/api/token/verify/").json(&json!({ "token": token })).send().await
}

/// The user with the tokens of a real session.
async fn logged_in(app: &TestApp, user: &User) -> (User, Value) {
    let tokens = log_in(app, &user.email, PASSWORD).await.ok();
    let token = tokens["access"].as_str().unwrap().to_owned();
    (User { token, ..user.clone() }, tokens["refresh"].clone())
}

async fn sessions(app: &TestApp, user: &User) -> usize {
    let items = app.table.partition(&format!("USER#{}", user.id)).await;
    items.iter().filter(|item| text(item, "sk").starts_with("SESSION#")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_registrations_of_one_email_one_makes_an_account() {
    let app = TestApp::new().await;
    let email = unique_email("ann");
    // Of each, one spelling in capitals: it is the same email.
    let spelled = [email.clone(), email.to_uppercase(), format!(" {email}")];
    let answers = join_all((0..50).map(|n| register(&app, &spelled[n % 3]))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused.into_iter().filter(|answer| !answer.is_slow_tables()) {
        answer.refuses("email");
    }
    log_in(&app, &email, PASSWORD).await.ok();
    let profiles = app.table.items().await.iter().filter(|item| text(item, "sk") == "PROFILE").count();
    assert_eq!(profiles, 1);
    app.check().await;
}

#[tokio::test]
async fn registration_gives_a_guest_whatever_is_asked_for() {
    let app = TestApp::new().await;
    let mut body = json!({
        "email": unique_email("Ann"), "password": PASSWORD, "first_name": "Ann", "last_name": "Tester",
        "phone_number": "+44 20 7946 0018",
    });
    let user = app.post("/api/users/").json(&body).send().await.created();
    assert_eq!(user["role"], "guest");
    assert_eq!(user["phone_number"], "+44 20 7946 0018");
    let text = user.to_string();
    assert!(!text.contains("password") && !text.contains("hash"), "{text}");
    body["email"] = json!(unique_email("ben"));
    body["role"] = json!("admin");
    let asked = app.post("/api/users/").json(&body).send().await;
    assert!(asked.status == 400 || asked.json()["role"] == "guest", "{asked}");
}

#[tokio::test]
async fn where_registration_is_closed_admins_make_users() {
    let app = TestApp::with_closed_registration().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let before = app.table.items().await.len();
    let refused = register(&app, &unique_email("new")).await;
    assert!([401, 403].contains(&refused.status), "{refused}");
    let body = |email: &str| json!({ "email": email, "password": PASSWORD, "first_name": "New", "last_name": "Tester" });
    ann.post("/api/users/", body(&unique_email("new"))).await.problem(403, "permission_denied");
    assert_eq!(app.table.items().await.len(), before);
    let email = unique_email("new");
    admin.post("/api/users/", body(&email)).await.created();
    log_in(&app, &email, PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_refreshes_of_one_token_one_line_lives() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let answers = join_all((0..20).map(|_| refresh(&app, &token))).await;
    let successors: HashSet<String> =
        answers.into_iter().map(|answer| answer.ok()["refresh"].to_string()).collect();
    assert_eq!(successors.len(), 1, "all get the same successor");
    assert_eq!(sessions(&app, &ann).await, 1);
    let successor: Value = serde_json::from_str(successors.iter().next().unwrap()).unwrap();
    app.advance(TimeDelta::minutes(1));
    let third = refresh(&app, &successor).await.ok();
    app.advance(TimeDelta::minutes(1));
    // The first token is older than the generation just before: somebody has stolen it.
    refresh(&app, &token).await.problem(401, "token_not_valid");
    refresh(&app, &third["refresh"]).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn inside_the_grace_the_successor_is_the_same_byte_for_byte() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    app.advance(TimeDelta::seconds(90));
    let first = refresh(&app, &token).await.ok();
    app.advance(TimeDelta::seconds(29));
    let other_process = app.second_process().await;
    assert_eq!(refresh(&other_process, &token).await.ok(), first);
    app.advance(TimeDelta::seconds(2));
    refresh(&app, &token).await.problem(401, "token_not_valid");
    refresh(&app, &first["refresh"]).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0, "a reused token ends its session");
}

#[tokio::test]
async fn only_the_session_of_the_reused_token_ends() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, stolen) = logged_in(&app, &ann).await;
    let (_, other) = logged_in(&app, &ann).await;
    refresh(&app, &stolen).await.ok();
    app.advance(TimeDelta::seconds(31));
    refresh(&app, &stolen).await.problem(401, "token_not_valid");
    refresh(&app, &other).await.ok();
}

#[tokio::test]
async fn a_change_of_the_password_ends_every_other_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let (_, phone) = logged_in(&app, &ann).await;
    let change = json!({ "old_password": PASSWORD, "new_password": OTHER_PASSWORD });
    here.post("/api/users/me/password/", change).await.expect(204);
    refresh(&app, &phone).await.problem(401, "token_not_valid");
    verify(&app, &phone).await.problem(401, "token_not_valid");
    refresh(&app, &mine).await.ok();
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
    log_in(&app, &ann.email, OTHER_PASSWORD).await.ok();
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_race_a_change_of_the_password_end_by_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let change = json!({ "old_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let racing = join_all((0..2).map(|_| log_in(&app, &ann.email, PASSWORD)));
    let (changed, raced) = tokio::join!(here.post("/api/users/me/password/", change), racing);
    if changed.status != 204 {
        // The parallel attempts have made it wait; then nothing was changed.
        changed.problem(429, "throttled");
        return;
    }
    for login in raced {
        if login.status == 200 {
            refresh(&app, &login.json()["refresh"]).await.problem(401, "token_not_valid");
        }
    }
    refresh(&app, &mine).await.ok();
    app.check().await;
}

#[tokio::test]
async fn devices_are_listed_and_logged_out() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (here, mine) = logged_in(&app, &ann).await;
    let phone = app
        .post("/api/token/")
        .header("user-agent", "Phone/1.0")
        .json(&json!({ "email": ann.email, "password": PASSWORD }))
        .send()
        .await
        .ok();
    let devices = here.all("/api/users/me/sessions/").await;
    assert_eq!(devices.len(), 2);
    let current: Vec<bool> = devices.iter().map(|device| device["current"].as_bool().unwrap()).collect();
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    let other = devices.iter().find(|device| device["current"] == false).unwrap();
    assert_eq!(other["user_agent"], "Phone/1.0");
    let path = format!("/api/users/me/sessions/{}/", other["session_id"].as_str().unwrap());
    let ben = app.user("ben").await;
    ben.delete(&path).await.problem(404, "not_found");
    here.delete(&path).await.expect(204);
    here.get(&path).await.problem(404, "not_found");
    refresh(&app, &phone["refresh"]).await.problem(401, "token_not_valid");
    refresh(&app, &mine).await.ok();
}

#[tokio::test]
async fn logging_out_ends_the_line_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, token) = logged_in(&app, &ann).await;
    let next = refresh(&app, &token).await.ok();
    app.post("/api/token/blacklist/").json(&json!({ "refresh": next["refresh"] })).send().await.ok();
    refresh(&app, &next["refresh"]).await.problem(401, "token_not_valid");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    assert_eq!(sessions(&app, &ann).await, 0);
}

#[tokio::test]
async fn a_closed_account_leaves_its_messages_and_nothing_else() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (ann, token) = logged_in(&app, &ann).await;
    let conversation = ann.group(&[&ben]).await;
    ann.send(&conversation, "hush, from ann").await;
    ann.delete("/api/users/me/").await.expect(204);
    log_in(&app, &ann.email, PASSWORD).await.problem(401, "invalid_credentials");
    refresh(&app, &token).await.problem(401, "token_not_valid");
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    let late = ann.try_send(&conversation, "hush, late").await;
    assert!([400, 401].contains(&late.status), "{late}");
    let messages = ben.messages(&conversation).await;
    assert_eq!(messages.len(), 1);
    let sender = &messages[0]["sender"];
    assert_eq!(
        (&sender["user_id"], &sender["email"], &sender["phone_number"]),
        (&json!(ann.id), &Value::Null, &Value::Null)
    );
    assert!(!sender.to_string().contains("Tester"), "{sender}");
    assert_eq!(ben.all(&format!("/api/users/?email={}", ann.email)).await.len(), 0);
    ben.open_direct(&ann).await.refuses("participants");
    // The email is free again, for another account.
    let again = register(&app, &ann.email).await.created();
    assert_ne!(again["user_id"], ann.id.as_str());
    app.check().await;
}

#[tokio::test]
async fn attempts_are_slowed_down_and_never_for_good() {
    let app = TestApp::new().await;
    app.freeze();
    let ann = app.user("ann").await;
    let nobody = unique_email("nobody");
    for email in [&ann.email, &nobody] {
        let mut waited = 0;
        let mut failed = 0;
        while failed < 8 {
            let answer = log_in(&app, email, "wrong-horse-battery").await;
            if answer.status == 429 {
                let seconds: i64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&seconds), "{answer}");
                answer.problem(429, "throttled");
                app.advance(TimeDelta::seconds(seconds));
                waited += seconds;
            } else {
                answer.problem(401, "invalid_credentials");
                failed += 1;
            }
        }
        assert!(waited >= 1 + 2 + 4 + 8 + 16, "{email}: waited {waited} s for eight failures");
    }
    app.advance(TimeDelta::seconds(60));
    log_in(&app, &ann.email, PASSWORD).await.ok();
    // Success resets: the next mistake is not punished.
    log_in(&app, &ann.email, "wrong-horse-battery").await.problem(401, "invalid_credentials");
    log_in(&app, &ann.email, PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_in_parallel_are_all_counted() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let guesses = join_all((0..12).map(|n| {
        let (app, email) = (app.api(), ann.email.clone());
        async move { log_in(&app, &email, &format!("wrong-horse-battery-{n}")).await.status }
    }))
    .await;
    let verified = guesses.iter().filter(|status| **status == 401).count();
    assert!(guesses.iter().all(|status| [401, 429].contains(status)), "{guesses:?}");
    assert!(verified <= 4, "{verified} of 12 guesses were looked at in one instant");
}

#[tokio::test]
async fn nobodys_email_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    // The quickest of three tries: what else the machine does can only slow one down.
    let timed = async |email: &str| {
        let mut quickest = Duration::MAX;
        let mut fingerprint = String::new();
        for _ in 0..3 {
            app.advance(TimeDelta::minutes(1));
            let begun = Instant::now();
            fingerprint = log_in(&app, email, "wrong-horse-battery").await.fingerprint();
            quickest = quickest.min(begun.elapsed());
        }
        (fingerprint, quickest)
    };
    let (wrong, took) = timed(&ann.email).await;
    let (nobody, took_too) = timed(&unique_email("nobody")).await;
    assert_eq!(wrong, nobody);
    // Both hash: an answer without a hash would come many times sooner.
    assert!(took_too * 4 > took, "{took:?} {took_too:?}");
    // And both ask the table alike.
    let (_, known) = app.proxy.measure(timed(&ann.email)).await;
    let (_, unknown) = app.proxy.measure(timed(&unique_email("nobody"))).await;
    assert_eq!((known.requests(), known.depth), (unknown.requests(), unknown.depth));
}

#[tokio::test]
async fn an_admin_by_token_alone_is_none() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin("admin").await);
    let claimed = app.people.token(ann.id.parse().unwrap(), shared::model::user::Role::Admin);
    let pretender = User { token: claimed, ..ann.clone() };
    pretender.get("/api/users/").await.problem(403, "permission_denied");
    let path = format!("/api/users/{}/", ann.id);
    pretender.patch(&path, json!({ "role": "admin" })).await.problem(403, "permission_denied");
    let (ben, cleo) = (app.user("ben").await, app.user("cleo").await);
    let theirs = ben.group(&[&cleo]).await;
    pretender.get(&format!("/api/conversations/{theirs}/")).await.problem(404, "not_found");
    // What an admin gives is effective at once, and what is taken too.
    assert_eq!(admin.patch(&path, json!({ "role": "admin" })).await.ok()["role"], "admin");
    pretender.get("/api/users/").await.ok();
    admin.patch(&path, json!({ "role": "guest" })).await.ok();
    pretender.get("/api/users/").await.problem(403, "permission_denied");
}

#[tokio::test]
async fn all_users_are_listed_for_admins_page_by_page() {
    let app = TestApp::new().await;
    let admin = app.admin("admin").await;
    let mut expected = vec![admin.id.clone()];
    for n in 0..7 {
        expected.push(app.user(&format!("user{n}")).await.id);
    }
    let all = admin.all("/api/users/?limit=3").await;
    let found: Vec<String> = all.iter().map(|user| user["user_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, expected, "by the time of their creation");
}

#[tokio::test]
async fn contact_is_shown_to_those_who_share_a_conversation() {
    let app = TestApp::new().await;
    let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
    let admin = app.admin("admin").await;
    ann.group(&[&ben]).await;
    let path = format!("/api/users/{}/", ann.id);
    for (viewer, shown) in [(&ann, true), (&ben, true), (&admin, true), (&cleo, false)] {
        let profile = viewer.get(&path).await.ok();
        assert_eq!(profile["email"] == ann.email.as_str(), shown, "{}", viewer.name);
        assert_eq!(profile["phone_number"].is_string(), shown, "{}", viewer.name);
        assert_eq!(profile["first_name"], "ann");
    }
    let found = cleo.all(&format!("/api/users/?email={}", ann.email)).await;
    assert_eq!((found.len(), &found[0]["user_id"]), (1, &json!(ann.id)));
}

#[tokio::test]
async fn keys_are_published_and_those_that_ended_do_not_verify() {
    let app = TestApp::new().await;
    let keys = app.get("/.well-known/jwks.json").send().await.ok();
    let keys = keys["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == app.people.signer.kid()).unwrap();
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "the private half");
    let ann = app.user("ann").await;
    ann.get("/api/users/me/").await.ok();
    // A successor is published, and the older key ends half an hour later.
    let now = app.app.clock.now();
    let next = shared::auth::Signer::from_seed([8; 32]).unwrap();
    let until = now + TimeDelta::minutes(30);
    app.app.store.publish_signing_key(next.kid(), next.public_x(), now, until).await.unwrap();
    app.advance(TimeDelta::minutes(29));
    let ann = app.renewed(&ann);
    ann.get("/api/users/me/").await.ok();
    app.advance(TimeDelta::minutes(6));
    let ann = app.renewed(&ann);
    ann.get("/api/users/me/").await.problem(401, "token_not_valid");
    let new = crate::harness::people::People { signer: std::sync::Arc::new(next), ..app.people.clone() };
    let token = new.token(ann.id.parse().unwrap(), shared::model::user::Role::Guest);
    User { token, ..ann }.get("/api/users/me/").await.ok();
}

#[tokio::test]
async fn an_end_of_a_key_is_not_lifted_by_a_process_of_the_old_release() {
    let app = TestApp::new().await;
    let old = app.people.signer.clone();
    let next = shared::auth::Signer::from_seed([8; 32]).unwrap();
    let now = app.app.clock.now() + TimeDelta::seconds(1);
    let store = &app.app.store;
    let until = now + TimeDelta::days(30);
    store.publish_signing_key(next.kid(), next.public_x(), now, until).await.unwrap();
    let end =
        async || app.table.get("KEYS", &format!("KEY#{}", old.kid())).await.unwrap()["not_after"].clone();
    assert_eq!(end().await, until.timestamp_micros());
    // A process of the old release starts late and publishes its key again; a second one of the new release, later still.
    let later = now + TimeDelta::days(1);
    store.publish_signing_key(old.kid(), old.public_x(), later, later + TimeDelta::days(30)).await.unwrap();
    store.publish_signing_key(next.kid(), next.public_x(), later, later + TimeDelta::days(30)).await.unwrap();
    assert_eq!(end().await, until.timestamp_micros());
    let standing = app.table.get("KEYS", &format!("KEY#{}", next.kid())).await.unwrap();
    assert!(!standing.contains_key("not_after"), "the present key has no end: {standing:?}");
}
