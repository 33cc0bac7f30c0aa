use super::*;

fn event(request: Request<&str>) -> Value {
    let request = request.map(|body| Bytes::from(body.to_owned()));
    let (host, path) = (host(&request).unwrap(), raw_path(request.uri()).unwrap());
    let arrival = ConnectionFacts {
        caller: "127.0.0.1:5000".parse().unwrap(),
        id: Uuid::nil(),
        time: DateTime::from_timestamp_millis(1_583_348_638_390).unwrap(),
    };
    describe(&request, &arrival, &host, &path)
}

#[test]
fn an_event_is_what_aws_documents() {
    let request = Request::post("/my/path?parameter1=value1&parameter1=value2&parameter2=a%20b")
        .header("Host", "id.execute-api.us-east-1.amazonaws.com")
        .header("User-Agent", "agent")
        .header("Header1", "value1")
        .header("Header1", "value2")
        .header("Cookie", "cookie1=a; cookie2=b")
        .header("Content-Type", "application/json")
        .body("{}")
        .unwrap();
    let event = event(request);
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/my/path");
    assert_eq!(event["rawQueryString"], "parameter1=value1&parameter1=value2&parameter2=a%20b");
    assert_eq!(event["queryStringParameters"], json!({"parameter1": "value1,value2", "parameter2": "a b"}));
    assert_eq!(event["cookies"], json!(["cookie1=a", "cookie2=b"]));
    assert_eq!(event["headers"]["header1"], "value1,value2");
    assert_eq!(event["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(event["body"], "{}");
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["path"], "/my/path");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "agent");
    assert_eq!(context["domainPrefix"], "id");
    assert_eq!(context["time"], "04/Mar/2020:19:03:58 +0000");
    assert_eq!(context["timeEpoch"], 1_583_348_638_390_u64);
}

#[test]
fn parts_without_content_are_left_out() {
    let event = event(Request::get("/my/path").body("").unwrap());
    for part in ["body", "cookies", "queryStringParameters"] {
        assert_eq!(event.get(part), None, "{part}");
    }
}

#[test]
fn the_path_arrives_decoded() {
    let path = |uri: &'static str| raw_path(&Uri::from_static(uri)).map(Cow::into_owned);
    assert_eq!(path("/a%20b/%C3%A4/").as_deref(), Some("/a b/ä/"));
    assert_eq!(path("/a%3Fb%2Fc%23?d").as_deref(), Some("/a?b/c#"));
    assert_eq!(path("/a%252F").as_deref(), Some("/a%2F"));
    assert_eq!(path("/a%FF"), None);
}

#[test]
fn forms_and_bytes_are_encoded() {
    let send = |kind, body: &'static [u8]| {
        let request = Request::post("/").header("content-type", kind).body(Bytes::from_static(body)).unwrap();
        super::body(&request)
    };
    assert_eq!(send("application/json; charset=utf-8", b"{}"), (false, Some("{}".into())));
    assert_eq!(send("application/x-www-form-urlencoded", b"a=b"), (true, Some("YT1i".into())));
    assert_eq!(send("application/json", b"\xff"), (true, Some("/w==".into())));
}
