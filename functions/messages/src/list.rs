//! `GET /api/messages/`: pages of one conversation here, of everything that the caller may read in `list_all`.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App,
    http::{
        Caller, Limit, MessageView, Origin, Page, People, Problem, Query, Reply,
        describe::{Cursor, Switch},
        query::switch,
    },
    ids::{ConversationId, MessageId},
    store::messages::{Around, MessagePage},
};
use utoipa::{IntoParams, ToSchema};

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListMessages {
    /// One of the caller's conversations; every one without it.
    pub(crate) conversation: Option<ConversationId>,
    /// Only those before this message, newest first.
    before: Option<MessageId>,
    /// Only those after this message, oldest first.
    after: Option<MessageId>,
    /// Those around this message, oldest first.
    around: Option<MessageId>,
    /// At most so many, 1 to 100.
    #[serde(default)]
    pub(crate) limit: Limit,
    /// Which come first on the page.
    #[param(inline)]
    order: Option<Order>,
    /// Show tombstones too.
    #[serde(default, deserialize_with = "switch")]
    #[param(value_type = Switch)]
    pub(crate) tombstones: bool,
    /// Where the list of all messages goes on.
    #[param(value_type = Option<Cursor>)]
    pub(crate) cursor: Option<String>,
}

/// The order of a page.
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

impl ListMessages {
    /// What is wanted of one conversation; `None` for everything.
    fn parse(&self) -> Result<Option<Wanted>, Problem> {
        let named = [("before", self.before), ("after", self.after), ("around", self.around)];
        let mut named = named.into_iter().filter_map(|(name, id)| Some((name, id?)));
        let place = named.next();
        if let Some((name, _)) = named.next() {
            return Err(Problem::field(name, "only one of before, after and around can be asked for"));
        }
        let Some(conversation) = self.conversation.or(place.map(|(_, id)| id.conversation)) else {
            return Ok(None);
        };
        if let Some((name, _)) = place.filter(|(_, id)| id.conversation != conversation) {
            return Err(Problem::field(name, "must be a message of the same conversation"));
        }
        if self.cursor.is_some() {
            return Err(Problem::field(
                "cursor",
                "belongs to the list of all messages: follow `next` as it is",
            ));
        }
        let around = match place {
            Some(("before", id)) => Around::Before(id.number),
            Some(("after", id)) => Around::After(id.number),
            Some((_, id)) => Around::Middle(id.number),
            None if self.order == Some(Order::Oldest) => Around::After(0),
            None => Around::Newest,
        };
        let order = self.order.unwrap_or(usual_order(around));
        Ok(Some(Wanted { conversation, around, order, limit: self.limit.0, tombstones: self.tombstones }))
    }
}

/// The order in which the list was asked to go on.
const fn usual_order(around: Around) -> Order {
    match around {
        Around::Newest | Around::Before(_) => Order::Newest,
        Around::After(_) | Around::Middle(_) => Order::Oldest,
    }
}

impl Wanted {
    fn link(&self, origin: &Origin, around: Around) -> String {
        let id = |number| self.conversation.message(number);
        let place = match around {
            Around::Before(number) => format!("&before={}", id(number)),
            Around::After(number) => format!("&after={}", id(number)),
            Around::Middle(number) => format!("&around={}", id(number)),
            Around::Newest => String::new(),
        };
        let mut path =
            format!("/api/messages/?conversation={}{place}&limit={}", self.conversation, self.limit);
        if self.order != usual_order(around) {
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
/// Pages of one conversation; without one, of everything that the caller may read. Of `before`, `after` and `around` one can
/// be named.
#[utoipa::path(get, path = "/api/messages/", operation_id = "list_messages", params(ListMessages),
    responses((status = 200, body = Page<MessageView>), (status = 404)))]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    origin: Origin,
    Query(query): Query<ListMessages>,
) -> Result<Reply<Page<MessageView>>, Problem> {
    match query.parse()? {
        Some(wanted) => Ok(Reply::ok(of_conversation(&app, &caller, &origin, &wanted).await?)),
        None => Ok(Reply::ok(crate::list_all::page(&app, &caller, &origin, &query).await?)),
    }
}

async fn of_conversation(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    wanted: &Wanted,
) -> Result<Page<MessageView>, Problem> {
    let conversation = wanted.conversation;
    let (member, page) =
        app.store.member_and_messages(conversation, caller.user, wanted.around, wanted.limit).await?;
    let actor = caller.actor(app, member.as_ref()).await?;
    let open = actor.may_read() && (member.is_some() || app.store.is_open(conversation).await?);
    let page = page.filter(|_| open).ok_or_else(Problem::not_found)?;
    let (older, newer) = neighbours(&page);
    let senders = page.messages.iter().map(|message| (message.conversation, message.sender));
    let people = People::of(&actor).find_senders(app, senders).await?;
    let shown = page.messages.into_iter().filter(|message| wanted.tombstones || message.deleted_at.is_none());
    let mut results: Vec<MessageView> = shown.map(|message| MessageView::new(message, &people)).collect();
    let link = |around: Option<Around>| around.map(|around| wanted.link(origin, around));
    let (mut next, mut previous) = (link(newer), link(older));
    if wanted.order == Order::Newest {
        results.reverse();
        std::mem::swap(&mut next, &mut previous);
    }
    Ok(Page { next, previous, results })
}

/// Where older and newer messages are.
fn neighbours(page: &MessagePage) -> (Option<Around>, Option<Around>) {
    let older = page.messages.first().filter(|_| page.older).map(|first| Around::Before(first.number));
    let newer = page.messages.last().filter(|_| page.newer).map(|last| Around::After(last.number));
    (older, newer)
}
