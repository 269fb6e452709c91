//! Values that begin with the id of their schema: Avro, Protobuf and JSON Schema, with schemas that change while
//! their topic goes on, and a registry that is away.

mod server;
mod wire;

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::client::{Sent, committed, header, make_topic, read_until, send};
use crate::harness::{Folder, Service};
use crate::reading::alerts;

use self::server::{Mood, Registry};
use self::wire::Wire;

/// A rule that reports each event of a stream, with these fields.
fn reporting(stream: &str, fields: &str) -> String {
    format!(
        "rule each_of_{stream} {{\n by card\n event e = {stream}\n match e\n alert low \"{{card}}\" {{ {fields} }}\n to out\n}}\n"
    )
}

/// A service that reads a topic into each of these streams, with what is said of each.
fn start(
    folder: Folder,
    registry: &Registry,
    of: (&Broker, &str),
    rules: &str,
    streams: &[(&str, &str)],
) -> Service {
    let (broker, topic) = of;
    let mut config = format!(
        "[state]\npath = \"state\"\ncheckpoint = \"100ms\"\n[quarantine]\nfile = \"quarantine.jsonl\"\n\
         [sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n{}",
        registry.config(&folder)
    );
    for (stream, more) in streams {
        config += &format!(
            "[sources.{stream}]\ntype = \"kafka\"\nstream = \"{stream}\"\nbrokers = [\"{}\"]\ntopics = [\"{topic}\"]\n\
             group = \"{topic}-{stream}\"\nregistry = \"main\"\n{more}\n",
            broker.address()
        );
    }
    Service::start_in(folder, rules, &config)
}

/// The fields of the alerts of a stream, by card, once there are so many alerts of all.
fn reported(service: &Service, many: usize, stream: &str) -> Vec<(String, Value)> {
    let of_stream = format!("each_of_{stream}");
    let alerts = alerts(&service.folder, many);
    let mut found: Vec<(String, Value)> = alerts
        .into_iter()
        .filter(|alert| alert["rule"] == *of_stream)
        .map(|mut alert| (alert["title"].as_str().expect("a title").to_owned(), alert["fields"].take()))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// Ends the service, of which everything is to have been an event.
fn assert_all_was_read(service: Service, broker: &Broker, topic: &str, streams: &[&str], many: i64) {
    assert!(!service.folder.path().join("quarantine.jsonl").exists(), "nothing is set aside");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert!(
        ended.lines("given to another").is_empty(),
        "the group has heard of it all the time: {}",
        ended.log()
    );
    for stream in streams {
        assert_eq!(ended.total("source", stream)["rejected"], 0, "{}", ended.log());
        let total: i64 = committed(broker, &format!("{topic}-{stream}"), topic, 2).values().sum();
        assert_eq!(total, many, "the group knows that all was read");
    }
}

const PAYMENT_1: &str = r#"{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
    {"name": "number", "type": "int"}, {"name": "card", "type": "string"}, {"name": "amount", "type": "int"}]}"#;
const CLIENT: &str = r#"{"type": "record", "name": "Client", "namespace": "shop", "fields": [{"name": "ip", "type": "string"}]}"#;

/// The second version: a field has got another name and a wider type, another one is wider too, and there are new ones.
fn payment_2(client: &str) -> String {
    format!(
        r#"{{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
        {{"name": "id", "type": "long", "aliases": ["number"]}}, {{"name": "card", "type": "string"}},
        {{"name": "amount", "type": "double"}}, {{"name": "country", "type": "string", "default": "??"}},
        {{"name": "client", "type": {client}, "default": {{"ip": "0.0.0.0"}}}}]}}"#
    )
}

#[test]
fn avro_is_read_while_its_schema_changes() {
    let broker = Broker::shared();
    make_topic(&broker, "avro", 2, &[]);
    let registry = Registry::start(Mood::Well);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    registry.has_subject("client", "AVRO", CLIENT, &[]);
    registry.has(2, "AVRO", &payment_2("\"shop.Client\""), &[("shop.Client", "client")]);
    let first = |id: i64, card: &str| Wire::of(1).int(id).text(card).int(12).bytes();
    let second =
        |id: i64, card: &str| Wire::of(2).int(id).text(card).double(0.5).text("DE").text("10.0.0.1").bytes();
    // Old and new producers write at the same time.
    let sent = [
        Sent::new(0, first(1, "a")),
        Sent::new(0, second(1 << 40, "b")),
        Sent::new(0, first(-3, "c")),
        Sent::new(1, second(4, "d")),
    ];
    send(&broker, "avro", &sent);
    let folder = Folder::new();
    folder.write("payment.avsc", payment_2(CLIENT));
    let rules =
        "stream newest { id int, card string, amount float, country string, ip ip from \"client.ip\" }\n\
                 stream written { number int, card string, amount float, country string? }\n"
            .to_owned()
            + &reporting("newest", "id = e.id, amount = e.amount, country = e.country, ip = e.ip")
            + &reporting("written", "id = e.number, amount = e.amount, country = e.country");
    let newest = "codec = \"avro\"\nschema = \"payment.avsc\"";
    let streams = [("newest", newest), ("written", "codec = \"avro\"")];
    let service = start(folder, &registry, (&broker, "avro"), &rules, &streams);
    let of_first = |id: i64| json!({"id": id, "amount": 12.0, "country": "??", "ip": "0.0.0.0"});
    let of_second = |id: i64| json!({"id": id, "amount": 0.5, "country": "DE", "ip": "10.0.0.1"});
    let expected = [("a", of_first(1)), ("b", of_second(1 << 40)), ("c", of_first(-3)), ("d", of_second(4))];
    assert_eq!(reported(&service, 8, "newest"), expected.map(|(card, fields)| (card.to_owned(), fields)));
    // Without a schema to read with, a record is what it was written as; a new field goes by its old name too.
    let written = reported(&service, 8, "written");
    assert_eq!(written[0].1, json!({"id": 1, "amount": 12.0, "country": null}));
    assert_eq!(written[1].1, json!({"id": 1_i64 << 40, "amount": 0.5, "country": "DE"}));
    let mut requests = registry.requests();
    requests.sort();
    assert_eq!(requests, ["/schemas/ids/1", "/schemas/ids/2", "/subjects/client/versions/1"], "each once");
    assert_all_was_read(service, &broker, "avro", &["newest", "written"], 4);
}

#[test]
fn protobuf_is_read_while_its_schema_changes() {
    let broker = Broker::shared();
    make_topic(&broker, "protobuf", 2, &[]);
    let registry = Registry::start(Mood::Well);
    let first = "syntax = \"proto3\"; package shop;
        message Payment { int32 id = 1; string card = 2; int32 amount = 3; }";
    // The message has moved into another, which is not the first of the file, and its type is wider.
    let second = "syntax = \"proto3\"; package shop; import \"client.proto\";
        message Other {} message Outer { message Nothing {}
            message Payment { int64 id = 1; string card = 2; int32 amount = 3; string country = 4; Client client = 5; } }";
    registry.has(7, "PROTOBUF", first, &[]);
    registry.has(8, "PROTOBUF", second, &[("client.proto", "client")]);
    let client = "syntax = \"proto3\"; package shop; message Client { string ip = 1; }";
    registry.has_subject("client", "PROTOBUF", client, &[]);
    let fields =
        |wire: Wire, id: u64, card: &str| wire.number_field(1, id).text_field(2, card).number_field(3, 12);
    let old = |id, card| fields(Wire::of(7).int(0), id, card).bytes();
    let new = |id, card| {
        let record = fields(Wire::of(8).int(2).int(1).int(1), id, card).text_field(4, "DE");
        record.message_field(5, Wire::default().text_field(1, "10.0.0.1")).bytes()
    };
    let sent = [Sent::new(0, old(1, "a")), Sent::new(0, new(1 << 40, "b")), Sent::new(1, old(3, "c"))];
    send(&broker, "protobuf", &sent);
    let rules =
        "stream payments { id int, card string, amount int, country string?, ip ip? from \"client.ip\" }\n"
            .to_owned()
            + &reporting("payments", "id = e.id, amount = e.amount, country = e.country, ip = e.ip");
    let streams = [("payments", "codec = \"protobuf\"")];
    let service = start(Folder::new(), &registry, (&broker, "protobuf"), &rules, &streams);
    let of_old = |id: i64| json!({"id": id, "amount": 12, "country": null, "ip": null});
    let of_new = json!({"id": 1_i64 << 40, "amount": 12, "country": "DE", "ip": "10.0.0.1"});
    let expected = [("a".to_owned(), of_old(1)), ("b".to_owned(), of_new), ("c".to_owned(), of_old(3))];
    assert_eq!(reported(&service, 3, "payments"), expected);
    assert_all_was_read(service, &broker, "protobuf", &["payments"], 3);
}

#[test]
fn json_has_to_fit_the_schema_that_it_names() {
    let broker = Broker::shared();
    make_topic(&broker, "json-schema", 2, &[]);
    let registry = Registry::start(Mood::Well);
    let first =
        r#"{"type": "object", "properties": {"card": {"type": "string"}, "amount": {"type": "integer"}}}"#;
    let second = r#"{"type": "object", "properties": {"card": {"type": "string"}, "amount": {"$ref": "amount.json"}}}"#;
    registry.has(1, "JSON", first, &[]);
    registry.has(2, "JSON", second, &[("amount.json", "amount")]);
    registry.has_subject("amount", "JSON", r#"{"type": "number", "minimum": 0}"#, &[]);
    let record = |id, text: &str| Sent::new(0, Wire::of(id).plain(text.as_bytes()).bytes());
    let sent = [
        record(1, r#"{"card": "a", "amount": 1}"#),
        record(2, r#"{"card": "b", "amount": 0.5}"#),
        record(2, r#"{"card": "c", "amount": -1}"#),
        record(1, r#"{"card": "d", "amount": 0.5}"#),
        record(1, r#"{"card": "e", "amount": -1}"#),
    ];
    send(&broker, "json-schema", &sent);
    let rules = "stream payments { card string, amount float }\n".to_owned()
        + &reporting("payments", "amount = e.amount");
    let streams = [("payments", "codec = \"json_schema\"")];
    let service = start(Folder::new(), &registry, (&broker, "json-schema"), &rules, &streams);
    let expected = [("a", 1.0), ("b", 0.5), ("e", -1.0)];
    let expected = expected.map(|(card, amount)| (card.to_owned(), json!({"amount": amount})));
    assert_eq!(reported(&service, 3, "payments"), expected);
    let aside = service.folder.read("quarantine.jsonl");
    let why: Vec<Value> = aside.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(why.len(), 2, "{aside}");
    assert!(
        why[0]["detail"].as_str().is_some_and(|why| why.contains("less than the minimum of 0, at /amount")),
        "{aside}"
    );
    assert!(why[1]["detail"].as_str().is_some_and(|why| why.contains("not of type \"integer\"")), "{aside}");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

#[test]
fn what_a_message_has_besides_its_value_does_not_depend_on_the_codec() {
    let broker = Broker::shared();
    make_topic(&broker, "beside", 2, &[]);
    let registry = Registry::start(Mood::Well);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    let with_key = |key: &str, value: Option<Vec<u8>>| Sent {
        key: Some(key.into()),
        value,
        headers: vec![("trace".into(), b"t1".to_vec())],
        timestamp: Some(1_700_000_000_123),
        ..Sent::default()
    };
    let payment = Wire::of(1).int(1).text("c").int(12).bytes();
    send(&broker, "beside", &[with_key("a", Some(payment)), with_key("b", None)]);
    let rules = "stream payments { number int?, card string from \"_kafka.key\", at timestamp from \"_kafka.timestamp\", \
                 trace string from \"_kafka.headers.trace\", gone bool from \"_kafka.tombstone\" }\n"
        .to_owned()
        + &reporting("payments", "id = e.number, at = e.at, trace = e.trace, gone = e.gone");
    let streams = [("payments", "codec = \"avro\"\ntombstones = \"event\"")];
    let service = start(Folder::new(), &registry, (&broker, "beside"), &rules, &streams);
    let of = |id: Option<i64>| json!({"id": id, "at": "2023-11-14T22:13:20.123Z", "trace": "t1", "gone": id.is_none()});
    let expected = [("a".to_owned(), of(Some(1))), ("b".to_owned(), of(None))];
    assert_eq!(reported(&service, 2, "payments"), expected);
    let evidence = &alerts(&service.folder, 2)[0]["events"]["e"][0];
    assert_eq!(
        (&evidence["card"], &evidence["_kafka"]["key"]),
        (&"c".into(), &"a".into()),
        "as the value has it"
    );
    assert_all_was_read(service, &broker, "beside", &["payments"], 2);
}

#[test]
fn a_header_can_have_the_id() {
    let broker = Broker::shared();
    make_topic(&broker, "schema-header", 2, &[]);
    let registry = Registry::start(Mood::Well);
    registry.has("01020304-0506-0708-090a-0b0c0d0e0f10", "AVRO", PAYMENT_1, &[]);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    let guid: Vec<u8> =
        (0..=16).collect::<Vec<u8>>().into_iter().map(|byte| if byte == 0 { 1 } else { byte }).collect();
    let record = Wire::default().int(1).text("a").int(12).bytes();
    let with_header = Sent { headers: vec![("__value_schema_id".into(), guid)], ..Sent::new(0, record) };
    let without = Sent::new(0, Wire::of(1).int(2).text("b").int(13).bytes());
    send(&broker, "schema-header", &[with_header, without]);
    let rules = "stream payments { number int, card string, amount int }\n".to_owned()
        + &reporting("payments", "id = e.number, amount = e.amount");
    let streams = [("payments", "codec = \"avro\"")];
    let service = start(Folder::new(), &registry, (&broker, "schema-header"), &rules, &streams);
    let expected =
        [("a".to_owned(), json!({"id": 1, "amount": 12})), ("b".to_owned(), json!({"id": 2, "amount": 13}))];
    assert_eq!(reported(&service, 2, "payments"), expected);
    assert_all_was_read(service, &broker, "schema-header", &["payments"], 2);
}

#[test]
fn a_registry_that_is_away_is_waited_for() {
    let broker = Broker::shared();
    make_topic(&broker, "registry-away", 2, &[]);
    let registry = Registry::start(Mood::Hanging);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    registry.has(2, "AVRO", &payment_2(CLIENT), &[]);
    let first = |id: i64| Wire::of(1).int(id).text(&format!("c{id:03}")).int(12).bytes();
    let second = |id: i64| {
        Wire::of(2).int(id).text(&format!("c{id:03}")).double(12.0).text("DE").text("10.0.0.1").bytes()
    };
    let sent: Vec<Sent> = (0..100).map(|id| Sent::new((id % 2) as i32, first(id))).collect();
    send(&broker, "registry-away", &sent);
    let rules = "stream payments { number int, card string, amount float }\n".to_owned()
        + &reporting("payments", "id = e.number, amount = e.amount");
    // Whoever is silent, or does not ask for messages, for so long is thrown out of the group.
    let impatient = "codec = \"avro\"\nsession_timeout = \"1s\"\nproperties = { \"max.poll.interval.ms\" = 2000, \"heartbeat.interval.ms\" = 200 }";
    let mut service =
        start(Folder::new(), &registry, (&broker, "registry-away"), &rules, &[("payments", impatient)]);
    // It takes as long as the group has patience until it has been asked so often: each waits for half a second.
    registry.wait_for_requests(6);
    service.wait_for("does not answer", |line| {
        line["why"].as_str().is_some_and(|why| why.contains("no answer in time"))
    });
    registry.becomes(Mood::Failing);
    registry.wait_for_requests(12);
    service.wait_for("does not answer", |line| line["why"].as_str().is_some_and(|why| why.contains("500")));
    assert!(alerts(&service.folder, 0).is_empty(), "nothing can be read yet");
    registry.becomes(Mood::Well);
    reported(&service, 100, "payments");
    // Gone again, it stops only what has a schema that is not known.
    registry.becomes(Mood::Failing);
    let asked = registry.requests().len();
    let sent: Vec<Sent> = (100..150).map(|id| Sent::new((id % 2) as i32, first(id))).collect();
    send(&broker, "registry-away", &sent);
    reported(&service, 150, "payments");
    assert_eq!(registry.requests().len(), asked, "what is known is not asked for");
    let sent: Vec<Sent> = (150..200).map(|id| Sent::new((id % 2) as i32, second(id))).collect();
    send(&broker, "registry-away", &sent);
    registry.wait_for_requests(asked + 3);
    registry.becomes(Mood::Well);
    let expected: Vec<_> =
        (0..200).map(|id| (format!("c{id:03}"), json!({"id": id, "amount": 12.0}))).collect();
    assert_eq!(reported(&service, 200, "payments"), expected);
    assert_all_was_read(service, &broker, "registry-away", &["payments"], 200);
}

#[test]
fn a_service_stops_while_the_registry_is_away_and_loses_nothing() {
    let broker = Broker::shared();
    make_topic(&broker, "registry-stop", 2, &[]);
    let registry = Registry::start(Mood::Well);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    registry.has(2, "AVRO", &payment_2(CLIENT), &[]);
    let first = Wire::of(1).int(1).text("a").int(12).bytes();
    let second = Wire::of(2).int(2).text("b").double(12.0).text("DE").text("10.0.0.1").bytes();
    send(&broker, "registry-stop", &[Sent::new(0, first.clone())]);
    let rules =
        "stream payments { number int, card string }\n".to_owned() + &reporting("payments", "id = e.number");
    let streams = [("payments", "codec = \"avro\"")];
    let mut service = start(Folder::new(), &registry, (&broker, "registry-stop"), &rules, &streams);
    reported(&service, 1, "payments");
    registry.becomes(Mood::Hanging);
    let asked = registry.requests().len();
    send(&broker, "registry-stop", &[Sent::new(0, second), Sent::new(0, first)]);
    registry.wait_for_requests(asked + 1);
    let folder = std::mem::replace(&mut service.folder, Folder::new());
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    registry.becomes(Mood::Well);
    let service = Service::launch(folder, std::process::Stdio::null());
    let expected = [("a", 1), ("a", 1), ("b", 2)].map(|(card, id)| (card.to_owned(), json!({"id": id})));
    assert_eq!(reported(&service, 3, "payments"), expected);
    assert_all_was_read(service, &broker, "registry-stop", &["payments"], 3);
}

#[test]
fn what_has_no_schema_is_set_aside_and_stops_nothing() {
    let broker = Broker::shared();
    make_topic(&broker, "schemaless", 1, &[]);
    make_topic(&broker, "schemaless.dead", 1, &[]);
    let registry = Registry::start(Mood::Well);
    registry.has(1, "AVRO", PAYMENT_1, &[]);
    registry.has(2, "PROTOBUF", "syntax = \"proto3\"; message M { int32 x = 1; }", &[]);
    registry.has(3, "AVRO", "{\"type\": \"no such type\"}", &[]);
    let good = |id: i64, card: &str| Wire::of(1).int(id).text(card).int(12).bytes();
    let bad = [
        (Wire::of(99).int(1).bytes(), "there is no schema 99: Schema not found"),
        (Wire::of(2).int(1).bytes(), "its schema cannot be used: it is a schema of Protobuf"),
        (Wire::of(3).int(1).bytes(), "its schema cannot be used"),
        (Wire::of(1).int(1).bytes(), "a value of 1 bytes begins where 0 are left"),
        (b"{\"id\": 1}".to_vec(), "was it written without a schema registry?"),
        (vec![0, 0], "ends within the id of its schema"),
    ];
    let mut sent = vec![Sent::new(0, good(1, "a"))];
    sent.extend(bad.iter().map(|(value, _)| Sent::new(0, value.clone())));
    sent.push(Sent::new(0, good(2, "b")));
    send(&broker, "schemaless", &sent);
    let rules =
        "stream payments { number int, card string }\n".to_owned() + &reporting("payments", "id = e.number");
    let streams = [("payments", "codec = \"avro\"\ndead_letter_topic = \"schemaless.dead\"")];
    let service = start(Folder::new(), &registry, (&broker, "schemaless"), &rules, &streams);
    let expected = [("a", 1), ("b", 2)].map(|(card, id)| (card.to_owned(), json!({"id": id})));
    assert_eq!(reported(&service, 2, "payments"), expected);
    let dead = read_until(&broker, "schemaless.dead", |read| read.len() == bad.len());
    let aside = service.folder.read("quarantine.jsonl");
    for ((message, line), (value, why)) in dead.iter().zip(aside.lines()).zip(&bad) {
        assert_eq!(rdkafka::Message::payload(message), Some(&value[..]), "as it came");
        let said = header(message, "tripline.error").expect("a reason");
        assert!(said.contains(why), "{said}");
        let line: Value = serde_json::from_str(line).expect("a record");
        assert_eq!(line["detail"], *said);
    }
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert_eq!(committed(&broker, "schemaless-payments", "schemaless", 1), [(0, 8)].into());
}
