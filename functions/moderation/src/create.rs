//! `POST /api/reports/`: reports a message, a user or a conversation to the admins. A retry with the same idempotency key
//! has no further effect.

use futures::future::try_join;
use shared::{
    http::{
        Authenticated, Code, Fields, FromFields, IdempotencyKeyHeader, Json, Origin, Problem, Reply,
        RequestBody, schemas::ReportComment, typed,
    },
    ids::{ConversationId, IdempotencyKey, MessageId, ReportId, UserId},
    model::{
        message::digest,
        report::{self, Reason, ReportState, Target},
    },
    store::{
        Command, LimitReached,
        items::Report,
        reports::{Filed, FilingError},
    },
};
use utoipa::ToSchema;

use crate::{
    target::{self, Content},
    view::SubmittedReport,
};

/// A report to file. It names exactly one of `message`, `user` and `conversation`.
#[derive(Debug, ToSchema)]
pub struct CreateReport {
    /// The id of a message that the caller can read. The report keeps its text.
    message: Option<MessageId>,
    /// The id of a user.
    user: Option<UserId>,
    /// The id of a conversation that the caller can read.
    conversation: Option<ConversationId>,
    /// The reason of the report.
    reason: Reason,
    /// A comment for the admins, at most 1,000 characters.
    #[schema(value_type = Option<ReportComment>)]
    comment: Option<String>,
    /// The idempotency key. A retry with the same key does not file a second report. A different report with the same key
    /// is refused. The header `Idempotency-Key` has the same meaning.
    client_id: Option<IdempotencyKey>,
    /// The one of the three ids that the request has.
    #[schema(ignore)]
    target: Target,
}

/// The fields of which a request has exactly one.
const TARGETS: [&str; 3] = ["message", "user", "conversation"];

impl RequestBody for CreateReport {}

impl FromFields for CreateReport {
    fn read(fields: &mut Fields) -> Option<Self> {
        let given: Vec<&str> = TARGETS.into_iter().filter(|name| fields.is_given(name)).collect();
        let message = fields.optional("message", typed);
        let user = fields.optional("user", typed);
        let conversation = fields.optional("conversation", typed);
        match given.split_first() {
            None => fields.fault("message", "is required, unless the request has `user` or `conversation`"),
            Some((first, others)) => {
                for name in others {
                    fields.fault(name, format!("cannot be combined with `{first}`"));
                }
            }
        }
        let reason = fields.required("reason", typed);
        let comment = fields.optional("comment", report::comment).flatten();
        let client_id = fields.client_id();
        let target = message.map(Target::Message).or(user.map(Target::User));
        let target = target.or(conversation.map(Target::Conversation));
        let (reason, target) = (reason?, target?);
        Some(Self { message, user, conversation, reason, comment, client_id, target })
    }
}

impl CreateReport {
    /// Returns the item of the report with the content that its target has now.
    fn into_item(self, id: ReportId, content: Content, command: Command) -> Report {
        let digest = self.digest();
        Report {
            place: (ReportState::Open, id),
            reporter: command.actor,
            message: self.message,
            user: self.user,
            conversation: self.conversation,
            sender: content.sender,
            body: content.body,
            reason: self.reason,
            comment: self.comment,
            digest,
            created_at: command.now,
            version: 1,
            request: command.request,
            handled_by: None,
            note: None,
            closed_by: None,
            closed_at: None,
        }
    }

    /// Returns the digest of the request. It does not include the text of the message, which may be edited before a retry.
    fn digest(&self) -> String {
        let target = match self.target {
            Target::Message(id) => format!("message {id}"),
            Target::User(id) => format!("user {id}"),
            Target::Conversation(id) => format!("conversation {id}"),
        };
        digest([&target, self.reason.as_str(), self.comment.as_deref().unwrap_or_default()])
    }

    /// Returns the problem of a target that does not exist, or that the caller cannot read.
    fn no_such_target(&self) -> Problem {
        match self.target {
            Target::Message(_) => Problem::field("message", "does not exist, or you do not have access"),
            Target::User(_) => Problem::field("user", "does not exist"),
            Target::Conversation(_) => {
                Problem::field("conversation", "does not exist, or you do not have access")
            }
        }
    }
}

/// Reports a message, a user or a conversation.
///
/// Admins read the report. A report of a message keeps the text that the message has now. A user can file
/// 20 reports, and then one in each hour. The response is 200 if the report was already filed with this `client_id`.
#[utoipa::path(post, path = "/api/reports/", operation_id = "create_report",
    params(IdempotencyKeyHeader), request_body = CreateReport,
    responses((status = 201, body = SubmittedReport), (status = 200, body = SubmittedReport), (status = 429)))]
pub async fn create(
    Authenticated(caller, app): Authenticated,
    origin: Origin,
    Json(request): Json<CreateReport>,
) -> Result<Reply<SubmittedReport>, Problem> {
    let command = caller.command(&app);
    let key = request.client_id.unwrap_or_else(|| IdempotencyKey::new(app.random.uuid_at(command.now)));
    let id = report::id_of_request(caller.user, key);
    let seen = async { app.store.before_filing(id, caller.user).await.map_err(Problem::from) };
    let (seen, content) = try_join(seen, target::content(&app, &caller, request.target)).await?;
    // A retry gets its answer even if the caller can no longer read the target. It does not write the content.
    let content = content.or_else(|| seen.earlier.as_ref().map(|_| Content::default()));
    let content = content.ok_or_else(|| request.no_such_target())?;
    let report = request.into_item(id, content, command);
    let filed = app.store.file_report(&report, seen).await.map_err(|error| refused(error, key))?;
    let location = origin.link(&format!("/api/reports/{id}/"));
    Ok(match filed {
        Filed::New(report) => Reply::created(SubmittedReport::new(report), location),
        Filed::Existing(report) => Reply::ok(SubmittedReport::new(report)),
    })
}

/// Returns the answer to a report that was refused or failed. The answer contains the `client_id` to retry with if the outcome
/// is unknown.
fn refused(error: FilingError, key: IdempotencyKey) -> Problem {
    match error {
        FilingError::KeyReused => Problem::new(
            Code::ClientIdReused,
            "Another report was filed with this `client_id`. Use a new `client_id` for each report.",
        ),
        // One report never costs more than a full bucket has.
        FilingError::TooMany(LimitReached::MoreThanFull { .. }) => Problem::internal(error),
        FilingError::TooMany(LimitReached::Wait { wait }) => Problem::throttled(
            "You have filed too many reports. Wait for the seconds in the header `Retry-After`.",
            wait,
        ),
        FilingError::Store(error) => Problem::from(error).member("client_id", key.to_string()),
    }
}
