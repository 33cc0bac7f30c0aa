//! What `template.yaml` promises without anybody having to look: safe defaults, a table that stays, limits that fit into one
//! another, and that a function which is added is watched like the others. Routes and roles have files of their own.

use serde_json::{Map, Value};

use crate::harness::environment;

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
    assert_eq!(default("CorsOrigins"), "");
    assert_eq!(default("DeletionProtection"), "true");
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        assert!(parameter.get("Default").is_some(), "{name} has no default");
        assert!(parameter.get("Description").is_some(), "{name} has no description");
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

/// Who is cut off should be so by the innermost limit, which its log names.
#[test]
fn functions_end_before_their_integrations_and_those_before_the_gateway() {
    let template = template();
    let default = template["Globals"]["Function"]["Timeout"].as_u64().unwrap();
    let functions = of_type(&template, "AWS::Serverless::Function");
    let longest =
        functions.values().map(|function| function["Timeout"].as_u64().unwrap_or(default)).max().unwrap();
    for (name, integration) in of_type(&template, "AWS::ApiGatewayV2::Integration") {
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
        assert!(groups[group].get("RetentionInDays").is_some(), "{name} logs for ever");
    }
    for (name, alarm) in alarms {
        assert!(alarm.get("AlarmActions").is_some(), "{name} tells nobody");
    }
}

/// A hash costs a thousand times what another request does.
#[test]
fn logging_in_is_throttled_tighter_than_the_rest() {
    let template = template();
    let stage = &template["Resources"]["Stage"];
    let all = stage["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"].as_u64().unwrap();
    let settings = stage["Properties"]["RouteSettings"].as_object().unwrap();
    let routes = of_type(&template, "AWS::ApiGatewayV2::Route");
    for (key, setting) in settings {
        assert!(setting["ThrottlingRateLimit"].as_u64().unwrap() * 10 <= all, "{key}");
        // The stage is made when its routes are there, or their settings are refused.
        let route = routes.iter().find(|(_, route)| route["RouteKey"] == key.as_str());
        let (name, _) = route.unwrap_or_else(|| panic!("no route has the key {key}"));
        assert!(stage["DependsOn"].as_array().unwrap().contains(&name.as_str().into()), "{name}");
    }
    for key in ["ANY /api/token", "ANY /api-auth/{proxy+}", "ANY /api/users"] {
        assert!(settings.contains_key(key), "{key}");
    }
}
