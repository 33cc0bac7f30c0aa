//! The settings that decide if a user is asked, and the answers of the user: how they change what the user and the one who
//! asks see of each other. Here, every state is reached through the API.

use serde_json::json;
use shared::model::user::Role;

use crate::{
    consent::accept,
    harness::{Answer, TestApp, User, user::id_of},
};

/// The way in which a stranger puts the user into a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    NewGroup,
    Added,
}

/// The event after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Accepts,
    Declines,
    /// Another invited user accepts.
    AnotherAccepts,
    AcceptsAndLeaves,
    /// The user accepts and leaves, and the stranger adds the user again.
    IsAddedAgain,
}

/// A case with the default or the own setting of the user.
#[derive(Debug, Clone, Copy)]
struct Case {
    role: Role,
    setting: Option<&'static str>,
    way: Way,
    then: Then,
    /// True if the answer to the stranger shows the contact details of the user.
    at_once: bool,
    /// True if the two see the contact details of each other in the end.
    are_shown: bool,
}

/// Returns a case; `shown` is `at_once` and `are_shown`.
const fn case(role: Role, setting: Option<&'static str>, way: Way, then: Then, shown: [bool; 2]) -> Case {
    let [at_once, are_shown] = shown;
    Case { role, setting, way, then, at_once, are_shown }
}

/// In a deployment that asks users for consent.
const REQUESTS: [Case; 15] = {
    use Role::{Guest, Host};
    use Then::{Accepts, AcceptsAndLeaves, AnotherAccepts, Declines, IsAddedAgain, Nothing};
    use Way::{Added, Direct, NewGroup};
    [
        case(Guest, None, Direct, Nothing, [false, false]),
        case(Guest, None, NewGroup, Nothing, [false, false]),
        case(Guest, None, Added, Nothing, [false, false]),
        case(Guest, None, Direct, Accepts, [false, true]),
        case(Guest, None, NewGroup, Accepts, [false, true]),
        case(Guest, None, Added, Accepts, [false, true]),
        case(Guest, None, Direct, Declines, [false, false]),
        case(Guest, None, NewGroup, Declines, [false, false]),
        case(Guest, None, Added, AnotherAccepts, [false, false]),
        case(Guest, None, NewGroup, AcceptsAndLeaves, [false, false]),
        case(Guest, None, Added, IsAddedAgain, [false, false]),
        case(Guest, Some("everyone"), Direct, Nothing, [true, true]),
        case(Guest, Some("everyone"), Added, Nothing, [true, true]),
        case(Host, None, NewGroup, Nothing, [true, true]),
        case(Host, Some("requests"), Added, Nothing, [false, false]),
    ]
};

/// In a deployment that does not.
const EVERYONE: [Case; 5] = {
    use Role::Guest;
    use Then::{AcceptsAndLeaves, Nothing};
    use Way::{Added, Direct, NewGroup};
    [
        case(Guest, None, Direct, Nothing, [true, true]),
        case(Guest, None, NewGroup, Nothing, [true, true]),
        case(Guest, Some("requests"), Added, Nothing, [true, true]),
        case(Guest, Some("requests"), Direct, Nothing, [true, true]),
        case(Guest, None, Added, AcceptsAndLeaves, [true, false]),
    ]
};

/// A user with a phone number of their own.
struct Person {
    user: User,
    phone: String,
}

impl Person {
    async fn new(app: &TestApp, name: &str, role: Role, number: usize) -> Self {
        let user = app.user_with_role(&format!("{name}{number}"), role).await;
        let phone = format!("+44 20 7946 {}{:03}", name.len(), number);
        app.table.set(&format!("USER#{}", user.id), "PROFILE", "phone_number", json!(phone)).await;
        Self { user, phone }
    }

    fn is_told_by(&self, answer: &Answer) -> bool {
        let text = answer.fingerprint();
        text.contains(&self.user.email) || text.contains(&self.phone)
    }

    /// Returns the paths where `viewer` could see this person, as far as they are not refused.
    fn places(&self, conversation: &str) -> Vec<String> {
        let conversations = format!("/api/conversations/{conversation}/");
        vec![
            format!("/api/users/{}/", self.user.id),
            format!("/api/users/?email={}", self.user.email.to_uppercase()),
            format!("{conversations}participants/"),
            format!("{conversations}participants/{}/", self.user.id),
            conversations,
            format!("/api/messages/?conversation={conversation}"),
            "/api/messages/".to_owned(),
            "/api/conversations/".to_owned(),
            "/api/conversations/?state=invited&messages=1".to_owned(),
        ]
    }
}

struct Scene {
    case: Case,
    stranger: Person,
    subject: Person,
    bystander: User,
    conversation: String,
    /// The answer to the stranger's request that put the subject into the conversation.
    put: Answer,
}

impl Scene {
    async fn new(app: &TestApp, case: Case, number: usize) -> Self {
        let stranger = Person::new(app, "stranger", Role::Guest, number).await;
        let subject = Person::new(app, "ann", case.role, number).await;
        if let Some(setting) = case.setting {
            subject.user.patch("/api/users/me/", json!({ "contact": setting })).await.ok();
        }
        let bystander = app.user("cleo").await;
        let ids = json!({ "participants": [subject.user.id, bystander.id] });
        let (conversation, put) = match case.way {
            Way::Direct => {
                let opened = stranger.user.open_direct(&subject.user).await.expect(201);
                (id_of(&opened.json()), opened)
            }
            Way::NewGroup => {
                let opened = stranger.user.post("/api/conversations/", ids).await.expect(201);
                (id_of(&opened.json()), opened)
            }
            Way::Added => {
                let group = stranger.user.group(&[]).await;
                let added = stranger.user.add(&group, &[&subject.user, &bystander]).await.expect(200);
                (group, added)
            }
        };
        stranger.user.send(&conversation, "memo, from a stranger").await;
        Self { case, stranger, subject, bystander, conversation, put }
    }

    async fn go_on(&self) {
        let (subject, conversation) = (&self.subject.user, &self.conversation);
        match self.case.then {
            Then::Nothing => {}
            Then::Accepts => drop(accept(subject, conversation).await.ok()),
            Then::AnotherAccepts => drop(accept(&self.bystander, conversation).await.ok()),
            Then::Declines if self.case.way == Way::Direct => {
                subject.delete_conversation(conversation).await.nothing();
            }
            Then::Declines => subject.leave(conversation).await.nothing(),
            Then::AcceptsAndLeaves => self.accept_and_leave().await,
            Then::IsAddedAgain => {
                self.accept_and_leave().await;
                self.stranger.user.add(conversation, &[subject]).await.ok();
            }
        }
    }

    async fn accept_and_leave(&self) {
        accept(&self.subject.user, &self.conversation).await.ok();
        self.subject.user.send(&self.conversation, "memo, from the subject").await;
        self.subject.user.leave(&self.conversation).await.nothing();
    }

    /// Adds the answers that show too much or too little.
    async fn look(&self, wrong: &mut Vec<String>) {
        let case = self.case;
        for (viewer, seen) in [(&self.stranger, &self.subject), (&self.subject, &self.stranger)] {
            let mut shown = 0;
            for path in seen.places(&self.conversation) {
                let answer = viewer.user.get(&path).await;
                shown += usize::from(seen.is_told_by(&answer));
                if seen.is_told_by(&answer) && !case.are_shown {
                    wrong.push(format!("{case:?}: {answer}"));
                }
            }
            // The profile twice, the participants twice, the conversation and the inbox.
            if case.are_shown && shown < 6 {
                wrong.push(format!("{case:?}: only {shown} answers show {}", seen.user.name));
            }
        }
    }
}

async fn play(app: &TestApp, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let scene = Scene::new(app, *case, number).await;
        if scene.subject.is_told_by(&scene.put) != case.at_once {
            wrong.push(format!("{case:?}: {}", scene.put));
        }
        scene.go_on().await;
        scene.look(&mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    app.check().await;
}

#[tokio::test]
async fn where_users_are_asked_an_invitation_shows_nothing() {
    play(&TestApp::with_requests().await, &REQUESTS).await;
}

#[tokio::test]
async fn where_nobody_is_asked_a_conversation_shows_its_participants_at_once() {
    play(&TestApp::new().await, &EVERYONE).await;
}
