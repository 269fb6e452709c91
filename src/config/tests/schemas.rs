//! Codecs with schemas, and registries.

use crate::source::framing::Framing;
use crate::source::registry::Credentials;

use super::*;

const PAYMENT: &str = r#"{"type": "record", "name": "P", "fields": [
    {"name": "card", "type": "boolean"}]}"#;
const TYPES: &str = r#"syntax = "proto3"; package p; import "other.proto"; message A { string card = 1; B b = 2; } message C {}"#;
const OTHER: &str = r#"syntax = "proto3"; package p; message B { int32 x = 1; }"#;

/// A folder with schemas, in which rules may be.
fn with_schemas() -> tempfile::TempDir {
    let folder = folder();
    for (name, text) in [
        ("payment.avsc", PAYMENT),
        ("a.proto", TYPES),
        ("other.proto", OTHER),
        ("payment.json", r#"{"type": "object"}"#),
        ("broken.json", "{"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    folder
}

fn said(text: &str) -> String {
    let folder = with_schemas();
    let loaded = parse("tripline.toml", text, folder.path());
    let shown = show(&loaded.diagnostics, &loaded.sources);
    shown.replace(&folder.path().display().to_string(), "FOLDER")
}

fn misfits(text: &str) -> String {
    let folder = with_schemas();
    let (program, problems) = Program::compile(&Sources::new([("rules.trip", RULES)]));
    assert!(!problems.has_errors(), "{problems:?}");
    let Loaded { config, sources, diagnostics, .. } = parse("tripline.toml", text, folder.path());
    let config = config.unwrap_or_else(|| panic!("{}", show(&diagnostics, &sources)));
    show(&config.check(&program.expect("there are no errors")), &sources)
}

case!(
    schemas_that_cannot_be_used,
    said,
    "rules = \"rules\"

[sources.none]
type = \"stdin\"
stream = \"cards\"
codec = \"avro\"

[sources.gone]
type = \"stdin\"
stream = \"cards\"
codec = \"avro\"
schema = \"gone.avsc\"

[sources.several]
type = \"stdin\"
stream = \"cards\"
codec = \"protobuf\"
schema = \"a.proto\"

[sources.unknown]
type = \"stdin\"
stream = \"cards\"
codec = \"protobuf\"
schema = \"a.proto\"
message = \"A\"

[sources.compiled]
type = \"stdin\"
stream = \"cards\"
codec = \"protobuf\"
schema = \"payment.avsc\"
message = \"p.A\"

[sources.broken]
type = \"stdin\"
stream = \"cards\"
codec = \"json_schema\"
schema = \"broken.json\"

[sources.lines]
type = \"stdin\"
stream = \"cards\"
codec = \"avro\"
schema = \"payment.avsc\"
framing = \"lines\"

[sources.asks]
type = \"stdin\"
stream = \"cards\"
codec = \"avro\"
registry = \"main\"

[sources.other]
type = \"stdin\"
stream = \"cards\"
schema = \"payment.avsc\"
message = \"p.A\"
"
);

case!(
    registries_that_cannot_be_asked,
    said,
    "rules = \"rules\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"

[registries.none]

[registries.empty]
urls = []

[registries.wrong]
urls = [\"registry:8081\", \"ftp://registry\"]

[registries.half]
urls = [\"http://registry:8081\"]
user = \"ada\"

[registries.both]
urls = [\"http://registry:8081\"]
user = \"ada\"
password_env = \"PASSWORD\"
token_file = \"token\"
"
);

case!(
    a_schema_that_does_not_fit_its_stream,
    misfits,
    "rules = \"rules\"
default_sinks = [\"out\"]

[sources.wrong_type]
type = \"stdin\"
stream = \"cards\"
codec = \"avro\"
schema = \"payment.avsc\"

[sources.lacking]
type = \"udp\"
stream = \"logins\"
listen = \"127.0.0.1:0\"
codec = \"protobuf\"
schema = \"a.proto\"
message = \"p.A\"

[sinks.out]
type = \"stdout\"

[sinks.audit]
type = \"stdout\"

[sinks.fraud_desk]
type = \"stdout\"
"
);

#[test]
fn formats_framings_and_registries_are_taken_over() {
    let folder = with_schemas();
    let text = r#"
rules = "rules"
[sources.a]
type = "tcp"
stream = "cards"
listen = "127.0.0.1:0"
codec = "avro"
schema = "payment.avsc"
[sources.b]
type = "udp"
stream = "cards"
listen = "127.0.0.1:0"
codec = "protobuf"
schema = "a.proto"
message = "p.A"
[sources.c]
type = "stdin"
stream = "cards"
codec = "json_schema"
schema = "payment.json"
[registries.main]
urls = ["https://one.example.com/api", "http://two.example.com"]
user = "ada"
password_env = "REGISTRY_PASSWORD"
max_backoff = "5s"
"#;
    let loaded = parse("tripline.toml", text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
    let framings: Vec<_> = config.sources.iter().map(|source| source.decoding.framing).collect();
    assert_eq!(framings, [Framing::LengthPrefixed, Framing::Datagram, Framing::Lines]);
    let [registry] = &config.registries[..] else { panic!("one registry") };
    assert_eq!(registry.name.value, "main");
    let settings = &registry.settings;
    assert_eq!(settings.urls.len(), 2);
    assert_eq!(settings.backoff.most, std::time::Duration::from_secs(5));
    assert!(matches!(&settings.credentials, Credentials::Basic { user, .. } if user == "ada"));
}
