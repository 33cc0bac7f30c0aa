//! Contact details: the email and the phone number of a user are shown to the user, to admins, and to users with whom
//! the user has accepted one conversation. The matrix is data: relations of a viewer to a subject, and the places where
//! the API can show the subject. Each answer is searched for the contact details in all of its bytes. `settings` has the
//! settings of deployments and users, and the answers to an invitation.

mod answers;
mod places;
mod settings;

use axum::http::Method;
use serde_json::{Value, json};

use self::places::{Place, at_conversation, at_user};
use crate::harness::{Browser, TestApp, User, user::message_path};

/// The kind of the only conversation that the subject and the viewer have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Direct,
    Group,
}

/// A user's membership of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    /// The user was put into the conversation and did not have to be asked.
    Unasked,
    /// The user was invited and has accepted.
    Accepted,
    /// The user was invited and has not answered.
    Invited,
    /// The user has left, after the user had sent a message.
    Gone,
    /// The user was never in the conversation.
    Never,
}

/// The user who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Viewer {
    Other,
    Admin,
    Subject,
}

/// A relation of a viewer to the subject. `is_shown` is the expected answer.
#[derive(Debug, Clone, Copy)]
struct Relation {
    kind: Kind,
    subject: Membership,
    viewer: Membership,
    by: Viewer,
    is_shown: bool,
}

const fn row(kind: Kind, subject: Membership, viewer: Membership, by: Viewer, is_shown: bool) -> Relation {
    Relation { kind, subject, viewer, by, is_shown }
}

const RELATIONS: [Relation; 25] = {
    use Kind::{Direct, Group};
    use Membership::{Accepted, Gone, Invited, Never, Unasked};
    use Viewer::{Admin, Other, Subject};
    [
        row(Direct, Unasked, Unasked, Other, true),
        row(Direct, Accepted, Unasked, Other, true),
        row(Direct, Unasked, Accepted, Other, true),
        row(Direct, Invited, Unasked, Other, false),
        row(Direct, Unasked, Invited, Other, false),
        row(Direct, Unasked, Never, Other, false),
        row(Direct, Invited, Never, Admin, true),
        row(Direct, Invited, Unasked, Admin, true),
        row(Direct, Invited, Unasked, Subject, true),
        row(Group, Unasked, Unasked, Other, true),
        row(Group, Accepted, Unasked, Other, true),
        row(Group, Unasked, Accepted, Other, true),
        row(Group, Accepted, Accepted, Other, true),
        row(Group, Invited, Unasked, Other, false),
        row(Group, Invited, Accepted, Other, false),
        row(Group, Unasked, Invited, Other, false),
        row(Group, Accepted, Invited, Other, false),
        row(Group, Invited, Invited, Other, false),
        row(Group, Gone, Unasked, Other, false),
        row(Group, Gone, Accepted, Other, false),
        row(Group, Unasked, Gone, Other, false),
        row(Group, Unasked, Never, Other, false),
        row(Group, Invited, Never, Admin, true),
        row(Group, Gone, Never, Admin, true),
        row(Group, Invited, Invited, Subject, true),
    ]
};

/// A subject and a viewer in the state of a relation.
struct Stage {
    relation: Relation,
    subject: User,
    phone: String,
    conversation: String,
    message: Value,
    /// The path of a report that the subject has filed.
    report: String,
}

/// The users of all stages.
struct Cast {
    owner: User,
    other: User,
    admin: User,
    other_browser: Browser,
    admin_browser: Browser,
}

impl Cast {
    async fn new(app: &TestApp) -> Self {
        let (owner, other) = (app.user("cleo").await, app.user("ben").await);
        let admin = app.admin("admin").await;
        let (other_browser, admin_browser) = (Browser::of(&other).await, Browser::of(&admin).await);
        Self { owner, other, admin, other_browser, admin_browser }
    }

    fn viewer<'a>(&'a self, stage: &'a Stage) -> &'a User {
        match stage.relation.by {
            Viewer::Other => &self.other,
            Viewer::Admin => &self.admin,
            Viewer::Subject => &stage.subject,
        }
    }

    fn browser(&self, by: Viewer) -> Option<&Browser> {
        match by {
            Viewer::Other => Some(&self.other_browser),
            Viewer::Admin => Some(&self.admin_browser),
            Viewer::Subject => None,
        }
    }
}

impl Stage {
    async fn new(app: &TestApp, cast: &Cast, number: usize, relation: Relation) -> Self {
        let subject = app.user(&format!("ann{number}")).await;
        let phone = format!("+44 20 7946 {:04}", 1000 + number);
        app.table.set(&format!("USER#{}", subject.id), "PROFILE", "phone_number", json!(phone)).await;
        let viewer = if relation.viewer == Membership::Never { &cast.owner } else { &cast.other };
        let conversation = match relation.kind {
            Kind::Direct => viewer.direct(&subject).await,
            Kind::Group => cast.owner.group(&[&subject, viewer]).await,
        };
        let message = subject.send(&conversation, "memo, from the subject").await;
        let report = subject.post("/api/reports/", json!({ "user": cast.owner.id, "reason": "spam" })).await;
        let report = format!("/api/reports/{}/", report.created()["report_id"].as_str().unwrap());
        let pin = format!("{}pin/", message_path(&message));
        subject.request(Method::PUT, &pin).send().await.ok();
        let stage = Self { relation, subject, phone, conversation, message, report };
        stage.become_of(app, cast, &stage.subject, relation.subject).await;
        stage.become_of(app, cast, viewer, relation.viewer).await;
        stage
    }

    /// Brings a participant into a state. The items are those that an invitation and its acceptance write.
    async fn become_of(&self, app: &TestApp, cast: &Cast, user: &User, membership: Membership) {
        let (pk, sk) = (format!("CONV#{}", self.conversation), format!("MEMBER#{}", user.id));
        match membership {
            Membership::Unasked | Membership::Never => return,
            Membership::Gone => return user.leave(&self.conversation).await.nothing(),
            Membership::Accepted => app.table.set(&pk, &sk, "accepted_at", json!(1)).await,
            Membership::Invited => {}
        }
        app.table.set(&pk, &sk, "invited_by", json!(cast.owner.id)).await;
        app.table.set(&pk, "META", "has_invited", json!(true)).await;
    }

    /// Returns true if a place shows the subject with contact details. Lists of the viewer's own conversations have
    /// nothing of a conversation in which the viewer is no participant.
    fn shows(&self, place: &Place) -> bool {
        let relation = self.relation;
        let is_member = !matches!(relation.viewer, Membership::Never | Membership::Gone);
        let has_conversation = relation.by != Viewer::Other || is_member;
        let nests_subject = match place {
            Place::User(_) => true,
            Place::Sender(_) => has_conversation,
            Place::Participant(_) => has_conversation && relation.subject != Membership::Gone,
            Place::Report(_) => relation.by == Viewer::Admin,
            Place::Nobody(_) => false,
        };
        relation.is_shown && nests_subject
    }

    /// Returns true if the bytes contain the email or the phone number of the subject. The search by email is asked in
    /// capitals, so that the page's own address does not count.
    fn is_told_by(&self, text: &str) -> bool {
        text.contains(&self.subject.email) || text.contains(&self.phone) || text.contains(&self.phone[4..])
    }
}

#[tokio::test]
async fn contact_details_are_shown_where_both_have_accepted_one_conversation() {
    let app = TestApp::new().await;
    let cast = Cast::new(&app).await;
    let mut wrong = Vec::new();
    for (number, relation) in RELATIONS.into_iter().enumerate() {
        let stage = Stage::new(&app, &cast, number, relation).await;
        for place in at_user(&stage.subject).into_iter().chain(at_conversation(&stage)) {
            let path = place.path();
            for (accept, answer) in places::asked(cast.viewer(&stage), cast.browser(relation.by), path).await
            {
                if stage.is_told_by(&answer) != stage.shows(&place) {
                    wrong.push(format!("{relation:?}\n    GET {path} as {accept}: {answer}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn lists_of_conversations_and_messages_show_the_same() {
    let app = TestApp::new().await;
    let cast = Cast::new(&app).await;
    let mut stages = Vec::new();
    for (number, relation) in RELATIONS.into_iter().enumerate().filter(|(_, row)| row.by == Viewer::Other) {
        stages.push(Stage::new(&app, &cast, number, relation).await);
    }
    for path in places::LISTS {
        let pages = places::all_pages(&cast.other, path).await;
        for stage in &stages {
            let place = if path.starts_with("/api/messages/") {
                Place::Sender(path.to_owned())
            } else {
                Place::Participant(path.to_owned())
            };
            let relation = stage.relation;
            assert_eq!(stage.is_told_by(&pages), stage.shows(&place), "{path}: {relation:?}\n{pages}");
        }
    }
}
