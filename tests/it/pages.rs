//! A comparison of message pages with a model of the log: with any deleted messages, with hidden messages, and from any
//! position.

use serde_json::{Value, json};

use crate::harness::{TestApp, User, user::number_of};

/// A sequence of pseudo-random numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A conversation whose log the test writes directly into the table.
struct Log {
    app: TestApp,
    ann: User,
    conversation: String,
}

impl Log {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let (ann, ben) = (app.user("ann").await, app.user("ben").await);
        let conversation = ann.group(&[&ben]).await;
        Self { app, ann, conversation }
    }

    /// Writes the entries 1 to n. An entry is a tombstone if its value is `true`.
    async fn write(&self, deleted: &[bool]) {
        let entry = |(place, deleted): (usize, &bool)| {
            let number = place as u64 + 1;
            let mut entry = json!({
                "pk": format!("CONV#{}", self.conversation), "sk": format!("MSG#{number:013}"), "item": "message",
                "sender": self.ann.id, "sent_at": 1_790_000_000_000_000_u64 + number, "revision": 0,
                "idempotency_key": self.app.key(), "digest": "AAAAAAAAAAAAAAAAAAAAAA",
            });
            match deleted {
                true => entry["deleted_at"] = json!(1_790_000_000_500_000_u64),
                false => entry["body"] = json!(format!("memo {number}")),
            }
            entry
        };
        let entries: Vec<Value> = deleted.iter().enumerate().map(entry).collect();
        self.app.table.put_all(&entries).await;
    }

    /// Hides all messages up to this number from Ann.
    async fn hide(&self, base: u64) {
        let (pk, sk) = (format!("CONV#{}", self.conversation), format!("MEMBER#{}", self.ann.id));
        self.app.table.set(&pk, &sk, "base", json!(base)).await;
    }

    fn id(&self, number: u64) -> String {
        let id: shared::ids::ConversationId = self.conversation.parse().unwrap();
        id.message(number).to_string()
    }

    async fn page(&self, link: &str) -> (Vec<u64>, Value) {
        let page = self.ann.get(link).await.ok();
        (page["results"].as_array().unwrap().iter().map(number_of).collect(), page)
    }

    /// Follows the link `which` (`next` or `previous`) to the last page, and returns the numbers on each page.
    async fn follow(&self, link: Option<&str>, which: &str) -> Vec<Vec<u64>> {
        let (mut link, mut pages) = (link.map(str::to_owned), Vec::new());
        while let Some(path) = link {
            let (numbers, page) = self.page(&path).await;
            assert!(
                !numbers.is_empty() || page[which].is_null(),
                "an empty page has a link to another page: {path}"
            );
            link = page[which].as_str().map(str::to_owned);
            pages.push(numbers);
            assert!(pages.len() < 100, "the list has no end: {path}");
        }
        pages
    }
}

/// A test case: the log, its hidden part, and the parameters of the request.
#[derive(Debug)]
struct Case {
    deleted: Vec<bool>,
    base: u64,
    limit: usize,
    tombstones: bool,
    place: u64,
}

impl Case {
    fn of(numbers: &mut Numbers) -> Self {
        let density = numbers.below(4);
        let deleted: Vec<bool> = (0..8).map(|_| numbers.below(3) < density).collect();
        let base = [0, 0, 0, 1, 3, 7, 8][usize::try_from(numbers.below(7)).unwrap()];
        let limit = [1, 1, 2, 3, 4, 8, 100][usize::try_from(numbers.below(7)).unwrap()];
        Self { deleted, base, limit, tombstones: numbers.below(2) == 1, place: 1 + numbers.below(10) }
    }

    fn visible(&self) -> Vec<u64> {
        let shown = |number: &u64| {
            *number > self.base && (self.tombstones || !self.deleted[usize::try_from(*number).unwrap() - 1])
        };
        (1..=self.deleted.len() as u64).filter(shown).collect()
    }

    fn below(&self, number: u64) -> Vec<u64> {
        self.visible().into_iter().rev().filter(|visible| *visible < number).collect()
    }

    fn above(&self, number: u64) -> Vec<u64> {
        self.visible().into_iter().filter(|visible| *visible > number).collect()
    }

    /// Asserts that a page on one side of a position links to all messages on the other side. A page that leads back has the
    /// order of the list.
    async fn check_ways_back(&self, log: &Log, path: &str, place: u64) {
        let id = log.id(place);
        let (_, page) = log.page(&format!("{path}&before={id}")).await;
        let pages = log.follow(page["previous"].as_str(), "previous").await;
        assert!(pages.iter().all(|page| page.is_sorted_by(|a, b| a > b)), "newest first: {pages:?}");
        let mut found = pages.concat();
        found.sort_unstable();
        assert_eq!(found, self.above(place - 1), "newer messages, before {place}: {self:?}");
        let (_, page) = log.page(&format!("{path}&after={id}")).await;
        let pages = log.follow(page["previous"].as_str(), "previous").await;
        assert!(pages.iter().all(|page| page.is_sorted()), "oldest first: {pages:?}");
        let mut found = pages.concat();
        found.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        assert_eq!(found, self.below(place + 1), "older messages, after {place}: {self:?}");
        for order in ["order=oldest&before", "order=newest&after"] {
            log.ann.get(&format!("{path}&{order}={id}")).await.refuses("order");
        }
    }

    /// Returns the page around a position, computed by the model.
    fn around(&self) -> Vec<u64> {
        let (below, above) = (self.below(self.place + 1), self.above(self.place));
        let older = below.into_iter().take(self.limit.div_ceil(2));
        let mut page: Vec<u64> = older.chain(above.iter().copied().take(self.limit / 2)).collect();
        if page.is_empty() {
            page = above.into_iter().take(self.limit).collect();
        }
        page.sort_unstable();
        page
    }
}

#[tokio::test]
async fn pages_are_those_of_a_model() {
    let log = Log::new().await;
    let mut numbers = Numbers(7);
    for _ in 0..120 {
        let case = Case::of(&mut numbers);
        log.write(&case.deleted).await;
        log.hide(case.base).await;
        let tombstones = u8::from(case.tombstones);
        let path = format!(
            "/api/messages/?conversation={}&limit={}&tombstones={tombstones}",
            log.conversation, case.limit
        );
        let place = log.id(case.place);
        let expected = |mut numbers: Vec<u64>| {
            numbers.truncate(case.limit);
            numbers
        };
        let newest_first = log.follow(Some(&path), "next").await;
        assert_eq!(newest_first.concat(), case.below(u64::MAX), "{case:?}");
        assert_eq!(newest_first[0], expected(case.below(u64::MAX)), "{case:?}");
        let oldest_first = log.follow(Some(&format!("{path}&order=oldest")), "next").await;
        assert_eq!(oldest_first.concat(), case.visible(), "{case:?}");
        let (before, _) = log.page(&format!("{path}&before={place}")).await;
        assert_eq!(before, expected(case.below(case.place)), "{case:?}");
        let (after, page) = log.page(&format!("{path}&after={place}")).await;
        assert_eq!(after, expected(case.above(case.place)), "{case:?}");
        let back = log.follow(page["previous"].as_str(), "previous").await;
        let mut back = back.concat();
        back.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        assert_eq!(back, case.below(case.place + 1), "back from a page after a message: {case:?}");
        for place in [1, case.place, case.deleted.len() as u64] {
            case.check_ways_back(&log, &path, place).await;
        }
        let (around, page) = log.page(&format!("{path}&around={place}")).await;
        assert_eq!(around, case.around(), "{case:?}");
        let (first, last) = (around.first().copied(), around.last().copied());
        let newer = log.follow(page["next"].as_str(), "next").await.concat();
        assert_eq!(newer, case.above(last.unwrap_or(u64::MAX)), "{case:?} {page}");
        let mut older = log.follow(page["previous"].as_str(), "previous").await.concat();
        older.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        assert_eq!(older, case.below(first.unwrap_or(0)), "{case:?} {page}");
    }
}

/// The number of tombstones that one request reads is bounded. The list continues after this bound.
#[tokio::test]
async fn a_page_reads_past_a_thousand_tombstones_and_then_leads_on() {
    let log = Log::new().await;
    let mut deleted = vec![false; 3];
    deleted.extend([true; 2200]);
    log.write(&deleted).await;
    let path = format!("/api/messages/?conversation={}&limit=5", log.conversation);
    for path in [path.as_str(), "/api/messages/?limit=5"] {
        let (mut link, mut found, mut pages) = (Some(path.to_owned()), Vec::new(), 0);
        while let Some(path) = link {
            let ((numbers, page), cost) = log.app.proxy.measure(log.page(&path)).await;
            let most = if path.contains("conversation=") { 10 } else { 80 };
            assert!(cost.requests() <= most, "{path}: {cost:?}");
            (link, pages) = (page["next"].as_str().map(str::to_owned), pages + 1);
            found.extend(numbers);
        }
        assert_eq!((found, pages <= 4), (vec![3, 2, 1], true), "{path}: {pages} pages");
    }
    let oldest = log.ann.all(&format!("{path}&order=oldest")).await;
    assert_eq!(oldest.iter().map(number_of).collect::<Vec<_>>(), [1, 2, 3]);
    let around = log.page(&format!("{path}&around={}", log.id(1000))).await;
    assert_eq!(around.0, [1, 2, 3], "the request skips 997 tombstones");
}

/// The list of all messages skips conversations without visible messages.
#[tokio::test]
async fn conversations_without_messages_make_no_empty_pages() {
    let app = TestApp::new().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    let mut groups = Vec::new();
    for _ in 0..24 {
        groups.push(ann.group(&[&ben]).await);
    }
    groups.sort();
    let said = [ann.send(&groups[23], "memo").await, ann.send(&groups[11], "memo").await];
    let page = ann.get("/api/messages/?limit=1").await.ok();
    assert_eq!(page["results"][0]["message_id"], said[1]["message_id"]);
    assert_eq!(ann.all("/api/messages/?limit=1").await.len(), 2);
    for message in &said {
        ann.delete_message(message).await.nothing();
    }
    let page = ann.get("/api/messages/").await.ok();
    assert_eq!((&page["results"], &page["next"]), (&json!([]), &Value::Null));
}

/// A conversation shows its newest messages that are not deleted, with any number of deleted messages after them, up to
/// the bound.
#[tokio::test]
async fn what_is_deleted_at_the_end_does_not_hide_what_is_before_it() {
    let log = Log::new().await;
    for (count, is_found) in
        [(1, true), (19, true), (20, true), (21, true), (22, true), (990, true), (1100, false)]
    {
        let mut deleted = vec![false; 3];
        deleted.extend((0..count).map(|_| true));
        log.write(&deleted).await;
        for base in [0, 2, 3] {
            log.hide(base).await;
            let expected: Vec<u64> = if is_found { (base + 1..=3).collect() } else { Vec::new() };
            let alone = log.ann.conversation(&log.conversation).await;
            let listed = log.ann.all("/api/conversations/").await.swap_remove(0);
            for shown in [alone, listed] {
                let numbers: Vec<u64> = shown["messages"].as_array().unwrap().iter().map(number_of).collect();
                assert_eq!(numbers, expected, "{count} deleted, base {base}");
                let last = (!shown["last_message"].is_null()).then(|| number_of(&shown["last_message"]));
                assert_eq!(last, expected.last().copied(), "{count} deleted, base {base}");
            }
        }
    }
}
