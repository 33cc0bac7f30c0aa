//! The news of a user's connections: new ones get `ready`; those of ended sessions, and the oldest of too many, are closed.

use std::cmp::Reverse;

use shared::{ids::UserId, store::items::Link};

use crate::{Deliver, cleanup::Cleanup, fault::Fault, parcel::Parcel, plan::UserNews};

/// The maximum number of connections of one user. A user has at most as many sessions.
const MOST_LINKS: usize = 50;

/// The next steps for the connections of a user.
#[derive(Debug, Default)]
pub(crate) struct UserSteps {
    /// The new connections, without frames.
    pub(crate) parcels: Vec<Parcel>,
    /// The connections to close.
    pub(crate) closings: Vec<Link>,
    /// The cleanup of an account that was closed.
    pub(crate) cleanup: Option<Cleanup>,
    /// The presence of the user to tell: true if the user has come online, false if the user has gone offline.
    pub(crate) presence: Option<(UserId, bool)>,
}

impl Deliver {
    /// Reads the connections of a user and decides on them. Nothing is written: the steps are done together with those of
    /// the batch.
    ///
    /// The links are read after the record of the session's end. A connection that is put later reads its session after the
    /// put, and finds it ended.
    pub(crate) async fn steps_of_user(&self, user: UserId, news: &UserNews) -> Result<UserSteps, Fault> {
        let now = self.app.clock.now();
        let links = self.app.store.links_of(user).await?;
        let live = links.into_iter().filter(|link| link.expires_at > now);
        let (mut closings, mut live): (Vec<Link>, Vec<Link>) =
            live.partition(|link| news.endings.include(link));
        live.sort_unstable_by_key(|link| Reverse((link.connected_at, link.connection.clone())));
        closings.extend(live.split_off(MOST_LINKS.min(live.len())));
        let is_offline = live.is_empty() && news.has_disconnected;
        let new = live.into_iter().filter(|link| news.connected.contains(&link.connection));
        let parcel = |link| Parcel { link, frames: Vec::new(), records: news.records.clone() };
        let parcels: Vec<Parcel> = new.map(parcel).collect();
        let presence = (is_offline || !parcels.is_empty()).then_some((user, !is_offline));
        let cleanup = news.is_closed.then_some(Cleanup::Account { user, from: None });
        Ok(UserSteps { parcels, closings, cleanup, presence })
    }
}
