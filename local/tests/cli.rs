//! The process that users start, tested by its command line: its output, its exit code and its files. The answers of
//! the API are tested in the package `tests`.

#![expect(clippy::unwrap_used, reason = "what a helper cannot do ends the test")]

#[path = "cli/check.rs"]
mod check;
#[path = "cli/process.rs"]
mod process;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;

use process::{Server, exchange, http, json_of, log_in, paste, run, run_with_input};

const DEMO_PASSWORD: &str = "keys under the doormat";
const ADMIN_PASSWORD: &str = "nobody guesses this one";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Returns the texts of all messages that the token's user may read, from all pages.
fn messages(address: &str, token: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    let mut uri = "/api/messages/?limit=100".to_owned();
    loop {
        let page = json_of(&http(address, "GET", &uri, Some(token), ""), 200);
        let results = page["results"].as_array().unwrap();
        bodies.extend(results.iter().map(|message| message["message_body"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut uri),
            None => return bodies,
        }
    }
}

#[test]
fn it_starts_and_answers() {
    let server = Server::start(&["--in-memory", "--no-demo"]);
    assert_eq!(http(&server.address, "GET", "/healthz", None, "").status, 200);
    assert_eq!(http(&server.address, "GET", "/elsewhere", None, "").status, 404);
    // The path takes only handshakes of WebSocket connections.
    assert_eq!(http(&server.address, "GET", "/live", None, "").status, 426);
    assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
}

#[test]
fn beyond_loopback_the_demo_users_are_made_only_on_request() {
    for (options, status) in [
        (&["--in-memory", "--listen", "0.0.0.0"][..], 401),
        (&["--in-memory", "--listen", "0.0.0.0", "--demo"], 200),
    ] {
        let server = Server::start(options);
        assert!(server.address.starts_with("127.0.0.1:"), "{}", server.address);
        let login = format!(r#"{{"email": "admin@example.com", "password": "{DEMO_PASSWORD}"}}"#);
        assert_eq!(http(&server.address, "POST", "/api/token/", None, &login).status, status, "{options:?}");
    }
}

#[test]
fn its_health_can_be_asked_for() {
    let server = Server::start(&["--in-memory", "--no-demo"]);
    let port = server.address.rsplit(':').next().unwrap().to_owned();
    run(&["health", "--port", &port]).success();
    assert_eq!(server.stop("TERM").0.code(), Some(0));
    let said = run(&["health", "--port", &port]).failure();
    assert!(said.contains(&port) && said.contains("refused"), "{said}");
    // Another server listens on this port.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port().to_string();
    let other = std::thread::spawn(move || {
        // The whole request is read before the connection is closed. Unread bytes would make the close a reset.
        let request = BufReader::new(mute.accept().unwrap().0);
        assert_eq!(request.lines().take_while(|line| !line.as_ref().unwrap().is_empty()).count(), 3);
    });
    assert!(run(&["health", "--port", &port]).failure().contains("its answer is"));
    other.join().unwrap();
}

#[test]
fn the_data_folder_can_be_named_by_the_environment() {
    let data = folder();
    let server = Server::start_with("LOCAL_DATA", data.path(), &["--no-demo"]);
    assert_eq!(server.stop("TERM").0.code(), Some(0));
    assert!(data.path().join("signing.seed").exists());
    // The option `--in-memory` is not valid with a folder, even if the environment names the folder.
    let forgetful = folder();
    drop(Server::start_with("LOCAL_DATA", forgetful.path(), &["--in-memory", "--no-demo"]));
    assert_eq!(std::fs::read_dir(forgetful.path()).unwrap().count(), 0);
}

#[test]
fn both_signals_stop_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let (status, rest) = Server::start(&["--in-memory", "--no-demo"]).stop(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(rest.ends_with("Stopped.\n"), "{rest}");
    }
}

#[test]
fn memory_leaves_nothing_behind() {
    let temporary = folder();
    let server = Server::start_in(temporary.path(), &["--in-memory"]);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);
    assert_eq!(server.stop("INT").0.code(), Some(0));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn data_and_tokens_survive_a_restart_and_the_demo_is_not_doubled() {
    let data = folder();
    let options = ["--data", data.path().to_str().unwrap()];
    let first = Server::start(&options);
    let ann = log_in(&first.address, "ann@example.com", DEMO_PASSWORD);
    let before = messages(&first.address, &ann);
    assert!(before.len() > 10, "{before:?}");
    assert!(before.iter().any(|body| body.starts_with("Tram 4")), "{before:?}");
    assert!(!before.iter().any(|body| body.contains("4711")), "{before:?}");
    assert_eq!(first.stop("INT").0.code(), Some(0));
    let second = Server::start(&options);
    assert_eq!(messages(&second.address, &ann), before);
    let conversations = json_of(&http(&second.address, "GET", "/api/conversations/", Some(&ann), ""), 200);
    assert_eq!(conversations["results"].as_array().unwrap().len(), 2);
    for (email, role) in
        [("ann@example.com", "guest"), ("ben@example.com", "host"), ("admin@example.com", "admin")]
    {
        let token = log_in(&second.address, email, DEMO_PASSWORD);
        let me = json_of(&http(&second.address, "GET", "/api/users/me/", Some(&token), ""), 200);
        assert_eq!(me["role"], role);
    }
}

#[test]
fn the_demo_users_accept_where_consent_is_needed() {
    let server = Server::start(&["--in-memory", "--contact", "requests"]);
    for email in ["ann@example.com", "ben@example.com"] {
        let token = log_in(&server.address, email, DEMO_PASSWORD);
        assert!(messages(&server.address, &token).len() > 10);
    }
}

/// Returns the modes of a folder and everything in it, in octal digits.
#[cfg(unix)]
fn modes(folder: &std::path::Path) -> std::collections::BTreeMap<String, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.chain([folder.to_owned()]).map(|path| (name(&path), format!("{:o}", mode(&path)))).collect()
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = folder();
    let data = place.path().join("data");
    let options = ["--no-demo", "--data", data.to_str().unwrap()];
    let closed = |modes: &std::collections::BTreeMap<String, String>| {
        modes.iter().all(|(name, mode)| mode == if name == "data" { "700" } else { "600" })
    };
    let server = Server::start(&options);
    let found = modes(&data);
    assert!(closed(&found), "{found:?}");
    for name in ["messaging.sqlite", "messaging.sqlite-wal", "messaging.sqlite-shm", "signing.seed", "lock"] {
        assert!(found.contains_key(name), "{name}: {found:?}");
    }
    // An earlier version has left files with these modes, or a process that was killed.
    drop(server);
    for name in ["messaging.sqlite-wal", "messaging.sqlite-shm"] {
        std::fs::write(data.join(name), "").unwrap();
    }
    for name in modes(&data).keys() {
        let (path, bits) = if name == "data" { (data.clone(), 0o755) } else { (data.join(name), 0o644) };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
    }
    let _server = Server::start(&options);
    let kept = modes(&data);
    assert!(closed(&kept), "{kept:?}");
}

#[test]
fn host_names_and_origins_are_added_by_options() {
    let options =
        ["--in-memory", "--no-demo", "--host-name", "dev.test", "--cors-origin", "http://app.test:5173"];
    let server = Server::start(&options);
    let ask = |host: &str| {
        let head = format!("GET /healthz/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://app.test:5173\r\n");
        exchange(&server.address, &format!("{head}Connection: close\r\n\r\n"))
    };
    for host in ["dev.test", "DEV.TEST:80", "localhost", server.address.as_str()] {
        let answer = ask(host);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{host}: {answer}");
        assert!(answer.contains("access-control-allow-origin: http://app.test:5173\r\n"), "{answer}");
    }
    let refused = ask("evil.test");
    assert!(refused.starts_with("HTTP/1.1 421 ") && refused.contains("--host-name"), "{refused}");
}

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap()
}

#[test]
fn the_printed_session_works_when_pasted() {
    let server = Server::start(&["--in-memory"]);
    let answer = paste(server.session());
    let (sent, read) = answer.split_once('\n').unwrap();
    let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
    assert_eq!(sent["message_body"], "Hello from curl");
    let read: serde_json::Value = serde_json::from_str(read).unwrap();
    let listed = read["results"].as_array().unwrap();
    assert!(listed.iter().any(|message| message["message_id"] == sent["message_id"]), "{read}");
    assert_eq!(listed.len(), 5);
    let ann = log_in(&server.address, "ann@example.com", DEMO_PASSWORD);
    let conversation = format!("/api/conversations/{}/", sent["conversation"].as_str().unwrap());
    assert_eq!(json_of(&http(&server.address, "GET", &conversation, Some(&ann), ""), 200)["kind"], "direct");
}

#[test]
fn the_readme_shows_the_printed_session() {
    let server = Server::start(&["--in-memory"]);
    let printed = server.session().trim_end().replace(&server.address, "127.0.0.1:3000");
    assert!(readme().contains(&format!("```sh\n{printed}\n```\n")), "README.md differs from:\n{printed}");
}

#[test]
fn the_registration_in_the_readme_works_when_pasted() {
    let server = Server::start(&["--in-memory", "--no-demo"]);
    let readme = readme();
    let command = readme.split("```sh\n").find(|block| block.starts_with("curl")).unwrap();
    let command = command.split("```").next().unwrap().replace("127.0.0.1:3000", &server.address);
    let user: serde_json::Value = serde_json::from_str(&paste(&command)).unwrap();
    assert_eq!((&user["email"], &user["role"]), (&"you@example.com".into(), &"guest".into()), "{user}");
}

#[test]
fn a_taken_port_is_one_line() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let failure = run(&["--in-memory", "--port", &port]).failure();
    assert!(failure.contains(&port) && failure.contains("already in use"), "{failure}");
}

#[test]
fn a_broken_data_file_is_one_line() {
    let data = folder();
    std::fs::write(data.path().join("messaging.sqlite"), "no database\n".repeat(500)).unwrap();
    let failure = run(&["--port", "0", "--data", data.path().to_str().unwrap()]).failure();
    assert!(failure.contains("messaging.sqlite"), "{failure}");
}

#[test]
fn an_endpoint_that_nobody_listens_at_is_one_line() {
    // No machine runs a service on this port any more. Another test could use a port that is free now.
    let endpoint = "http://127.0.0.1:1";
    let data = folder();
    let options = ["--port", "0", "--dynamodb-endpoint", endpoint, "--data", data.path().to_str().unwrap()];
    let failure = run(&options).failure();
    assert!(failure.contains(endpoint), "{failure}");
}

#[test]
fn a_table_that_another_key_signs_for_is_left_alone() {
    let (data, other) = (folder(), folder());
    let _deployment = Server::start(&["--no-demo", "--data", data.path().to_str().unwrap()]);
    let endpoint = std::fs::read_to_string(data.path().join("lock")).unwrap();
    let seed = |folder: &std::path::Path| folder.join("signing.seed").to_str().unwrap().to_owned();
    let init =
        |seed: &str| run(&["init", "--no-demo", "--dynamodb-endpoint", &endpoint, "--signing-seed", seed]);
    let failure = init(&seed(other.path())).failure();
    assert!(failure.contains("signing key"), "{failure}");
    init(&seed(data.path())).success();
}

#[test]
fn one_folder_has_one_process() {
    let data = folder();
    let data = data.path().to_str().unwrap();
    let _first = Server::start(&["--no-demo", "--data", data]);
    let failure = run(&["--port", "0", "--data", data]).failure();
    assert!(failure.contains("another process uses"), "{failure}");
}

#[test]
fn createsuperuser_makes_an_admin() {
    let data = folder();
    let data = data.path().to_str().unwrap();
    let make = |email, password: &str| {
        run_with_input(&["createsuperuser", "--email", email, "--data", data], &format!("{password}\n"))
    };
    make("root@example.com", ADMIN_PASSWORD).success();
    let refused = make("other@example.com", "short").failure();
    assert!(refused.contains("password") && !refused.contains("short"), "{refused}");
    // An existing account gets the role and the password.
    make("Root@example.com", ADMIN_PASSWORD).success();

    let server = Server::start(&["--no-demo", "--data", data]);
    // The command also works while the process runs, as Django users run it in a second terminal.
    make("second@example.com", ADMIN_PASSWORD).success();
    for email in ["root@example.com", "second@example.com"] {
        let token = log_in(&server.address, email, ADMIN_PASSWORD);
        let me = json_of(&http(&server.address, "GET", "/api/users/me/", Some(&token), ""), 200);
        assert_eq!(me["role"], "admin");
    }
}
