//! Bad input as data: each row contains a request and the status, code and field of its answer. No row is answered with
//! a 5xx, and no row writes anything.

mod auth;
mod bodies;
mod browser;
mod fields;
mod places;

use serde_json::json;

use crate::harness::{
    Answer, Request, User,
    app::TestApp,
    gaps,
    network::{BlackBox, unique_email},
    people::{PASSWORD, People},
    table::text,
};

/// The body of a request.
#[derive(Clone)]
pub enum Body {
    None,
    /// JSON, in which placeholders such as `{conversation}` are replaced.
    Json(String),
    /// An urlencoded form, in which placeholders are replaced.
    Form(&'static str),
    /// The media type and the bytes; an empty media type sends no `Content-Type`.
    Raw(&'static str, Vec<u8>),
}

/// The authentication of a request.
#[derive(Clone)]
pub enum As {
    User,
    Nobody,
    /// A value of the header `Authorization`.
    Header(String),
    /// A token that the test makes. It needs the signing key, so it is skipped for a server at `API_URL`.
    Made(fn(&People, &World) -> String),
}

/// A bad request and its expected answer.
#[derive(Clone)]
pub struct Row {
    pub name: String,
    pub method: &'static str,
    pub path: String,
    pub body: Body,
    pub who: As,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub status: u16,
    pub code: &'static str,
    /// The expected field in `errors`; empty if there is none.
    pub field: &'static str,
    /// The case in `gaps` of this row; `None` if every server has to pass it.
    pub gap: Option<&'static str>,
}

impl Row {
    pub fn new(name: &str, method: &'static str, path: &str) -> Self {
        Self {
            name: name.to_owned(),
            method,
            path: path.to_owned(),
            body: Body::None,
            who: As::User,
            headers: Vec::new(),
            status: 400,
            code: "invalid_request",
            field: "",
            gap: None,
        }
    }

    pub fn json(mut self, body: &str) -> Self {
        self.body = Body::Json(body.to_owned());
        self
    }

    pub fn form(mut self, body: &'static str) -> Self {
        self.body = Body::Form(body);
        self
    }

    pub fn raw(mut self, media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Raw(media, body.into());
        self
    }

    pub fn who(mut self, who: As) -> Self {
        self.who = who;
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Expects a 400 `invalid_request` with this field in `errors`.
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = field;
        self
    }

    pub fn is(mut self, status: u16, code: &'static str) -> Self {
        (self.status, self.code) = (status, code);
        self
    }

    pub fn malformed(self) -> Self {
        self.is(400, "malformed_body")
    }

    pub fn gap(mut self, case: &'static str) -> Self {
        self.gap = Some(case);
        self
    }
}

/// The users and ids that the placeholders of the rows stand for.
pub struct World {
    pub ann: User,
    pub ben: User,
    pub conversation: String,
    pub message: String,
    pub elsewhere: String,
    pub beyond: String,
    pub refresh: String,
}

impl World {
    async fn new(api: &BlackBox) -> Self {
        let (mut ann, ben) = (api.user("ann").await, api.user("ben").await);
        let login = json!({ "email": ann.email, "password": PASSWORD });
        let tokens = api.api.post("/api/token/").json(&login).send().await.ok();
        ann.token = tokens["access"].as_str().unwrap().to_owned();
        let conversation = ann.group(&[&ben]).await;
        let other = ann.group(&[&ben]).await;
        let message = ann.send(&conversation, "memo").await;
        let elsewhere = ann.send(&other, "memo").await;
        let id = |message: &serde_json::Value| message["message_id"].as_str().unwrap().to_owned();
        let beyond = conversation.parse::<shared::ids::ConversationId>().unwrap().message(999).to_string();
        Self {
            ann,
            ben,
            message: id(&message),
            elsewhere: id(&elsewhere),
            beyond,
            conversation,
            refresh: tokens["refresh"].as_str().unwrap().to_owned(),
        }
    }

    fn fill(&self, text: &str) -> String {
        let places = [
            ("{conversation}", &self.conversation),
            ("{message}", &self.message),
            ("{elsewhere}", &self.elsewhere),
            ("{beyond}", &self.beyond),
            ("{ann}", &self.ann.id),
            ("{ben}", &self.ben.id),
            ("{access}", &self.ann.token),
            ("{refresh}", &self.refresh),
            ("{taken}", &self.ben.email),
            ("{new}", &unique_email("new")),
        ];
        places.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Returns the request of a row; `None` if it needs an unknown signing key.
    fn request(&self, api: &BlackBox, row: &Row) -> Option<Request> {
        let path = self.fill(&row.path);
        let mut request = api.api.request(row.method.parse().unwrap(), &path);
        request = match &row.who {
            As::User => request.bearer(&self.ann.token),
            As::Nobody => request,
            As::Header(value) => request.header("authorization", &self.fill(value)),
            As::Made(make) => request.bearer(&make(&api.app.as_ref()?.people, self)),
        };
        request = match &row.body {
            Body::None => request,
            Body::Json(body) => request.raw("application/json", self.fill(body).as_bytes()),
            Body::Form(body) => request.form(&self.fill(body)),
            Body::Raw(media, body) => request.raw(media, body),
        };
        let headers = row.headers.iter();
        Some(headers.fold(request, |request, (name, value)| request.header_bytes(name, value)))
    }
}

/// Returns `None` if the answer is as expected, otherwise a description of the difference.
fn judge(row: &Row, answer: &Answer) -> Option<String> {
    let body = answer.json();
    let named = row.field.is_empty() || body["errors"][row.field].is_array();
    let complete = answer.header("content-type") == Some("application/problem+json")
        && body["request_id"].as_str() == answer.header("x-request-id")
        && (answer.status == 401) == answer.header("www-authenticate").is_some()
        && (answer.status == 405) == answer.header("allow").is_some();
    let head = row.method == "HEAD";
    let right = answer.status == row.status && (head || (answer.code() == row.code && named && complete));
    let expected = format!("{} {} {}", row.status, row.code, row.field);
    (!right).then(|| format!("{}: expected {expected}, {}", row.name, shortened(&answer.to_string())))
}

fn shortened(text: &str) -> String {
    text.chars().take(600).collect()
}

fn rows() -> Vec<Row> {
    [auth::rows(), bodies::rows(), browser::rows(), fields::rows(), places::rows()].concat()
}

#[test]
fn there_are_enough_rows_and_none_twice() {
    let rows = rows();
    assert!(rows.len() >= 120, "{}", rows.len());
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "two rows have the same name");
    eprintln!("{count} rows of bad input");
}

#[tokio::test]
async fn every_row_is_refused_as_it_says_and_leaves_nothing_behind() {
    let api = BlackBox::start().await;
    let world = World::new(&api).await;
    let mut before = count(api.app.as_ref()).await;
    let mut wrong = Vec::new();
    for row in rows() {
        if row.gap.is_some_and(gaps::skips) {
            continue;
        }
        let Some(request) = world.request(&api, &row) else {
            eprintln!("skipped: {}: the signing key of a server elsewhere is not known", row.name);
            continue;
        };
        let answer = request.send().await;
        wrong.extend(judge(&row, &answer));
        let now = count(api.app.as_ref()).await;
        if now != before {
            wrong.push(format!("{}: something was written", row.name));
            before = now;
        }
    }
    let bodies = world.ann.bodies(&world.conversation).await;
    if bodies != ["memo"] {
        wrong.push(format!("a message was sent or changed: {bodies:?}"));
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Returns the number of items in the table, without the tallies of attempts to log in; `None` for a server at `API_URL`.
async fn count(app: Option<&TestApp>) -> Option<usize> {
    match app {
        Some(app) => {
            let items = app.table.items().await;
            Some(items.iter().filter(|item| !text(item, "sk").starts_with("TALLY#")).count())
        }
        None => None,
    }
}
