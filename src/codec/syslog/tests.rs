use crate::codec::Format;
use crate::codec::tests::{ARRIVAL, read_one, stream};

use super::*;

/// What is kept of a message, without its priority.
fn read(record: impl AsRef<[u8]>) -> String {
    let schema = stream("facility int?, timestamp timestamp?, host string?, procid string?, message string?");
    let kept = read_one(&Format::Syslog, &schema, record);
    let priority =
        r#"{"priority":13,"facility":1,"facility_name":"user","severity":5,"severity_name":"notice","#;
    kept.strip_prefix(priority).map_or(kept.clone(), |rest| format!("{{{rest}"))
}

/// The time of a message that arrived at a certain one.
fn time(message: &str, arrival: &str) -> String {
    let mut decoder = SyslogDecoder::new(StreamId(0), &stream("at timestamp from \"timestamp\""), Kept::ALL);
    let arrival = Timestamp::parse(arrival).expect("the arrival is a time");
    match decoder.decode(message.as_bytes(), Position::default(), arrival) {
        Ok(event) => event.expect("every message is an event").time().to_string(),
        Err(why) => why.to_string(),
    }
}

#[test]
fn names_are_in_the_order_of_parts() {
    assert_eq!(NAMES[Part::Priority as usize], "priority");
    assert_eq!(NAMES[Part::SeverityName as usize], "severity_name");
    assert_eq!(NAMES[Part::MsgId as usize], "msgid");
    assert_eq!(NAMES[Part::Message as usize], "message");
    assert_eq!(Part::Message as usize + 1, NAMES.len());
}

#[test]
fn the_examples_of_rfc_5424() {
    for (message, kept) in [
        (
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
            r#"{"priority":34,"facility":4,"facility_name":"auth","severity":2,"severity_name":"crit","timestamp":"2003-10-11T22:14:15.003Z","host":"mymachine.example.com","app":"su","msgid":"ID47","message":"'su root' failed for lonvick on /dev/pts/8"}"#,
        ),
        (
            "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
            r#"{"priority":165,"facility":20,"facility_name":"local4","severity":5,"severity_name":"notice","timestamp":"2003-08-24T05:14:15.000003-07:00","host":"192.0.2.1","app":"myproc","procid":"8710","message":"%% It's time to make the do-nuts."}"#,
        ),
        (
            "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"] \u{feff}An application event log entry...",
            r#"{"priority":165,"facility":20,"facility_name":"local4","severity":5,"severity_name":"notice","timestamp":"2003-10-11T22:14:15.003Z","host":"mymachine.example.com","app":"evntslog","msgid":"ID47","sd.exampleSDID@32473.iut":"3","sd.exampleSDID@32473.eventSource":"Application","sd.exampleSDID@32473.eventID":"1011","message":"An application event log entry..."}"#,
        ),
        (
            "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"][examplePriority@32473 class=\"high\"]",
            r#"{"priority":165,"facility":20,"facility_name":"local4","severity":5,"severity_name":"notice","timestamp":"2003-10-11T22:14:15.003Z","host":"mymachine.example.com","app":"evntslog","msgid":"ID47","sd.exampleSDID@32473.iut":"3","sd.exampleSDID@32473.eventSource":"Application","sd.exampleSDID@32473.eventID":"1011","sd.examplePriority@32473.class":"high","message":null}"#,
        ),
        // util-linux `logger --rfc5424`
        (
            r#"<36>1 2026-11-21T12:17:09.375200+00:00 vm su - ID47 [timeQuality tzKnown="1" isSynced="0"][e@1 q="a\"b\]"] hällo"#,
            r#"{"priority":36,"facility":4,"facility_name":"auth","severity":4,"severity_name":"warning","timestamp":"2026-11-21T12:17:09.375200+00:00","host":"vm","app":"su","msgid":"ID47","sd.timeQuality.tzKnown":"1","sd.timeQuality.isSynced":"0","sd.e@1.q":"a\"b]","message":"hällo"}"#,
        ),
    ] {
        assert_eq!(read(message), kept, "{message}");
    }
}

#[test]
fn structured_data_is_fields() {
    let schema = stream(
        "iut int from \"sd.ex@1.iut\", quoted string? from \"sd.ex@1.q\", flag bool? from \"sd.flag\", message string",
    );
    let read = |data: &str| {
        let kept = read_one(&Format::Syslog, &schema, format!("<13>1 - - - - - {data}"));
        let priority =
            r#"{"priority":13,"facility":1,"facility_name":"user","severity":5,"severity_name":"notice","#;
        kept.replace(priority, "{").replace(r#","message":"x""#, "")
    };
    assert_eq!(
        read(r#"[ex@1 iut="3" q="a \"b\" \] \\ \n"][flag][timeQuality tzKnown="1"] x"#),
        r#"{"sd.ex@1.iut":3,"sd.ex@1.q":"a \"b\" ] \\ \\n","sd.flag":true,"sd.timeQuality.tzKnown":"1"}"#
    );
    assert_eq!(
        read(r#"[ex@1 iut="1" iut="2"] x"#),
        r#"{"sd.ex@1.iut":1,"sd.ex@1.iut":2}"#,
        "the last counts"
    );
    assert_eq!(read(r#"[ex@1  iut="3" ] x"#), r#"{"sd.ex@1.iut":3}"#);
    assert_eq!(read(r#"[ex@1 iut="3" q="[x]"] x"#), r#"{"sd.ex@1.iut":3,"sd.ex@1.q":"[x]"}"#);
    assert_eq!(read(r#"[ex@1 iut="3"]"#), r#"{"sd.ex@1.iut":3,"message":""}"#, "an empty message");
    assert_eq!(read("- x"), "the required field `iut` is missing");
    let long = format!("[{} iut=\"3\"] x", "x".repeat(65));
    assert!(read(&long).ends_with(" of an element is longer than 64 bytes"), "{}", read(&long));
}

#[test]
fn what_rfc_5424_does_not_allow_is_refused() {
    for (message, reason) in [
        (
            "<13>1 2003-10-11T22:14:15 h a p m - x",
            "the time \"2003-10-11T22:14:15\" is not as RFC 3339 has it",
        ),
        ("<13>2 2003-10-11T22:14:15Z h a p m - x", "the version 2 is not known"),
        ("<13>1 -  a p m - x", "expected the host at column 9"),
        ("<13>1 - h a p", "it ends before the process id"),
        ("<13>1 - h a p m", "it ends before the message id"),
        ("<13>1 - h a p m x", "expected structured data (`-` or `[`) at column 17"),
        ("<13>1 - h a p m ", "expected structured data (`-` or `[`) at column 17"),
        ("<13>1 - h a p m -x", "expected a blank behind the structured data at column 18"),
        ("<13>1 - ä a p m [] x", "expected the name of an element at column 18"),
        ("<13>1 - h a p m [e", "expected a parameter or `]` at column 19"),
        ("<13>1 - h a p m [e a", "expected `=\"` at column 21"),
        ("<13>1 - h a p m [e a=1] x", "expected `=\"` at column 21"),
        ("<13>1 - h a p m [e a=\"1\"b=\"2\"] x", "expected a parameter or `]` at column 25"),
        ("<13>1 - h a p m [e a=\"1\\\"] x", "the quotation mark before column 23 is not closed"),
        ("<13>1 - h a p m [e a=\"1\"]x", "expected a blank behind the structured data at column 26"),
        ("<192>1 - h a p m - x", "the priority 192 is greater than 191"),
    ] {
        assert_eq!(read(message), format!("not a syslog message: {reason}"), "{message}");
    }
}

#[test]
fn older_messages_as_they_are_sent() {
    for (message, kept) in [
        // The examples of RFC 3164.
        (
            "<13>Oct 11 22:14:15 mymachine su: 'su root' failed",
            r#"{"timestamp":"2025-10-11T22:14:15Z","host":"mymachine","app":"su","message":"'su root' failed"}"#,
        ),
        ("<13>Use the BFG!", r#"{"message":"Use the BFG!"}"#),
        (
            "<13>1990 Oct 22 10:52:01 TZ-6 h 10.1.2.3 sched[0]: That's All Folks!",
            r#"{"timestamp":"1990-10-22T10:52:01Z","host":"TZ-6","message":"h 10.1.2.3 sched[0]: That's All Folks!"}"#,
        ),
        // util-linux `logger`: over the network, to a local socket.
        (
            "<13>Feb  1 12:17:09 vm su[9656]: hällo [x] wörld",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","app":"su","procid":"9656","message":"hällo [x] wörld"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 app[9658]: local message",
            r#"{"timestamp":"2026-02-01T12:17:09Z","app":"app","procid":"9658","message":"local message"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 app: local message\n",
            r#"{"timestamp":"2026-02-01T12:17:09Z","app":"app","message":"local message"}"#,
        ),
        // rsyslog: forwarded, in files.
        (
            "<13>2026-02-01T12:17:09.369447+01:00 vm systemd[1]: Started.",
            r#"{"timestamp":"2026-02-01T12:17:09.369447+01:00","host":"vm","app":"systemd","procid":"1","message":"Started."}"#,
        ),
        (
            "2026-02-01T12:17:09.369447+01:00 vm CRON[1]: (root)",
            r#"{"timestamp":"2026-02-01T12:17:09.369447+01:00","host":"vm","app":"CRON","procid":"1","message":"(root)"}"#,
        ),
        (
            "Feb  1 12:17:09 vm kernel: [    0.000000] Linux",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","app":"kernel","message":"[    0.000000] Linux"}"#,
        ),
        // Routers and firewalls.
        (
            "<13>Feb 01 2024 12:17:09: %ASA-6-302013: Built",
            r#"{"timestamp":"2024-02-01T12:17:09Z","app":"%ASA-6-302013","message":"Built"}"#,
        ),
        (
            "<13>Feb 01 2024 12:17:09 fw : %ASA-6-302013: Built",
            r#"{"timestamp":"2024-02-01T12:17:09Z","host":"fw","app":"%ASA-6-302013","message":"Built"}"#,
        ),
        (
            "<13>Feb  1 12:17:09.123 10.0.0.1 %SYS-5-CONFIG_I: Configured",
            r#"{"timestamp":"2026-02-01T12:17:09.123Z","host":"10.0.0.1","app":"%SYS-5-CONFIG_I","message":"Configured"}"#,
        ),
        (
            "<13>29: *Feb  1 12:17:09.123 UTC: %SYS-5-CONFIG_I: Configured",
            r#"{"timestamp":"2026-02-01T12:17:09.123Z","app":"%SYS-5-CONFIG_I","message":"Configured"}"#,
        ),
        (
            "<13>29: .Feb  1 12:17:09: %SYS-5-CONFIG_I: Configured",
            r#"{"timestamp":"2026-02-01T12:17:09Z","app":"%SYS-5-CONFIG_I","message":"Configured"}"#,
        ),
        ("<13>29: *x", r#"{"app":"29","message":"*x"}"#),
        // Hosts that could be tags, and the other way round.
        (
            "<13>Feb  1 12:17:09 2001:db8::1 app: x",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"2001:db8::1","app":"app","message":"x"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 vm fetched http://example.com/ in 5s",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","message":"fetched http://example.com/ in 5s"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 vm postfix/smtpd[12]: x",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","app":"postfix/smtpd","procid":"12","message":"x"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 ubnt kernel: [WAN_LOCAL-default-D]IN=eth0",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"ubnt","app":"kernel","message":"[WAN_LOCAL-default-D]IN=eth0"}"#,
        ),
        (
            "<13>Feb  1 12:17:09 vm [x y=\"z\"] text",
            r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","message":"[x y=\"z\"] text"}"#,
        ),
        ("<13>Feb  1 12:17:09 vm", r#"{"timestamp":"2026-02-01T12:17:09Z","host":"vm","message":null}"#),
        ("<13>Feb  1 12:17:09", r#"{"timestamp":"2026-02-01T12:17:09Z","message":null}"#),
        ("<13>Feb  1 12:17:09 ", r#"{"timestamp":"2026-02-01T12:17:09Z","message":null}"#),
        // No time.
        ("<13>app[12]: x\0", r#"{"app":"app","procid":"12","message":"x"}"#),
        ("<13> app: x", r#"{"app":"app","message":"x"}"#),
        ("<13>1 apple, 2 pears", r#"{"message":"1 apple, 2 pears"}"#),
        ("<13>Feb 1st", r#"{"message":"Feb 1st"}"#),
        ("<13>Feb  1 12:17:09x", r#"{"message":"Feb  1 12:17:09x"}"#),
        ("<13>", r#"{"message":null}"#),
    ] {
        assert_eq!(read(message), kept, "{message:?}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for (record, reason) in [
        (&b""[..], "the record is empty"),
        (b"\r\n\0", "the record is empty"),
        (b"hello", "it begins neither with a priority such as <13> nor with a time"),
        (b"<13hello", "it begins neither with a priority such as <13> nor with a time"),
        (b"<1234>x", "it begins neither with a priority such as <13> nor with a time"),
        (b"<>x", "it begins neither with a priority such as <13> nor with a time"),
        (b"{\"a\":1}", "it begins neither with a priority such as <13> nor with a time"),
        (b"1 - h a p m - x", "it begins neither with a priority such as <13> nor with a time"),
        (b"<999>x", "the priority 999 is greater than 191"),
        (b"<13>Feb 30 12:17:09 vm x", "there is no time \"Feb 30 12:17:09\""),
        (b"<13>Feb  1 24:17:09 vm x", "there is no time \"Feb  1 24:17:09\""),
        (b"<13>Feb 29 2025 12:17:09 vm x", "there is no time \"Feb 29 2025 12:17:09\""),
        (b"<13>app: \xe9", "invalid UTF-8 at byte offset 9"),
    ] {
        assert_eq!(
            read(record),
            format!("not a syslog message: {reason}"),
            "{}",
            String::from_utf8_lossy(record)
        );
    }
}

#[test]
fn a_time_without_a_year_is_close_to_the_arrival() {
    for (written, arrival, expected) in [
        ("Mar  1 08:00:01", "2026-03-01T08:00:00Z", "2026-03-01T08:00:01Z"),
        ("Dec 31 23:59:59", "2026-01-01T00:00:05Z", "2025-12-31T23:59:59Z"),
        ("Jan  1 00:00:01", "2025-12-31T23:59:58Z", "2026-01-01T00:00:01Z"),
        ("Aug 29 00:00:00", "2026-03-01T00:00:00Z", "2026-08-29T00:00:00Z"),
        ("Sep  2 00:00:00", "2026-03-01T00:00:00Z", "2025-09-02T00:00:00Z"),
        ("Feb 29 12:00:00", "2024-03-01T00:00:00Z", "2024-02-29T12:00:00Z"),
        ("Feb 29 12:00:00", "2026-03-01T00:00:00Z", "2024-02-29T12:00:00Z"),
        ("Feb 29 12:00:00", "2026-03-03T00:00:00Z", "2028-02-29T12:00:00Z"),
        ("Feb 29 12:00:00", "2027-02-01T00:00:00Z", "2028-02-29T12:00:00Z"),
        ("Feb 29 12:00:00", "1900-03-01T00:00:00Z", "1896-02-29T12:00:00Z"),
        ("Jun 30 23:59:60", "2026-07-01T00:00:00Z", "2026-06-30T23:59:59Z"),
        ("jun 30 23:59:00.1234567", "2026-07-01T00:00:00Z", "2026-06-30T23:59:00.123456Z"),
        ("JUN 3 23:59:00", "2026-07-01T00:00:00Z", "2026-06-03T23:59:00Z"),
    ] {
        assert_eq!(time(&format!("<13>{written} vm app: x"), arrival), expected, "{written} at {arrival}");
    }
    assert_eq!(time("<13>x", "2026-03-01T08:00:00Z"), "the required field `at` is missing");
    assert_eq!(time("<13>1 - - - - - -", "2026-03-01T08:00:00Z"), "the required field `at` is missing");
}

#[test]
fn any_time_of_arrival_will_do() {
    let mut decoder = SyslogDecoder::new(StreamId(0), &stream("timestamp timestamp?"), Kept::ALL);
    for arrival in
        [Timestamp::MIN, Timestamp::FIRST, Timestamp::from_micros(0), Timestamp::LAST, Timestamp::MAX]
    {
        for message in
            ["<13>Feb 29 12:00:00 vm x", "<13>Dec 31 12:00:00 vm x", "<13>Feb 29 9999 12:00:00 vm x"]
        {
            let _ = decoder.decode(message.as_bytes(), Position::default(), arrival);
        }
    }
}

#[test]
fn a_stream_without_a_time_field_takes_the_arrival() {
    let mut decoder = SyslogDecoder::new(StreamId(0), &stream("message string"), Kept::ALL);
    let event = decoder.decode(b"<13>Feb  1 12:17:09 vm x", Position::default(), ARRIVAL).unwrap().unwrap();
    assert_eq!(event.time(), ARRIVAL);
}

#[test]
fn streams_that_cannot_be_read_are_found() {
    let misfit = |fields: &str| Format::Syslog.misfit(&stream(fields));
    assert_eq!(
        misfit("severity int, facility string, at timestamp(ms) from \"timestamp\", app string"),
        None
    );
    assert_eq!(misfit("x int from \"sd.a@1.x\", other string?"), None);
    let why = misfit("hostname string").unwrap();
    assert!(why.starts_with("a syslog message has no part `hostname`, which the required field"), "{why}");
    assert!(why.contains("severity_name") && why.contains("sd.ID.PARAM"), "{why}");
    assert_eq!(
        misfit("level bool? from \"severity\"").unwrap(),
        "the severity of a syslog message is never `bool`, as the field `level` declares"
    );
}
