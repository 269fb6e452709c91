//! Where and by whom the service can be asked.

use std::path::Path;

use insta::assert_snapshot;

use crate::access::{Client, Mark, Role};
use crate::config::parse;
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
