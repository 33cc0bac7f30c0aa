//! The lists beside the open conversation: the inbox, the requests, the archive, and the blocked users.

use serde::Deserialize;

/// The number of entries on a page of a list.
const ENTRIES: usize = 20;

/// One of the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatList {
    /// The conversations that the user has accepted and not archived.
    #[default]
    Inbox,
    /// The invitations of the user.
    Requests,
    /// The conversations that the user has archived.
    Archived,
    /// The users whom the user has blocked.
    Blocked,
}

/// All lists, in the order of their links.
const ALL: [ChatList; 4] = [ChatList::Inbox, ChatList::Requests, ChatList::Archived, ChatList::Blocked];

/// A link to a list, for the template.
#[derive(Debug)]
pub(crate) struct ListLink {
    pub(crate) href: String,
    pub(crate) name: &'static str,
    pub(crate) current: bool,
    /// For the requests: true if an invitation waits for the answer of the user. `None` for the other lists.
    pub(crate) waiting: Option<bool>,
}

impl ChatList {
    /// Returns the name of the list in the page's query.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Requests => "requests",
            Self::Archived => "archived",
            Self::Blocked => "blocked",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::Requests => "Requests",
            Self::Archived => "Archived",
            Self::Blocked => "Blocked",
        }
    }

    /// Returns the text that the page shows if the list is empty.
    pub(crate) const fn empty(self) -> &'static str {
        match self {
            Self::Inbox => {
                "You have no conversations yet. Start one with a person whose email address you know."
            }
            Self::Requests => {
                "You have no requests. Conversations with people whom you do not know appear here first."
            }
            Self::Archived => "You have no archived conversations.",
            Self::Blocked => "You have not blocked anyone.",
        }
    }

    /// Returns the path of the page with this list.
    pub(crate) fn href(self) -> String {
        match self {
            Self::Inbox => "/".to_owned(),
            list => format!("/?list={}", list.as_str()),
        }
    }

    /// Returns the path of a page with more parameters; the next parameter follows directly.
    pub(crate) fn href_with(self) -> String {
        match self {
            Self::Inbox => "/?".to_owned(),
            list => format!("/?list={}&", list.as_str()),
        }
    }

    /// Returns the path and query with which the API lists the conversations; `None` for the list of users.
    pub(crate) fn conversations(self) -> Option<String> {
        let state = match self {
            Self::Inbox => "",
            Self::Requests => "&state=invited",
            Self::Archived => "&state=archived",
            Self::Blocked => return None,
        };
        Some(format!("/api/conversations/?limit={ENTRIES}&messages=0{state}"))
    }

    /// Returns the links to all lists from a page with this list.
    pub(crate) fn links(self, waiting: bool) -> Vec<ListLink> {
        let link = |list: Self| ListLink {
            href: list.href(),
            name: list.title(),
            current: list == self,
            waiting: (list == Self::Requests).then_some(waiting),
        };
        ALL.into_iter().map(link).collect()
    }
}

/// The path and query with which the API lists the blocked users.
pub(crate) fn blocks() -> String {
    format!("/api/users/me/blocks/?limit={ENTRIES}")
}

/// The path and query that show if an invitation waits for an answer.
pub(crate) const WAITING: &str = "/api/conversations/?state=invited&limit=1&messages=0";
