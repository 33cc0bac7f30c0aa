//! Answers: representations of users and messages, pages of lists, problems, and cookies. They do not read request
//! bodies.

pub mod cookies;
pub mod message;
pub mod page;
pub mod problem;
pub mod reply;
pub mod user;
pub mod visible_users;

pub use self::{
    message::MessageView,
    page::{Origin, Page},
    problem::{Code, Problem},
    reply::Reply,
    user::UserView,
    visible_users::VisibleUsers,
};
