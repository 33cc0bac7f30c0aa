//! Presence: tells others that a user has come online or gone offline. Nothing depends on it: a failure is logged, and the
//! frame is lost.

use futures::future::join_all;
use shared::{
    ids::UserId,
    realtime::frames::{Frame, PresenceFrame},
};

use crate::{
    Deliver,
    fault::{Fault, Records},
    frames::encode,
    parcel::Parcel,
};

/// The time in seconds after which a user counts as offline without another frame: API Gateway ends a connection after two
/// hours.
const ONLINE_FOR: u32 = 2 * 60 * 60;

impl Deliver {
    /// Tells the presence of a user, at most once a minute for each of the two states.
    pub(crate) async fn tell_presence(&self, user: UserId, online: bool) -> Result<(), Fault> {
        if let Err(fault) = self.try_to_tell(user, online).await {
            tracing::warn!(reason = fault.reason, "a presence is not told");
        }
        Ok(())
    }

    async fn try_to_tell(&self, user: UserId, online: bool) -> Result<(), Fault> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        if !store.note_presence(user, online, now).await? {
            return Ok(());
        }
        let expires_in = if online { ONLINE_FOR } else { 0 };
        let frame = encode(Frame::Presence(PresenceFrame { user, online, expires_in }))?;
        let links = store.presence_audience(user, now).await?;
        let pushes = links
            .into_iter()
            .map(|link| self.push(Parcel { link, frames: vec![frame.clone()], records: Records::new() }));
        join_all(pushes).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}
