//! Many clients under a storm: connections end at random while messages are sent, and `deliver` dies, gets batches twice and
//! gets records in another order. In the end, each client has the logs of the API. The suite runs it small; `tests/live` runs
//! the same code at full size.

use std::time::Instant;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::{
    harness::{
        TestApp, User,
        deliveries::Death,
        environment,
        live::{Client, Live},
    },
    sync::model::{Device, Dice},
};

/// The number of clients that act at the same time.
const AT_ONCE: usize = 8;

/// The size of a storm.
#[derive(Debug, Clone, Copy)]
struct Size {
    connections: usize,
    conversations: usize,
    messages: usize,
}

impl Size {
    /// Returns the size from the environment: `200x20x5000`.
    fn of_run() -> Self {
        let text = environment::storm().unwrap_or_else(|| "6x2x24".to_owned());
        let numbers: Vec<usize> = text.split('x').map(|number| number.parse().unwrap()).collect();
        let [connections, conversations, messages] = numbers[..] else {
            panic!("STORM must be like 200x20x5000");
        };
        Self { connections, conversations, messages }
    }
}

/// A user with one device and its connection; `None` while it is not connected.
struct Phone {
    user: User,
    groups: Vec<String>,
    device: Device,
    client: Option<Client>,
}

impl Phone {
    /// Follows the rule of clients: connects, waits for `ready`, and resumes from the numbers that the device holds.
    async fn connect(&mut self, live: &Live) {
        if self.client.is_none() {
            self.client = Some(live.connect(&self.user).await);
            self.device.sync(&self.user, None).await;
        }
    }

    /// Merges the frames that have arrived. Returns their number.
    async fn merge(&mut self) -> usize {
        let Some(client) = &mut self.client else { return 0 };
        let frames = client.before_pong().await;
        for frame in &frames {
            self.device.take(&self.user, frame).await;
        }
        frames.len()
    }

    /// Reads up to a random message of each conversation, and compares the unread count with a count of the device's log.
    async fn compare_unread(&self, dice: &mut Dice) {
        for (conversation, log) in &self.device.logs {
            let messages: Vec<&Value> = log.values().collect();
            let mark = dice.roll(messages.len().max(1));
            self.user.mark_read(conversation, messages[mark]).await.expect(200);
            let is_unread = |message: &&&Value| {
                message["sender"]["user_id"] != self.user.id.as_str() && message.get("deleted_at").is_none()
            };
            let expected = messages[mark + 1..].iter().filter(is_unread).count().min(100);
            assert_eq!(self.user.unread(conversation).await, expected as u64, "{conversation}");
        }
    }
}

struct Storm {
    app: TestApp,
    live: Live,
    phones: Vec<Phone>,
    dice: Dice,
    sent: Vec<Value>,
    frames: usize,
}

impl Storm {
    async fn new(size: Size) -> Self {
        let app = TestApp::new().await;
        let mut users = Vec::new();
        for n in 0..size.connections {
            users.push(app.user(&format!("user{n}")).await);
        }
        let mut groups = vec![Vec::new(); users.len()];
        for n in 0..size.conversations {
            // Each user takes part in two conversations.
            let here: Vec<usize> = (0..users.len())
                .filter(|user| [*user, user + 1].iter().any(|user| user % size.conversations == n))
                .collect();
            let others: Vec<&User> = here[1..].iter().map(|user| &users[*user]).collect();
            let group = users[here[0]].group(&others).await;
            for user in &here {
                groups[*user].push(group.clone());
            }
        }
        let live = Live::start(&app).await;
        let phone = |(user, groups)| Phone { user, groups, device: Device::default(), client: None };
        let phones = users.into_iter().zip(groups).map(phone).collect();
        Self { app, live, phones, dice: Dice(7), sent: Vec::new(), frames: 0 }
    }

    /// Ends one connection in ten, and connects those that have ended before.
    async fn reconnect(&mut self) {
        for phone in &mut self.phones {
            // A token is valid for 15 minutes.
            phone.user = self.app.renewed(&phone.user);
            if phone.client.is_none() {
                phone.connect(&self.live).await;
            } else if self.dice.roll(10) == 0 {
                phone.client.take().unwrap().kill();
            }
        }
    }

    /// Sends messages, several at a time, and edits or deletes one of them.
    async fn send(&mut self, count: usize) {
        let senders: Vec<(&Phone, String)> = (0..count)
            .map(|_| {
                let phone = &self.phones[self.dice.roll(self.phones.len())];
                (phone, phone.groups[self.dice.roll(phone.groups.len())].clone())
            })
            .collect();
        let sends = stream::iter(senders).map(|(phone, group)| async move {
            (phone.user.clone(), phone.user.send(&group, "memo, in a storm").await)
        });
        let sent: Vec<(User, Value)> = sends.buffer_unordered(AT_ONCE).collect().await;
        let (sender, message) = &sent[self.dice.roll(sent.len())];
        if self.dice.roll(2) == 0 {
            sender.edit(message, "memo, edited").await.ok();
        } else {
            sender.delete_message(message).await.nothing();
        }
        self.sent.extend(sent.into_iter().map(|(_, message)| message));
    }

    /// Chooses the faults of the next deliveries.
    fn break_deliveries(&mut self) {
        self.live.deliveries.twice(self.dice.roll(3) == 0);
        self.live.deliveries.shuffle(self.dice.roll(1000) as u64);
        match self.dice.roll(4) {
            0 => self.live.deliveries.die(Death::Before),
            1 => self.live.deliveries.die(Death::After),
            _ => {}
        }
    }

    /// Delivers the stream, and merges the frames of all connections.
    async fn deliver(&mut self) {
        self.live.pump().await;
        let merged = stream::iter(&mut self.phones).map(Phone::merge);
        let merged: Vec<usize> = merged.buffer_unordered(AT_ONCE).collect().await;
        self.frames += merged.iter().sum::<usize>();
    }
}

#[tokio::test]
async fn every_client_ends_with_the_same_logs() {
    let size = Size::of_run();
    let (start, mut storm) = (Instant::now(), Storm::new(size).await);
    let per_round = (size.messages / 6).clamp(1, 50);
    while storm.sent.len() < size.messages {
        storm.reconnect().await;
        storm.break_deliveries();
        storm.send(per_round).await;
        storm.deliver().await;
    }
    storm.reconnect().await;
    for phone in &mut storm.phones {
        phone.connect(&storm.live).await;
    }
    // A frame of each conversation shows the clients whether one is missing before it.
    storm.send(size.conversations * 4).await;
    storm.deliver().await;
    let mut dice = Dice(9);
    for phone in &storm.phones {
        phone.device.compare(&phone.user).await;
        phone.compare_unread(&mut dice).await;
    }
    assert!(storm.live.dead_letters.letters().is_empty());
    assert!(storm.frames > storm.sent.len(), "{} frames", storm.frames);
    eprintln!(
        "{size:?}: {} messages, {} frames merged, {:.1} s",
        storm.sent.len(),
        storm.frames,
        start.elapsed().as_secs_f64()
    );
    storm.app.check().await;
}
