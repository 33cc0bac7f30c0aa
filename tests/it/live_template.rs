//! The WebSocket API, the event sources and the queues of `template.yaml`.

use serde_json::{Map, Value, json};

use crate::harness::environment;

fn resources() -> Map<String, Value> {
    let template: Value = serde_saphyr::from_str(&environment::template()).unwrap();
    template["Resources"].as_object().unwrap().clone()
}

fn properties(name: &str) -> Value {
    resources()[name]["Properties"].clone()
}

fn stream() -> Value {
    properties("DeliverFunction")["Events"]["Stream"]["Properties"].clone()
}

/// Returns true if a value fits a pattern of an event source, with the rules that the template uses.
fn fits(pattern: &Value, value: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, pattern)| fits(pattern, &value[name])),
        Value::Array(rules) => rules.iter().any(|rule| match rule["prefix"].as_str() {
            Some(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            None => rule == value,
        }),
        other => panic!("the tests do not support the pattern {other}"),
    }
}

fn passes(event: &str, sk: &str, item: &str) -> bool {
    let image = json!({ "sk": { "S": sk }, "item": { "S": item } });
    let name = if event == "REMOVE" { "OldImage" } else { "NewImage" };
    let record = json!({ "eventName": event, "dynamodb": { "Keys": { "sk": { "S": sk } }, name: image } });
    let filters = stream()["FilterCriteria"]["Filters"].as_array().unwrap().clone();
    assert!(filters.len() <= 5, "Lambda accepts five filters");
    filters.iter().any(|filter| {
        let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap();
        fits(&pattern, &record)
    })
}

#[test]
fn the_stream_brings_what_deliver_needs_and_nothing_else() {
    let needed = [
        ("INSERT", "MSG#0000000000007", "message"),
        ("INSERT", "MSG#0000000000007", "closed"),
        ("INSERT", "CHANGE#0000000000007", "change"),
        ("INSERT", "CHANGE#0000000000007", "closed"),
        ("MODIFY", "MEMBER#1", "member"),
        ("INSERT", "LINK#1", "link"),
        ("REMOVE", "LINK#1", "link"),
        // The participants of a conversation that is deleted are told, also if their memberships are gone already.
        ("REMOVE", "MEMBER#1", "member"),
        ("MODIFY", "SESSION#1", "ended_session"),
        ("INSERT", "SESSION#1", "ended_session"),
        ("MODIFY", "PROFILE", "user"),
    ];
    for (event, sk, item) in needed {
        assert!(passes(event, sk, item), "{event} {sk} {item}");
    }
    let kinds = [
        ("CREDENTIAL", "credential"),
        ("CREDENTIAL", "closed_credential"),
        ("TALLY#unknown", "tally"),
        ("DEVICE#1", "device"),
        ("SESSION#1", "session"),
        ("KEY#1", "signing_key"),
        ("PAIR", "pair_key"),
        ("TICKET", "ticket"),
        ("USER", "connection_user"),
        ("BLOCKS", "blocks"),
        ("CREATE", "token_bucket"),
        ("OPEN#1", "report"),
        ("ADMINS", "admins"),
        ("CONV#1", "inbox"),
        ("INVITED#1", "invitation"),
        ("META", "conversation"),
        ("REV#1#1", "revision"),
        ("PRESENCE#online", "presence"),
    ];
    for (sk, item) in kinds {
        for event in ["INSERT", "MODIFY", "REMOVE"] {
            assert!(!passes(event, sk, item), "{event} {sk} {item}");
        }
    }
    // Each write of a connection, an edit of a message and the end of a marker are no news.
    for (event, sk, item) in [
        ("MODIFY", "LINK#1", "link"),
        ("MODIFY", "MSG#0000000000007", "message"),
        ("REMOVE", "MSG#0000000000007", "message"),
        ("REMOVE", "SESSION#1", "ended_session"),
        ("INSERT", "MEMBER#1", "member"),
        ("INSERT", "PROFILE", "user"),
    ] {
        assert!(!passes(event, sk, item), "{event} {sk} {item}");
    }
}

#[test]
fn a_record_that_fails_stops_no_other() {
    let stream = stream();
    assert_eq!(stream["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(stream["BisectBatchOnFunctionError"], true);
    assert_eq!(
        stream["DestinationConfig"]["OnFailure"],
        json!({ "Type": "SQS", "Destination": "DeadLetters.Arn" })
    );
    // `deliver` puts a record aside after five minutes, with its image. Lambda would put aside only its position.
    assert!(stream["MaximumRecordAgeInSeconds"].as_u64().unwrap() > 300);
    assert_eq!(stream.get("MaximumRetryAttempts"), None, "a failure of the table is not the record's");
    assert_eq!(stream["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(stream["Stream"], json!(["TableIsCreated", "Table.StreamArn", "StreamArn"]));
    let cleanup = properties("DeliverFunction")["Events"]["Cleanup"]["Properties"].clone();
    assert_eq!(cleanup["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
}

#[test]
fn queues_keep_what_fails_and_give_it_out_again_late_enough() {
    let timeout = properties("DeliverFunction")["Timeout"].as_u64().unwrap();
    let (cleanups, dead) = (properties("Cleanups"), properties("DeadLetters"));
    assert!(cleanups["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout);
    assert_eq!(cleanups["RedrivePolicy"]["deadLetterTargetArn"], "DeadLetters.Arn");
    for queue in [&cleanups, &dead] {
        assert_eq!(queue["SqsManagedSseEnabled"], true);
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3600);
    }
    assert!(dead.get("RedrivePolicy").is_none());
    for (alarm, metric) in
        [("StreamAgeAlarm", "IteratorAge"), ("DeadLettersAlarm", "ApproximateNumberOfMessagesVisible")]
    {
        let alarm = properties(alarm);
        assert_eq!((&alarm["MetricName"], &alarm["Statistic"]), (&json!(metric), &json!("Maximum")));
    }
}

#[test]
fn every_event_of_a_connection_reaches_the_function_and_no_ticket_is_logged() {
    let resources = resources();
    let of_live = |resource: &&Value| resource["Properties"]["ApiId"] == "LiveApi";
    let routes = resources.values().filter(|it| it["Type"] == "AWS::ApiGatewayV2::Route").filter(of_live);
    let mut keys: Vec<&str> = routes
        .map(|route| {
            assert_eq!(route["Properties"]["Target"], "integrations/${LiveIntegration}");
            route["Properties"]["RouteKey"].as_str().unwrap()
        })
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["$connect", "$default", "$disconnect"]);
    assert!(
        properties("LiveIntegration")["IntegrationUri"].as_str().unwrap().contains("${RealtimeFunction.Arn}")
    );
    let stage = properties("LiveStage");
    assert_eq!((&stage["StageName"], &stage["AutoDeploy"]), (&json!("live"), &json!(true)));
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_u64());
    let format = stage["AccessLogSettings"][1]["Format"].as_str().unwrap();
    let fields: Map<String, Value> = serde_json::from_str(format).unwrap();
    assert_eq!(fields["source"], "$context.identity.sourceIp");
    for value in fields.values() {
        let value = value.as_str().unwrap();
        assert!(
            !value.contains("query") && !value.contains("path") && !value.contains("authorizer"),
            "{value}"
        );
    }
}

#[test]
fn two_functions_push_to_connections_of_this_api_only() {
    for (name, resource) in resources() {
        let policies = resource["Properties"]["Policies"].as_array().cloned().unwrap_or_default();
        for statement in
            policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
        {
            if !statement["Action"].to_string().contains("execute-api") {
                continue;
            }
            assert!(["RealtimeRole", "DeliverRole"].contains(&name.as_str()), "{name}");
            assert_eq!(statement["Action"], "execute-api:ManageConnections");
            let api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}/live";
            let expected = [format!("{api}/POST/@connections/*"), format!("{api}/DELETE/@connections/*")];
            assert_eq!(statement["Resource"], json!(expected));
        }
    }
}

#[test]
fn deliver_fills_the_queues_that_it_knows_and_reads_only_the_cleanups() {
    let function = properties("DeliverFunction");
    let variables = &function["Environment"]["Variables"];
    assert_eq!(
        (&variables["DEAD_LETTERS_URL"], &variables["CLEANUPS_URL"]),
        (&json!("DeadLetters"), &json!("Cleanups"))
    );
    let role = properties("DeliverRole");
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let of = |sid: &str| statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
    assert_eq!(of("Send")["Action"], "sqs:SendMessage");
    assert_eq!(of("Send")["Resource"], json!(["Cleanups.Arn", "DeadLetters.Arn"]));
    assert_eq!(of("Receive")["Resource"], "Cleanups.Arn");
    assert_eq!(
        of("Stream")["Resource"].as_str().unwrap().split(":table/").nth(1),
        Some("${TableName}/stream/*")
    );
}
