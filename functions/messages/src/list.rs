//! `GET /api/messages/`: a page of one conversation's messages. For requests without a conversation, see `list_all`.

use serde::Deserialize;
use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Limit, MessageView, Origin, Page, Problem, Query, Reply,
        VisibleUsers, page::Owned, query::Switched, schemas::Cursor, typed,
    },
    ids::{ConversationId, MessageId},
    model::message,
    store::messages::{Around, Source},
};
use utoipa::{IntoParams, ToSchema};

use crate::list_all::{self, AllMessages, Position};

/// A page of messages.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListMessages {
    /// The id of one of the caller's conversations. Without it, the messages of all conversations are listed.
    conversation: Option<ConversationId>,
    /// Lists the messages before this message, newest first.
    before: Option<MessageId>,
    /// Lists the messages after this message, oldest first.
    after: Option<MessageId>,
    /// Lists the messages around this message, oldest first.
    around: Option<MessageId>,
    /// The maximum number of entries on the page.
    #[param(required = false)]
    limit: Limit,
    /// The order of the messages on the page. The default is `oldest` with `after` or `around`, and `newest` otherwise.
    /// The list of all messages is always `newest`. `next` follows the order: with `newest` it leads to older messages, also
    /// from a page after a message, and so past this message.
    #[param(inline)]
    order: Option<Order>,
    /// If true, lists deleted messages as tombstones. `1` and `0` are also accepted.
    #[param(default = false, required = false)]
    tombstones: bool,
    /// The position in the list of all messages at which the page begins.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Owned<Position>>,
}

/// The order of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Newest first.
    Newest,
    /// Oldest first: reading order.
    Oldest,
}

/// A parsed request for messages of one conversation.
struct Wanted {
    conversation: ConversationId,
    around: Around,
    order: Order,
    limit: usize,
    tombstones: bool,
}

impl FromFields for ListMessages {
    fn read(fields: &mut Fields) -> Option<Self> {
        let lists_all = !["conversation", "before", "after", "around"].iter().any(|name| fields.has(name));
        let request = Self {
            conversation: fields.optional("conversation", typed),
            before: fields.optional("before", typed),
            after: fields.optional("after", typed),
            around: fields.optional("around", typed),
            limit: fields.given("limit", typed).unwrap_or_default(),
            order: fields.optional("order", typed),
            tombstones: fields.given("tombstones", |Switched(on)| typed(on)).unwrap_or_default(),
            cursor: fields.optional("cursor", |text: String| Position::parse(&text)),
        };
        if lists_all && request.order == Some(Order::Oldest) {
            let reason = "can be `oldest` only with `conversation`, `before`, `after` or `around`";
            fields.fault("order", reason);
        }
        request.check_places(fields);
        Some(request)
    }
}

impl ListMessages {
    /// Returns the messages that determine the position of the page: before, after or around them. A valid request
    /// contains at most one.
    fn places(&self) -> impl Iterator<Item = (&'static str, MessageId)> {
        let named = [("before", self.before), ("after", self.after), ("around", self.around)];
        named.into_iter().filter_map(|(name, id)| Some((name, id?)))
    }

    fn check_places(&self, fields: &mut Fields) {
        let mut first = None;
        for (name, id) in self.places() {
            if let Some(other) = first.replace(name) {
                fields.fault(name, format!("cannot be combined with `{other}`"));
            } else if let Some(conversation) = self.conversation {
                fields.check(message::of_conversation(name, id, conversation));
            }
        }
        if self.cursor.is_some() && (self.conversation.is_some() || first.is_some()) {
            fields.fault(
                "cursor",
                "cannot be combined with `conversation`, `before`, `after` or `around`; \
                 use the URL in `next`",
            );
        }
    }

    /// Returns the requested page of one conversation; `None` if the request names no conversation.
    fn wanted(&self) -> Option<Wanted> {
        let place = self.places().next();
        let conversation = self.conversation.or(place.map(|(_, id)| id.conversation))?;
        let around = match place {
            Some(("before", id)) => Around::Before(id.number),
            Some(("after", id)) => Around::After(id.number),
            Some((_, id)) => Around::Middle(id.number),
            None if self.order == Some(Order::Oldest) => Around::After(0),
            None => Around::Newest,
        };
        let order = self.order.unwrap_or(usual_order(around));
        Some(Wanted { conversation, around, order, limit: self.limit.0, tombstones: self.tombstones })
    }
}

/// Returns the order of a page whose request has no parameter `order`.
const fn usual_order(around: Around) -> Order {
    match around {
        Around::Newest | Around::Before(_) => Order::Newest,
        Around::After(_) | Around::Middle(_) => Order::Oldest,
    }
}

impl Wanted {
    /// Returns a position that a link can contain. In the order `newest`, a link without a position begins at the end
    /// of the log, and the start of the log has no message before it. So the start of the log is the page around the
    /// first number.
    fn addressable(&self, around: Around) -> Around {
        if around == Around::After(0) && self.order == Order::Newest { Around::Middle(1) } else { around }
    }

    fn link(&self, origin: &Origin, around: Around) -> String {
        let around = self.addressable(around);
        let id = |number| self.conversation.message(number);
        let place = match around {
            Around::Before(number) => format!("&before={}", id(number)),
            // No message is before the start of the log, so the link contains no id.
            Around::After(0) | Around::Newest => String::new(),
            Around::After(number) => format!("&after={}", id(number)),
            Around::Middle(number) => format!("&around={}", id(number)),
        };
        let mut path =
            format!("/api/messages/?conversation={}{place}&limit={}", self.conversation, self.limit);
        if self.order != usual_order(around) || around == Around::After(0) {
            let order = if self.order == Order::Newest { "newest" } else { "oldest" };
            path.push_str("&order=");
            path.push_str(order);
        }
        if self.tombstones {
            path.push_str("&tombstones=1");
        }
        origin.link(&path)
    }
}

/// Lists messages.
///
/// Lists the messages of one conversation. Without `conversation`, lists all messages that the caller may read. A
/// request can name only one of `before`, `after` and `around`: the place of the page in the list, which is no bound for
/// the pages that `next` and `previous` lead to. Deleted messages are not listed. A page reads at most
/// 1,000 entries of a conversation and at most 2 MB, so it can be short or empty if many messages in a row are
/// deleted. `next` is `null` only at the end of the list.
#[utoipa::path(get, path = "/api/messages/", operation_id = "list_messages", params(ListMessages),
    responses((status = 200, body = Page<MessageView>), (status = 404)))]
pub async fn list(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Query(query): Query<ListMessages>,
) -> Result<Reply<Page<MessageView>>, Problem> {
    if let Some(wanted) = query.wanted() {
        return Ok(Reply::ok(of_conversation(&app, &caller, &origin, &wanted).await?));
    }
    let ListMessages { cursor, limit: Limit(limit), tombstones, .. } = query;
    let all = AllMessages { cursor, limit, tombstones };
    Ok(Reply::ok(list_all::page(&app, &caller, &origin, &all).await?))
}

async fn of_conversation(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    wanted: &Wanted,
) -> Result<Page<MessageView>, Problem> {
    let conversation = wanted.conversation;
    let source = Source { tombstones: wanted.tombstones, ..Source::of(conversation) };
    let (member, page) =
        app.store.member_and_messages(source, caller.user, wanted.around, wanted.limit).await?;
    let actor = caller.actor(app, member.as_ref()).await?;
    let readable = caller.may_read(app, &actor, conversation).await?;
    let page = page.filter(|_| readable).ok_or_else(Problem::not_found)?;
    let (older, newer) = (page.older.map(Around::Before), page.newer.map(Around::After));
    let senders = page.messages.iter().map(|message| (message.conversation, message.sender));
    let visible_users = VisibleUsers::of(&actor, conversation).find_senders(app, senders).await?;
    let mut results: Vec<MessageView> =
        page.messages.into_iter().map(|message| MessageView::new(message, &visible_users)).collect();
    let link = |around: Option<Around>| around.map(|around| wanted.link(origin, around));
    let (mut next, mut previous) = (link(newer), link(older));
    if wanted.order == Order::Newest {
        results.reverse();
        std::mem::swap(&mut next, &mut previous);
    }
    Ok(Page { next, previous, results })
}
