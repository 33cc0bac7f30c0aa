//! The message log under load: numbers without holes and repetitions. Readers during the writes see each message once,
//! in one order.

use std::{
    collections::HashMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::Value;
use shared::{ids::ConversationId, store::PATIENCE};
use tokio::sync::watch;

use crate::harness::{
    TestApp, User,
    answer::Answer,
    environment,
    user::{body_of, number_of},
};

const WRITERS: usize = 16;
/// The number of messages of each writer. `DynamoDB` Local executes one call at a time and needs milliseconds for it,
/// so it gets a tenth.
static EACH: LazyLock<usize> = LazyLock::new(|| if environment::dynamodb().is_some() { 20 } else { 200 });
/// A reader walks through the log once in this number of messages.
const WALK: usize = 320;

/// The result of one writer.
#[derive(Default)]
struct Writing {
    /// The longest duration of a request.
    slowest: Duration,
    /// The number of requests that failed with 503 and `Retry-After` and were repeated.
    repeated: usize,
}

/// Sends messages one after the other. Each is sent when the message before it was answered.
async fn write(user: User, conversation: String, sent: watch::Sender<usize>) -> Writing {
    let mut writing = Writing::default();
    for n in 0..*EACH {
        let body = format!("memo {} {n}", user.name);
        let mut answer = writing.time(user.try_send(&conversation, &body)).await;
        while answer.status == 503 {
            writing.repeated += 1;
            let key = answer.json()["client_id"].as_str().unwrap().to_owned();
            answer = writing.time(user.send_with_key(&conversation, &key, &body)).await;
        }
        assert!([200, 201].contains(&answer.status), "{answer}");
        sent.send_modify(|sent| *sent += 1);
    }
    writing
}

impl Writing {
    async fn time(&mut self, request: impl Future<Output = Answer>) -> Answer {
        let begun = Instant::now();
        let answer = request.await;
        self.slowest = self.slowest.max(begun.elapsed());
        answer
    }
}

/// The messages that one reader saw: number and text.
type Seen = Vec<(u64, String)>;

fn note(seen: &mut Seen, page: &Value) {
    let results = page["results"].as_array().unwrap();
    seen.extend(results.iter().map(|message| (number_of(message), body_of(message))));
}

/// Reads forward from the first message, each time when a message was sent.
async fn read_forward(user: User, conversation: String, mut sent: watch::Receiver<usize>) -> Seen {
    let id: ConversationId = conversation.parse().unwrap();
    sent.wait_for(|sent| *sent > 0).await.unwrap();
    let first = user.get(&format!("/api/messages/{}/", id.message(1))).await.ok();
    let mut seen = vec![(number_of(&first), body_of(&first))];
    while seen.len() < WRITERS * *EACH {
        sent.wait_for(|sent| *sent > seen.len()).await.unwrap();
        let last = id.message(seen.last().unwrap().0);
        note(&mut seen, &user.get(&format!("/api/messages/?after={last}&limit=50")).await.ok());
    }
    seen
}

/// Reads from the newest message back to the first, repeatedly during the writes.
async fn read_backward(user: User, conversation: String, mut sent: watch::Receiver<usize>) -> Vec<Seen> {
    let mut walks: Vec<Seen> = Vec::new();
    loop {
        let enough = walks.len() * WALK;
        let finished = *sent.wait_for(|sent| *sent >= enough).await.unwrap() == WRITERS * *EACH;
        let mut seen = Seen::new();
        let mut next = Some(format!("/api/messages/?conversation={conversation}&limit=100"));
        while let Some(link) = next {
            let page = user.get(&link).await.ok();
            note(&mut seen, &page);
            next = page["next"].as_str().map(str::to_owned);
        }
        walks.push(seen);
        if finished {
            return walks;
        }
    }
}

/// Opens the conversation at a message in the middle and reads to both ends, repeatedly during the writes.
async fn read_around(user: User, conversation: String, mut sent: watch::Receiver<usize>) -> Vec<Seen> {
    let id: ConversationId = conversation.parse().unwrap();
    let mut walks: Vec<Seen> = Vec::new();
    loop {
        let enough = (walks.len() * WALK).max(2);
        let there = *sent.wait_for(|sent| *sent >= enough).await.unwrap();
        let middle = id.message(there as u64 / 2);
        let page = user.get(&format!("/api/messages/?around={middle}&limit=40")).await.ok();
        let mut seen = Seen::new();
        note(&mut seen, &page);
        let (mut previous, mut next) = (page["previous"].clone(), page["next"].clone());
        while let Some(link) = previous.as_str() {
            let page = user.get(link).await.ok();
            let mut older = Seen::new();
            note(&mut older, &page);
            seen.splice(0..0, older);
            previous = page["previous"].clone();
        }
        while let Some(link) = next.as_str().filter(|_| seen.len() < there) {
            let page = user.get(link).await.ok();
            note(&mut seen, &page);
            next = page["next"].clone();
        }
        walks.push(seen);
        if there == WRITERS * *EACH {
            return walks;
        }
    }
}

/// Asserts that the numbers are consecutive and begin with `first`.
#[track_caller]
fn in_order(seen: &Seen, first: u64) {
    for (place, (number, body)) in seen.iter().enumerate() {
        assert_eq!(*number, first + place as u64, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_and_three_readers_agree() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut writers = Vec::new();
    for n in 0..WRITERS {
        writers.push(app.user(&format!("w{n}")).await);
    }
    let conversation = ann.group(&writers.iter().collect::<Vec<_>>()).await;
    let (sent, received) = watch::channel(0);
    let begun = Instant::now();
    let reading = (
        tokio::spawn(read_forward(ann.clone(), conversation.clone(), received.clone())),
        tokio::spawn(read_backward(ann.clone(), conversation.clone(), received.clone())),
        tokio::spawn(read_around(ann.clone(), conversation.clone(), received)),
    );
    let writing =
        writers.into_iter().map(|user| tokio::spawn(write(user, conversation.clone(), sent.clone())));
    let writings: Vec<Writing> = join_all(writing).await.into_iter().map(Result::unwrap).collect();
    let slowest = writings.iter().map(|writing| writing.slowest).max().unwrap();
    let repeated: usize = writings.iter().map(|writing| writing.repeated).sum();
    let took = begun.elapsed();
    let (forward, backward, around) =
        (reading.0.await.unwrap(), reading.1.await.unwrap(), reading.2.await.unwrap());

    in_order(&forward, 1);
    let truth: HashMap<u64, String> = forward.iter().cloned().collect();
    assert_eq!(truth.len(), WRITERS * *EACH, "no message is missing or repeated");
    for mut walk in backward {
        walk.reverse();
        in_order(&walk, 1);
        assert!(walk.iter().all(|(number, body)| truth[number] == *body));
    }
    for walk in around {
        in_order(&walk, 1);
        assert!(walk.iter().all(|(number, body)| truth[number] == *body));
    }
    let mut next = HashMap::new();
    for (_, body) in &forward {
        let (who, n) = body.rsplit_once(' ').unwrap();
        let expected = next.entry(who.to_owned()).or_insert(0);
        assert_eq!(
            n.parse::<usize>().unwrap(),
            *expected,
            "the messages of {who} are in the order of sending"
        );
        *expected += 1;
    }
    app.check().await;
    let (calls, puts) = app.proxy.counts();
    #[expect(clippy::cast_precision_loss, reason = "at most a few thousand calls")]
    let per_message = |count: usize| count as f64 / (WRITERS * *EACH) as f64;
    eprintln!(
        "{WRITERS} writers, {} messages each: {took:.1?}, {:.2} puts and {:.1} calls a message, slowest send {slowest:.2?}, \
         {repeated} repeated",
        *EACH,
        per_message(puts),
        per_message(calls)
    );
    // The number of repeated requests is only printed, because it depends on the speed of the machine. A request fails
    // with 503 after 5 seconds.
    assert!(slowest < PATIENCE * 2, "{slowest:?}: a request exceeded its time limit");
}
