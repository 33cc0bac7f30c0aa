//! Every fault of a request is reported in one answer, under its field: unknown fields, wrong types, missing fields,
//! bad values and bad parameters. The requests are made from the OpenAPI document, with generated combinations of
//! faults.

mod operations;
mod together;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Map, Value, json};

use self::operations::{Dice, Make, Operation, bad_parameter, bad_value};
use crate::harness::{
    Answer, TestApp, User, browser::encoded, description::DOCUMENT, network::unique_email, people::PASSWORD,
    user::message_path,
};

/// The number of combinations for each operation.
const ROUNDS: usize = 12;

struct World {
    admin: User,
    ids: BTreeMap<&'static str, String>,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let (admin, ben) = (app.admin("admin").await, app.user("ben").await);
        let conversation = admin.group(&[&ben]).await;
        let message = message_path(&admin.send(&conversation, "memo").await);
        let message = message.split('/').nth(3).unwrap().to_owned();
        let report = admin.post("/api/reports/", json!({ "user": ben.id, "reason": "spam" })).await.created();
        let report = report["report_id"].as_str().unwrap().to_owned();
        let ids =
            [("conversations", conversation), ("messages", message), ("reports", report), ("users", ben.id)];
        Self { admin, ids: ids.into() }
    }

    /// Returns the operations with fields or parameters, with ids of existing resources in their paths.
    fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (template, methods) in DOCUMENT["paths"].as_object().unwrap() {
            let folder = template.split('/').nth(2).unwrap_or_default();
            let id = self.ids.get(folder).map(String::as_str).unwrap_or_default();
            let path = template.replace("{id}", id).replace("{user_id}", &self.ids["users"]);
            let path = path.replace("{emoji}", "%F0%9F%91%8D");
            for (method, operation) in methods.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let operation = Operation::read(method, path.clone(), operation);
                if !operation.fields.is_empty() || !operation.parameters.is_empty() {
                    found.push(operation);
                }
            }
        }
        found
    }

    fn good(&self, field: &str) -> Value {
        match field {
            "conversation" => json!(self.ids["conversations"]),
            "message" => json!(self.ids["messages"]),
            "participants" => json!([self.ids["users"]]),
            "email" => json!(unique_email("new")),
            "password" | "old_password" | "new_password" => json!(PASSWORD),
            "reason" => json!("spam"),
            "metadata" => json!({ "a": 1 }),
            _ => json!("A"),
        }
    }

    async fn send(&self, operation: &Operation, query: &str, body: &Sent) -> Answer {
        let path = format!("{}{query}", operation.path);
        let request = self.admin.request(operation.method.clone(), &path);
        match body {
            Sent::None => request.send().await,
            Sent::Json(body) => request.json(body).send().await,
            Sent::Form(body) => request.form(body).send().await,
        }
    }
}

enum Sent {
    None,
    Json(Value),
    Form(String),
}

/// Returns a description of the error unless the answer contains exactly these fields.
fn judge(what: &str, answer: &Answer, expected: &BTreeSet<String>) -> Option<String> {
    let body = answer.json();
    let errors = body["errors"].as_object().cloned().unwrap_or_default();
    let named: BTreeSet<String> = errors.keys().cloned().collect();
    let right = answer.status == 400 && answer.code() == "invalid_request" && named == *expected;
    (!right).then(|| format!("{what}: expected {expected:?}: {answer}"))
}

#[tokio::test]
async fn all_faults_of_a_body_are_named() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let (mut wrong, mut requests, mut dice) = (Vec::new(), 0, Dice(7));
    let operations = world.operations();
    let with_bodies: Vec<&Operation> = operations.iter().filter(|one| !one.fields.is_empty()).collect();
    assert!(with_bodies.len() >= 14, "{}", with_bodies.len());
    for operation in with_bodies {
        for _ in 0..ROUNDS {
            let plan = operation.plan(&mut dice);
            let mut expected = operation.faults(&plan);
            let mut body = Map::new();
            for (name, make) in &plan {
                match make {
                    Make::Good => drop(body.insert(name.clone(), world.good(name))),
                    Make::WrongType => drop(body.insert(name.clone(), json!(7.5))),
                    Make::BadValue => drop(body.insert(name.clone(), bad_value(name).unwrap())),
                    Make::Absent => {}
                }
            }
            let query = if dice.roll(2) == 0 { "?page=2" } else { "" };
            expected.extend((!query.is_empty()).then(|| "page".to_owned()));
            for unknown in ["nonsense", "pk", "__proto__"].iter().take(dice.roll(4)) {
                body.insert((*unknown).to_owned(), json!({ "a": [1] }));
                expected.insert((*unknown).to_owned());
            }
            if expected.is_empty() {
                continue;
            }
            let what = format!("{} {}{query} {}", operation.method, operation.path, json!(body));
            let answer = world.send(operation, query, &Sent::Json(Value::Object(body))).await;
            wrong.extend(judge(&what, &answer, &expected));
            requests += 1;
        }
    }
    assert!(requests > 100, "{requests}");
    assert!(wrong.is_empty(), "{} of {requests}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn all_faults_of_a_form_are_named() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let (mut wrong, mut dice) = (Vec::new(), Dice(11));
    for operation in world.operations().iter().filter(|operation| !operation.fields.is_empty()) {
        for _ in 0..ROUNDS / 2 {
            let mut plan = operation.plan(&mut dice);
            // In a form, every value is text, so no field has a wrong type.
            plan.iter_mut().filter(|(_, make)| *make == Make::WrongType).for_each(|(_, make)| {
                *make = Make::Absent;
            });
            let mut expected = operation.faults(&plan);
            let mut pairs =
                vec![("nonsense", "1".to_owned()), ("twice", "1".to_owned()), ("twice", "2".to_owned())];
            expected.extend(["nonsense", "twice"].map(str::to_owned));
            for (name, make) in &plan {
                let value = match make {
                    Make::Good => world.good(name),
                    Make::BadValue => bad_value(name).unwrap(),
                    _ => continue,
                };
                let texts = value.as_array().cloned().unwrap_or_else(|| vec![value]);
                pairs.extend(texts.iter().map(|text| (name.as_str(), text.as_str().unwrap().to_owned())));
            }
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let form = encoded(&pairs);
            let what = format!("{} {} {form}", operation.method, operation.path);
            let answer = world.send(operation, "", &Sent::Form(form)).await;
            wrong.extend(judge(&what, &answer, &expected));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn all_faults_of_a_query_are_named() {
    let app = TestApp::new().await;
    let world = World::new(&app).await;
    let (mut wrong, mut requests, mut dice) = (Vec::new(), 0, Dice(13));
    for operation in world.operations().iter().filter(|operation| operation.fields.is_empty()) {
        for _ in 0..ROUNDS {
            let own = operation.parameters.iter().map(String::as_str);
            let bad: Vec<&str> = own.filter(|_| dice.roll(3) > 0).collect();
            let pairs = bad.iter().map(|name| format!("{name}={}", bad_parameter(name)));
            let query = pairs.chain(["page=2", "page=3", "sort=up"].map(str::to_owned)).collect::<Vec<_>>();
            let expected = bad.into_iter().chain(["page", "sort"]).map(str::to_owned).collect();
            let query = format!("?{}", query.join("&"));
            let answer = world.send(operation, &query, &Sent::None).await;
            wrong.extend(judge(&format!("{}{query}", operation.path), &answer, &expected));
            requests += 1;
        }
    }
    assert!(requests > 50, "{requests}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn rules_that_need_the_caller_or_the_conversation_are_checked_beside_the_others() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let direct = ann.direct(&ben).await;
    let group = ann.group(&[&ben]).await;
    let named = |answer: Answer| {
        let errors = answer.problem(400, "invalid_request")["errors"].clone();
        errors.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let me = ann.patch("/api/users/me/", json!({ "role": "admin", "email": "x", "first_name": "", "x": 1 }));
    assert_eq!(named(me.await), ["email", "first_name", "role", "x"]);
    let body = json!({ "participants": [ann.id], "kind": "direct", "name": "x", "client_id": 1, "x": 1 });
    assert_eq!(
        named(ann.post("/api/conversations/", body).await),
        ["client_id", "name", "participants", "x"]
    );
    let body = json!({ "participants": [ann.id], "kind": "direct", "name": "x", "x": 1 });
    assert_eq!(named(ann.post("/api/conversations/", body).await), ["name", "participants", "x"]);
    let path = format!("/api/conversations/{direct}/");
    let body = json!({ "kind": "group", "name": "x", "participants": [ann.id], "x": 1, "metadata": 1 });
    assert_eq!(named(ann.patch(&path, body).await), ["kind", "metadata", "name", "participants", "x"]);
    let sent = ann.send(&direct, "memo").await;
    let other = message_path(&sent).split('/').nth(3).unwrap().to_owned();
    let body = json!({ "conversation": group, "message_body": "", "reply_to": other, "after": other });
    assert_eq!(named(ann.post("/api/messages/", body).await), ["after", "message_body", "reply_to"]);
    let query = format!("/api/messages/?conversation={group}&before={other}&after={other}&cursor=x&limit=0");
    assert_eq!(named(ann.get(&query).await), ["after", "before", "cursor", "limit"]);
}

#[tokio::test]
async fn a_header_that_stands_for_a_field_is_one_of_the_faults() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for (path, body) in [("/api/messages/", json!({ "x": 1 })), ("/api/conversations/", json!({ "x": 1 }))] {
        let request = ann.request(Method::POST, path).header("idempotency-key", "mine").json(&body);
        let errors = request.send().await.problem(400, "invalid_request")["errors"].clone();
        assert!(errors["Idempotency-Key"].is_array() && errors["x"].is_array(), "{path}: {errors}");
    }
}

#[tokio::test]
async fn of_very_many_faults_the_first_are_named_and_the_others_counted() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let many: Map<String, Value> = (0..5000).map(|n| (format!("f{n}"), Value::Null)).collect();
    let problem = ann.patch("/api/users/me/", Value::Object(many)).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"].as_object().unwrap().len(), shared::model::MAX_FAULTS);
    assert!(problem["detail"].as_str().unwrap().contains("not listed: 4900"), "{problem}");
    let form = (0..64_000).map(|n| format!("f{n}=")).collect::<Vec<_>>().join("&");
    let form = &form[..200_000];
    let answer = app.api().post("/api/token/").form(form).send().await;
    answer.problem(400, "malformed_body");
}
