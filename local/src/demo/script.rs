//! The messages of the demo users: a weekend in Ben's flat. It is only text; the parent module sends it.

/// The indexes of the users in `USERS`.
const ANN: usize = 0;
const BEN: usize = 1;
const ADMIN: usize = 2;

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) kind: ConversationKind,
    pub(super) opener: usize,
    pub(super) others: &'static [usize],
    pub(super) lines: &'static [ScriptLine],
}

#[derive(Debug)]
pub(super) enum ConversationKind {
    Direct,
    /// A later start finds the group by its mark, even if its name was changed.
    Group {
        name: &'static str,
        mark: &'static str,
    },
}

#[derive(Debug)]
pub(super) struct ScriptLine {
    pub(super) sender: usize,
    pub(super) text: &'static str,
    /// The index of the line that this line answers.
    pub(super) reply_to: Option<usize>,
    pub(super) later_change: LaterChange,
}

/// The later change of a line.
#[derive(Debug)]
pub(super) enum LaterChange {
    Stays,
    EditedTo(&'static str),
    Deleted,
}

const fn says(sender: usize, text: &'static str) -> ScriptLine {
    ScriptLine { sender, text, reply_to: None, later_change: LaterChange::Stays }
}

impl ScriptLine {
    const fn to(self, place: usize) -> Self {
        Self { reply_to: Some(place), ..self }
    }

    const fn then(self, later_change: LaterChange) -> Self {
        Self { later_change, ..self }
    }
}

pub(super) const CONVERSATIONS: [Conversation; 3] = [
    Conversation {
        kind: ConversationKind::Direct,
        opener: ANN,
        others: &[BEN],
        lines: &[
            says(ANN, "Hi Ben! Is the flat on Mill Lane still free from Friday the 12th to Sunday?"),
            says(BEN, "Hello Ann. Yes, it is. For how many of you?"),
            says(ANN, "Three: my brother, his daughter (she is two) and me. Is there a cot?"),
            says(BEN, "There is a folding one, and I can put a gate at the top of the stairs.").to(2),
            says(ANN, "Perfect. We get in on the 18:40 train. Is that too late for the keys?"),
            says(BEN, "Not at all. The key box is left of the door, the code is 4711.")
                .then(LaterChange::Deleted),
            says(BEN, "On second thought I will send you the code on the day, and not in writing here."),
            says(ANN, "Even better. How do we get there from the station?"),
            says(BEN, "Tram 3 to Corn Market, then five minutes along the river. Last tram at 22:10.").then(
                LaterChange::EditedTo(
                    "Tram 4 to Corn Market, then five minutes along the river. Last tram at 23:10.",
                ),
            ),
            says(ANN, "Got it, thanks!").to(8),
        ],
    },
    Conversation {
        kind: ConversationKind::Group { name: "Mill Lane, 12–14 June", mark: "mill-lane" },
        opener: BEN,
        others: &[ANN, ADMIN],
        lines: &[
            says(
                BEN,
                "I have added Maya from the support team, as the booking shows the wrong number of guests.",
            ),
            says(ADMIN, "Hi both! I see two guests in the booking. Ann, how many are you?"),
            says(ANN, "Three, one of them under three years old."),
            says(ADMIN, "Then it is two paying guests and a cot, and the price stays as it is.").to(2),
            says(BEN, "Fine with me. I will get fresh bread on Saturday. 🥖"),
            says(ANN, "You are spoiling us. Is there a good place for breakfast on Sunday?"),
            says(BEN, "Café Lumen, at the bridge. Go before ten, or you will queue.").to(5),
        ],
    },
    Conversation {
        kind: ConversationKind::Direct,
        opener: ADMIN,
        others: &[BEN],
        lines: &[
            says(ADMIN, "Hi Ben, your listing lacks a photo of the stairs. Families ask for it."),
            says(BEN, "True. I will take one when the gate is up.").to(0),
            says(ADMIN, "Great, then I approve it today and have another look next week."),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_what_it_is_to_show() {
        let lines = || CONVERSATIONS.iter().flat_map(|conversation| conversation.lines);
        assert_eq!(lines().filter(|line| matches!(line.later_change, LaterChange::EditedTo(_))).count(), 1);
        assert_eq!(lines().filter(|line| matches!(line.later_change, LaterChange::Deleted)).count(), 1);
        assert!(lines().filter(|line| line.reply_to.is_some()).count() > 3);
        for conversation in &CONVERSATIONS {
            let lines = conversation.lines.iter().enumerate();
            assert!(lines.clone().all(|(place, line)| line.reply_to.is_none_or(|earlier| earlier < place)));
            assert!(lines.clone().all(|(_, line)| {
                line.sender == conversation.opener || conversation.others.contains(&line.sender)
            }));
        }
    }
}
