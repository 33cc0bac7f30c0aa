//! A comparison of the inbox with a model: a list in which each message moves its conversation to the front.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::{groups, ids, inbox};
use crate::harness::{TestApp, User};

/// A sequence of pseudo-random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }
}

/// A model of Ann's inbox: a list of conversations, the most recent last.
#[derive(Default)]
struct Model {
    listed: Vec<String>,
    newest: HashMap<String, Vec<Value>>,
}

impl Model {
    fn active(&mut self, conversation: &str) {
        self.gone(conversation);
        self.listed.push(conversation.to_owned());
    }

    fn gone(&mut self, conversation: &str) {
        self.listed.retain(|listed| listed != conversation);
    }

    fn expected(&self) -> Vec<String> {
        self.listed.iter().rev().cloned().collect()
    }
}

#[tokio::test]
async fn the_order_is_that_of_a_list_kept_by_hand() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let (mut model, mut dice) = (Model::default(), Dice(7));
    let (mut groups, mut direct) = (Vec::new(), Vec::new());
    for n in 0..4 {
        let group = ann.group(&[&ben]).await;
        let other = app.user(&format!("other{n}")).await;
        let pair = ann.direct(&other).await;
        model.active(&group);
        model.active(&pair);
        groups.push((group, ben.clone()));
        direct.push((pair, other));
    }
    for step in 0..60 {
        let (group, direct) = (&groups[dice.below(groups.len())], &direct[dice.below(direct.len())]);
        match dice.below(8) {
            0..=2 => said(&mut model, group, step).await,
            3..=4 => said(&mut model, direct, step).await,
            5 => {
                ann.delete_conversation(&direct.0).await.expect(204);
                model.gone(&direct.0);
            }
            // The newest message becomes a tombstone. Its conversation keeps its position.
            6 => {
                if let Some(message) = model.newest.get_mut(&group.0).and_then(Vec::pop) {
                    ben.delete_message(&message).await.nothing();
                }
            }
            _ => {
                if ann.leave(&group.0).await.status == 204 {
                    model.gone(&group.0);
                    ben.add(&group.0, &[&ann]).await.ok();
                    model.active(&group.0);
                }
            }
        }
        let limit = 1 + dice.below(6);
        assert_eq!(inbox(&ann, limit).await, model.expected(), "step {step}, limit {limit}");
        if dice.below(9) == 0 {
            app.advance(TimeDelta::minutes(1));
        }
    }
    app.check().await;
}

async fn said(model: &mut Model, (conversation, sender): &(String, User), step: usize) {
    let message = sender.send(conversation, &format!("memo {step}")).await;
    model.newest.entry(conversation.clone()).or_default().push(message);
    model.active(conversation);
}

#[tokio::test]
async fn a_walk_through_the_pages_loses_nothing_while_others_write() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let groups = groups(&ann, &ben, 24).await;
    for group in &groups {
        ben.send(group, "memo").await;
    }
    let quiet: Vec<String> = groups.iter().rev().step_by(2).cloned().collect();
    let busy: Vec<&String> = groups.iter().filter(|group| !quiet.contains(group)).collect();
    let mut dice = Dice(3);
    for limit in [1, 3, 5] {
        let (mut walked, mut next) =
            (Vec::new(), Some(format!("/api/conversations/?limit={limit}&messages=1")));
        while let Some(link) = next {
            let write = async {
                for _ in 0..2 {
                    ben.send(busy[dice.below(busy.len())], "memo, meanwhile").await;
                }
            };
            let (page, ()) = tokio::join!(ann.get(&link), write);
            let page = page.ok();
            walked.extend(ids(&page));
            next = page["next"].as_str().map(str::to_owned);
        }
        let met: Vec<String> = walked.iter().filter(|id| quiet.contains(id)).cloned().collect();
        assert_eq!(met, quiet, "limit {limit}: each conversation without activity once, in order");
        let mut once = walked.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), walked.len(), "limit {limit}: a conversation occurs twice in one walk");
    }
}
