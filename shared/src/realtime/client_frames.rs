//! The frames from clients: JSON objects with a `type`. A WebSocket message from a client is one frame. It is read as
//! strictly as the body of a request.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    http::{Code, Fields, FromFields, Problem, Unchecked, request::json::json_object, typed},
    ids::{ConversationId, MAX_NUMBER},
    model::{Faults, Invalid},
};

/// A frame from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ClientFrame {
    /// Asks for a `pong`. A connection without frames ends after ten minutes, so send it every few minutes. If no `pong`
    /// comes, connect again.
    #[serde(rename = "ping")]
    Ping {},
    /// The user is writing. Send it every three seconds while the user writes. A frame that comes less than two seconds
    /// after the one before is ignored.
    #[serde(rename = "typing")]
    Typing {
        /// The conversation.
        conversation: ConversationId,
    },
    /// The user has read up to this message.
    #[serde(rename = "read")]
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// The number of the message, from 1.
        #[schema(minimum = 1)]
        number: u64,
    },
}

/// The names of the frames.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Ping,
    Typing,
    Read,
}

impl FromFields for ClientFrame {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("type", typed)?;
        Some(match name {
            Name::Ping => Self::Ping {},
            Name::Typing => Self::Typing { conversation: fields.required("conversation", typed)? },
            Name::Read => {
                let conversation = fields.required("conversation", typed);
                let number = fields.required("number", number);
                Self::Read { conversation: conversation?, number: number? }
            }
        })
    }
}

/// Checks the number of a message.
fn number(number: u64) -> Result<u64, Invalid> {
    let is_number = (1..=MAX_NUMBER).contains(&number);
    is_number.then_some(number).ok_or_else(|| Invalid::new("number", "is not the number of a message"))
}

impl ClientFrame {
    /// Reads a frame that arrived at `now`. `None` is a message that was not text. The problem names all faults.
    pub fn parse(text: Option<&str>, now: DateTime<Utc>) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        let fields: Option<Map<String, Value>> =
            text.and_then(|text| json_object(text.as_bytes(), &mut faults).ok());
        let fields = fields.ok_or_else(|| {
            let detail =
                "The frame is not a JSON object. Send one object with a `type` in each text message.";
            Problem::new(Code::MalformedBody, detail)
        })?;
        if !faults.is_empty() {
            return Err(faults.into());
        }
        Unchecked::of(fields, now).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERSATION: &str = "01234567-89ab-8cde-bc04-8c0000000000";

    fn parse(text: &str) -> Result<ClientFrame, Problem> {
        ClientFrame::parse(Some(text), DateTime::default())
    }

    #[test]
    fn each_frame_is_read() {
        let conversation = CONVERSATION.parse().unwrap();
        assert_eq!(parse(r#"{"type":"ping"}"#).unwrap(), ClientFrame::Ping {});
        let typing = format!(r#"{{"conversation":"{CONVERSATION}","type":"typing"}}"#);
        assert_eq!(parse(&typing).unwrap(), ClientFrame::Typing { conversation });
        let read = format!(r#"{{"type":"read","number":7,"conversation":"{CONVERSATION}"}}"#);
        assert_eq!(parse(&read).unwrap(), ClientFrame::Read { conversation, number: 7 });
        for text in [r#"{"type":"ping"}"#, &typing, &read] {
            let described: ClientFrame = serde_json::from_str(text).unwrap();
            assert_eq!(described, parse(text).unwrap(), "the schema describes the frames that are read");
        }
    }

    #[test]
    fn a_faulty_frame_is_refused_with_all_its_faults() {
        let faults = [
            (r#"{"type":"ping","more":1}"#.to_owned(), "more is not a field"),
            (r#"{"type":"pong"}"#.to_owned(), "type must be"),
            ("{}".to_owned(), "type is required"),
            (r#"{"type":"read"}"#.to_owned(), "conversation is required; number is required"),
            (r#"{"type":"typing","conversation":"memo"}"#.to_owned(), "conversation "),
            (format!(r#"{{"type":"read","conversation":"{CONVERSATION}","number":0}}"#), "number is not"),
            (
                format!(r#"{{"type":"read","conversation":"{CONVERSATION}","number":"5"}}"#),
                "number must be a whole number",
            ),
            (
                format!(r#"{{"type":"read","conversation":"{CONVERSATION}","number":{}}}"#, MAX_NUMBER + 1),
                "number is not",
            ),
            (r#"{"type":"ping","type":"ping"}"#.to_owned(), "type must be given only once"),
        ];
        for (text, fault) in faults {
            let problem = parse(&text).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidRequest, "{text}");
            assert!(problem.to_string().contains(fault), "{text}: {problem}");
        }
    }

    #[test]
    fn a_message_that_is_no_object_is_malformed() {
        for text in [None, Some(""), Some("ping"), Some("[]"), Some(r#"[{"type":"ping"}]"#), Some("{")] {
            let problem = ClientFrame::parse(text, DateTime::default()).unwrap_err();
            assert_eq!(problem.code(), Code::MalformedBody, "{text:?}");
        }
    }
}
