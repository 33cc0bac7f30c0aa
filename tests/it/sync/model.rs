//! A client that is away at random and resumes by number. After each sync, its logs must be those of the API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{
    TestApp, User,
    call::{Operation::Query, on},
    faults::{
        Fault::{Before, ShortPage},
        How::Error500,
    },
    user::{id_of, message_path, number_of},
};

/// A sequence of pseudo-random numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

/// One device of a user: a copy of each log, and the numbers that it has reached.
#[derive(Default)]
pub struct Device {
    numbers: BTreeMap<String, Value>,
    pub logs: BTreeMap<String, BTreeMap<u64, Value>>,
    read: BTreeMap<String, Value>,
}

impl Device {
    /// Resumes. If `pages` is set, the device is cut off after this number of pages, and keeps what it has merged.
    pub async fn sync(&mut self, user: &User, pages: Option<usize>) {
        let call = json!({ "conversations": self.numbers });
        let mut cursor = Value::Null;
        for count in 1.. {
            let mut body = call.clone();
            body["cursor"] = cursor;
            let page = user.post("/api/sync/", body).await.ok();
            self.merge(user, &page).await;
            cursor = page["next"].clone();
            if cursor.is_null() || pages == Some(count) {
                break;
            }
        }
    }

    async fn merge(&mut self, user: &User, page: &Value) {
        for gone in page["gone"].as_array().unwrap() {
            let id = gone.as_str().unwrap();
            self.numbers.remove(id);
            self.logs.remove(id);
            self.read.remove(id);
        }
        for conversation in page["conversations"].as_array().unwrap() {
            let id = id_of(conversation);
            self.logs.entry(id.clone()).or_default();
            self.read.insert(id.clone(), conversation["read"].clone());
            self.numbers.insert(id, conversation["numbers"].clone());
        }
        for message in page["messages"].as_array().unwrap() {
            let log = self.logs.get_mut(message["conversation"].as_str().unwrap()).unwrap();
            let before = log.insert(number_of(message), message.clone());
            assert!(before.is_none(), "a message came twice: {message}");
        }
        for change in
            page["changes"].as_array().unwrap().iter().filter(|change| change["message"].is_string())
        {
            self.reread(user, change).await;
        }
    }

    /// Merges a frame by its number. A frame whose number the device has reached came twice. One that is too high shows that
    /// another one is missing, so the device resumes.
    pub async fn take(&mut self, user: &User, frame: &Value) {
        let log = match frame["type"].as_str().unwrap() {
            "message.created" => 0,
            "message.changed" | "participant.changed" | "conversation.changed" => 1,
            _ => return,
        };
        let id = frame["conversation"].as_str().unwrap();
        let number = frame["number"].as_u64().unwrap();
        let next = self.numbers.get(id).map_or(0, |held| held[log].as_u64().unwrap() + 1);
        if number > next || next == 0 {
            return self.sync(user, None).await;
        }
        if number < next {
            return;
        }
        self.numbers.get_mut(id).unwrap()[log] = number.into();
        if log == 0 {
            self.logs.get_mut(id).unwrap().insert(number, frame["message"].clone());
        } else if frame["change"]["message"].is_string() {
            self.reread(user, &frame["change"]).await;
        }
    }

    /// Reads a changed message again if the copy is older than the change.
    async fn reread(&mut self, user: &User, change: &Value) {
        let log = self.logs.get_mut(change["conversation"].as_str().unwrap()).unwrap();
        let number = number_of(&json!({ "message_id": change["message"] }));
        let Some(copy) = log.get_mut(&number) else { return };
        if copy["revision"].as_u64() < change["revision"].as_u64() {
            let page =
                format!("/api/messages/?around={}&limit=1&tombstones=1", change["message"].as_str().unwrap());
            *copy = user.get(&page).await.ok()["results"][0].clone();
        }
    }

    /// Compares the copies with the logs of the API.
    pub async fn compare(&self, user: &User) {
        let listed = user.all("/api/conversations/?limit=100&messages=0").await;
        let listed: BTreeSet<String> = listed.iter().map(id_of).collect();
        assert_eq!(self.logs.keys().cloned().collect::<BTreeSet<_>>(), listed);
        for (id, log) in &self.logs {
            let all = format!("/api/messages/?conversation={id}&limit=100&order=oldest&tombstones=1");
            let mut all = user.all(&all).await;
            // Of a conversation that it did not know, the device has the newest messages.
            let first = log.keys().next().copied().unwrap_or(1);
            all.retain(|message| number_of(message) >= first);
            assert_eq!(log.values().cloned().collect::<Vec<_>>(), all, "{id}");
            assert!(first == 1 || log.len() >= 20, "{id} begins at {first}");
        }
    }
}

impl Device {
    /// Compares the read marks with the answers to a repetition, which moves none of them.
    async fn compare_read_marks(&self, user: &User) {
        for (id, read) in self.read.iter().filter(|(_, read)| read.is_string()) {
            let marked = user.mark_read(id, &json!({ "message_id": read })).await.ok();
            assert_eq!(marked["read"], *read);
        }
    }
}

/// What others do while the device is not connected.
struct World {
    ann: User,
    ben: User,
    cleo: User,
    groups: Vec<String>,
    dice: Dice,
}

impl World {
    async fn new(app: &TestApp, seed: u64) -> Self {
        let (ann, ben, cleo) = (app.user("ann").await, app.user("ben").await, app.user("cleo").await);
        let mut groups = vec![ben.direct(&ann).await];
        for _ in 0..3 {
            groups.push(ben.group(&[&ann, &cleo]).await);
        }
        Self { ann, ben, cleo, groups, dice: Dice(seed) }
    }

    async fn step(&mut self) {
        let at = self.dice.roll(self.groups.len());
        let group = self.groups[at].clone();
        match self.dice.roll(12) {
            0 if at > 0 => drop(self.ben.remove(&group, &self.ann).await),
            1 if at > 0 => drop(self.ben.add(&group, &[&self.ann]).await),
            2 if at > 0 => {
                self.ben.delete_conversation(&group).await.expect(204);
                self.groups[at] = self.ben.group(&[&self.ann, &self.cleo]).await;
            }
            3 | 4 => self.change(&group).await,
            5 => {
                // Another device of Ann reads.
                if let Some(newest) = self.ben.messages(&group).await.last() {
                    self.ann.mark_read(&group, newest).await;
                }
            }
            _ => {
                for n in 0..=self.dice.roll(4) {
                    self.ben.send(&group, &format!("memo {n}")).await;
                }
            }
        }
    }

    /// Edits or deletes a message.
    async fn change(&mut self, group: &str) {
        let messages = self.ben.messages(group).await;
        if messages.is_empty() {
            return;
        }
        let message = &messages[self.dice.roll(messages.len())];
        if self.dice.roll(2) == 0 {
            self.ben.edit(message, "memo, edited").await.ok();
        } else {
            self.ben.delete(&message_path(message)).await.nothing();
        }
    }
}

#[tokio::test]
async fn a_client_that_was_away_has_the_logs_after_it_resumed() {
    for seed in [3, 8] {
        let app = TestApp::new().await;
        let mut world = World::new(&app, seed).await;
        let mut device = Device::default();
        for _ in 0..8 {
            for _ in 0..world.dice.roll(16) {
                world.step().await;
            }
            match world.dice.roll(4) {
                0 => app.proxy.faults.always(on(Query), ShortPage(2)),
                1 => app.proxy.faults.fail_nth(world.dice.roll(6), on(Query), Before(Error500)),
                2 => device.sync(&world.ann, Some(1)).await,
                _ => {}
            }
            device.sync(&world.ann, None).await;
            app.proxy.faults.clear();
            device.compare(&world.ann).await;
            device.compare_read_marks(&world.ann).await;
        }
        app.check().await;
    }
}
