//! `$default`: a frame of a client. Its answer is another frame to the same connection, because API Gateway uses only the
//! status of the answer to the event.

use shared::{
    App,
    http::Problem,
    ids::ConnectionId,
    realtime::{
        ClientFrame, PostError,
        frames::{ErrorFrame, Frame},
    },
    store::items::Link,
};

use crate::{Realtime, disconnect::disconnect, read, typing};

/// Answers a frame. A connection without a live link is closed: the link was deleted because a frame was lost, or the
/// session has ended. The client then connects again, or logs in.
pub async fn answer(
    realtime: &Realtime,
    connection: &ConnectionId,
    text: Option<&str>,
) -> Result<u16, Problem> {
    let mut is_ready = false;
    let handled = match live(&realtime.app, connection).await {
        Ok(Some(link)) => {
            is_ready = link.is_ready;
            handle(realtime, &link, text).await
        }
        Ok(None) => {
            close(realtime, connection).await;
            return Ok(410);
        }
        Err(problem) => Err(problem),
    };
    let (frame, status) = match handled {
        Ok(None) => return Ok(200),
        Ok(Some(frame)) => (frame, 200),
        Err(problem) => {
            problem.log_causes();
            (Frame::Error(ErrorFrame::from(&problem)), problem.code().parts().0.as_u16())
        }
    };
    post(realtime, connection, message(&frame, is_ready)?).await?;
    Ok(status)
}

/// Returns the link of a connection whose session is live; `None` if there is none.
async fn live(app: &App, connection: &ConnectionId) -> Result<Option<Link>, Problem> {
    match app.store.user_of_connection(connection).await? {
        Some(of) => Ok(app.store.live_link(&of, app.clock.now()).await?),
        None => Ok(None),
    }
}

/// Handles a frame, and returns the frame that answers it.
async fn handle(realtime: &Realtime, link: &Link, text: Option<&str>) -> Result<Option<Frame>, Problem> {
    tracing::Span::current().record("user", tracing::field::display(link.user));
    match ClientFrame::parse(text, realtime.app.clock.now())? {
        ClientFrame::Ping {} => return Ok(Some(Frame::Pong)),
        ClientFrame::Typing { conversation } => typing::typing(realtime, link, conversation).await?,
        ClientFrame::Read { conversation, number } => {
            read::read(&realtime.app, link, conversation.message(number)).await?;
        }
    }
    Ok(None)
}

/// Returns the message with a frame. `deliver` has not sent `ready` yet if the link is not ready or could not be read. Then
/// another `ready` precedes the frame, because the first frame of a connection is always `ready`.
fn message(frame: &Frame, is_ready: bool) -> Result<String, Problem> {
    let text =
        if is_ready { serde_json::to_string(frame) } else { serde_json::to_string(&[&Frame::Ready, frame]) };
    text.map_err(Problem::internal)
}

/// Posts the message with the frame that answers a client. If the post fails, the client gets no answer: it connects again
/// after a `ping` without a `pong`.
async fn post(realtime: &Realtime, connection: &ConnectionId, message: String) -> Result<(), Problem> {
    match realtime.connections.post(connection, message).await {
        Ok(()) => Ok(()),
        Err(PostError::Gone) => disconnect(realtime, connection).await.map(drop),
        Err(error) => {
            tracing::warn!(%error, "a frame was not answered");
            Ok(())
        }
    }
}

/// Closes a connection. Its `$disconnect` deletes what is left of its items. If closing fails, the next frame of the client
/// finds no live link and closes it.
async fn close(realtime: &Realtime, connection: &ConnectionId) {
    match realtime.connections.close(connection).await {
        Ok(()) | Err(PostError::Gone) => {}
        Err(error) => tracing::warn!(%error, "a connection was not closed"),
    }
}
