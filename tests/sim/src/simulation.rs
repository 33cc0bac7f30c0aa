//! One simulation: several operations at a time with faults, then rest, then the checks of the whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::Method;
use futures::future::join_all;
use rand::RngExt as _;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use crate::{
    client::{Client, DEVICES},
    model::Model,
    operations::{self, Weights},
    random::generator,
    register::Register,
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
    /// True if the history ends at its first finding.
    pub ends_early: bool,
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
    let model = Arc::new(Mutex::new(Model {
        asks: world.asks(),
        has_limits: world.has_limits(),
        ..Model::default()
    }));
    let stage = Stage { world: world.clone(), model: model.clone(), seed: plan.seed };
    for number in 0..USERS {
        let mut client = stage.client(PREPARATION + number, "register");
        operations::register(&mut client).await;
    }
    stage.appoint().await?;
    world.engine.set_faulty(plan.has_faults);
    join_all((0..AT_ONCE).map(|worker| stage.work(plan, worker))).await;
    world.engine.set_faulty(false);
    if !stage.is_over(plan) {
        stage.rest().await;
    }
    let mut report = Report {
        faults: world.engine.faults(),
        trace: trace.text(),
        elapsed: world.elapsed(),
        ..Report::default()
    };
    let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
    report.findings = std::mem::take(&mut model.findings);
    report.findings.extend(world.engine.take_findings());
    report.outcomes = std::mem::take(&mut model.outcomes);
    Ok(report)
}

struct Stage {
    world: Arc<World>,
    model: Arc<Mutex<Model>>,
    seed: u64,
}

impl Stage {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, number: u64, kind: &'static str) -> Client {
        let rng = generator(self.seed, &[number, u64::MAX]);
        Client {
            world: self.world.clone(),
            model: self.model.clone(),
            rng,
            number,
            kind,
            requests: 0,
            network: 0,
        }
    }

    /// Makes the first user an admin, as `createsuperuser` does.
    async fn appoint(&self) -> Result<(), String> {
        let id = {
            let model = self.model();
            model.users.first().map(|user| user.id.clone()).ok_or("nobody has registered")?
        };
        self.world.appoint(&id).await?;
        let mut model = self.model();
        let user = &mut model.users[0];
        user.is_admin = true;
        // A token that was issued before does not make an admin: the user logs in again.
        user.devices = vec![None; DEVICES];
        user.profile.insert("role", Register::new("admin"));
        Ok(())
    }

    /// Runs every `AT_ONCE`-th operation, one after the other.
    async fn work(&self, plan: &Plan, worker: u64) {
        let weights = Weights::of(plan.seed);
        for number in (worker..plan.operations).step_by(usize::try_from(AT_ONCE).unwrap_or(1)) {
            let mut client = self.client(number, "");
            client.kind = weights.draw(&mut client.rng);
            // Once in a while, a user comes back after a minute.
            let most = if client.rng.random_bool(0.01) { 60_000 } else { 60 };
            let pause = Duration::from_millis(client.rng.random_range(0..most));
            // Once in a while an instance starts with a new key.
            let rotates = plan.has_faults && client.rng.random_bool(0.004);
            if plan.without.contains(&number) {
                continue;
            }
            sleep(pause).await;
            if rotates {
                // A start that fails is a start that Lambda repeats.
                drop(self.world.rotate(number % 3, number % 199 + 1).await);
            }
            operations::run(&mut client).await;
            if self.is_over(plan) {
                return;
            }
        }
    }

    /// Returns true if the history ends early, because it has a finding.
    fn is_over(&self, plan: &Plan) -> bool {
        plan.ends_early && (!self.model().findings.is_empty() || self.world.engine.has_findings())
    }

    /// Waits for late writes, retries what is unknown, and checks everything.
    async fn rest(&self) {
        while !self.world.engine.is_idle() {
            sleep(Duration::from_secs(1)).await;
        }
        let unknown: Vec<String> = {
            let model = self.model();
            let open = |sent: &crate::model::Sent| sent.message.is_none() && !sent.is_refused;
            model.sent.iter().filter(|(_, sent)| open(sent)).map(|(key, _)| key.clone()).collect()
        };
        for (index, key) in unknown.iter().enumerate() {
            let mut client = self.client(END + index as u64, "send at rest");
            operations::send_under(&mut client, key).await;
        }
        let pairs: Vec<(String, usize)> = {
            let model = self.model();
            model
                .conversations
                .iter()
                .flat_map(|(id, conversation)| conversation.members.keys().map(|user| (id.clone(), *user)))
                .collect()
        };
        for (index, (conversation, user)) in pairs.iter().enumerate() {
            let mut client = self.client(END * 2 + index as u64, "walk at rest");
            let shown = walks::walk(&mut client, *user, conversation, index % 2 == 0, 100).await;
            if let Some(shown) = shown {
                check_unread(&mut client, *user, conversation, shown).await;
            }
        }
        let items = self.world.engine.items(TABLE);
        let mut model = self.model();
        let answered =
            model.outcomes.keys().find(|(kind, status)| kind.ends_with("at rest") && *status >= 500);
        if let Some((kind, status)) = answered.copied() {
            model.find(format!("{kind} was answered with {status} although no fault is left"));
        }
        let violations = local::check::violations(items.clone());
        model.findings.extend(violations);
        check_refused(&mut model, &items);
        check_sessions(&mut model, &items);
    }
}

/// The unread count of a participant equals a recount of the messages that a walk has shown, above a read mark that the model
/// allows.
async fn check_unread(client: &mut Client, user: usize, conversation: &str, shown: Vec<(u64, String)>) {
    let begun = Instant::now();
    let answer = client.call(user, Method::GET, &format!("/api/conversations/{conversation}/"), None).await;
    if !answer.is_success() {
        return;
    }
    let mut model = client.model();
    let id = model.users[user].id.clone();
    let members = model.conversations.get(conversation).map(|found| &found.members);
    let member = members.and_then(|members| members.get(&user));
    // A membership that has begun anew has a new mark.
    let Some(member) = member.filter(|member| !member.presence.knows("out")) else {
        return;
    };
    let (lowest, highest) = member.marks(begun);
    let above = |mark: u64| {
        let id = id.clone();
        shown.iter().filter(move |(number, sender)| *number > mark && *sender != id)
    };
    // The messages of users whom the user has blocked count as read.
    let of = |sender: &str, test: &dyn Fn(usize) -> bool| model.user_of(sender).is_some_and(test);
    let is_blocked = |sender: &str| of(sender, &|sender| model.is_blocked(user, sender, begun));
    let may_be_blocked = |sender: &str| of(sender, &|sender| model.may_be_blocked(user, sender, begun));
    let most = above(lowest).filter(|(_, sender)| !is_blocked(sender)).count() as u64;
    let least = above(highest).filter(|(_, sender)| !may_be_blocked(sender)).count() as u64;
    // An invitation has no unread messages.
    if answer.body["state"] == "invited" {
        return;
    }
    let unread = answer.body["unread"].as_u64().unwrap_or_default();
    let is_more = answer.body["unread_more"] == true;
    let is_right = unread >= least.min(100) && unread <= most && (!is_more || most > 100);
    if !is_right {
        let moves = format!("{:?}", member.moves);
        model.find(format!(
            "user {user} has {unread} unread messages in {conversation}, not {least} to {most}: {moves}"
        ));
    }
}

/// A session that is over is not in the table.
fn check_sessions(model: &mut Model, items: &[Map<String, Value>]) {
    let text = |item: &Map<String, Value>, name: &str| {
        item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let live: BTreeSet<String> = items
        .iter()
        .filter(|item| item.contains_key("kind"))
        .filter_map(|item| Some(text(item, "sk").strip_prefix("SESSION#")?.to_owned()))
        .collect();
    let left: Vec<String> = model
        .sessions
        .iter()
        .filter(|(id, session)| session.ended.is_some() && live.contains(*id))
        .map(|(id, session)| format!("session {id} of user {} has ended, but is stored", session.user))
        .collect();
    model.findings.extend(left);
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
        .map(|key| {
            format!("the send with key {key} was refused, but its message is stored: {:?}", model.sent[key])
        })
        .collect();
    model.findings.extend(left);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64, without: &[u64]) -> Plan {
        let without = without.iter().copied().collect();
        Plan { seed, operations: 120, without, has_faults: true, is_traced: true, ends_early: false }
    }

    #[test]
    fn the_same_seed_gives_the_same_trace() {
        let (first, second) = (run(&plan(6, &[])), run(&plan(6, &[])));
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
