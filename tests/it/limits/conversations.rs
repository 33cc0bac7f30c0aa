//! The limit of one user's new conversations and added participants: a bucket of tokens.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use shared::config::{ConversationLimit, Limits};

use super::{three, wait, waits};
use crate::harness::{
    TestApp, User,
    call::{Operation::Transact, on},
    race::{held, past_its_own_try, reads_its_own_try},
    table::number,
    user::id_of,
};

/// A bucket with one new token in each minute.
pub(super) fn bucket(size: u32) -> Limits {
    Limits { conversations: Some(ConversationLimit { size, refill: 60 }), ..Limits::NONE }
}

async fn tokens(app: &TestApp, user: &User) -> Option<u64> {
    let bucket = app.table.get(&format!("LIMITS#{}", user.id), "CREATE").await?;
    Some(number(&bucket, "tokens"))
}

#[tokio::test]
async fn a_user_starts_conversations_after_the_time_in_the_answer() {
    let (app, [ann, ben, cleo]) = three(bucket(3)).await;
    let direct = ann.direct(&ben).await;
    let group = ann.group(&[&ben, &cleo]).await;
    assert_eq!(tokens(&app, &ann).await, Some(0));
    assert_eq!(ann.direct(&ben).await, direct, "a conversation that exists costs nothing");
    waits(&app, 60, || ann.open_direct(&cleo)).await.created();
    wait(ann.post("/api/conversations/", json!({ "participants": [ann.id] })).await);
    ann.remove(&group, &ben).await.expect(204);
    ann.leave(&group).await.expect(204);
    assert_eq!(tokens(&app, &ann).await, Some(0), "leaving costs nothing");
    let answer = ann.post("/api/conversations/", json!({ "participants": [ben.id, cleo.id] })).await;
    assert_eq!(wait(answer), 120);
    ben.direct(&cleo).await;
    app.check().await;
}

#[tokio::test]
async fn each_added_participant_counts() {
    let (app, [ann, ben, cleo]) = three(bucket(3)).await;
    let dan = app.user("dan").await;
    let group = ann.group(&[&ben]).await;
    let path = format!("/api/conversations/{group}/");
    ann.add(&group, &[&ben, &cleo]).await.ok();
    assert_eq!(tokens(&app, &ann).await, Some(1), "a present participant costs nothing");
    let all = [&ann.id, &ben.id, &cleo.id, &dan.id];
    ann.patch(&path, json!({ "participants": all })).await.ok();
    ann.remove(&group, &dan).await.expect(204);
    for answer in [
        ann.patch(&path, json!({ "participants": all })).await,
        ann.put(&path, json!({ "participants": all, "name": "memo" })).await,
        ann.add(&group, &[&dan]).await,
    ] {
        assert_eq!(wait(answer), 60);
    }
    ann.patch(&path, json!({ "participants": all[..3], "name": "memo" })).await.ok();
    ben.add(&group, &[&dan]).await.ok();
    app.check().await;
}

#[tokio::test]
async fn admins_start_any_number_of_conversations() {
    let (app, [ann, ben, cleo]) = three(bucket(1)).await;
    let admin = app.admin("admin").await;
    let group = admin.group(&[&ann, &ben]).await;
    admin.direct(&ann).await;
    admin.direct(&ben).await;
    admin.add(&group, &[&cleo]).await.ok();
    assert_eq!(tokens(&app, &admin).await, None);
}

#[tokio::test]
async fn a_request_that_no_bucket_can_pay_for_is_a_400() {
    let (_app, [ann, ben, cleo]) = three(bucket(1)).await;
    let body = json!({ "participants": [ben.id, cleo.id] });
    ann.post("/api/conversations/", body).await.refuses("participants");
    let group = ann.group(&[&ben]).await;
    let path = format!("/api/conversations/{group}/participants/");
    let dan = "00000000-0000-4000-8000-000000000000";
    ann.post(&path, json!({ "participants": [dan] })).await.refuses("participants");
    ben.post(&path, json!({ "participants": [cleo.id] })).await.ok();
}

#[tokio::test]
async fn a_repeated_creation_is_found_though_the_bucket_is_empty() {
    let (app, [ann, ben, cleo]) = three(bucket(1)).await;
    let (key, other_key) = (app.key(), app.key());
    let create = async |other: &User, key: &str| {
        let body = json!({ "participants": [other.id], "client_id": key });
        ann.post("/api/conversations/", body).await
    };
    let made = create(&ben, &key).await.created();
    assert_eq!(id_of(&create(&ben, &key).await.ok()), id_of(&made));
    create(&cleo, &key).await.problem(409, "client_id_reused");
    wait(create(&ben, &other_key).await);
    assert_eq!(tokens(&app, &ann).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_at_once_take_no_more_than_the_bucket_has() {
    let (app, [ann, ben, cleo]) = three(bucket(10)).await;
    let group = cleo.group(&[&ann]).await;
    let new =
        (0..49).map(|_| async { ann.post("/api/conversations/", json!({ "participants": [ben.id] })).await });
    let add = async { ann.add(&group, &[&ben]).await };
    let (mut answers, added) = tokio::join!(join_all(new), add);
    answers.push(added);
    let served = answers.iter().filter(|answer| [200, 201].contains(&answer.status)).count();
    assert_eq!(served, 10, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in answers.into_iter().filter(|answer| ![200, 201].contains(&answer.status)) {
        assert_eq!(wait(answer), 60);
    }
    assert_eq!(tokens(&app, &ann).await, Some(0));
    app.check().await;
}

/// The bucket has the state that the late request has read, except the tokens or the time.
#[tokio::test]
async fn a_payment_past_another_one_pays_from_what_is_left() {
    for advanced in [TimeDelta::zero(), TimeDelta::seconds(60)] {
        let (app, [ann, ben, cleo]) = three(bucket(3)).await;
        ann.direct(&ben).await;
        let begin = app.app.clock.now();
        let first = async {
            app.advance(advanced);
            ann.group(&[&ben]).await
        };
        let (late, _) = held(&app, on(Transact).of("META"), ann.open_direct(&cleo), first).await;
        late.created();
        let left = u64::from(!advanced.is_zero());
        let bucket = app.table.get(&format!("LIMITS#{}", ann.id), "CREATE").await.unwrap();
        let updated_at = (begin + advanced).timestamp_micros().cast_unsigned();
        assert_eq!((number(&bucket, "tokens"), number(&bucket, "updated_at")), (left, updated_at));
    }
}

#[tokio::test]
async fn a_first_payment_past_another_one_does_not_replace_it() {
    let (app, [ann, ben, cleo]) = three(bucket(3)).await;
    let (late, _) = held(&app, on(Transact).of("META"), ann.open_direct(&cleo), ann.group(&[&ben])).await;
    late.created();
    assert_eq!(tokens(&app, &ann).await, Some(1));
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_paid_once() {
    let (app, [ann, ben, cleo]) = three(bucket(3)).await;
    past_its_own_try(&app, ann.open_direct(&ben)).await.created();
    assert_eq!(tokens(&app, &ann).await, Some(2));
    let group = ann.group(&[&ben]).await;
    reads_its_own_try(&app, ann.add(&group, &[&cleo])).await.ok();
    assert_eq!(tokens(&app, &ann).await, Some(0));
    let shown = ann.conversation(&group).await;
    assert_eq!(shown["participant_count"], 3);
}

#[tokio::test]
async fn a_creation_whose_own_try_has_emptied_the_bucket_is_done() {
    let (app, [ann, ben, _]) = three(bucket(1)).await;
    past_its_own_try(&app, ann.open_direct(&ben)).await.created();
    assert_eq!(tokens(&app, &ann).await, Some(0));
}

#[tokio::test]
async fn a_bucket_is_full_again_when_it_is_forgotten() {
    let (app, [ann, ben, cleo]) = three(bucket(2)).await;
    ann.group(&[&ben, &cleo]).await;
    let bucket = app.table.get(&format!("LIMITS#{}", ann.id), "CREATE").await.unwrap();
    let left = number(&bucket, "expires_at").cast_signed() - app.app.clock.now().timestamp();
    assert!((120..=122).contains(&left), "{left}");
    app.advance(TimeDelta::seconds(left));
    app.table.remove(&format!("LIMITS#{}", ann.id), "CREATE").await;
    ann.group(&[&ben, &cleo]).await;
    wait(ann.open_direct(&ben).await);
}
