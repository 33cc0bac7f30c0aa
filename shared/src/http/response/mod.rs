//! Answers: representations of users, messages and changes, pages of lists, problems, and cookies. They do not read request
//! bodies.

pub mod change;
pub mod cookies;
pub mod message;
pub mod page;
pub mod problem;
pub mod reply;
pub mod user;
pub mod visible_users;

pub use self::{
    change::ChangeView,
    message::MessageView,
    page::{Origin, Page},
    problem::{Code, Problem},
    reply::Reply,
    user::UserView,
    visible_users::VisibleUsers,
};
