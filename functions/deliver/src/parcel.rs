//! The frames of a batch for each connection, and their division into messages of the WebSocket API. Nothing is sent here.

use std::collections::BTreeMap;

use shared::{ids::ConnectionId, realtime::MAX_MESSAGE, store::items::Link};

use crate::fault::Records;

/// The frame `ready`.
pub(crate) const READY: &str = r#"{"type":"ready"}"#;

/// The frames of a batch for one connection, in their order.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) link: Link,
    pub(crate) frames: Vec<String>,
    /// The records of the frames.
    pub(crate) records: Records,
}

/// The frames of a batch, by connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox(BTreeMap<ConnectionId, Parcel>);

impl Outbox {
    /// Adds frames behind those that the connection already has.
    pub(crate) fn add(&mut self, parcel: Parcel) {
        match self.0.get_mut(&parcel.link.connection) {
            Some(present) => {
                present.frames.extend(parcel.frames);
                present.records.extend(parcel.records);
                // Another reading of the same link may be older.
                present.link.is_ready |= parcel.link.is_ready;
            }
            None => drop(self.0.insert(parcel.link.connection.clone(), parcel)),
        }
    }

    /// Removes the frames of a connection that is closed.
    pub(crate) fn remove(&mut self, connection: &ConnectionId) {
        self.0.remove(connection);
    }

    pub(crate) fn into_parcels(self) -> impl Iterator<Item = Parcel> {
        self.0.into_values()
    }
}

impl Parcel {
    /// Returns the messages to the connection: one frame, or a JSON array of frames. The first frame of a connection is
    /// `ready`.
    pub(crate) fn messages(&self) -> Vec<String> {
        let ready = (!self.link.is_ready).then_some(READY);
        let frames: Vec<&str> = ready.into_iter().chain(self.frames.iter().map(String::as_str)).collect();
        let mut messages = Vec::new();
        let mut rest = frames.as_slice();
        while !rest.is_empty() {
            let (these, others) = rest.split_at(count_that_fits(rest));
            messages.push(match these {
                [frame] => (*frame).to_owned(),
                frames => format!("[{}]", frames.join(",")),
            });
            rest = others;
        }
        messages
    }
}

/// Returns the number of frames, at least one, that fit into a message.
fn count_that_fits(frames: &[&str]) -> usize {
    let mut size = 1;
    let fitting = frames.iter().take_while(|frame| {
        // A bracket or a comma behind each frame.
        size += frame.len() + 1;
        size <= MAX_MESSAGE
    });
    fitting.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    const NIL: &str = "00000000-0000-0000-0000-000000000000";

    fn parcel(is_ready: bool, frames: &[&str]) -> Parcel {
        let link = Link {
            user: NIL.parse().unwrap(),
            connection: "a=".parse().unwrap(),
            session: NIL.parse().unwrap(),
            credential_version: 1,
            connected_at: DateTime::UNIX_EPOCH,
            is_ready,
            expires_at: DateTime::UNIX_EPOCH,
        };
        let frames = frames.iter().map(|frame| (*frame).to_owned()).collect();
        Parcel { link, frames, records: Records::new() }
    }

    #[test]
    fn one_frame_is_sent_alone_and_several_are_an_array() {
        assert_eq!(parcel(true, &["1"]).messages(), ["1"]);
        assert_eq!(parcel(true, &["1", "2"]).messages(), ["[1,2]"]);
        assert_eq!(parcel(true, &[]).messages(), Vec::<String>::new());
    }

    #[test]
    fn the_first_frame_of_a_connection_is_ready() {
        assert_eq!(parcel(false, &[]).messages(), [READY]);
        assert_eq!(parcel(false, &["1"]).messages(), [format!("[{READY},1]")]);
    }

    #[test]
    fn a_message_has_at_most_128_kilobytes() {
        let frame = "1".repeat(MAX_MESSAGE / 2 - 2);
        let sizes = |frames: &[&str]| -> Vec<usize> {
            parcel(true, frames).messages().iter().map(String::len).collect()
        };
        assert_eq!(sizes(&[&frame, &frame, "1"]), [MAX_MESSAGE - 1, 1]);
        let longer = format!("{frame}11");
        assert_eq!(sizes(&[&longer, &frame, "1"]), [longer.len(), frame.len() + 4]);
    }

    #[test]
    fn frames_for_one_connection_are_put_together_in_their_order() {
        let mut outbox = Outbox::default();
        for frame in ["1", "2"] {
            outbox.add(parcel(true, &[frame]));
        }
        let messages: Vec<_> = outbox.into_parcels().map(|parcel| parcel.messages()).collect();
        assert_eq!(messages, [["[1,2]"]]);
    }
}
