//! The steps of a batch of stream records. Conversations and users are read side by side, and connections are pushed to
//! side by side: none of them waits for another.

use futures::{
    future::{BoxFuture, FutureExt, join},
    stream::{self, StreamExt},
};
use shared::store::records::Record;

use crate::{
    Deliver,
    event::StreamRecord,
    fault::{Failed, Fault, Records, for_records},
    parcel::Outbox,
    plan::Plan,
};

/// The maximum number of conversations, and of users, that are read at the same time.
const READ_AT_ONCE: usize = 8;
/// The maximum number of steps that run at the same time, most of them pushes. Each is one HTTP connection, and a function of
/// Lambda can have 1,024 open files.
const STEPS_AT_ONCE: usize = 500;

/// A step of the batch, with the records that are repeated if it fails.
type Step<'a> = BoxFuture<'a, Result<(), Failed>>;

impl Deliver {
    /// Processes a batch. Returns the ids of the records that Lambda has to repeat.
    pub(crate) async fn deliver(&self, records: &[StreamRecord]) -> Vec<String> {
        let (plan, mut failed) = planned(records);
        let steps = self.prepare(plan, &mut failed).await;
        let done: Vec<Result<(), Failed>> =
            stream::iter(steps).buffer_unordered(STEPS_AT_ONCE).collect().await;
        failed.extend(done.into_iter().filter_map(Result::err));
        self.put_aside(records, failed).await
    }

    /// Reads what the work of a batch needs. Returns its steps, which do not depend on one another.
    async fn prepare(&self, plan: Plan, failed: &mut Vec<Failed>) -> Vec<Step<'_>> {
        let (conversations, users) = join(
            at_once(plan.conversations.into_iter().map(|(id, news)| {
                reading(news.records.clone(), async move { self.steps_of_conversation(id, &news).await })
            })),
            at_once(plan.users.into_iter().map(|(user, news)| {
                reading(news.records.clone(), async move { self.steps_of_user(user, &news).await })
            })),
        )
        .await;
        let (mut outbox, mut steps) = (Outbox::default(), Vec::new());
        for (records, done) in sorted(conversations, failed) {
            done.parcels.into_iter().for_each(|parcel| outbox.add(parcel));
            let cleanup = done.cleanup.into_iter();
            steps.extend(cleanup.map(|cleanup| step(&records, self.hand_over(cleanup))));
            steps.push(step(&records, self.move_entries(done.moves)));
            for reply in done.replies {
                steps.push(step(&records, async move { self.app.store.put_thread_pointer(&reply).await }));
            }
        }
        for (records, done) in sorted(users, failed) {
            done.parcels.into_iter().for_each(|parcel| outbox.add(parcel));
            steps.extend(done.cleanup.map(|cleanup| step(&records, self.hand_over(cleanup))));
            steps
                .extend(done.presence.map(|(user, online)| step(&records, self.tell_presence(user, online))));
            for link in done.closings {
                outbox.remove(&link.connection);
                steps.push(step(&records, async move { self.close(&link).await }));
            }
        }
        steps.extend(outbox.into_parcels().map(|parcel| {
            let records = parcel.records.clone();
            step(&records, self.push(parcel))
        }));
        steps
    }
}

/// The decision about the next steps for some records.
type Reading<'a, T> = BoxFuture<'a, Result<(Records, T), Failed>>;

/// Returns the reading of what some records need.
fn reading<'a, T: Send>(
    records: Records,
    work: impl Future<Output = Result<T, Fault>> + Send + 'a,
) -> Reading<'a, T> {
    async move {
        let steps = for_records(records.clone(), work).await?;
        Ok((records, steps))
    }
    .boxed()
}

/// Returns a step for these records.
fn step<'a>(
    records: &Records,
    work: impl Future<Output = Result<(), impl Into<Fault>>> + Send + 'a,
) -> Step<'a> {
    for_records(records.clone(), async { work.await.map_err(Into::into) }).boxed()
}

/// Sorts the records by their work. A record that cannot be read is no reason to leave out the others.
fn planned(records: &[StreamRecord]) -> (Plan, Vec<Failed>) {
    let (mut plan, mut failed) = (Plan::default(), Vec::new());
    for (position, record) in records.iter().enumerate() {
        match Record::read(&record.json) {
            Ok(record) => plan.add(position, record),
            Err(error) => failed.push(Failed { records: [position].into(), fault: error.into() }),
        }
    }
    (plan, failed)
}

/// Waits for all readings, a few at the same time.
async fn at_once<T>(readings: impl Iterator<Item = Reading<'_, T>>) -> Vec<Result<(Records, T), Failed>> {
    let readings: Vec<_> = readings.collect();
    stream::iter(readings).buffered(READ_AT_ONCE).collect().await
}

/// Separates the failed readings from the others.
fn sorted<T>(done: Vec<Result<(Records, T), Failed>>, failed: &mut Vec<Failed>) -> Vec<(Records, T)> {
    let mut good = Vec::with_capacity(done.len());
    for done in done {
        match done {
            Ok(done) => good.push(done),
            Err(fault) => failed.push(fault),
        }
    }
    good
}
