//! `GET /api/conversations/{id}/pins/`: lists the pinned messages. The function `messages` pins them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    http::{
        Authenticated, Fields, FromFields, Ids, MessageView, Origin, Page, Problem, Reply, UncheckedQuery,
        VisibleUsers,
        page::{List, Owned, bad_cursor, owned_cursor, read_owned_cursor},
        schemas::Cursor,
        user::timestamp,
    },
    ids::{ConversationId, UserId},
    model::Invalid,
    store::pins::PinPosition,
};
use utoipa::{IntoParams, ToSchema};

use crate::retrieve::conversation_access;

/// A page of pinned messages.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListPins {
    /// The position at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Owned<PinPosition>>,
}

impl FromFields for ListPins {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { cursor: fields.optional("cursor", |text: String| parse(&text)) })
    }
}

fn parse(text: &str) -> Result<Owned<PinPosition>, Invalid> {
    read_owned_cursor::<16>(List::Pins, text)?.and_then(|bytes| {
        let (micros, number) = bytes.split_first_chunk::<8>().ok_or_else(bad_cursor)?;
        let time = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros));
        let number = number.try_into().map(u64::from_be_bytes).ok();
        time.zip(number).ok_or_else(bad_cursor)
    })
}

fn cursor(id: ConversationId, (time, number): PinPosition) -> String {
    let position = [time.timestamp_micros().to_be_bytes(), number.to_be_bytes()].concat();
    owned_cursor(List::Pins, id.uuid(), &position)
}

/// A pinned message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pin)]
pub struct PinView {
    /// The user who pinned the message.
    pinned_by: UserId,
    /// The time when the message was pinned.
    #[serde(serialize_with = "timestamp")]
    pinned_at: DateTime<Utc>,
    /// The message.
    message: MessageView,
}

/// Lists the pinned messages of a conversation.
///
/// The newest pin comes first. A page has at most 20 messages.
#[utoipa::path(get, path = "/api/conversations/{id}/pins/", operation_id = "list_pins",
    params(Ids<ConversationId>, ListPins), responses((status = 200, body = Page<PinView>)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    Ids(id): Ids<ConversationId>,
    origin: Origin,
    UncheckedQuery(query): UncheckedQuery<ListPins>,
) -> Result<Reply<Page<PinView>>, Problem> {
    let position = query.finish().and_then(|query| {
        let position = query.cursor.map(|cursor| cursor.of(id.uuid())).transpose();
        position.map_err(Problem::from)
    });
    let position = match position {
        Ok(position) => position,
        Err(problem) => {
            conversation_access(&app, &caller, id).await?;
            return Err(problem);
        }
    };
    let (member, page) = app.store.pin_page(id, caller.user, position).await?;
    let actor = caller.actor(&app, member.as_ref()).await?;
    let readable = caller.may_read(&app, &actor, id).await?;
    let page = page.filter(|_| readable).ok_or_else(Problem::not_found)?;
    let senders = page.pins.iter().map(|(_, message)| (message.conversation, message.sender));
    let visible_users = VisibleUsers::of(&actor, id).find_senders(&app, senders).await?;
    let results = page.pins.into_iter().map(|(pin, message)| PinView {
        pinned_by: pin.pinned_by,
        pinned_at: pin.pinned_at,
        message: MessageView::new(message, &visible_users),
    });
    let next = page.next.map(|position| {
        origin.link(&format!("/api/conversations/{id}/pins/?cursor={}", cursor(id, position)))
    });
    Ok(Reply::ok(Page { next, previous: None, results: results.collect() }))
}
