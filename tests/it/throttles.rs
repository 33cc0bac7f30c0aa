//! The limits of the stage in `template.yaml`: requests that cost a password hash are throttled on every route that API
//! Gateway may choose for them; other requests are not. `routes` tests that every path has a route.

use serde_json::{Map, Value};

use crate::harness::environment;

/// Requests that compute an Argon2 hash.
const HASHES: [(&str, &str); 5] = [
    ("POST", "/api/token/"),
    ("POST", "/api/users/"),
    ("POST", "/api/users/me/password/"),
    ("DELETE", "/api/users/me/"),
    ("POST", "/api-auth/login/"),
];

/// Requests that must pass while the others are throttled.
const OTHERS: [(&str, &str); 12] = [
    ("GET", "/api-auth/login/"),
    ("GET", "/api-auth/logout/"),
    ("POST", "/api-auth/logout/"),
    ("POST", "/api-auth/blocks/"),
    ("POST", "/api/token/refresh/"),
    ("POST", "/api/token/verify/"),
    ("POST", "/api/token/blacklist/"),
    ("GET", "/api/users/"),
    ("PATCH", "/api/users/me/"),
    ("DELETE", "/api/users/me/sessions/00000000-0000-4000-8000-000000000000/"),
    ("DELETE", "/api/users/me/blocks/00000000-0000-4000-8000-000000000000/"),
    ("OPTIONS", "/api/token/"),
];

/// The possible ways of API Gateway to match a path that ends in a slash. Its documentation does not specify the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matching {
    /// The slash is ignored.
    SlashIgnored,
    /// `{proxy+}` matches an empty rest.
    EmptyRest,
    /// `{proxy+}` matches one character or more.
    RestNeeded,
}

const MATCHINGS: [Matching; 3] = [Matching::SlashIgnored, Matching::EmptyRest, Matching::RestNeeded];

impl Matching {
    fn takes(self, route: &str, path: &str) -> bool {
        let path = if self == Self::SlashIgnored { path.trim_end_matches('/') } else { path };
        match route.split_once("{proxy+}") {
            Some((prefix, _)) => {
                let rest = path.strip_prefix(prefix);
                rest.is_some_and(|rest| self == Self::EmptyRest || !rest.is_empty())
            }
            None => route == path,
        }
    }

    /// Returns the key of the route that gets a request: the longest matching path, then the named method before `ANY`.
    fn route<'a>(self, keys: &[&'a str], method: &str, path: &str) -> Option<&'a str> {
        let split = keys.iter().filter_map(|key| key.split_once(' ').map(|(of, route)| (*key, of, route)));
        let fits = split.filter(|(_, of, route)| [method, "ANY"].contains(of) && self.takes(route, path));
        let rank = |(_, of, route): &(&str, &str, &str)| (!route.contains('{'), route.len(), *of != "ANY");
        fits.max_by_key(rank).map(|(key, ..)| key)
    }
}

struct Stage {
    template: Value,
}

impl Stage {
    fn read() -> Self {
        Self { template: serde_saphyr::from_str(&environment::template()).unwrap() }
    }

    fn routes(&self) -> Vec<(&str, &str)> {
        let resources = self.template["Resources"].as_object().unwrap().iter();
        let routes = resources.filter(|(_, resource)| resource["Type"] == "AWS::ApiGatewayV2::Route");
        routes
            .map(|(name, route)| (name.as_str(), route["Properties"]["RouteKey"].as_str().unwrap()))
            .collect()
    }

    fn keys(&self) -> Vec<&str> {
        self.routes().into_iter().map(|(_, key)| key).collect()
    }

    fn settings(&self) -> &Map<String, Value> {
        self.template["Resources"]["Stage"]["Properties"]["RouteSettings"].as_object().unwrap()
    }

    /// Returns each spelling of a path with each way of matching, and the key of the route that gets it.
    fn chosen(&self, method: &str, path: &str) -> Vec<(String, Matching, Option<&str>)> {
        let spellings = [path, path.trim_end_matches('/')];
        let each =
            spellings.into_iter().flat_map(|path| MATCHINGS.map(|matching| (path.to_owned(), matching)));
        let keys = self.keys();
        each.map(|(path, matching)| {
            let key = matching.route(&keys, method, &path);
            (path, matching, key)
        })
        .collect()
    }
}

#[test]
fn every_spelling_of_a_request_that_costs_a_hash_is_throttled() {
    let stage = Stage::read();
    let mut throttled = Vec::new();
    for (method, path) in HASHES {
        for (path, matching, key) in stage.chosen(method, path) {
            // Without a route of `auth`, the answer is a 404, which costs no hash.
            let Some(key) = key.filter(|key| *key != "ANY /api/{proxy+}") else { continue };
            assert!(
                stage.settings().contains_key(key),
                "{method} {path} ({matching:?}) gets {key}: not throttled"
            );
            throttled.push(key);
        }
    }
    let superfluous: Vec<_> =
        stage.settings().keys().filter(|key| !throttled.contains(&key.as_str())).collect();
    assert!(superfluous.is_empty(), "limits for routes that compute no hash: {superfluous:?}");
}

/// All requests of a route share its limit: a flood of logins must not block refreshes of tokens.
#[test]
fn other_requests_are_outside_of_these_limits() {
    let stage = Stage::read();
    for (method, path) in OTHERS {
        for (path, matching, key) in stage.chosen(method, path) {
            // If `{proxy+}` does not match an empty rest, no route matches these paths with a slash at the end.
            if matching == Matching::RestNeeded && path.ends_with('/') {
                continue;
            }
            let key = key.unwrap_or_else(|| panic!("{method} {path} has no route"));
            assert!(
                !stage.settings().contains_key(key),
                "{method} {path} ({matching:?}) gets {key}: throttled"
            );
        }
    }
}

/// A hash costs a thousand times as much as another request.
#[test]
fn these_limits_are_far_below_the_limit_of_all_requests() {
    let stage = Stage::read();
    let resource = &stage.template["Resources"]["Stage"];
    let limit = |setting: &Value, name: &str| setting[name].as_u64().unwrap();
    for (key, setting) in stage.settings() {
        for name in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
            let all = limit(&resource["Properties"]["DefaultRouteSettings"], name);
            assert!(limit(setting, name) * 25 <= all, "{key}: {name}");
        }
        // CloudFormation creates the stage after its routes; otherwise it refuses the settings of a missing route.
        let route = stage.routes().into_iter().find(|(_, of)| of == key);
        let (name, _) = route.unwrap_or_else(|| panic!("no route has the key {key}"));
        assert!(resource["DependsOn"].as_array().unwrap().contains(&name.into()), "{name}");
    }
}
