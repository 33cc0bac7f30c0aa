//! One simulation: several operations at a time with faults, then rest, then the checks of the whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::Method;
use futures::future::join_all;
use rand::RngExt as _;
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::{
    client::Client,
    engine::OPERATION,
    model::Model,
    operations,
    random::generator,
    trace::Trace,
    walks,
    world::{TABLE, World},
};

/// The users who exist at the beginning.
const USERS: u64 = 8;

/// The operations that run at the same time.
const AT_ONCE: u64 = 10;

/// Operations of the preparation and of the end have numbers from here on.
const PREPARATION: u64 = 1 << 40;
const END: u64 = 1 << 41;

/// The operations to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub operations: u64,
    /// The operations that are left out.
    pub without: BTreeSet<u64>,
    pub has_faults: bool,
    pub is_traced: bool,
}

/// The result of a simulation.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<String>,
    pub outcomes: BTreeMap<(&'static str, u16), u64>,
    pub faults: BTreeMap<&'static str, u64>,
    pub trace: String,
    /// The virtual time that has passed.
    pub elapsed: Duration,
}

/// Runs a simulation on one thread in virtual time.
pub fn run(plan: &Plan) -> Report {
    // The AWS SDK takes the jitter of its retries from this generator.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(simulate(plan)).unwrap_or_else(|error| Report {
            findings: vec![format!("the simulation has failed: {error}")],
            ..Report::default()
        }),
        Err(error) => Report { findings: vec![error.to_string()], ..Report::default() },
    }
}

async fn simulate(plan: &Plan) -> Result<Report, String> {
    let trace = Trace::new(plan.is_traced);
    let world = Arc::new(World::new(plan.seed, trace.clone()).await?);
    let model = Arc::new(Mutex::new(Model::default()));
    let stage = Stage { world: world.clone(), model: model.clone(), seed: plan.seed };
    for number in 0..USERS {
        let mut client = stage.client(PREPARATION + number, "register");
        stage.inside(&mut client, async |client| operations::register(client).await.is_some()).await;
    }
    world.engine.set_faulty(plan.has_faults);
    join_all((0..AT_ONCE).map(|worker| stage.work(plan, worker))).await;
    world.engine.set_faulty(false);
    stage.rest().await;
    let mut report = Report {
        faults: world.engine.faults(),
        trace: trace.text(),
        elapsed: world.elapsed(),
        ..Report::default()
    };
    let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
    report.findings = std::mem::take(&mut model.findings);
    report.outcomes = std::mem::take(&mut model.outcomes);
    Ok(report)
}

struct Stage {
    world: Arc<World>,
    model: Arc<Mutex<Model>>,
    seed: u64,
}

impl Stage {
    fn client(&self, number: u64, kind: &'static str) -> Client {
        let rng = generator(self.seed, &[number, u64::MAX]);
        Client { world: self.world.clone(), model: self.model.clone(), rng, number, kind }
    }

    /// Runs a part as the operation of its client, so that the engine knows whose calls it gets.
    async fn inside<T>(&self, client: &mut Client, run: impl AsyncFnOnce(&mut Client) -> T) -> T {
        let operation = (client.number, Arc::new(Mutex::new(0)));
        OPERATION.scope(operation, run(client)).await
    }

    /// Runs every `AT_ONCE`-th operation, one after the other.
    async fn work(&self, plan: &Plan, worker: u64) {
        for number in (worker..plan.operations).step_by(usize::try_from(AT_ONCE).unwrap_or(1)) {
            let mut client = self.client(number, "");
            client.kind = operations::kind(&mut client.rng);
            let pause = Duration::from_millis(client.rng.random_range(0..60));
            // Once in a while an instance starts with a new key.
            let rotates = plan.has_faults && client.rng.random_bool(0.002);
            if plan.without.contains(&number) {
                continue;
            }
            sleep(pause).await;
            if rotates {
                // A start that fails is a start that Lambda repeats.
                drop(self.world.rotate(number % 3, number % 199 + 1).await);
            }
            self.inside(&mut client, operations::run).await;
        }
    }

    /// Waits for late writes, retries what is unknown, and checks everything.
    async fn rest(&self) {
        while !self.world.engine.is_idle() {
            sleep(Duration::from_secs(1)).await;
        }
        let unknown: Vec<String> = {
            let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            let open = |sent: &crate::model::Sent| sent.message.is_none() && !sent.is_refused;
            model.sent.iter().filter(|(_, sent)| open(sent)).map(|(key, _)| key.clone()).collect()
        };
        for (index, key) in unknown.iter().enumerate() {
            let mut client = self.client(END + index as u64, "send at rest");
            self.inside(&mut client, async |client| operations::send_under(client, key).await).await;
        }
        let pairs: Vec<(String, usize)> = {
            let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            model
                .conversations
                .iter()
                .flat_map(|(id, conversation)| conversation.members.keys().map(|user| (id.clone(), *user)))
                .collect()
        };
        let items = self.world.engine.items(TABLE);
        for (index, (conversation, user)) in pairs.iter().enumerate() {
            let mut client = self.client(END * 2 + index as u64, "walk at rest");
            self.inside(&mut client, async |client| {
                walks::walk(client, *user, conversation, index % 2 == 0).await;
                check_unread(client, *user, conversation, &items).await;
            })
            .await;
        }
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let answered =
            model.outcomes.keys().find(|(kind, status)| kind.ends_with("at rest") && *status >= 500);
        if let Some((kind, status)) = answered.copied() {
            model.find(format!("{kind} was answered with {status} although no fault is left"));
        }
        let violations = local::check::violations(self.world.engine.items(TABLE));
        model.findings.extend(violations);
        check_refused(&mut model, &items);
    }
}

/// The unread count of a participant equals a recount of the log's items.
async fn check_unread(client: &mut Client, user: usize, conversation: &str, items: &[Map<String, Value>]) {
    let id = client.model().users[user].id.clone();
    let path = format!("/api/conversations/{conversation}/");
    let answer = client.call(user, Method::GET, &path, None).await;
    if !answer.is_success() {
        return;
    }
    let pk = format!("CONV#{conversation}");
    let text = |item: &Map<String, Value>, name: &str| {
        item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let of = items.iter().filter(|item| text(item, "pk") == pk);
    let member = of.clone().find(|item| text(item, "sk") == format!("MEMBER#{id}"));
    let mark =
        |name: &str| member.and_then(|member| member.get(name)).and_then(Value::as_u64).unwrap_or_default();
    let floor = mark("read").max(mark("base"));
    let counted = of
        .filter(|item| {
            text(item, "item") == "message" && text(item, "sender") != id && !item.contains_key("deleted_at")
        })
        .filter_map(|item| text(item, "sk").strip_prefix("MSG#")?.parse::<u64>().ok())
        .filter(|number| *number > floor)
        .count() as u64;
    let shown = answer.body["unread"].as_u64().unwrap_or_default();
    let is_more = answer.body["unread_more"] == true;
    if (is_more && counted < shown) || (!is_more && counted != shown) {
        client
            .model()
            .find(format!("user {user} has {counted} unread messages in {conversation}, not {shown}"));
    }
}

/// A send of which every attempt was refused has left no message.
fn check_refused(model: &mut Model, items: &[Map<String, Value>]) {
    let refused: BTreeMap<&str, &str> = model
        .sent
        .iter()
        .filter(|(_, sent)| sent.is_refused && !sent.is_unknown && sent.message.is_none())
        .map(|(key, sent)| (key.as_str(), sent.body.as_str()))
        .collect();
    let left: Vec<String> = items
        .iter()
        .filter(|item| item.get("item").and_then(Value::as_str) == Some("message"))
        .filter_map(|item| item.get("idempotency_key").and_then(Value::as_str))
        .filter(|key| refused.contains_key(key))
        .map(|key| format!("the send with key {key} was refused, but its message is stored"))
        .collect();
    model.findings.extend(left);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64, without: &[u64]) -> Plan {
        let without = without.iter().copied().collect();
        Plan { seed, operations: 120, without, has_faults: true, is_traced: true }
    }

    #[test]
    fn the_same_seed_gives_the_same_trace() {
        let (first, second) = (run(&plan(3, &[])), run(&plan(3, &[])));
        assert_eq!(first.findings, [""; 0]);
        assert!(first.trace.lines().count() > 100, "{}", first.trace);
        assert!(first.trace == second.trace, "the traces differ");
        assert!(!first.faults.is_empty(), "no call had a fault");
        assert!(run(&plan(4, &[])).trace != first.trace, "another seed gives another history");
    }

    #[test]
    fn a_history_without_some_operations_has_the_others() {
        let shorter = run(&plan(3, &[7, 8]));
        assert_eq!(shorter.findings, [""; 0]);
        let has = |number: u64| {
            shorter.trace.lines().any(|line| line.split(' ').nth(1) == Some(&number.to_string()))
        };
        assert!(!has(7) && !has(8) && (9..40).any(has), "{}", shorter.trace);
    }
}
