use serde_json::json;
use uuid::Uuid;

use super::*;

const ANN: UserId = UserId::new(Uuid::from_u128(1));
const BEN: UserId = UserId::new(Uuid::from_u128(2));

fn user(id: UserId, first_name: &str) -> serde_json::Value {
    json!({ "user_id": id, "first_name": first_name, "last_name": "", "email": null })
}

/// Creates a message that was sent this number of minutes after midnight.
fn message(number: u64, sender: UserId, minutes: i64, deleted: bool) -> Message {
    let sent_at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
    let id = ConversationId::from_prefix([7; 10]).message(number);
    serde_json::from_value(json!({
        "message_id": id, "sender": user(sender, "X"), "message_body": "<b>", "sent_at": sent_at,
        "edited_at": null, "deleted_at": deleted.then_some(sent_at), "reply_to": null, "revision": 0,
    }))
    .unwrap()
}

#[test]
fn groups_end_with_the_sender_the_day_and_a_pause() {
    let day = 24 * 60;
    let said = [(ANN, 0), (ANN, 4), (ANN, 9), (BEN, 10), (BEN, day - 1), (BEN, day)];
    let messages: Vec<Message> =
        said.iter().zip(1..).map(|((who, minute), number)| message(number, *who, *minute, false)).collect();
    let items = conversation_of(&messages, &[], ANN, 0);
    let first: Vec<bool> = items.iter().map(|item| item.first).collect();
    assert_eq!(first, [true, false, true, true, true, true]);
    let days: Vec<Option<&str>> = items.iter().map(|item| item.day.as_deref()).collect();
    assert_eq!(days, [Some("1 January 1970"), None, None, None, None, Some("2 January 1970")]);
}

#[test]
fn what_is_new_begins_at_the_first_unread_of_the_others() {
    let said = [(BEN, false), (BEN, false), (ANN, false), (BEN, true), (BEN, false)];
    let messages: Vec<Message> =
        said.iter().zip(1..).map(|((who, deleted), number)| message(number, *who, 0, *deleted)).collect();
    for (unread, expected) in [(0, None), (1, Some(4)), (2, Some(1)), (3, Some(0)), (4, None)] {
        let items = conversation_of(&messages, &[], ANN, unread);
        assert_eq!(items.iter().position(|item| item.fresh), expected, "{unread}");
    }
}

#[test]
fn a_quote_of_what_is_gone_says_so() {
    let (gone, mut answer) = (message(1, BEN, 0, true), message(2, ANN, 1, false));
    answer.reply_to = Some(gone.message_id);
    for answered in [vec![gone.clone()], vec![]] {
        let items = conversation_of(&[answer.clone()], &answered, ANN, 0);
        assert_eq!(items[0].quote.as_ref().unwrap().text, "A deleted message");
    }
}

#[test]
fn conversations_are_called_by_those_who_are_in_them() {
    let conversation = |name: Option<&str>, names: &[&str], count: usize| -> Conversation {
        let mut participants = vec![user(ANN, "Ann")];
        participants.extend(names.iter().map(|name| user(BEN, name)));
        serde_json::from_value(json!({
            "conversation_id": ConversationId::from_prefix([7; 10]), "state": "active", "invited_by": null,
            "muted": false, "kind": "group", "name": name,
            "participants": participants, "participant_count": count, "last_message": null, "unread": 100,
            "unread_more": true, "created_at": DateTime::UNIX_EPOCH,
        }))
        .unwrap()
    };
    let title = |name, names: &[&str], count| conversation(name, names, count).title(ANN);
    assert_eq!(title(Some("Named"), &["Ben"], 2), "Named");
    assert_eq!(title(None, &["Ben", "", "Cleo", "Dan"], 60), "Ben, Unknown user, Cleo and 56 more");
    assert_eq!(title(None, &[], 1), "Only you");
    let item = InboxItem::new(&conversation(Some("\u{e4}b (c) 4d"), &[], 1), ANN, ChatList::Inbox, None);
    assert_eq!((item.avatar.initials.as_str(), item.unread.as_deref()), ("\u{c4}4", Some("100+")));
}
