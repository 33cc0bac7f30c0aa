//! `GET /api/messages/`: a page of one conversation's messages. For requests without a conversation, see `list_all`.

use serde::Deserialize;
use shared::{
    App,
    http::{
        Authenticated, Caller, Fields, FromFields, Limit, MessageView, Origin, Page, Problem, Query, Reply,
        VisibleUsers, page::Owned, query::Switched, schemas::Cursor, typed,
    },
    ids::{ConversationId, MessageId},
    model::{Invalid, message},
    store::messages::{Around, Source},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    backward::Backward,
    list_all::{self, AllMessages, Position},
};

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
    /// Lists only the replies in the thread that begins with this message, at most 20 on a page. `previous` is `null`.
    thread: Option<MessageId>,
    /// The maximum number of entries on the page.
    #[param(required = false)]
    limit: Limit,
    /// The order of the messages. The default is `oldest` with `after` or `around`, and `newest` otherwise. A list before
    /// a message and the list of all messages are always `newest`; a list after a message is always `oldest`.
    #[param(inline)]
    order: Option<Order>,
    /// If true, lists deleted messages as tombstones. `1` and `0` are also accepted.
    #[param(default = false, required = false)]
    tombstones: bool,
    /// The position at which the page begins. It contains the list: all messages, or those of one conversation.
    #[param(value_type = Option<Cursor>)]
    cursor: Option<Start>,
}

/// The position in a cursor.
#[derive(Debug, Clone, Copy)]
enum Start {
    /// In the list of all messages.
    All(Owned<Position>),
    /// In the list of one conversation.
    Backward(Backward),
}

impl Start {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Backward::parse(text).map(Self::Backward).or_else(|_| Position::parse(text).map(Self::All))
    }
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
    /// The first message of a thread, to list only its replies.
    thread: Option<MessageId>,
}

impl FromFields for ListMessages {
    fn read(fields: &mut Fields) -> Option<Self> {
        let lists_all =
            !["conversation", "before", "after", "around", "thread"].iter().any(|name| fields.has(name));
        let request = Self {
            conversation: fields.optional("conversation", typed),
            before: fields.optional("before", typed),
            after: fields.optional("after", typed),
            around: fields.optional("around", typed),
            thread: fields.optional("thread", typed),
            limit: fields.given("limit", typed).unwrap_or_default(),
            order: fields.optional("order", typed),
            tombstones: fields.given("tombstones", |Switched(on)| typed(on)).unwrap_or_default(),
            cursor: fields.optional("cursor", |text: String| Start::parse(&text)),
        };
        if let Some(reason) = request.refused_order(lists_all) {
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

    /// Returns the reason why the order is refused. A list never leads past the message that it names.
    fn refused_order(&self, lists_all: bool) -> Option<&'static str> {
        match (self.order?, self.cursor) {
            (_, Some(Start::Backward(_))) => {
                Some("cannot be combined with this `cursor`, which contains the order")
            }
            (Order::Oldest, _) if lists_all => {
                Some("can be `oldest` only with `conversation`, `after`, `around` or `thread`")
            }
            (Order::Oldest, _) if self.before.is_some() => Some("cannot be `oldest` with `before`"),
            (Order::Newest, _) if self.after.is_some() => Some("cannot be `newest` with `after`"),
            _ => None,
        }
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
        if self.cursor.is_some() && (self.conversation.is_some() || first.is_some() || self.thread.is_some())
        {
            fields.fault(
                "cursor",
                "cannot be combined with `conversation`, `before`, `after`, `around` or `thread`; \
                 use the URL in `next`",
            );
        }
        self.check_thread(fields);
    }

    fn check_thread(&self, fields: &mut Fields) {
        let Some(thread) = self.thread else { return };
        if self.around.is_some() {
            fields.fault("thread", "cannot be combined with `around`; use `before` or `after`");
        }
        if let Some(conversation) = self.named_conversation() {
            fields.check(message::of_conversation("thread", thread, conversation));
        }
    }

    /// Returns the conversation of the request, without looking at the thread.
    fn named_conversation(&self) -> Option<ConversationId> {
        self.conversation.or(self.places().next().map(|(_, id)| id.conversation))
    }

    /// Returns the requested page of one conversation; `None` if the request names no conversation.
    fn wanted(&self) -> Option<Wanted> {
        if let Some(Start::Backward(page)) = self.cursor {
            return Some(self.page(page.conversation, page.around(), Order::against(page.around())));
        }
        let place = self.places().next();
        let conversation = self.named_conversation().or(self.thread.map(|id| id.conversation))?;
        let around = match place {
            Some(("before", id)) => Around::Before(id.number),
            Some(("after", id)) => Around::After(id.number),
            Some((_, id)) => Around::Middle(id.number),
            None if self.order == Some(Order::Oldest) => Around::After(0),
            None => Around::Newest,
        };
        Some(self.page(conversation, around, self.order.unwrap_or(Order::of(around))))
    }

    const fn page(&self, conversation: ConversationId, around: Around, order: Order) -> Wanted {
        let Self { limit: Limit(limit), tombstones, thread, .. } = *self;
        Wanted { conversation, around, order, limit, tombstones, thread }
    }
}

impl Order {
    /// Returns the order of a page whose request has no parameter `order`.
    const fn of(around: Around) -> Self {
        match around {
            Around::Newest | Around::Before(_) => Self::Newest,
            Around::After(_) | Around::Middle(_) => Self::Oldest,
        }
    }

    /// Returns the order of a page that leads back.
    const fn against(around: Around) -> Self {
        match Self::of(around) {
            Self::Newest => Self::Oldest,
            Self::Oldest => Self::Newest,
        }
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
        let back = Backward::new(self.conversation, around).filter(|_| self.order == Order::against(around));
        let tombstones = if self.tombstones { "&tombstones=1" } else { "" };
        if let Some(back) = back {
            let (limit, cursor) = (self.limit, back.cursor());
            return origin.link(&format!("/api/messages/?limit={limit}{tombstones}&cursor={cursor}"));
        }
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
        if self.order != Order::of(around) || around == Around::After(0) {
            let order = if self.order == Order::Newest { "newest" } else { "oldest" };
            path.push_str("&order=");
            path.push_str(order);
        }
        let thread = self.thread.map(|thread| format!("&thread={thread}")).unwrap_or_default();
        origin.link(&(path + tombstones + &thread))
    }
}

/// Lists messages.
///
/// Lists the messages of one conversation. Without `conversation`, lists all messages that the caller may read. A
/// request can name only one of `before`, `after` and `around`. Deleted messages are not listed. A page reads at most
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
    let ListMessages { limit: Limit(limit), tombstones, .. } = query;
    let cursor = match query.cursor {
        Some(Start::All(cursor)) => Some(cursor.of(caller.user.uuid())?),
        _ => None,
    };
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
    let (around, limit) = (wanted.around, wanted.limit);
    let (member, page) = match wanted.thread {
        None => app.store.member_and_messages(source, caller.user, around, limit).await?,
        Some(root) => app.store.member_and_replies(source, caller.user, root.number, (around, limit)).await?,
    };
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
    Ok(Page { next, previous: previous.filter(|_| wanted.thread.is_none()), results })
}
