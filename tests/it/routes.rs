//! The routes of the routers and the routes of `template.yaml` are the same: every deployed route has a handler, and
//! every handler has a deployed route.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::environment;

/// The method and the path of a route key, and the function that its integration calls.
struct TemplateRoute {
    method: String,
    path: String,
    function: String,
}

fn resources() -> BTreeMap<String, Value> {
    let template: Value = serde_saphyr::from_str(&environment::template()).unwrap();
    serde_json::from_value(template["Resources"].clone()).unwrap()
}

/// Returns the `Binary` of the function behind a reference to an integration. The YAML parser ignores tags such as
/// `!Sub` and keeps their text.
fn function_of(resources: &BTreeMap<String, Value>, target: &str) -> String {
    let name = |text: &str| {
        let end = |c: char| !c.is_ascii_alphanumeric();
        resources.keys().filter(|key| text.split(end).any(|word| word == *key)).cloned().collect::<Vec<_>>()
    };
    let integration =
        name(target).into_iter().find(|name| resources[name]["Type"] == "AWS::ApiGatewayV2::Integration");
    let integration = &resources[&integration.unwrap_or_else(|| panic!("{target} refers to no integration"))];
    let uri = integration["Properties"]["IntegrationUri"].to_string();
    let function = name(&uri).into_iter().find(|name| resources[name]["Type"] == "AWS::Serverless::Function");
    let function = &resources[&function.unwrap_or_else(|| panic!("{uri} refers to no function"))];
    function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned()
}

fn template_routes() -> Vec<TemplateRoute> {
    let resources = resources();
    let routes = resources.values().filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::Route");
    // The routes of the WebSocket API have no paths.
    routes
        .filter(|route| route["Properties"]["ApiId"] == "Api")
        .map(|route| {
            // `$default` receives the requests without another route.
            let key = route["Properties"]["RouteKey"].as_str().unwrap();
            let (method, path) = key.split_once(' ').unwrap_or(("ANY", "{proxy+}"));
            TemplateRoute {
                method: method.to_owned(),
                path: path.to_owned(),
                function: function_of(&resources, &route["Properties"]["Target"].to_string()),
            }
        })
        .collect()
}

/// Returns every route of the routers, with its function.
fn router_routes() -> Vec<(&'static str, String, String)> {
    let of = |function: &'static str, routes: shared::http::Routes| {
        let listed = routes.list().iter();
        listed.map(|(method, path)| (function, method.to_string(), (*path).to_owned())).collect::<Vec<_>>()
    };
    [
        of("auth", auth::routes()),
        of("conversations", conversations::routes()),
        of("messages", messages::routes()),
        of("moderation", moderation::routes()),
        of("realtime", realtime::routes()),
        of("browse", browse::routes()),
    ]
    .concat()
}

impl TemplateRoute {
    /// Returns true if API Gateway sends this request to this route. A variable `{proxy+}` matches one or more
    /// segments, also an empty one.
    fn takes(&self, method: &str, path: &str) -> bool {
        let right_method = self.method == "ANY" || self.method == method;
        let right_path = match self.path.split_once("{proxy+}") {
            Some((prefix, _)) => path.starts_with(prefix),
            None => self.path == path,
        };
        right_method && right_path
    }

    /// Returns the length of the fixed part of the path. If several routes match a request, the one with the longest
    /// fixed part gets it.
    fn says(&self) -> usize {
        self.path.split_once("{proxy+}").map_or(usize::MAX, |(prefix, _)| prefix.len())
    }
}

/// Returns a path with and without the slash at its end. Static files have only one spelling.
fn spellings(path: &str) -> Vec<String> {
    let bare = path.trim_end_matches('/');
    if bare.is_empty() || path.starts_with("/static/") {
        return vec![path.to_owned()];
    }
    vec![bare.to_owned(), format!("{bare}/")]
}

#[test]
fn every_route_of_a_router_is_led_to_its_function() {
    let template = template_routes();
    for (function, method, path) in router_routes() {
        // The documentation of AWS does not say if API Gateway ignores the slash at the end of a path, so both
        // spellings need a route.
        for spelled in spellings(&path) {
            let found: Vec<&TemplateRoute> =
                template.iter().filter(|route| route.takes(&method, &spelled)).collect();
            let most = found.iter().map(|route| route.says()).max();
            let found = found.iter().filter(|route| Some(route.says()) == most);
            let found: Vec<&str> = found.map(|route| route.function.as_str()).collect();
            assert!(!found.is_empty(), "{method} {spelled} has no route in template.yaml");
            assert!(found.iter().all(|found| *found == function), "{method} {spelled} leads to {found:?}");
        }
    }
}

#[test]
fn every_route_of_the_template_leads_to_a_function_that_has_it() {
    let routes = router_routes();
    for route in template_routes() {
        let has = routes.iter().any(|(function, method, path)| {
            *function == route.function && spellings(path).iter().any(|path| route.takes(method, path))
        });
        assert!(has, "{} {} leads to {}, which has no such route", route.method, route.path, route.function);
    }
}

#[test]
fn routes_are_named_once_and_end_with_a_slash() {
    let mut named: Vec<String> =
        router_routes().into_iter().map(|(_, method, path)| format!("{method} {path}")).collect();
    let count = named.len();
    named.sort();
    named.dedup();
    assert_eq!(named.len(), count, "a route key occurs twice");
    for (_, _, path) in router_routes() {
        let file = path == "/healthz" || path.starts_with("/static/") || path.starts_with("/.well-known/");
        assert!(file || path.ends_with('/'), "{path}");
    }
}

/// A path without a route gets a problem in the format of the API, also with `cargo lambda watch`.
#[test]
fn every_other_path_leads_to_a_function() {
    let template = template_routes();
    let other =
        template.iter().find(|route| route.path == "{proxy+}").expect("no route has the key $default");
    assert_eq!(other.function, "browse");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let (_, watched) = manifest.split_once("[workspace.metadata.lambda.watch.router]\n").unwrap();
    let watched: BTreeMap<&str, &str> = watched
        .lines()
        .map_while(|line| line.split_once(" = "))
        .map(|(path, function)| (path.trim_matches('"'), function.trim_matches('"')))
        .collect();
    assert_eq!(watched["/{*path}"], "browse");
    for (function, _, path) in router_routes() {
        for spelled in spellings(&path) {
            let fits = |pattern: &&str| match pattern.split_once("{*path}") {
                Some((prefix, _)) => spelled.len() > prefix.len() && spelled.starts_with(prefix),
                None => **pattern == spelled,
            };
            let found = watched.keys().filter(|pattern| fits(pattern));
            let closest = found.max_by_key(|pattern| (!pattern.contains('{'), pattern.len()));
            assert_eq!(closest.map(|pattern| watched[pattern]), Some(function), "{spelled} in Cargo.toml");
        }
    }
}
