//! Where and by whom the service can be asked.

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;

use crate::access::{Client, Mark, Role};
use crate::config::{ApiLimits, AuditSettings, parse};
use crate::rate::Rate;
use crate::tls;

use super::{folder, show, shown};

case!(
    an_api_that_others_could_reach,
    shown,
    "rules = \"rules\"

[api]
listen = \"0.0.0.0:7070\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    an_api_that_others_could_listen_to,
    shown,
    "rules = \"rules\"

[api]
listen = \"[::]:7070\"
tokens = \"tokens.toml\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    names_that_are_none,
    shown,
    "rules = \"rules\"

[api]
listen = \"tripline.example.com:7070\"
tokens = \"\"
hosts = [\"https://tripline.example.com\", \"tripline.example.com:7070\"]

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    an_api_with_tls_and_without,
    shown,
    "rules = \"rules\"

[api]
listen = \"0.0.0.0:7070\"
tokens = \"tokens.toml\"
plaintext = true

[api.tls]
certificate = \"cert.pem\"
key = \"key.pem\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    clients_that_nobody_vouches_for,
    shown,
    "rules = \"rules\"

[api]
listen = \"127.0.0.1:7070\"

[api.tls]
certificate = \"cert.pem\"
key = \"key.pem\"
clients = [{ subject = \"CN=grafana\", role = \"read\" }]

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    certificates_that_nobody_is_known_by,
    shown,
    "rules = \"rules\"

[api]
listen = \"127.0.0.1:7070\"

[api.tls]
certificate = \"cert.pem\"
key = \"key.pem\"
client_ca = \"clients.pem\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    clients_that_cannot_be_known,
    shown,
    "rules = \"rules\"

[api]
listen = \"127.0.0.1:7070\"

[api.tls]
certificate = \"cert.pem\"
key = \"key.pem\"
client_ca = \"clients.pem\"

[[api.tls.clients]]
subject = \"grafana\"
role = \"read\"

[[api.tls.clients]]
role = \"reader\"

[[api.tls.clients]]
dns = \"grafana.example.com\"
uri = \"spiffe://example.com/grafana\"
role = \"read\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    streams_that_leave_no_connection,
    shown,
    "rules = \"rules\"

[api]
listen = \"127.0.0.1:7070\"

[api.limits]
streams = 100
connections = 100
rate = \"often\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

#[test]
fn an_api_has_bounds() {
    let folder = folder();
    let read = |text: &str| {
        let text = format!(
            "rules = \"rules\"\nsources.cards = {{ type = \"stdin\", stream = \"cards\" }}\n[api]\nlisten = \"127.0.0.1:7070\"\n{text}"
        );
        let loaded = parse("tripline.toml", &text, folder.path());
        let config =
            loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
        config.api.expect("there is one")
    };
    let api = read("");
    assert_eq!((api.limits, api.audit), (ApiLimits::default(), None));
    let api = read(
        "[api.limits]\nbody = \"2KiB\"\nrate = \"5/s\"\nconnections = 20\nstreams = 10\ntime = \"5s\"\n[api.audit]\nfile = \"audit.jsonl\"\n",
    );
    let rate = Rate { count: 5, per: Duration::from_secs(1) };
    let limits = ApiLimits { body: 2048, rate, connections: 20, streams: 10, time: Duration::from_secs(5) };
    assert_eq!(api.limits, limits);
    let file = folder.path().join("audit.jsonl");
    assert_eq!(api.audit, Some(AuditSettings { file, rotate_size: 16 << 20, keep: 10 }));
}

#[test]
fn an_api_is_read() {
    let folder = folder();
    let text = r#"
rules = "rules"
sources.cards = { type = "stdin", stream = "cards" }

[api]
listen = "0.0.0.0:7070"
tokens = "tokens.toml"
hosts = ["Tripline.example.com"]

[api.tls]
certificate = "/etc/cert.pem"
key = "/etc/key.pem"
client_ca = "/etc/clients.pem"
client_certificate = "optional"
clients = [{ subject = "CN=ana", role = "admin" }, { uri = "spiffe://example.com/grafana", role = "read" }]
"#;
    let loaded = parse("tripline.toml", text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
    let api = config.api.expect("there is one");
    assert_eq!(api.listen, "0.0.0.0:7070".parse().expect("an address"));
    assert_eq!(api.tokens.as_deref(), Some(&*folder.path().join("tokens.toml")));
    assert_eq!(api.hosts, ["tripline.example.com"]);
    let tls = api.tls.expect("it speaks TLS");
    assert_eq!(tls.identity.certificate, Path::new("/etc/cert.pem"));
    let authority = tls::ClientAuthority { authority: "/etc/clients.pem".into(), are_required: false };
    assert_eq!(tls.clients, Some(authority));
    let ana = Client { mark: Mark::subject("CN=ana").expect("a subject"), role: Role::Admin };
    let grafana = Client { mark: Mark::Uri("spiffe://example.com/grafana".into()), role: Role::Read };
    assert_eq!(api.clients, [ana, grafana]);
}
