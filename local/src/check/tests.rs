use serde_json::json;

use super::*;

fn found(items: &[Value]) -> Vec<String> {
    violations(items.iter().filter_map(|item| item.as_object().cloned()))
}

#[test]
fn a_membership_and_its_inbox_entry_belong_together() {
    let meta =
        json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 1, "owners": ["u"]});
    let member = json!({"pk": "CONV#c", "sk": "MEMBER#u", "role": "owner", "read": 0});
    let entry = json!({"pk": "INBOX#u", "sk": "CONV#c"});
    assert_eq!(found(&[meta.clone(), member.clone(), entry.clone()]), [""; 0]);
    assert_eq!(found(&[meta.clone(), member]), ["CONV#c: MEMBER#u has no inbox entry"]);
    let without = found(&[meta, entry]);
    assert!(without.iter().any(|text| text.contains("lists CONV#c without a membership")), "{without:?}");
}

#[test]
fn a_membership_and_its_inbox_entry_have_the_same_settings() {
    let meta =
        json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 1, "owners": ["u"]});
    let member = |name: &str, value: Value| {
        let mut member = json!({"pk": "CONV#c", "sk": "MEMBER#u", "role": "owner", "read": 0});
        member[name] = value;
        member
    };
    let entry = |name: &str, value: Value| {
        let mut entry = json!({"pk": "INBOX#u", "sk": "CONV#c"});
        entry[name] = value;
        entry
    };
    for (name, value) in [("archived_tail", json!(0)), ("muted", json!(true))] {
        let both = [meta.clone(), member(name, value.clone()), entry(name, value.clone())];
        assert_eq!(found(&both), [""; 0]);
        let expected = [format!("CONV#c: MEMBER#u and its inbox entry do not agree on {name}")];
        assert_eq!(found(&[meta.clone(), member("x", json!(0)), entry(name, value.clone())]), expected);
        assert_eq!(found(&[meta.clone(), member(name, value), entry("x", json!(0))]), expected);
    }
    let archived = found(&[meta, member("archived_tail", json!(1)), entry("archived_tail", json!(1))]);
    assert_eq!(archived, ["CONV#c: MEMBER#u has archived 1 of 0 messages"]);
}

#[test]
fn a_report_is_open_or_closed() {
    let open = json!({"pk": "REPORTS", "sk": "OPEN#r", "user": "u"});
    let closed = json!({"pk": "REPORTS", "sk": "CLOSED#r", "user": "u", "closed_at": 1, "closed_by": "a"});
    assert_eq!(found(std::slice::from_ref(&open)), [""; 0]);
    assert_eq!(found(std::slice::from_ref(&closed)), [""; 0]);
    assert_eq!(found(&[open, closed]), ["REPORTS: r is both open and closed"]);
    let without = json!({"pk": "REPORTS", "sk": "CLOSED#r"});
    assert_eq!(found(&[without]), ["REPORTS: CLOSED#r has 0 targets", "REPORTS: CLOSED#r has a wrong end"]);
}

#[test]
fn numbers_have_no_holes_and_nothing_follows_the_closing_entry() {
    let meta = json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 0, "owners": []});
    let message = |number: u64, kind: &str| {
        json!({"pk": "CONV#c", "sk": format!("MSG#{number:013}"), "item": kind, "sent_at": number, "revision": 0,
               "sender": "u", "idempotency_key": number.to_string()})
    };
    assert_eq!(found(&[meta.clone(), message(1, "message"), message(2, "closed")]), [""; 0]);
    assert_eq!(found(&[meta.clone(), message(1, "message"), message(3, "message")]).len(), 1);
    assert_eq!(found(&[meta, message(1, "closed"), message(2, "message")]).len(), 1);
}

#[test]
fn the_item_of_the_admins_contains_each_of_them() {
    let id = "00000000-0000-4000-8000-000000000001";
    let profile = |more: &str| {
        let mut item = json!({"pk": format!("USER#{id}"), "sk": "PROFILE", "email": "a", "role": "admin",
            "credential_version": 1});
        item[more] = json!(1);
        item
    };
    let credential = json!({"pk": "EMAIL#a", "sk": "CREDENTIAL", "user": id, "version": 1});
    let admins = json!({"pk": "ADMINS", "sk": "ADMINS", "users": "AAAAAAAAQACAAAAAAAAAAQ", "version": 1});
    assert_eq!(found(&[profile("x"), credential.clone(), admins.clone()]), [""; 0]);
    assert_eq!(found(&[profile("x"), credential.clone()]).len(), 1);
    assert_eq!(found(&[profile("suspended_at"), credential, admins]).len(), 1);
}

#[test]
fn a_block_is_of_another_user() {
    let profile = |id: &str| {
        [
            json!({"pk": format!("USER#{id}"), "sk": "PROFILE", "email": id, "credential_version": 1}),
            json!({"pk": format!("EMAIL#{id}"), "sk": "CREDENTIAL", "user": id, "version": 1}),
        ]
    };
    let blocks = |of: &str| json!({"pk": "USER#u", "sk": "BLOCKS", "version": 1, "blocked": {of: 1}});
    let users = [profile("u"), profile("v")].concat();
    assert_eq!(found(&[users.clone(), vec![blocks("v")]].concat()), [""; 0]);
    for wrong in ["u", "w"] {
        assert_eq!(found(&[users.clone(), vec![blocks(wrong)]].concat()).len(), 1, "{wrong}");
    }
}

#[test]
fn a_membership_that_is_not_accepted_has_an_invitation_and_no_inbox_entry() {
    let meta = json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 1, "owners": ["u"],
            "has_invited": true});
    let member =
        json!({"pk": "CONV#c", "sk": "MEMBER#u", "role": "owner", "joined_at": 7, "invited_by": "v"});
    let invitation = json!({"pk": "INBOX#u", "sk": "INVITED#00000000000000007#c"});
    let entry = json!({"pk": "INBOX#u", "sk": "CONV#c"});
    assert_eq!(found(&[meta.clone(), member.clone(), invitation.clone()]), [""; 0]);
    assert_eq!(found(&[meta.clone(), member.clone()]).len(), 1);
    assert_eq!(found(&[meta.clone(), member.clone(), invitation.clone(), entry.clone()]).len(), 1);
    let accepted = json!({"pk": "CONV#c", "sk": "MEMBER#u", "role": "owner", "joined_at": 7,
        "invited_by": "v", "accepted_at": 8});
    assert_eq!(found(&[meta.clone(), accepted.clone(), entry.clone()]), [""; 0]);
    assert_eq!(found(&[meta, accepted, entry, invitation]).len(), 2);
}

#[test]
fn each_user_reacts_once_with_each_emoji_and_not_to_a_tombstone() {
    let message = |name: &str, value: Value| {
        let mut message = json!({"pk": "CONV#c", "sk": "MSG#0000000000001", "item": "message", "sent_at": 1,
            "sender": "u", "idempotency_key": "k", "revision": 1});
        message[name] = value;
        message
    };
    let meta = json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 0, "owners": []});
    let change = |kind: &str| json!({"pk": "CONV#c", "sk": "CHANGE#0000000000001", "item": "change", "kind": kind, "message": 1});
    let (one, all) = ("AAAAAAAAQACAAAAAAAAAAQ", |reactions: String| {
        found(&[meta.clone(), message("reactions", json!(reactions)), change("reaction_added")])
    });
    assert_eq!(all(format!("a:{one};b:{one}")), [""; 0]);
    for wrong in
        [format!("a:{one};a:{one}"), "a:".to_owned(), format!("a:{}", "A".repeat(43)), "a".to_owned()]
    {
        assert_eq!(
            all(wrong.clone()),
            [format!(
                "CONV#c: MSG#0000000000001 has wrong reactions with {:?}",
                wrong.split(':').next().filter(|_| wrong.contains(':')).unwrap_or_default()
            )]
        );
    }
    let many: Vec<String> = (0..21).map(|n| format!("{n}:{one}")).collect();
    assert_eq!(all(many.join(";")).len(), 1);
    let mut deleted = message("reactions", json!(format!("a:{one}")));
    deleted["deleted_at"] = json!(2);
    assert_eq!(found(&[meta.clone(), deleted, change("message_deleted")]).len(), 1);
    // An edit keeps the text before it.
    assert_eq!(found(&[meta, message("body", json!("memo")), change("message_edited")]).len(), 1);
}

#[test]
fn a_pin_and_its_message_belong_together() {
    let meta = json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 0, "owners": []});
    let message = |pinned: bool, more: &str| {
        let mut message = json!({"pk": "CONV#c", "sk": "MSG#0000000000001", "item": "message", "sent_at": 1,
            "sender": "u", "idempotency_key": "k", "revision": 1, "pinned": pinned});
        message[more] = json!(1);
        message
    };
    let change = json!({"pk": "CONV#c", "sk": "CHANGE#0000000000001", "item": "change", "message": 1});
    let pin = json!({"pk": "CONV#c", "sk": "PIN#0000000000001", "item": "pin"});
    let all = |message: Value, pin: &[Value]| {
        found(&[vec![meta.clone(), change.clone(), message], pin.to_vec()].concat())
    };
    assert_eq!(all(message(true, "x"), std::slice::from_ref(&pin)), [""; 0]);
    assert_eq!(all(message(false, "x"), &[]), [""; 0]);
    assert_eq!(all(message(true, "x"), &[]).len(), 1);
    assert_eq!(all(message(false, "x"), std::slice::from_ref(&pin)).len(), 1);
    assert_eq!(all(message(true, "deleted_at"), &[pin]).len(), 1);
}

#[test]
fn a_pointer_has_its_reply() {
    let meta = json!({"pk": "CONV#c", "sk": "META", "kind": "group", "participant_count": 0, "owners": []});
    let message = |number: u64, thread: u64| {
        json!({"pk": "CONV#c", "sk": format!("MSG#{number:013}"), "item": "message", "sent_at": number,
            "sender": "u", "idempotency_key": number.to_string(), "revision": 0, "thread": thread})
    };
    let pointer = |root: u64, number: u64| json!({"pk": "CONV#c", "sk": format!("THREAD#{root:013}#{number:013}"), "item": "thread_pointer"});
    let log = |last: Value| [meta.clone(), message(1, 0), message(2, 1), message(3, 1), last];
    assert_eq!(found(&log(pointer(1, 2))), [""; 0]);
    for wrong in [pointer(2, 3), pointer(1, 4), pointer(0, 1), message(4, 2), message(4, 4)] {
        assert_eq!(found(&log(wrong.clone())).len(), 1, "{wrong}");
    }
}
