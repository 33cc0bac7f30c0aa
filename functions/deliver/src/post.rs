//! Pushing to connections and closing them. A connection that misses a frame is closed, so that its client connects again
//! and calls `sync`. So a connection whose link exists gets everything.

use std::time::Duration;

use chrono::TimeDelta;
use shared::{
    realtime::PostError,
    store::{StoreError, items::Link},
};
use tokio::time::{Instant, sleep};

use crate::{
    Deliver,
    parcel::{Parcel, READY},
};

/// The time after the beginning of a connection in which 410 can mean that `$connect` has not ended yet.
const BEGINNING: TimeDelta = TimeDelta::seconds(10);
/// The longest time for which a post to such a connection is repeated.
const BEGINNING_PATIENCE: Duration = Duration::from_secs(3);
/// The first wait between two such posts. Each wait is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(25);

impl Deliver {
    /// Pushes the frames to their connection, in their order. Fails only if the link should be deleted and is not: then the
    /// records are repeated, because a link must not remain whose connection has missed a frame.
    ///
    /// If this process ends between a frame and the end of the batch, Lambda repeats the batch, and the client gets frames
    /// twice. Frames carry numbers, so the client notices.
    pub(crate) async fn push(&self, parcel: Parcel) -> Result<(), StoreError> {
        let link = &parcel.link;
        for message in parcel.messages() {
            match self.connections.post(&link.connection, message).await {
                Ok(()) => {}
                Err(PostError::Gone) => return self.begin_or_forget(link).await,
                Err(PostError::Failed(reason)) => {
                    tracing::warn!(connection = %link.connection, reason, "a frame is lost");
                    return self.close(link).await;
                }
            }
        }
        self.note_ready(link).await;
        Ok(())
    }

    /// Notes that a connection has got `ready`. A failure has no consequence but another `ready` before the next frames.
    async fn note_ready(&self, link: &Link) {
        if link.is_ready {
            return;
        }
        if let Err(error) = self.app.store.mark_link_ready(link.user, &link.connection).await {
            let causes = shared::telemetry::causes(&error);
            tracing::warn!(connection = %link.connection, causes, "a connection is not marked as ready");
        }
    }

    /// Sends `ready` again as long as the connection can be one that is still being made, and deletes the link if it does not
    /// appear. The other frames of the batch are not repeated: they were written before `ready`, so the client reads them
    /// with `sync`, and a participant who was removed meanwhile gets nothing.
    async fn begin_or_forget(&self, link: &Link) -> Result<(), StoreError> {
        let (start, mut wait) = (Instant::now(), FIRST_WAIT);
        let may_begin = !link.is_ready && self.app.clock.now() - link.connected_at < BEGINNING;
        while may_begin && start.elapsed() + wait <= BEGINNING_PATIENCE {
            sleep(wait).await;
            wait *= 2;
            match self.connections.post(&link.connection, READY.to_owned()).await {
                Ok(()) => {
                    self.note_ready(link).await;
                    return Ok(());
                }
                Err(PostError::Gone) => {}
                Err(PostError::Failed(_)) => return self.close(link).await,
            }
        }
        self.app.store.delete_link(link.user, &link.connection).await
    }

    /// Closes a connection, then deletes its link. If the process ends in between, the next post finds the connection gone.
    /// If closing fails, the link is deleted nevertheless: the next `ping` of the client finds no link, and closes the
    /// connection.
    pub(crate) async fn close(&self, link: &Link) -> Result<(), StoreError> {
        if let Err(PostError::Failed(reason)) = self.connections.close(&link.connection).await {
            tracing::warn!(connection = %link.connection, reason, "a connection is not closed");
        }
        self.app.store.delete_link(link.user, &link.connection).await
    }
}
