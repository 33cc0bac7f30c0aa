//! Guarantees of `template.yaml`: safe defaults, a table that is not deleted with the stack, and time limits that fit
//! together. An added function gets the same alarms. Routes, their limits and the roles have test files of their own.

use serde_json::{Map, Value, json};
use shared::config::{LONGEST_WINDOW, LimitNumbers, MOST_SENDS, MOST_TOKENS};

use crate::{harness::environment, security_events::documented};

fn template() -> Value {
    serde_saphyr::from_str(&environment::template()).unwrap()
}

fn of_type(template: &Value, wanted: &str) -> Map<String, Value> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let found = resources.filter(|(_, resource)| resource["Type"] == wanted);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

#[test]
fn deploying_with_no_parameter_set_is_safe() {
    let template = template();
    let default = |name: &str| template["Parameters"][name]["Default"].clone();
    assert_eq!(default("Registration"), "admin");
    assert_eq!(default("Contact"), "", "the consent of users follows the registration");
    assert_eq!(default("CorsOrigins"), "");
    assert_eq!(default("DeletionProtection"), "true");
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        assert!(parameter.get("Default").is_some(), "{name} has no default");
        assert!(parameter.get("Description").is_some(), "{name} has no description");
    }
}

/// The condition repeats the default of the function's configuration, because only one function knows the registration.
#[test]
fn consent_is_needed_where_everybody_can_register() {
    let template = template();
    let variables =
        |name: &str| template["Resources"][name]["Properties"]["Environment"]["Variables"].clone();
    let chosen = json!(["ConsentIsNeeded", "requests", "everyone"]);
    assert_eq!(variables("ConversationsFunction")["CONTACT"], chosen);
    let condition = template["Conditions"]["ConsentIsNeeded"].to_string();
    assert_eq!(condition, r#"[["Contact","requests"],[["Contact",""],["Registration","open"]]]"#);
}

#[test]
fn limits_have_the_same_defaults_and_ranges_everywhere() {
    let template = template();
    let defaults = LimitNumbers::DEFAULT;
    let limits = [
        ("SendLimit", "SEND_LIMIT", defaults.send_limit, 0, MOST_SENDS),
        ("SendWindow", "SEND_WINDOW", defaults.send_window, 1, LONGEST_WINDOW),
        ("ConversationLimit", "CONVERSATION_LIMIT", defaults.conversation_limit, 0, MOST_TOKENS),
        ("ConversationRefill", "CONVERSATION_REFILL", defaults.conversation_refill, 1, MOST_TOKENS),
    ];
    for (name, variable, default, least, most) in limits {
        let parameter = &template["Parameters"][name];
        let of = |field: &str| parameter[field].as_u64().unwrap();
        let numbers = [of("Default"), of("MinValue"), of("MaxValue")];
        assert_eq!(numbers, [default, least, most].map(u64::from), "{name}");
        assert_eq!(template["Globals"]["Function"]["Environment"]["Variables"][variable], name);
    }
}

#[test]
fn the_table_stays_and_can_be_restored() {
    let template = template();
    let table = &template["Resources"]["Table"];
    assert_eq!(table["DeletionPolicy"], "Retain");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    let properties = &table["Properties"];
    assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(properties["DeletionProtectionEnabled"], "DeletionProtection");
    assert_eq!(properties["TableName"], "TableName", "the functions' ARNs and variables have this name");
}

/// The innermost time limit should end a slow request, because its log contains the reason.
#[test]
fn functions_end_before_their_integrations_and_those_before_the_gateway() {
    let template = template();
    let default = template["Globals"]["Function"]["Timeout"].as_u64().unwrap();
    let functions = of_type(&template, "AWS::Serverless::Function");
    for (name, integration) in of_type(&template, "AWS::ApiGatewayV2::Integration") {
        let uri = integration["IntegrationUri"].as_str().unwrap();
        let (_, function) = functions.iter().find(|(name, _)| uri.contains(&format!("{name}.Arn"))).unwrap();
        let longest = function["Timeout"].as_u64().unwrap_or(default);
        let timeout = integration["TimeoutInMillis"].as_u64().unwrap();
        assert!(longest * 1000 < timeout && timeout < 30_000, "{name}: {timeout}");
    }
}

#[test]
fn every_function_is_watched() {
    let template = template();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let dashboard = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"].as_str().unwrap();
    let groups = of_type(&template, "AWS::Logs::LogGroup");
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        for alarm in ["FunctionErrorsAlarm", "FunctionThrottlesAlarm"] {
            let metrics = alarms[alarm]["Metrics"].as_array().unwrap().iter();
            let named =
                |metric: &Value| metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"] == name.as_str();
            assert!(metrics.clone().any(named), "{alarm} does not watch {name}");
        }
        assert!(dashboard.contains(&format!("${{{name}}}")), "the dashboard does not show {name}");
        let group = function["LoggingConfig"]["LogGroup"].as_str().unwrap();
        assert!(groups[group].get("RetentionInDays").is_some(), "the logs of {name} are never deleted");
    }
    for (name, alarm) in alarms {
        assert!(alarm.get("AlarmActions").is_some(), "{name} notifies nobody");
    }
}

#[test]
fn the_table_and_its_index_are_watched_for_throttling() {
    let template = template();
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    let metrics = alarms["TableThrottlesAlarm"]["Metrics"].as_array().unwrap();
    let watched = |name: &str, dimensions: &Value| {
        metrics
            .iter()
            .map(|metric| &metric["MetricStat"]["Metric"])
            .any(|metric| metric["MetricName"] == name && metric["Dimensions"] == *dimensions)
    };
    let table = json!({ "Name": "TableName", "Value": "TableName" });
    for name in ["ReadThrottleEvents", "WriteThrottleEvents"] {
        assert!(watched(name, &json!([table])), "{name} of the table");
        for index in
            template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"].as_array().unwrap()
        {
            let dimension = json!({ "Name": "GlobalSecondaryIndexName", "Value": index["IndexName"] });
            assert!(watched(name, &json!([table, dimension])), "{name} of {index}");
        }
    }
}

/// The alarms on security events count lines that the function `auth` writes.
#[test]
fn the_alarms_on_events_count_the_lines_of_these_events() {
    let template = template();
    let filters = of_type(&template, "AWS::Logs::MetricFilter");
    let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
    for (filter, name) in [("FailedLogins", "login_failed"), ("ReusedRefreshTokens", "refresh_token_reused")]
    {
        assert!(documented().contains(&name.to_owned()), "{name}");
        let (alarm, filter) = (&alarms[&format!("{filter}Alarm")], &filters[filter]);
        assert_eq!(filter["FilterPattern"], format!("{{ $.event = \"{name}\" }}"));
        assert_eq!(filter["LogGroupName"], "AuthLogs");
        let metric = &filter["MetricTransformations"][0];
        assert_eq!(metric["MetricValue"], "1");
        assert_eq!(alarm["MetricName"], metric["MetricName"]);
        assert_eq!(alarm["Namespace"], metric["MetricNamespace"]);
        assert_eq!(alarm["Statistic"], "Sum");
    }
    assert_eq!(filters.len(), 2);
}

/// An alarm with a unit reads only values with this unit, and missing values count as healthy. So no alarm names a
/// unit.
#[test]
fn no_alarm_names_a_unit() {
    for (name, alarm) in of_type(&template(), "AWS::CloudWatch::Alarm") {
        let metrics = alarm["Metrics"].as_array().into_iter().flatten();
        let units = metrics.map(|metric| &metric["MetricStat"]["Unit"]).chain([&alarm["Unit"]]);
        assert!(units.into_iter().all(Value::is_null), "{name}");
    }
}

/// `sam build` compiles before `sam deploy --guided` asks for parameters.
#[test]
fn no_parameter_decides_what_the_functions_are_compiled_for() {
    let template = template();
    let architectures = &template["Globals"]["Function"]["Architectures"];
    assert!(*architectures == json!(["arm64"]) || *architectures == json!(["x86_64"]), "{architectures}");
    for (name, function) in of_type(&template, "AWS::Serverless::Function") {
        assert!(function.get("Architectures").is_none(), "{name}");
    }
}

#[test]
fn traces_are_sent_only_where_they_are_asked_for() {
    let template = template();
    assert_eq!(template["Parameters"]["Tracing"]["Default"], "off");
    assert_eq!(template["Globals"]["Function"]["Tracing"], json!(["TracingIsOn", "Active", "PassThrough"]));
    let (resources, functions) = (&template["Resources"], of_type(&template, "AWS::Serverless::Function"));
    assert_eq!(resources["Traces"]["Condition"], "TracingIsOn");
    let roles = resources["Traces"]["Properties"]["Roles"].as_array().unwrap();
    for (name, function) in &functions {
        let role = function["Role"].as_str().unwrap().trim_end_matches(".Arn");
        assert!(roles.contains(&role.into()), "{name} may not send traces");
        assert!(
            !resources[role].to_string().contains("xray:"),
            "{name} may send traces with tracing switched off"
        );
    }
    assert_eq!(roles.len(), functions.len());
}

#[test]
fn the_access_log_says_where_a_request_came_from_but_not_its_path() {
    let template = template();
    let format = template["Resources"]["Stage"]["Properties"]["AccessLogSettings"]["Format"].clone();
    let fields: Map<String, Value> = serde_json::from_str(format.as_str().unwrap()).unwrap();
    assert_eq!(fields["source"], "$context.identity.sourceIp");
    for variable in ["$context.path", "$context.rawPath", "$context.identity.user"] {
        assert!(fields.values().all(|value| value != variable), "{variable}");
    }
}

#[test]
fn a_domain_is_where_the_tokens_and_the_outputs_lead() {
    let template = template();
    let (resources, outputs) = (&template["Resources"], &template["Outputs"]);
    let own = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}";
    let issuer = &template["Globals"]["Function"]["Environment"]["Variables"]["ISSUER"];
    let follows = json!(["DomainIsGiven", "https://${DomainName}", own]);
    assert_eq!(*issuer, json!(["IssuerIsGiven", "Issuer", follows]));
    assert_eq!(
        outputs["ApiUrl"]["Value"],
        json!(["DomainIsGiven", "https://${DomainName}", "Api.ApiEndpoint"])
    );
    for named in [&resources["Domain"], &resources["DomainMapping"], &outputs["DomainTarget"]] {
        assert_eq!(named["Condition"], "DomainIsGiven");
    }
    let properties = &resources["DomainMapping"]["Properties"];
    assert_eq!(*properties, json!({ "ApiId": "Api", "DomainName": "Domain", "Stage": "Stage" }));
    assert_eq!(resources["Api"]["Properties"]["DisableExecuteApiEndpoint"], "DisableExecuteApiEndpoint");
    assert_eq!(template["Parameters"]["DisableExecuteApiEndpoint"]["Default"], "false");
}

/// A page of another origin gets the same CORS headers locally and in the deployment.
#[test]
fn pages_of_other_origins_may_do_the_same_as_locally() {
    use local::gateway::cors::{EXPOSED, HEADERS, MAX_AGE, METHODS};
    let template = template();
    // The YAML parser reads `!If` as a list: condition, configuration, nothing.
    let cors = &template["Resources"]["Api"]["Properties"]["CorsConfiguration"][1];
    assert_eq!(cors["AllowMethods"], serde_json::json!(METHODS));
    assert_eq!(cors["AllowHeaders"], serde_json::json!(HEADERS));
    assert_eq!(cors["ExposeHeaders"], serde_json::json!(EXPOSED));
    assert_eq!(cors["MaxAge"], MAX_AGE);
    assert_eq!(cors.get("AllowCredentials"), None);
}
