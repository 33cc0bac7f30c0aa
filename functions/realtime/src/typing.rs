//! The frame `typing`: tells the other participants that the user is writing. Nothing is stored except the time of the last
//! such frame, which limits their rate.

use std::collections::HashSet;

use futures::future::{join_all, try_join, try_join3};
use shared::{
    http::Problem,
    ids::{ConversationId, UserId},
    realtime::{
        PostError,
        frames::{Frame, TypingFrame},
    },
    store::items::{Link, Member},
};

use crate::Realtime;

/// The time in seconds for which a user counts as writing. Clients repeat the frame every three seconds.
const EXPIRES_IN: u32 = 6;

/// The maximum number of participants of a conversation in which frames `typing` are passed on. In larger ones, each frame
/// would cost more reads than it is worth.
const MOST_PARTICIPANTS: usize = 100;

/// Tells the other participants of a conversation that the user of a connection is writing.
pub async fn typing(realtime: &Realtime, link: &Link, id: ConversationId) -> Result<(), Problem> {
    let (store, now) = (&realtime.app.store, realtime.app.clock.now());
    let (member, (members, more), is_in_time) = try_join3(
        store.member(id, link.user),
        store.participants(id, None, MOST_PARTICIPANTS),
        store.note_typing(link.user, &link.connection, now),
    )
    .await?;
    let member = member.ok_or_else(Problem::not_found)?;
    if !member.is_accepted() {
        return Err(Problem::not_accepted());
    }
    if is_in_time && !more {
        let others = recipients(realtime, &members, link.user).await?;
        post(realtime, &others, &frame(id, link.user)?).await;
    }
    Ok(())
}

fn frame(conversation: ConversationId, user: UserId) -> Result<String, Problem> {
    let frame = Frame::Typing(TypingFrame { conversation, user, expires_in: EXPIRES_IN });
    serde_json::to_string(&frame).map_err(Problem::internal)
}

/// Returns the connections of the other participants who have accepted and have not blocked the user.
async fn recipients(realtime: &Realtime, members: &[Member], user: UserId) -> Result<Vec<Link>, Problem> {
    let (store, now) = (&realtime.app.store, realtime.app.clock.now());
    let others: Vec<UserId> = members
        .iter()
        .filter(|member| member.is_accepted() && member.user != user)
        .map(|member| member.user)
        .collect();
    let links = store.links_at(others.iter().copied(), now);
    let (links, blocks) = try_join(links, store.blocks_of(&others)).await?;
    let blocking: HashSet<UserId> = blocks
        .into_iter()
        .filter(|blocks| blocks.blocked.contains_key(&user))
        .map(|blocks| blocks.user)
        .collect();
    // The first frame of a connection is always `ready`.
    let links = links.into_iter().filter(|(user, _)| !blocking.contains(user)).flat_map(|(_, links)| links);
    Ok(links.filter(|link| link.is_ready).collect())
}

/// Posts a frame to connections, side by side. A connection that does not get it gets the next one. A connection that is gone
/// is forgotten.
async fn post(realtime: &Realtime, links: &[Link], text: &str) {
    let posts = links.iter().map(async |link| {
        match realtime.connections.post(&link.connection, text.to_owned()).await {
            Ok(()) => {}
            Err(PostError::Gone) => {
                let forgotten = realtime.app.store.forget_connection(link.user, &link.connection).await;
                if let Err(error) = forgotten {
                    tracing::warn!(%error, "a connection that is gone was not deleted");
                }
            }
            Err(error) => tracing::warn!(%error, "a connection did not get a frame"),
        }
    });
    join_all(posts).await;
}
