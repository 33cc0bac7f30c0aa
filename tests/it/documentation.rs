//! The OpenAPI document as the API serves it, the page of the documentation, and the files of this page. The tests in
//! `tests/browser` cover its script.

use axum::http::Method;
use shared::http::schemas::ADDRESS;

use crate::harness::{
    Answer, Browser, TestApp,
    browser::ACCEPT,
    description::{DOCUMENT, written},
};

const SCHEMA: &str = "/api/schema/";
const GZIP: &str = "gzip, deflate, br";

#[tokio::test]
async fn the_description_is_served_as_it_is_checked_in() {
    let app = TestApp::new().await;
    let plain = app.get(SCHEMA).send().await.expect(200);
    let packed = app.get(SCHEMA).header("accept-encoding", GZIP).send().await.expect(200);
    assert_eq!(packed.unpacked(), plain.body);
    assert!(packed.body.len() < 40_000 && plain.header("content-encoding").is_none());
    for answer in [&plain, &packed] {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(
            answer.header("cache-control"),
            Some("no-cache"),
            "clients revalidate the document at each use"
        );
        assert_eq!(answer.header("etag"), plain.header("etag"));
    }
    // The server in the document is the address of the request, so that a generated client sends its requests there.
    assert_eq!(plain.json()["servers"][0]["url"], "http://api.test");
    assert!(
        plain.text().replacen("http://api.test", ADDRESS, 1) == written(),
        "the served document differs from the checked-in document"
    );
    let elsewhere = app.get(SCHEMA).header("host", "other.test").send().await.expect(200);
    assert_eq!(elsewhere.json()["servers"][0]["url"], "http://other.test");
    assert_ne!(elsewhere.header("etag"), plain.header("etag"), "the two documents differ");
    let head = app.request(Method::HEAD, SCHEMA).send().await.expect(200);
    assert_eq!((head.header("etag"), head.body.len()), (plain.header("etag"), 0));
}

#[tokio::test]
async fn who_has_the_description_is_told_so() {
    let app = TestApp::new().await;
    let tag = app.get(SCHEMA).send().await.header("etag").unwrap().to_owned();
    let strong = tag.trim_start_matches("W/").to_owned();
    for known in [tag.clone(), strong, format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = app.get(SCHEMA).header("if-none-match", &known).send().await.expect(304);
        assert_eq!((answer.header("etag"), answer.body.len()), (Some(tag.as_str()), 0), "{known}");
    }
    for other in ["\"other\"", "W/\"\"", "nonsense", ""] {
        app.get(SCHEMA).header("if-none-match", other).send().await.expect(200);
    }
}

#[tokio::test]
async fn in_a_browser_the_description_is_a_page() {
    let app = TestApp::new().await;
    let json = app.get(SCHEMA).send().await;
    let tag = json.header("etag").unwrap();
    // A browser has cached the JSON of the same address, sends its entity tag, and accepts compressed answers.
    let asked = app.get(SCHEMA).header("accept", ACCEPT).header("accept-encoding", GZIP);
    let page = asked.header("if-none-match", tag).send().await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("etag"), None);
    let text = String::from_utf8(page.unpacked()).unwrap();
    for (name, _) in DOCUMENT.as_object().unwrap() {
        assert!(text.contains(&format!("&#34;{name}&#34;")), "{name}");
    }
    assert!(!text.contains("too long for this page"), "the page contains the whole document");
}

/// Returns the addresses of the documentation's files from its page.
fn files(page: &str) -> Vec<String> {
    let parts = page.split('"').filter(|part| part.starts_with("/static/docs/"));
    parts.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_documentation_is_a_page_that_runs_only_its_own_files() {
    let app = TestApp::new().await;
    let ann = Browser::of(&app.user("ann").await).await;
    for browser in [Browser::new(app.api()), ann.clone()] {
        let page = browser.get("/api/docs/").await.expect(200);
        assert_eq!(
            page.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src \
                 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let text = page.text();
        for part in ["data-schema=\"/api/schema/\"", "href=\"/api/\"", "href=\"/\"", "<noscript>"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "the page loads nothing from another origin: {text}"
        );
        assert_eq!(files(&text).len(), 5, "{text}");
    }
    let nobody = Browser::new(app.api()).get("/api/docs/").await.text();
    assert!(nobody.contains("/api-auth/login/?next=%2Fapi%2Fdocs%2F"), "{nobody}");
    assert!(ann.get("/api/docs/").await.text().contains("Log out"));
    let root = Browser::new(app.api()).get("/api/").await.text();
    assert!(root.contains("<a href=\"/api/docs/\">") && root.contains("<a href=\"/\">"), "{root}");
    let head = app.request(Method::HEAD, "/api/docs/").header("accept", ACCEPT).send().await.expect(200);
    assert!(head.body.is_empty());
}

fn kept(answer: &Answer) -> Option<&str> {
    answer.header("cache-control")
}

#[tokio::test]
async fn its_files_are_kept_for_good_and_sent_in_the_coding_that_is_taken() {
    let app = TestApp::new().await;
    let page = Browser::new(app.api()).get("/api/docs/").await.text();
    let chat = Browser::of(&app.user("ann").await).await.get("/").await.text();
    let chat: Vec<_> =
        chat.split('"').filter(|part| part.starts_with("/static/chat/")).map(str::to_owned).collect();
    assert!(chat.len() > 8, "{chat:?}");
    let mut sizes = Vec::new();
    for path in files(&page).iter().chain(&chat) {
        let (plain, packed) = (
            app.get(path).send().await.expect(200),
            app.get(path).header("accept-encoding", GZIP).send().await.expect(200),
        );
        assert!(
            packed.header("content-encoding") == Some("gzip") && packed.unpacked() == plain.body,
            "{path}"
        );
        let is_style = path.rsplit('.').next() == Some("css");
        for answer in [&plain, &packed] {
            let media_type =
                if is_style { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
            assert_eq!(answer.header("content-type"), Some(media_type));
            assert_eq!(kept(answer), Some("public, max-age=31536000, immutable"));
            assert_eq!((answer.header("vary"), answer.header("set-cookie")), (Some("Accept-Encoding"), None));
        }
        for none in ["identity", "gzip;q=0", "br"] {
            let answer = app.get(path).header("accept-encoding", none).send().await.expect(200);
            assert_eq!(answer.header("content-encoding"), None, "{none}");
        }
        let head = app.request(Method::HEAD, path).header("accept-encoding", GZIP).send().await.expect(200);
        assert!(head.body.is_empty());
        let (folder, name) = path.rsplit_once('/').unwrap();
        let other = format!("{}/another/{name}", folder.rsplit_once('/').unwrap().0);
        assert_eq!(
            kept(&app.get(&other).send().await.expect(200)),
            Some("no-store"),
            "a file at the address of another release is not cached"
        );
        app.get(&format!("{folder}/x{name}")).send().await.problem(404, "not_found");
        app.post(path).send().await.problem(405, "method_not_allowed");
        sizes.push(packed.body.len());
    }
    assert!(sizes.iter().sum::<usize>() < 500_000, "{sizes:?}");
}
